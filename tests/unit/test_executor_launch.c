/* SPDX-License-Identifier: PostgreSQL */
/* agent/executor_launch: how a command finds itself when it runs, and what is said, and left, when
 * it cannot. */
#include "tests/unit/cmocka_all.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/executor_launch.h"
#include "base/mem.h"

static char dir[64];
static char *environment[] = {(char *)"HOWDAH_TASK_ID=x", (char *)"PATH=/usr/bin:/bin", NULL};
static struct isolator_ops ops; /* the driver none, unless a test breaks it */
static struct isolator_group group;
static struct spec spec;
static struct status status;
static char *script[] = {(char *)"/bin/sh", (char *)"-c", NULL, NULL};

static int start(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/howdah test launch XXXXXX");
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chmod(dir, 0755), 0);
    ops = isolator_none;
    group = (struct isolator_group){.ops = &ops, .path = "x", .task_id = "x", .in_executor = true};
    spec = (struct spec){.environ = environment,
                         .workdir = (char *)".",
                         .sandbox = mem_printf("%s/sandbox", dir),
                         .uid = geteuid(),
                         .gid = getegid(),
                         .argv = script};
    status = (struct status){.exit_code = 0};
    return 0;
}

static int stop(void **state)
{
    CLEANUP_FREE char *command = mem_printf("rm -rf '%s'", dir);

    (void)state;
    free(spec.sandbox);
    return system(command);
}

/* With all signals blocked, as an executor is. */
static int launch(pid_t *pid)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    rc = launch_start(&spec, &group, pid, &status);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return rc;
}

static const char *text_of(const char *name)
{
    static char text[8192];
    CLEANUP_FREE char *path = mem_printf("%s/%s", spec.sandbox, name);
    FILE *file = fopen(path, "re");
    size_t len;

    assert_non_null(file);
    len = fread(text, 1, sizeof(text) - 1, file);
    text[len] = '\0';
    fclose(file);
    return text;
}

/* Run a script to its end; what it said on stdout. */
static const char *said_by(const char *text)
{
    pid_t pid = 0;
    int ended;

    script[2] = (char *)(uintptr_t)text;
    if (launch(&pid) != 0)
        fail_msg("launch: %s", status.message);
    assert_int_equal(waitpid(pid, &ended, 0), pid);
    assert_true(WIFEXITED(ended));
    return text_of("stdout");
}

