/* SPDX-License-Identifier: PostgreSQL */
/* Seen from build/tests, whose place in the tree is that of build/bin. */
#include "tests/unit/cmocka_all.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/paths.h"

static struct err err;

static void the_programs_folder_is_that_of_the_running_file(void **state)
{
    CLEANUP_FREE char *folder = path_of_programs(&err);

    (void)state;
    assert_non_null(folder);
    assert_int_equal(folder[0], '/');
    assert_string_equal(strrchr(folder, '/'), "/tests");
}

static void parts_are_found_in_the_tree_whatever_the_working_directory(void **state)
{
    CLEANUP_FREE char *here = getcwd(NULL, 0);

    (void)state;
    assert_int_equal(chdir("/"), 0);
    CLEANUP_FREE char *script = path_of_devcluster(&err);
    CLEANUP_FREE char *sql = path_of_sql(&err);
    assert_int_equal(chdir(here), 0);
    assert_non_null(script);
    assert_non_null(sql);
    assert_int_equal(access(script, X_OK), 0);
    assert_null(strstr(script, "/../"));
    CLEANUP_FREE char *manifest = mem_printf("%s/manifest", sql);
    assert_int_equal(access(manifest, R_OK), 0);
}

/* This program itself, copied to where nothing of Howdah is near, says so with exit code 7. */
static void a_program_that_stands_alone_says_what_it_misses(void **state)
{
    char dir[] = "/tmp/howdah-test-paths.XXXXXX", self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

    (void)state;
    assert_true(len > 0);
    self[len] = '\0';
    assert_non_null(mkdtemp(dir));
    CLEANUP_FREE char *command =
        mem_printf("mkdir -p '%s/a b/c' && cp '%s' '%s/a b/c/alone' && '%s/a b/c/alone' alone", dir,
                   self, dir, dir);
    int status = system(command);
    CLEANUP_FREE char *removal = mem_printf("rm -rf '%s'", dir);
    assert_int_equal(system(removal), 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

/* 7: both are missed and named. */
static int alone(void)
{
    CLEANUP_FREE char *script = path_of_devcluster(&err);
    bool script_named =
        script == NULL && strstr(err.text, "devcluster.sh not found near /") != NULL;
    CLEANUP_FREE char *sql = path_of_sql(&err);
    bool sql_named = sql == NULL && strstr(err.text, "sql/manifest not found near /") != NULL &&
                     strstr(err.text, "a b/c: is the installation complete?") != NULL;

    return script_named && sql_named ? 7 : 1;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_programs_folder_is_that_of_the_running_file),
        cmocka_unit_test(parts_are_found_in_the_tree_whatever_the_working_directory),
        cmocka_unit_test(a_program_that_stands_alone_says_what_it_misses),
    };

    if (argc == 2 && strcmp(argv[1], "alone") == 0)
        return alone();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
