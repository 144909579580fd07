/* SPDX-License-Identifier: PostgreSQL */
/* One task's life, seen from the process that holds it.
 *
 *   take      executor.json is made, never replaced: who finds it there does not start the task.
 *             From here on the task counts as possibly run.
 *   reserve   room on disk for the last word, so that a full disk cannot swallow an exit code
 *   launch    executor_launch.c; running.json when the command was executed
 *   hold      reap children (this is the subreaper of all that the task starts), obey kill.json,
 * and stop by itself when the cell was out of reach for stop_unreachable_s (common_lease.h) clear
 * SIGKILL to everything in the group until it is empty: nothing outlives the task tell status.json,
 * durable; then the group is removed
 *
 * The agent speaks to an executor by writing kill.json and sending SIGTERM; the executor speaks to
 * the agent by files alone. Neither needs the other to be alive. A second kill may shorten the
 * grace, never extend it. When this process is killed, the kernel kills the command (death signal)
 * and the agent empties the group. */
#include "agent/executor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/common_isolator.h"
#include "agent/common_lease.h"
#include "agent/common_meta.h"
#include "agent/common_proc.h"
#include "agent/common_spec.h"
#include "agent/common_status.h"
#include "agent/executor_launch.h"
#include "agent/executor_outcome.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"

#define RESERVED_BYTES 4096
#define CLEAR_ROUND_MS 5000
#define TELL_RETRY_MS  1000
#define POLL_FOREVER   (-1)

struct executor {
    const struct executor_place *place;
    struct spec *spec;
    struct isolator_group group;
    int signals; /* signalfd */
    pid_t pid;   /* of the command; leads its session and process group */
    bool ended;
    int wait_status;     /* valid when ended */
    bool kill_sent;      /* SIGTERM went out */
    int64_t kill_due_ms; /* monotonic; when grace is over */
    bool stopped;        /* that was because the lease ended */
    struct lease lease;
    int alarm;          /* timerfd for the end of the lease; -1 = none is needed (any more) */
    int64_t started_ms; /* Unix time */
};

static void pause_ms(int64_t ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void news_ring(const struct executor_place *place)
{
    int fd = open(place->news_path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd >= 0)
        close(fd);
}

static int executor_take(const struct executor_place *place, struct err *err)
{
    CLEANUP_JSON json_t *doc =
        json_pack("{sI sI ss}", "pid", (json_int_t)getpid(), "start_ticks",
                  (json_int_t)proc_start_ticks(getpid()), "boot_id", proc_boot_id());
    int rc = meta_write(place->meta_dir, META_EXECUTOR, doc, META_DURABLE | META_ONCE, err);

    if (rc > 0)
        return err_set(err, ERR_try_again, "the task of %s was started before", place->meta_dir);
    return rc;
}

/* meta_write overwrites this file in place and renames it. */
static int executor_reserve(const struct executor_place *place, struct err *err)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s.new", place->meta_dir, META_STATUS);
    CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return err_set_errno(err, ERR_io_failed, "cannot open %s", path);
    int error = posix_fallocate(fd, 0, RESERVED_BYTES);
    if (error != 0 && error != EOPNOTSUPP && error != EINVAL)
        return err_set(err, ERR_io_failed, "cannot reserve room in %s: %s", path, strerror(error));
    return 0;
}

static struct spec *spec_load(const char *meta_dir, struct err *err)
{
    CLEANUP_JSON json_t *doc = NULL;
    int rc = meta_read(meta_dir, META_SPEC, &doc, err);

    if (rc > 0)
        (void)err_set(err, ERR_field_missing, "%s/%s is missing", meta_dir, META_SPEC);
    return rc == 0 ? spec_parse(doc, err) : NULL;
}

/* The room is reserved; whatever still goes wrong may pass (a remounted disk, an operator's help).
 * Until then the task's resources stay booked. Only when the directory itself is gone is there
 * nobody left to tell. */
static void executor_tell(const struct executor *executor, struct status *status)
{
    status->started_ms = executor->started_ms;
    status->ended_ms = clock_wall_ms();
    CLEANUP_JSON json_t *doc = status_to_json(status);
    for (struct err err = {0};; err_clear(&err)) {
        if (meta_write(executor->place->meta_dir, META_STATUS, doc, META_DURABLE, &err) == 0)
            break;
        if (access(executor->place->meta_dir, F_OK) != 0 && errno == ENOENT)
            return;
        log_err(LOG_LEVEL_ERROR, &err, "cannot write the task's status, trying again");
        pause_ms(TELL_RETRY_MS);
    }
    news_ring(executor->place);
    log_info("task ended state=%s reason=%s", task_state_name(status->state), status->reason);
}