static void assert_fails(enum task_state state, const char *reason, const char *part)
{
    pid_t pid = 0;

    assert_int_equal(launch(&pid), -1);
    assert_int_equal(status.state, state);
    assert_string_equal(status.reason, reason);
    if (strstr(status.message, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", status.message, part);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* The output of a former launch is never written over: the next one has a sandbox of its own. */
static void sandbox_clear(void)
{
    CLEANUP_FREE char *command = mem_printf("rm -rf '%s'", spec.sandbox);

    assert_int_equal(system(command), 0);
}

/* ---- running ---- */

static void output_and_working_directory_are_the_sandboxs(void **state)
{
    CLEANUP_FREE char *wanted = mem_printf("%s\n", spec.sandbox);

    (void)state;
    assert_string_equal(said_by("pwd; echo word >&2"), wanted);
    assert_string_equal(text_of("stderr"), "word\n");
}

static void a_working_directory_may_lie_deeper(void **state)
{
    CLEANUP_FREE char *deep = mem_printf("%s/deep", spec.sandbox);
    CLEANUP_FREE char *wanted = mem_printf("%s\n", deep);

    (void)state;
    assert_int_equal(mkdir(spec.sandbox, 0750), 0);
    assert_int_equal(mkdir(deep, 0755), 0);
    spec.workdir = (char *)"deep";
    assert_string_equal(said_by("pwd"), wanted);
}

static void the_environment_is_the_tasks_and_nothing_else(void **state)
{
    char *program[] = {(char *)"env", NULL}; /* found by the task's PATH */
    pid_t pid = 0;

    (void)state;
    setenv("SECRET_OF_THE_EXECUTOR", "x", 1);
    spec.argv = program;
    assert_int_equal(launch(&pid), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_string_equal(text_of("stdout"), "HOWDAH_TASK_ID=x\nPATH=/usr/bin:/bin\n");
}

static void it_leads_a_session_of_its_own(void **state)
{
    pid_t pid = 0;

    (void)state;
    script[2] = (char *)"exec sleep 1000";
    assert_int_equal(launch(&pid), 0);
    assert_int_equal(getsid(pid), pid);
    assert_int_equal(getpgid(pid), pid);
    assert_int_equal(kill(pid, SIGTERM), 0); /* which it neither blocks nor ignores */
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void signals_are_as_if_nobody_had_touched_them(void **state)
{
    const char *said;

    (void)state;
    signal(SIGUSR1, SIG_IGN);
    said = said_by("while read -r key value; do echo $key $value; done </proc/$$/status");
    signal(SIGUSR1, SIG_DFL);
    assert_non_null(strstr(said, "\nSigBlk: 0000000000000000\n"));
    assert_int_equal(strtoul(strstr(said, "SigIgn: ") + 8, NULL, 16) & (1UL << (SIGUSR1 - 1)), 0);
    assert_non_null(strstr(said, "\nNoNewPrivs: 1\n"));
    assert_non_null(strstr(said, "\nUmask: 0022\n"));
}

static void only_three_descriptors_are_open_and_limits_are_set(void **state)
{
    FILE *leak = fopen("/etc/passwd", "r"); /* NOLINT: on purpose without close-on-exec */
    const char *said;

    (void)state;
    assert_non_null(leak);
    said = said_by("ulimit -c; ulimit -n; ls -l /proc/$$/fd; readlink /proc/$$/fd/0");
    fclose(leak);
    assert_int_equal(strncmp(said, "0\n", 2), 0);
    assert_true(strtol(said + 2, NULL, 10) <= 1024);
    assert_non_null(strstr(said, "\n/dev/null\n"));
    assert_null(strstr(said, "/etc/passwd"));
    assert_null(strstr(said, " 3 -> "));
}

static void lent_resources_are_first_to_go(void **state)
{
    (void)state;
    spec.revocable = true;
    assert_string_equal(said_by("cat /proc/self/oom_score_adj"), "500\n");
}

static void root_becomes_the_tasks_user(void **state)
{
    const struct passwd *user = getpwnam("daemon");

    (void)state;
    if (geteuid() != 0 || user == NULL)
        skip();
    spec.user = (char *)"daemon";
    spec.uid = user->pw_uid;
    spec.gid = user->pw_gid;
    assert_string_equal(said_by("id -un; stat -c '%U %a' . stdout"),
                        "daemon\ndaemon 750\ndaemon 640\n");
}

/* ---- not running ---- */

static void a_program_that_is_nowhere_is_said_with_a_shells_code(void **state)
{
    char *program[] = {(char *)"no-such-program", NULL};

    (void)state;
    spec.argv = program;
    assert_fails(task_failed, "launch_failed", "\"no-such-program\": not found in PATH");
    assert_int_equal(status.exit_code, 127);
    assert_string_equal(text_of("stdout"), ""); /* the sandbox stays */
}

static void a_working_directory_that_is_none_is_the_descriptions_fault(void **state)
{
    CLEANUP_FREE char *link = mem_printf("%s/out", spec.sandbox);

    (void)state;
    spec.workdir = (char *)"missing";
    assert_fails(task_error, "task_invalid", "field \"workdir\", value \"missing\": No such file");
    assert_int_equal(status.exit_code, STATUS_NO_EXIT_CODE);
    sandbox_clear();
    spec.workdir = (char *)"stdout";
    assert_fails(task_error, "task_invalid", "Not a directory");
    sandbox_clear();
    spec.workdir = (char *)"..";
    assert_fails(task_error, "task_invalid", "leads out of the sandbox");
    sandbox_clear();
    assert_int_equal(mkdir(spec.sandbox, 0750), 0);
    assert_int_equal(symlink("/tmp", link), 0);
    spec.workdir = (char *)"out";
    assert_fails(task_error, "task_invalid", "leads out of the sandbox");
}

static int limits_refuse(const struct isolator_group *asked, const struct isolator_limits *limits,
                         struct err *err)
{
    assert_ptr_equal(asked, &group);
    assert_ptr_equal(limits, &spec.limits);
    return err_set(err, ERR_isolation_missing, "made up for the test");
}

static int enter_refuse(const struct isolator_group *asked, struct err *err)
{
    (void)asked;
    return err_set(err, ERR_io_failed, "made up for the test");
}

static void without_its_group_it_does_not_run(void **state)
{
    (void)state;
    script[2] = (char *)"echo ran";
    ops.create = limits_refuse;
    assert_fails(task_failed, "isolation_failed", "made up for the test");
    sandbox_clear();
    ops.create = isolator_none.create;
    ops.enter = enter_refuse;
    assert_fails(task_failed, "isolation_failed", "made up for the test");
    assert_string_equal(text_of("stdout"), "");
}

static void without_a_sandbox_it_does_not_run(void **state)
{
    FILE *file = fopen(spec.sandbox, "we");

    (void)state;
    assert_non_null(file);
    fclose(file);
    script[2] = (char *)"true";
    assert_fails(task_failed, "launch_failed", spec.sandbox);
}

#define LAUNCH_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAUNCH_TEST(output_and_working_directory_are_the_sandboxs),
        LAUNCH_TEST(a_working_directory_may_lie_deeper),
        LAUNCH_TEST(the_environment_is_the_tasks_and_nothing_else),
        LAUNCH_TEST(it_leads_a_session_of_its_own),
        LAUNCH_TEST(signals_are_as_if_nobody_had_touched_them),
        LAUNCH_TEST(only_three_descriptors_are_open_and_limits_are_set),
        LAUNCH_TEST(lent_resources_are_first_to_go),
        LAUNCH_TEST(root_becomes_the_tasks_user),
        LAUNCH_TEST(a_program_that_is_nowhere_is_said_with_a_shells_code),
        LAUNCH_TEST(a_working_directory_that_is_none_is_the_descriptions_fault),
        LAUNCH_TEST(without_its_group_it_does_not_run),
        LAUNCH_TEST(without_a_sandbox_it_does_not_run),
    };

    return cmocka_run_group_tests_name("agent/executor_launch", tests, NULL, NULL);
}
