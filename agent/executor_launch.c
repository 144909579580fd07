/* SPDX-License-Identifier: PostgreSQL */
/* Between fork and exec.
 *
 * The child goes through the steps of a table in order. The first that fails is sent to the parent
 * through a pipe that exec closes: an empty pipe means that the command runs. Each step says what
 * its failure means for the task: error (the description cannot be run here) or failed.
 *
 * Order matters: the group is entered while we are root and before anything that the task pays for;
 * the working directory is opened before the user changes (the path to the sandbox may be closed to
 * it) and nothing of it is followed out of the sandbox; the death signal is set after the user
 * changes, because that change clears it. */
#include "agent/executor_launch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/common_sandbox.h"
#include "agent/executor_command.h"
#include "base/mem.h"

#define OPEN_FILES_SOFT   1024
#define OOM_ADJ_REVOCABLE "500" /* lent resources: first to go when the whole machine runs out */
#define OOM_ADJ_NORMAL    "0"

struct launch {
    const struct spec *spec;
    const struct isolator_group *group;
    pid_t executor;
    int sandbox, out, err; /* fds */
    int failure[2];        /* pipe */
};

struct step {
    /* 0, or STATUS_NO_EXIT_CODE, or what a shell would exit with. */
    int (*run)(const struct launch *launch, struct err *err);
    enum task_state state; /* of the task when the step fails */
    const char *reason;
};

/* What goes through the pipe; less than PIPE_BUF, so it arrives whole. */
struct failure {
    enum task_state state;
    int exit_code; /* STATUS_NO_EXIT_CODE, or what a shell would exit with */
    char reason[32];
    char text[512];
};

static int session_make(const struct launch *launch, struct err *err)
{
    (void)launch;
    for (int signo = 1; signo < NSIG; signo++)
        signal(signo, SIG_DFL);
    if (setsid() < 0)
        return err_set_errno(err, ERR_io_failed, "cannot make a session");
    return 0;
}

static int group_enter(const struct launch *launch, struct err *err)
{
    return launch->group->ops->enter(launch->group, err);
}

static int output_connect(const struct launch *launch, struct err *err)
{
    CLEANUP_FD int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(launch->out, STDOUT_FILENO) < 0 ||
        dup2(launch->err, STDERR_FILENO) < 0)
        return err_set_errno(err, ERR_io_failed, "cannot connect stdin, stdout and stderr");
    syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC);
    return 0;
}

static int workdir_enter(const struct launch *launch, struct err *err)
{
    const char *path = launch->spec->workdir;
    CLEANUP_FD int dir =
        sandbox_open_beneath(launch->sandbox, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (dir < 0 && (errno == EXDEV || errno == ELOOP))
        return err_set(err, ERR_value_invalid,
                       "field \"workdir\", value \"%.64s\": leads out of the sandbox", path);
    if (dir < 0 || fchdir(dir) != 0)
        return err_set_errno(err, ERR_value_invalid, "field \"workdir\", value \"%.64s\"", path);
    return 0;
}

static int limits_set(const struct launch *launch, struct err *err)
{
    struct rlimit files;
    const char *adj = launch->spec->revocable ? OOM_ADJ_REVOCABLE : OOM_ADJ_NORMAL;
    CLEANUP_FD int oom = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (oom >= 0 && write(oom, adj, strlen(adj)) < 0) {
        /* An unprivileged agent may not lower what it inherited. */
    }
    if (setrlimit(RLIMIT_CORE, &(struct rlimit){0, RLIM_INFINITY}) != 0 && errno != EPERM)
        return err_set_errno(err, ERR_io_failed, "cannot limit core files");
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > OPEN_FILES_SOFT) {
        files.rlim_cur = OPEN_FILES_SOFT;
        if (setrlimit(RLIMIT_NOFILE, &files) != 0)
            return err_set_errno(err, ERR_io_failed, "cannot limit open files");
    }
    umask(022);
    return 0;
}

static int user_switch(const struct launch *launch, struct err *err)
{
    const struct spec *spec = launch->spec;

    if (geteuid() == 0 && spec->user != NULL &&
        (initgroups(spec->user, spec->gid) != 0 ||
         setresgid(spec->gid, spec->gid, spec->gid) != 0 ||
         setresuid(spec->uid, spec->uid, spec->uid) != 0))
        return err_set_errno(err, ERR_value_invalid,
                             "field \"user\", value \"%.64s\": cannot switch to it", spec->user);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return err_set_errno(err, ERR_io_failed, "cannot restrict the process");
    if (getppid() != launch->executor)
        return err_set(err, ERR_io_failed, "the executor has died");
    return 0;
}