static void running_tell(const struct executor *executor)
{
    struct err err = {0};
    CLEANUP_JSON json_t *doc = json_pack("{sI sI}", "pid", (json_int_t)executor->pid, "started_ms",
                                         (json_int_t)executor->started_ms);

    if (meta_write(executor->place->meta_dir, META_RUNNING, doc, 0, &err) != 0)
        log_err(LOG_LEVEL_WARN, &err, "cannot tell that the task runs");
    news_ring(executor->place);
}

/* Grace in ms of the kill that the agent asked for; -1 when it asked for none. */
static int64_t kill_grace(const struct executor *executor)
{
    CLEANUP_JSON json_t *doc = NULL;
    struct err err = {0};
    int64_t grace = executor->spec->kill_grace_ms;

    if (meta_read(executor->place->meta_dir, META_KILL, &doc, &err) != 0 ||
        json_get_int(doc, "grace_ms", false, 0, SPEC_KILL_GRACE_MAX_S * 1000LL, &grace, &err) !=
            0) {
        if (err.code != ERR_none)
            log_err(LOG_LEVEL_WARN, &err, "cannot read the kill request");
        return -1;
    }
    return grace;
}

/* A stopped process sees SIGTERM only after SIGCONT. */
static void kill_begin(struct executor *executor, int64_t grace)
{
    int64_t due = clock_mono_ms() + grace;
    if (!executor->kill_sent) {
        log_info("killing pid=%d grace_ms=%lld", (int)executor->pid, (long long)grace);
        kill(-executor->pid, SIGTERM);
        kill(-executor->pid, SIGCONT);
        executor->kill_due_ms = due;
    } else if (due < executor->kill_due_ms) {
        executor->kill_due_ms = due;
    }
    executor->kill_sent = true;
}

static void kill_obey(struct executor *executor)
{
    int64_t grace = kill_grace(executor);

    if (grace >= 0)
        kill_begin(executor, grace);
}

static void alarm_close(struct executor *executor)
{
    if (executor->alarm >= 0)
        close(executor->alarm);
    executor->alarm = -1;
}

/* Poll's own timeout would not count the time that the machine sleeps. */
static void alarm_set(const struct executor *executor, int64_t due_ms)
{
    const struct itimerspec at = {
        .it_value = {.tv_sec = due_ms / 1000, .tv_nsec = due_ms % 1000 * 1000000}};

    timerfd_settime(executor->alarm, TFD_TIMER_ABSTIME, &at, NULL);
}

/* End the task when its lease has ended. Once begun this is not taken back. */
static void lease_obey(struct executor *executor)
{
    if (executor->alarm < 0)
        return;
    int64_t due = lease_due_ms(&executor->lease);
    if (clock_boot_ms() < due) {
        alarm_set(executor, due);
        return;
    }
    log_warn("the cell was out of reach for too long stop_ms=%lld",
             (long long)executor->lease.stop_ms);
    executor->stopped = !executor->kill_sent;
    kill_begin(executor, executor->spec->kill_grace_ms);
    alarm_close(executor);
}

static void children_reap(struct executor *executor)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == executor->pid) {
            executor->ended = true;
            executor->wait_status = status;
        }
    }
}

