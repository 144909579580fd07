/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/common_proc.h"
#include "base/clock.h"
#include "base/mem.h"

#define TASK  "5f0e4a52-0000-4000-8000-00000000a001"
#define OTHER "5f0e4a52-0000-4000-8000-00000000a002"

/* A process of this name that sleeps, with this environment; told apart from its former self only
 * after it has executed, so that is waited for. */
static pid_t sleeper_start(const char *variable)
{
    char *const argv[] = {(char *)"sleep", (char *)"300", NULL};
    char *const environment[] = {(char *)variable, NULL};
    char path[64], name[32] = "";
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execve("/bin/sleep", argv, environment);
        _exit(127);
    }
    assert_true(pid > 0);
    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    for (int64_t end = clock_mono_ms() + 10000; clock_mono_ms() < end && name[0] != 's';) {
        FILE *file = fopen(path, "re");

        if (file == NULL || fgets(name, sizeof(name), file) == NULL || strcmp(name, "sleep\n") != 0)
            name[0] = '\0';
        if (file != NULL)
            fclose(file);
        usleep(1000);
    }
    assert_string_equal(name, "sleep\n");
    return pid;
}

static void sleeper_end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void the_boot_has_an_id_that_stays(void **state)
{
    const char *id = proc_boot_id();

    (void)state;
    assert_int_equal(strlen(id), 36);
    assert_null(strchr(id, '\n'));
    assert_ptr_equal(proc_boot_id(), id);
}

static void a_process_has_its_start_and_nobody_has_none(void **state)
{
    (void)state;
    assert_true(proc_start_ticks(getpid()) > 0);
    assert_int_equal(proc_start_ticks(getpid()), proc_start_ticks(getpid()));
    assert_int_equal(proc_start_ticks(0), 0);
    assert_int_equal(proc_start_ticks(-1), 0);
    assert_int_equal(proc_start_ticks(0x7fffffff), 0);
}

/* Field 2 of stat may hold whatever a process likes to be called. */
static void a_name_with_brackets_and_spaces_misleads_nobody(void **state)
{
    uint64_t before = proc_start_ticks(getpid());
    char name[16] = "";

    (void)state;
    assert_int_equal(prctl(PR_GET_NAME, name), 0);
    assert_int_equal(prctl(PR_SET_NAME, ") S 1 2 3 ("), 0);
    assert_int_equal(proc_start_ticks(getpid()), before);
    assert_int_equal(prctl(PR_SET_NAME, name), 0);
}

static void a_pidfd_is_given_for_the_very_process_only(void **state)
{
    pid_t pid = sleeper_start("A=1");
    uint64_t ticks = proc_start_ticks(pid);
    CLEANUP_FD int fd = proc_pidfd(pid, ticks);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(proc_pidfd(pid, ticks + 1), -1); /* the number was given to another since */
    assert_int_equal(proc_pidfd(0, ticks), -1);
    assert_int_equal(proc_pidfd(-5, ticks), -1);
    assert_false(proc_pidfd_ended(fd));
    assert_int_equal(proc_pidfd_signal(fd, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(proc_pidfd_ended(fd));
    assert_int_equal(proc_pidfd_signal(fd, SIGKILL), -1);
    assert_int_equal(errno, ESRCH);
    assert_int_equal(proc_pidfd(pid, ticks), -1);
}

static void an_ended_process_that_nobody_reaped_is_gone(void **state)
{
    pid_t pid = sleeper_start("A=1");
    uint64_t ticks = proc_start_ticks(pid);
    siginfo_t info;

    (void)state;
    kill(pid, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(proc_pidfd(pid, ticks), -1);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_group_is_who_carries_the_tasks_mark(void **state)
{
    const struct proc_group group = {.task_id = TASK};
    pid_t ours = sleeper_start("HOWDAH_TASK_ID=" TASK);
    pid_t others = sleeper_start("HOWDAH_TASK_ID=" OTHER);
    pid_t longer = sleeper_start("HOWDAH_TASK_ID=" TASK "x");
    pid_t hidden = sleeper_start("X=HOWDAH_TASK_ID=" TASK);

    (void)state;
    assert_int_equal(proc_group_signal(&group, 0), 1);
    assert_int_equal(proc_group_signal(&group, SIGKILL), 1);
    assert_int_equal(waitpid(ours, NULL, 0), ours);
    assert_int_equal(proc_group_signal(&group, 0), 0);
    assert_int_equal(kill(others, 0) | kill(longer, 0) | kill(hidden, 0), 0);
    sleeper_end(others);
    sleeper_end(longer);
    sleeper_end(hidden);
}

static void with_own_children_the_mark_is_not_needed(void **state)
{
    const struct proc_group marked = {.task_id = TASK};
    const struct proc_group children = {.task_id = TASK, .own_children = true};
    pid_t wiped = sleeper_start("A=1");

    (void)state;
    assert_int_equal(proc_group_signal(&marked, 0), 0);
    assert_int_equal(proc_group_signal(&children, 0), 1);
    sleeper_end(wiped);
    assert_int_equal(proc_group_signal(&children, 0), 0);
}

static void a_zombie_counts_as_gone(void **state)
{
    const struct proc_group group = {.task_id = TASK, .own_children = true};
    pid_t pid = sleeper_start("HOWDAH_TASK_ID=" TASK);
    siginfo_t info;

    (void)state;
    kill(pid, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(proc_group_signal(&group, 0), 0);
    waitpid(pid, NULL, 0);
}

static void a_group_never_holds_who_asks(void **state)
{
    const struct proc_group group = {.task_id = OTHER, .own_children = true};

    (void)state;
    assert_int_equal(setenv("HOWDAH_TASK_ID", OTHER, 1), 0);
    assert_int_equal(proc_group_signal(&group, 0), 0);
    assert_int_equal(unsetenv("HOWDAH_TASK_ID"), 0);
}

static void what_a_group_uses_is_summed(void **state)
{
    const struct proc_group group = {.task_id = TASK};
    pid_t one = sleeper_start("HOWDAH_TASK_ID=" TASK), two = sleeper_start("HOWDAH_TASK_ID=" TASK);
    struct proc_sum sum, nobody;

    (void)state;
    proc_group_sum(&group, &sum);
    assert_int_equal(sum.count, 2);
    assert_true(sum.mem_bytes > 100000);
    assert_true(sum.cpu_ms >= 0 && sum.cpu_ms < 60000);
    sleeper_end(one);
    sleeper_end(two);
    proc_group_sum(&group, &nobody);
    assert_int_equal(nobody.count, 0);
    assert_int_equal(nobody.mem_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_boot_has_an_id_that_stays),
        cmocka_unit_test(a_process_has_its_start_and_nobody_has_none),
        cmocka_unit_test(a_name_with_brackets_and_spaces_misleads_nobody),
        cmocka_unit_test(a_pidfd_is_given_for_the_very_process_only),
        cmocka_unit_test(an_ended_process_that_nobody_reaped_is_gone),
        cmocka_unit_test(a_group_is_who_carries_the_tasks_mark),
        cmocka_unit_test(with_own_children_the_mark_is_not_needed),
        cmocka_unit_test(a_zombie_counts_as_gone),
        cmocka_unit_test(a_group_never_holds_who_asks),
        cmocka_unit_test(what_a_group_uses_is_summed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
