/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/executor_command.h"
#include "base/mem.h"

static char dir[] = "/tmp/howdah-test-command.XXXXXX";
static struct err err;

static char *file_make(const char *name, const char *text, mode_t mode)
{
    char *path = mem_printf("%s/%s", dir, name);
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static int group_set_up(void **state)
{
    (void)state;
    return mkdtemp(dir) == NULL;
}

static int group_tear_down(void **state)
{
    CLEANUP_FREE char *command = mem_printf("rm -rf '%s'", dir);

    (void)state;
    return system(command);
}

static void assert_said(const char *part)
{
    if (strstr(err.text, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, part);
}

static void a_program_that_is_nowhere_is_127_and_the_path_is_said(void **state)
{
    (void)state;
    assert_int_equal(command_explain("nix", "/usr/bin:/bin", "nobody", ENOENT, &err), 127);
    assert_int_equal(err.code, ERR_value_invalid);
    assert_said("field \"command.argv[0]\", value \"nix\": not found in PATH \"/usr/bin:/bin\"");
}

static void an_absolute_path_without_file_is_127(void **state)
{
    (void)state;
    assert_int_equal(command_explain("/no/such/program", "/bin", "nobody", ENOENT, &err), 127);
    assert_said("value \"/no/such/program\": No such file");
}

static void a_file_without_the_bit_is_126_and_its_mode_is_said(void **state)
{
    CLEANUP_FREE char *path = file_make("plain", "text", 0644);

    (void)state;
    assert_int_equal(command_explain(path, "", "nobody", EACCES, &err), 126);
    assert_said("is not executable for user nobody (mode 0644)");
    assert_int_equal(command_explain("plain", dir, "nobody", EACCES, &err), 126);
    assert_said(path);
}

static void a_folder_is_126_when_named_and_skipped_when_searched(void **state)
{
    CLEANUP_FREE char *folder = mem_printf("%s/folder", dir);

    (void)state;
    assert_int_equal(mkdir(folder, 0755), 0);
    assert_int_equal(command_explain(folder, "", "nobody", EACCES, &err), 126);
    assert_said("is a directory");
    assert_int_equal(command_explain("folder", dir, "nobody", EACCES, &err), 127);
    assert_said("not found in PATH");
}

static void a_missing_interpreter_is_told_from_a_missing_file(void **state)
{
    CLEANUP_FREE char *path = file_make("script", "#!/no/such/interpreter\n", 0755);

    (void)state;
    assert_int_equal(command_explain(path, "", "nobody", ENOENT, &err), 126);
    assert_said("its interpreter or loader is not");
}

static void other_refusals_keep_their_text(void **state)
{
    CLEANUP_FREE char *path = file_make("huge", "#!/bin/sh\n", 0755);

    (void)state;
    assert_int_equal(command_explain(path, "", "nobody", E2BIG, &err), 126);
    assert_said(strerror(E2BIG));
    assert_said(path);
}

/* Not as root, who enters everywhere. */
static void closed_folder_say(const char *program, const char *path)
{
    if (geteuid() == 0)
        assert_int_equal(seteuid(65534), 0);
    assert_int_equal(command_explain(program, path, "nobody", EACCES, &err), 127);
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
    assert_said("user nobody may not enter");
}

static void a_closed_folder_of_the_path_is_named(void **state)
{
    CLEANUP_FREE char *closed = mem_printf("%s/closed", dir);
    CLEANUP_FREE char *path = mem_printf("/bin:%s:/usr/bin", closed);
    CLEANUP_FREE char *program = mem_printf("%s/tool", closed);

    (void)state;
    assert_int_equal(chmod(dir, 0755), 0);
    assert_int_equal(mkdir(closed, 0), 0);
    closed_folder_say("nix", path);
    assert_said(closed);
    closed_folder_say(program, path);
    assert_int_equal(rmdir(closed), 0);
}

static void odd_paths_are_survived(void **state)
{
    static const char *const paths[] = {"", ":", "::", ":/bin", "/bin:", "relative", "/bin//:./"};
    CLEANUP_FREE char *longest = mem_alloc(20001);

    (void)state;
    memset(longest, '/', 20000);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        assert_int_equal(command_explain("nix", paths[i], NULL, ENOENT, &err), 127);
    assert_int_equal(command_explain("nix", longest, NULL, ENOENT, &err), 127);
    assert_true(strlen(err.text) < 480);
    assert_int_equal(command_explain(longest, "/bin", NULL, ENAMETOOLONG, &err), 127);
    assert_true(strlen(err.text) < 480);
    assert_said("File name too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_that_is_nowhere_is_127_and_the_path_is_said),
        cmocka_unit_test(an_absolute_path_without_file_is_127),
        cmocka_unit_test(a_file_without_the_bit_is_126_and_its_mode_is_said),
        cmocka_unit_test(a_folder_is_126_when_named_and_skipped_when_searched),
        cmocka_unit_test(a_missing_interpreter_is_told_from_a_missing_file),
        cmocka_unit_test(other_refusals_keep_their_text),
        cmocka_unit_test(a_closed_folder_of_the_path_is_named),
        cmocka_unit_test(odd_paths_are_survived),
    };

    return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