static int command_execute(const struct launch *launch, struct err *err)
{
    char **argv = launch->spec->argv;
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    environ = launch->spec->environ; /* execvp looks the program up in the task's own PATH */
    execvp(argv[0], argv);
    int error = errno;
    const char *path = getenv("PATH");
    return command_explain(argv[0], path != NULL ? path : "", launch->spec->user, error, err);
}

static const struct step steps[] = {
    {session_make, task_failed, "launch_failed"},    {group_enter, task_failed, "isolation_failed"},
    {output_connect, task_failed, "launch_failed"},  {workdir_enter, task_error, "task_invalid"},
    {limits_set, task_failed, "launch_failed"},      {user_switch, task_error, "task_invalid"},
    {command_execute, task_failed, "launch_failed"},
};

static void child_run(const struct launch *launch)
{
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct err err = {0};
        int code = steps[i].run(launch, &err);
        if (code == 0)
            continue;
        struct failure failure = {.state = steps[i].state, .exit_code = code};
        snprintf(failure.reason, sizeof(failure.reason), "%s", steps[i].reason);
        snprintf(failure.text, sizeof(failure.text), "%.*s", (int)sizeof(failure.text) - 1,
                 err.text);
        ssize_t sent = write(launch->failure[1], &failure, sizeof(failure));
        _exit(sent == (ssize_t)sizeof(failure) ? 126 : 127);
    }
    _exit(127);
}

/* Waits for exec or for the child's word: the pipe ends either way. */
static int child_await(const struct launch *launch, pid_t pid, struct status *status)
{
    struct failure failure;
    ssize_t got;

    do
        got = read(launch->failure[0], &failure, sizeof(failure));
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return 0;
    waitpid(pid, NULL, 0);
    if (got == (ssize_t)sizeof(failure)) {
        status_init(status, failure.state, failure.reason, "%s", failure.text);
        status->exit_code = failure.exit_code;
    } else {
        status_init(status, task_failed, "launch_failed", "the command's process went silent");
    }
    return -1;
}

static int child_fork(struct launch *launch, pid_t *pid, struct status *status)
{
    if (pipe2(launch->failure, O_CLOEXEC) != 0) {
        status_init(status, task_failed, "launch_failed", "cannot make a pipe: %s",
                    strerror(errno));
        return -1;
    }
    *pid = fork();
    if (*pid == 0)
        child_run(launch);
    int error = errno;
    close(launch->failure[1]);
    int rc = -1;
    if (*pid < 0)
        status_init(status, task_failed, "launch_failed", "cannot fork: %s", strerror(error));
    else
        rc = child_await(launch, *pid, status);
    close(launch->failure[0]);
    return rc;
}

static int files_open(struct launch *launch, struct err *err)
{
    const struct spec *spec = launch->spec;

    launch->sandbox = sandbox_make(spec->sandbox, spec->uid, spec->gid, err);
    if (launch->sandbox < 0)
        return -1;
    launch->out = sandbox_output_open(launch->sandbox, "stdout", spec->uid, spec->gid, err);
    if (launch->out < 0)
        return -1;
    launch->err = sandbox_output_open(launch->sandbox, "stderr", spec->uid, spec->gid, err);
    return launch->err < 0 ? -1 : 0;
}

static void files_close(const struct launch *launch)
{
    const int fds[] = {launch->sandbox, launch->out, launch->err};

    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

int launch_start(const struct spec *spec, const struct isolator_group *group, pid_t *pid,
                 struct status *status)
{
    struct launch launch = {
        .spec = spec, .group = group, .executor = getpid(), .sandbox = -1, .out = -1, .err = -1};
    struct err err = {0};
    int rc = -1;

    if (files_open(&launch, &err) != 0)
        status_init(status, task_failed, "launch_failed", "%s", err.text);
    else if (group->ops->create(group, &spec->limits, &err) != 0)
        status_init(status, task_failed, "isolation_failed", "%s", err.text);
    else
        rc = child_fork(&launch, pid, status);
    files_close(&launch);
    return rc;
}