static void signals_read(struct executor *executor)
{
    struct signalfd_siginfo info;

    while (read(executor->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
        if (info.ssi_signo == SIGTERM)
            kill_obey(executor);
}

/* Until the command ends or its grace is over. */
static void task_hold(struct executor *executor)
{
    kill_obey(executor);
    lease_obey(executor);
    for (children_reap(executor); !executor->ended; children_reap(executor)) {
        int64_t left = executor->kill_due_ms - clock_mono_ms();
        if (executor->kill_sent && left <= 0)
            break;
        struct pollfd entries[] = {{.fd = executor->signals, .events = POLLIN},
                                   {.fd = executor->alarm, .events = POLLIN}};
        poll(entries, 2, executor->kill_sent ? (int)left : POLL_FOREVER);
        signals_read(executor);
        lease_obey(executor);
    }
}

static void task_clear(struct executor *executor)
{
    while (!isolator_kill_wait(&executor->group, CLEAR_ROUND_MS, executor->pid,
                               &executor->wait_status))
        log_warn("processes of the task do not end pid=%d", (int)executor->pid);
    while (!executor->ended && waitpid(executor->pid, &executor->wait_status, 0) < 0 &&
           errno == EINTR) {
    }
}

static void task_measure(const struct executor *executor, struct status *status)
{
    struct isolator_usage usage;

    executor->group.ops->usage(&executor->group, &usage);
    status->cpu_ms = usage.cpu_ms;
    status->mem_peak_bytes = usage.mem_peak_bytes;
}

static void task_run(struct executor *executor)
{
    struct status status;

    if (launch_start(executor->spec, &executor->group, &executor->pid, &status) != 0) {
        executor_tell(executor, &status);
        return;
    }
    executor->started_ms = clock_wall_ms();
    running_tell(executor);
    task_hold(executor);
    task_clear(executor);
    outcome_decide(
        &(struct outcome_facts){
            .wait_status = executor->wait_status,
            .kill_sent = executor->kill_sent,
            .oom = executor->group.ops->was_oom(&executor->group),
            .limit_mib = isolator_mem_limit(&executor->spec->limits) >> 20,
            .stop_ms = executor->stopped ? executor->lease.stop_ms : 0,
        },
        &status);
    task_measure(executor, &status);
    executor_tell(executor, &status);
}

static void group_remove(const struct executor *executor)
{
    struct err err = {0};

    if (executor->group.ops->destroy(&executor->group, &err) != 0)
        log_err(LOG_LEVEL_WARN, &err, "the task's group stays; the agent removes it later");
}

static int signals_open(struct err *err)
{
    sigset_t set;

    sigfillset(&set);
    if (sigprocmask(SIG_SETMASK, &set, NULL) != 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        return err_set_errno(err, ERR_io_failed, "cannot prepare to hold a task");
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGCHLD);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return err_set_errno(err, ERR_io_failed, "cannot make a signalfd");
    return fd;
}

static void executor_release(struct executor *executor)
{
    spec_free(executor->spec);
    alarm_close(executor);
    if (executor->signals >= 0)
        close(executor->signals);
}

/* The task is to be stopped by a lease: prepare for that. */
static int lease_open(struct executor *executor, struct err *err)
{
    if (executor->spec->stop_ms == 0)
        return 0;
    executor->lease.stop_ms = executor->spec->stop_ms;
    executor->alarm = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (executor->alarm < 0)
        return err_set_errno(err, ERR_io_failed, "cannot make a timerfd");
    return 0;
}

/* Whether the task need not be started any more; status says why. */
static bool not_wanted(struct executor *executor, struct status *status)
{
    struct err err = {0};

    if (kill_grace(executor) >= 0)
        status_init(status, task_killed, "killed_by_request", "killed before it ran");
    else if (lease_open(executor, &err) != 0)
        status_init(status, task_dropped, "launch_failed", "%s", err.text);
    else if (lease_due_ms(&executor->lease) <= clock_boot_ms())
        outcome_stopped(executor->lease.stop_ms, status);
    else
        return false;
    return true;
}

int executor_run(const struct executor_place *place, struct err *err)
{
    CLEANUP_FREE char *lease_dir = mem_printf("%s/../..", place->meta_dir);
    __attribute__((cleanup(executor_release))) struct executor executor = {
        .place = place, .lease = {.dir = lease_dir}, .alarm = -1};
    struct err refusal = {0};
    struct status status;

    executor.signals = signals_open(err);
    if (executor.signals < 0 || executor_take(place, err) != 0 || executor_reserve(place, err) != 0)
        return -1;
    news_ring(place);
    executor.spec = spec_load(place->meta_dir, &refusal);
    if (executor.spec == NULL) {
        status_init(&status, task_error, "task_invalid", "%s", refusal.text);
        executor_tell(&executor, &status);
        return 0;
    }
    executor.group = spec_group(executor.spec, true);
    if (not_wanted(&executor, &status)) {
        executor_tell(&executor, &status);
        return 0;
    }
    task_run(&executor);
    group_remove(&executor);
    return 0;
}
