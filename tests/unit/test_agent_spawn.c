/* SPDX-License-Identifier: PostgreSQL */
/* agent/spawn: what a started executor has of the agent (its lock, its log) and what it has not:
 * parent, session, environment, descriptors, ignored signals. The executor is a script that writes
 * down how it finds itself. */
#include "tests/unit/agent_fake_host.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "agent/spawn.h"

/* Its state first: a shell that has forked has another signal mask. */
#define WRITE_ALL                                                                                  \
    "exec >\"$1/found.new\"\n"                                                                     \
    "echo pid $$; echo dir $1; echo news $2; echo lock $3; pwd\n"                                  \
    "while read -r key value; do echo \"$key $value\"; done </proc/$$/status\n"                    \
    "env; cut -d' ' -f6 /proc/$$/stat\n"                                                           \
    "for fd in /proc/$$/fd/*; do echo \"${fd##*/} $(readlink $fd)\"; done\n"                       \
    "echo word >&2; mv \"$1/found.new\" \"$1/found\""

static char found[8192];

static int lock_open(void)
{
    int fd = meta_lock(task_dir(HOST_TASK), &host_err);

    assert_true(fd >= 0);
    return fd;
}

/* Start the script and wait for what it writes. */
static pid_t found_by_executor(void)
{
    CLEANUP_FREE char *path = mem_printf("%s/found", task_dir(HOST_TASK));
    struct spawn spawn = {.program = host_executor, .meta_dir = task_dir(HOST_TASK)};
    FILE *file = NULL;
    pid_t pid = 0;
    size_t len;

    host_executor_is(WRITE_ALL);
    spawn.news_path = "/the/news";
    spawn.lock_fd = lock_open();
    assert_int_equal(spawn_executor(&spawn, &pid, &host_err), 0);
    close(spawn.lock_fd);
    for (int i = 0; i < HOST_TURNS && file == NULL; i++, usleep(1000))
        file = fopen(path, "re");
    assert_non_null(file);
    len = fread(found, 1, sizeof(found) - 1, file);
    found[len] = '\0';
    fclose(file);
    return pid;
}

