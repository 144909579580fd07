/* SPDX-License-Identifier: PostgreSQL */
/* A double fork: the process in between makes a session, forks the executor and is gone, so the
 * executor shares neither session nor parent with the agent and is reaped by init. Both report
 * through one pipe, which exec closes: the pid, then an errno if exec failed.
 *
 * The call returns when the program has been executed, as posix_spawn would; it waits for nothing
 * but local forks and one exec. All signals are blocked meanwhile, and stay blocked in the executor
 * until it is ready for them, so that an early kill is not lost. */
#include "agent/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

#define ENVIRONMENT_MAX 3

struct message {
    enum { MESSAGE_PID, MESSAGE_ERRNO } kind;
    int value;
};

static void message_send(int fd, int kind, int value)
{
    struct message message = {.kind = kind, .value = value};
    ssize_t sent = write(fd, &message, sizeof(message));

    if (sent != (ssize_t)sizeof(message))
        _exit(127);
}

/* stdin from nowhere; stdout and stderr to the executor's own log. */
static int streams_connect(const struct spawn *spawn)
{
    CLEANUP_FREE char *path = mem_printf("%s/executor.log", spawn->meta_dir);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

    return null < 0 || log < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0 ? -1
                                                                                            : 0;
}

static void environment_add(char **list, const char *name)
{
    const char *value = getenv(name);

    if (value == NULL)
        return;
    while (*list != NULL)
        list++;
    *list = mem_printf("%s=%s", name, value);
}

static void executor_exec(const struct spawn *spawn, int pipe_fd)
{
    char lock[16];
    char *environment[ENVIRONMENT_MAX] = {NULL};

    environment_add(environment, "PATH");
    environment_add(environment, "LANG");
    snprintf(lock, sizeof(lock), "%d", spawn->lock_fd);
    const char *argv[] = {spawn->program, spawn->meta_dir, spawn->news_path, lock, NULL};
    for (int signo = 1; signo < NSIG; signo++)
        signal(signo, SIG_DFL);
    if (streams_connect(spawn) == 0 && chdir("/") == 0) {
        syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC);
        if (fcntl(spawn->lock_fd, F_SETFD, 0) == 0)
            execve(spawn->program, (char *const *)argv, environment);
    }
    message_send(pipe_fd, MESSAGE_ERRNO, errno);
    _exit(127);
}

static void middle_run(const struct spawn *spawn, int pipe_fd)
{
    pid_t pid = setsid() < 0 ? -1 : fork();

    if (pid == 0)
        executor_exec(spawn, pipe_fd);
    message_send(pipe_fd, pid < 0 ? MESSAGE_ERRNO : MESSAGE_PID, pid < 0 ? errno : (int)pid);
    _exit(0);
}

/* Until the pipe's other ends are closed. 0 and *pid, or an errno. */
static int messages_read(int fd, pid_t *pid)
{
    struct message message;
    int error = EPIPE;
    ssize_t got;

    while ((got = read(fd, &message, sizeof(message))) != 0) {
        if (got < 0 && errno != EINTR)
            return errno;
        if (got != (ssize_t)sizeof(message))
            continue;
        if (message.kind == MESSAGE_ERRNO)
            return message.value;
        *pid = message.value;
        error = 0;
    }
    return error;
}

static int middle_fork(const struct spawn *spawn, int ends[2])
{
    sigset_t all, before;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t middle = fork();
    if (middle == 0)
        middle_run(spawn, ends[1]);
    int error = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (middle < 0)
        return error;
    while (waitpid(middle, NULL, 0) < 0 && errno == EINTR) {
    }
    return 0;
}

int spawn_executor(const struct spawn *spawn, pid_t *pid, struct err *err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set_errno(err, ERR_io_failed, "cannot make a pipe");
    int error = middle_fork(spawn, ends);
    close(ends[1]);
    if (error == 0)
        error = messages_read(ends[0], pid);
    close(ends[0]);
    if (error == 0)
        return 0;
    errno = error;
    return err_set_errno(err, ERR_io_failed, "cannot start %s", spawn->program);
}
