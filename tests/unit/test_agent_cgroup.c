/* SPDX-License-Identifier: PostgreSQL */
/* Control files, here as plain ones in a folder; the kernel's own are test_agent_life's. */
#include "tests/unit/cmocka_all.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/common_cgroup.h"
#include "base/mem.h"

static char dir[] = "/tmp/howdah-test-cgroup.XXXXXX";
static struct err err;

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

static void file_is(const char *name, const char *text)
{
    assert_int_equal(cgroup_file_write(dir, name, text, &err), 0);
}

static void what_is_written_can_be_read(void **state)
{
    static const int64_t values[] = {0, 1, -1, 100000, INT64_MAX, INT64_MIN};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        assert_int_equal(cgroup_file_write_int(dir, "memory.max", values[i], &err), 0);
        assert_int_equal(cgroup_file_int(dir, "memory.max"), values[i]);
    }
}

static void a_file_without_a_number_gives_minus_one(void **state)
{
    static const char *const texts[] = {"max", "", "\n", "max 100000\n", "x1"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        file_is("cpu.max", texts[i]);
        assert_int_equal(cgroup_file_int(dir, "cpu.max"), -1);
    }
    assert_int_equal(cgroup_file_int(dir, "no.such.file"), -1);
    assert_int_equal(cgroup_file_int("/no/such/dir", "cpu.max"), -1);
}

static void the_first_number_counts(void **state)
{
    (void)state;
    file_is("cpu.max", "50000 100000\n");
    assert_int_equal(cgroup_file_int(dir, "cpu.max"), 50000);
}

static void a_key_is_found_whole_and_at_a_lines_begin(void **state)
{
    (void)state;
    file_is("memory.events", "low 1\nhigh 2\noom 3\noom_kill 4\noom_group_kill 5\nmax");
    assert_int_equal(cgroup_file_key(dir, "memory.events", "low"), 1);
    assert_int_equal(cgroup_file_key(dir, "memory.events", "oom"), 3);
    assert_int_equal(cgroup_file_key(dir, "memory.events", "oom_kill"), 4);
    assert_int_equal(cgroup_file_key(dir, "memory.events", "oom_group_kill"), 5);
    assert_int_equal(cgroup_file_key(dir, "memory.events", "kill"), -1);
    assert_int_equal(cgroup_file_key(dir, "memory.events", "oo"), -1);
    assert_int_equal(cgroup_file_key(dir, "memory.events", "max"), -1); /* no number */
    assert_int_equal(cgroup_file_key(dir, "no.such.file", "low"), -1);
}

static void empty_lines_between_keys_are_no_matter(void **state)
{
    (void)state;
    file_is("odd", "\n\na 1\n\n\nb 2\n\n");
    assert_int_equal(cgroup_file_key(dir, "odd", "a"), 1);
    assert_int_equal(cgroup_file_key(dir, "odd", "b"), 2);
    assert_int_equal(cgroup_file_key(dir, "odd", ""), -1);
}

static void words_are_compared_whole(void **state)
{
    (void)state;
    file_is("cgroup.controllers", "cpuset cpu io memory\npids\n");
    assert_true(cgroup_file_has_word(dir, "cgroup.controllers", "cpu"));
    assert_true(cgroup_file_has_word(dir, "cgroup.controllers", "cpuset"));
    assert_true(cgroup_file_has_word(dir, "cgroup.controllers", "pids"));
    assert_false(cgroup_file_has_word(dir, "cgroup.controllers", "mem"));
    assert_false(cgroup_file_has_word(dir, "cgroup.controllers", "cpu io"));
    assert_false(cgroup_file_has_word(dir, "cgroup.controllers", ""));
    assert_false(cgroup_file_has_word(dir, "no.such.file", "cpu"));
}

static void failures_name_the_file(void **state)
{
    (void)state;
    assert_int_equal(cgroup_file_write("/no/such/dir", "cpu.weight", "100", &err), -1);
    assert_non_null(strstr(err.text, "/no/such/dir/cpu.weight"));
    assert_int_equal(cgroup_file_write("/dev", "full", "100", &err), -1);
    assert_non_null(strstr(err.text, "\"100\" to /dev/full"));
}

static void a_file_is_there_or_not(void **state)
{
    (void)state;
    file_is("cgroup.kill", "");
    assert_true(cgroup_file_exists(dir, "cgroup.kill"));
    assert_false(cgroup_file_exists(dir, "cgroup.freeze"));
    assert_false(cgroup_file_exists("/no/such/dir", "cgroup.kill"));
}

static void every_process_that_is_listed_gets_sigkill(void **state)
{
    pid_t pids[3];
    char text[64] = "";
    int status;

    (void)state;
    for (int i = 0; i < 3; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            pause();
            _exit(0);
        }
        assert_true(pids[i] > 0);
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%d\n", (int)pids[i]);
    }
    file_is("cgroup.procs", text);
    assert_int_equal(cgroup_procs_kill(dir), 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
}

/* 0 stands for a process of another pid namespace; kill(0) would be our own group, kill(-1) all. */
static void processes_that_cannot_be_named_are_counted_and_left_alone(void **state)
{
    (void)state;
    file_is("cgroup.procs", "0\n0\n-1\n1\n");
    assert_int_equal(cgroup_procs_kill(dir), 4);
    file_is("cgroup.procs", "");
    assert_int_equal(cgroup_procs_kill(dir), 0);
    assert_int_equal(cgroup_procs_kill("/no/such/dir"), 0);
}

static void folders_go_with_those_inside(void **state)
{
    CLEANUP_FREE char *outer = mem_printf("%s/outer", dir);
    CLEANUP_FREE char *inner = mem_printf("%s/inner", outer);
    CLEANUP_FREE char *third = mem_printf("%s/third", inner);

    (void)state;
    assert_int_equal(mkdir(outer, 0755) || mkdir(inner, 0755) || mkdir(third, 0755), 0);
    assert_int_equal(cgroup_dir_remove(outer, &err), 0);
    assert_int_equal(access(outer, F_OK), -1);
    assert_int_equal(cgroup_dir_remove(outer, &err), 0); /* gone already */
}

static void a_folder_that_stays_full_is_named(void **state)
{
    CLEANUP_FREE char *full = mem_printf("%s/full", dir);

    (void)state;
    assert_int_equal(mkdir(full, 0755), 0);
    assert_int_equal(cgroup_file_write(full, "file", "x", &err), 0);
    assert_int_equal(cgroup_dir_remove(full, &err), -1);
    assert_non_null(strstr(err.text, full));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(a_file_without_a_number_gives_minus_one),
        cmocka_unit_test(the_first_number_counts),
        cmocka_unit_test(a_key_is_found_whole_and_at_a_lines_begin),
        cmocka_unit_test(empty_lines_between_keys_are_no_matter),
        cmocka_unit_test(words_are_compared_whole),
        cmocka_unit_test(failures_name_the_file),
        cmocka_unit_test(a_file_is_there_or_not),
        cmocka_unit_test(every_process_that_is_listed_gets_sigkill),
        cmocka_unit_test(processes_that_cannot_be_named_are_counted_and_left_alone),
        cmocka_unit_test(folders_go_with_those_inside),
        cmocka_unit_test(a_folder_that_stays_full_is_named),
    };

    return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