static void assert_found(const char *part)
{
    if (strstr(found, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", found, part);
}

static void assert_not_found(const char *part)
{
    if (strstr(found, part) != NULL)
        fail_msg("\"%s\" says \"%s\"", found, part);
}

static void it_gets_its_arguments_and_the_agent_its_pid(void **state)
{
    CLEANUP_FREE char *dir = mem_printf("\ndir %s\n", task_dir(HOST_TASK));
    CLEANUP_FREE char *pid = NULL;

    (void)state;
    pid = mem_printf("pid %d\n", (int)found_by_executor());
    assert_int_equal(strncmp(found, pid, strlen(pid)), 0);
    assert_found(dir);
    assert_found("\nnews /the/news\n");
    assert_found("\n/\n"); /* keeps no file system from being unmounted */
}

static void it_is_nobodys_child_here_and_leads_no_session_of_ours(void **state)
{
    CLEANUP_FREE char *parent = mem_printf("PPid: %d\n", (int)getpid());
    CLEANUP_FREE char *session = mem_printf("\n%d\n", (int)getsid(0));

    (void)state;
    (void)found_by_executor();
    assert_not_found(parent);
    assert_not_found(session);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void its_environment_is_path_and_language_only(void **state)
{
    (void)state;
    setenv("SECRET_OF_THE_AGENT", "x", 1);
    setenv("LANG", "C.UTF-8", 1);
    (void)found_by_executor();
    assert_found("\nLANG=C.UTF-8\n");
    assert_found("\nPATH=");
    assert_not_found("SECRET_OF_THE_AGENT");
    assert_not_found("HOME=");
}

static void its_descriptors_are_log_and_lock_only(void **state)
{
    CLEANUP_FREE char *log = mem_printf("\n2 %s/executor.log\n", task_dir(HOST_TASK));
    CLEANUP_FREE char *lock = mem_printf(" %s/lock\n", task_dir(HOST_TASK));
    int leak = open("/etc/passwd", O_RDONLY); /* NOLINT: on purpose without close-on-exec */

    (void)state;
    assert_true(leak >= 0);
    (void)found_by_executor();
    close(leak);
    assert_found("\n0 /dev/null\n");
    assert_found(log);
    assert_found(lock);
    assert_not_found("/etc/passwd");
}

static void no_signal_is_ignored_and_all_are_blocked(void **state)
{
    sigset_t after;
    unsigned long long ignored;
    const char *line;

    (void)state;
    signal(SIGUSR1, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    (void)found_by_executor();
    sigprocmask(SIG_SETMASK, NULL, &after);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    line = strstr(found, "SigIgn:");
    assert_non_null(line);
    ignored = strtoull(line + strlen("SigIgn:"), NULL, 16);
    assert_false(ignored & (1ULL << (SIGUSR1 - 1)));
    assert_false(ignored & (1ULL << (SIGTERM - 1)));
    assert_found("SigBlk: fffffffe7ff");
    assert_false(sigismember(&after, SIGTERM)); /* the agent's own mask is as it was */
}

static void its_words_go_to_its_log_after_those_of_former_ones(void **state)
{
    CLEANUP_FREE char *path = mem_printf("%s/executor.log", task_dir(HOST_TASK));
    char text[64] = "";
    FILE *file;

    (void)state;
    task_file(HOST_TASK, "executor.log", "former\n");
    (void)found_by_executor();
    file = fopen(path, "re");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
    fclose(file);
    assert_string_equal(text, "former\nword\n");
}

/* ---- failures ---- */

static void assert_refused(const char *program, const char *meta_dir, const char *part)
{
    struct spawn spawn = {
        .program = program, .meta_dir = meta_dir, .news_path = "/n", .lock_fd = lock_open()};
    pid_t pid = 0;

    assert_int_equal(spawn_executor(&spawn, &pid, &host_err), -1);
    close(spawn.lock_fd);
    for (int i = 0; i < HOST_TURNS && meta_locked(task_dir(HOST_TASK)); i++)
        usleep(1000); /* until the process that could not is gone */
    assert_false(meta_locked(task_dir(HOST_TASK)));
    assert_int_equal(host_err.code, ERR_io_failed);
    if (strstr(host_err.text, program) == NULL || strstr(host_err.text, part) == NULL)
        fail_msg("\"%s\" does not name %s and \"%s\"", host_err.text, program, part);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void what_cannot_be_executed_is_said_with_its_reason(void **state)
{
    CLEANUP_FREE char *dir = mem_strdup(task_dir(HOST_TASK));

    (void)state;
    assert_refused("/no/such/executor", dir, "No such file");
    assert_refused(host_dir, dir, "Permission denied");
    task_file(HOST_TASK, "text", "neither program nor script");
    CLEANUP_FREE char *text = mem_printf("%s/text", dir);
    assert_refused(text, dir, "Permission denied");
    assert_int_equal(chmod(text, 0755), 0);
    assert_refused(text, dir, "Exec format error");
}

static void without_a_place_for_its_log_it_is_not_started(void **state)
{
    (void)state;
    host_executor_is("exit 0");
    assert_refused(host_executor, "/no/such/directory", "No such file");
}

#define SPAWN_TEST(name) cmocka_unit_test_setup_teardown(name, host_start, host_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPAWN_TEST(it_gets_its_arguments_and_the_agent_its_pid),
        SPAWN_TEST(it_is_nobodys_child_here_and_leads_no_session_of_ours),
        SPAWN_TEST(its_environment_is_path_and_language_only),
        SPAWN_TEST(its_descriptors_are_log_and_lock_only),
        SPAWN_TEST(no_signal_is_ignored_and_all_are_blocked),
        SPAWN_TEST(its_words_go_to_its_log_after_those_of_former_ones),
        SPAWN_TEST(what_cannot_be_executed_is_said_with_its_reason),
        SPAWN_TEST(without_a_place_for_its_log_it_is_not_started),
    };

    log_init("test", LOG_LEVEL_ERROR + 1);
    return cmocka_run_group_tests_name("agent/spawn", tests, NULL, NULL);
}
