/* SPDX-License-Identifier: PostgreSQL */
/* A task's life in the agent.
 *
 * Everything is derived from the task's meta directory (common_meta.h) and from whether its
 * executor lives, each time anew: task_look has no memory that a restart would lose. The one thing
 * it must get right is the order: first whether the executor is dead, then whether there is a
 * status. The executor writes its status before it dies, so a dead executor without one is lost.
 *
 * Stages are what the cell is told: starting, running, ended. Each is told until it is confirmed;
 * earlier ones are left out when a later one is known, except running, which a framework wants to
 * have seen. */
#include "agent/task.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/common_isolator.h"
#include "agent/common_meta.h"
#include "agent/common_proc.h"
#include "agent/common_sandbox.h"
#include "agent/common_status.h"
#include "agent/spawn.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/uuid.h"

#define TASK_MAGIC       0x7a5c0001u
#define EXECUTOR_LATE_MS 5000 /* this long after the grace a disobedient executor is killed */

enum stage { STAGE_NONE, STAGE_STARTING, STAGE_RUNNING, STAGE_ENDED };

struct task {
    unsigned magic;
    const struct task_host *host;
    char id[UUID_TEXT_SIZE];
    char *dir; /* meta directory */
    char *cgroup_path;
    const struct isolator_ops *isolator;
    int64_t kill_grace_ms; /* of its description */
    int64_t stop_ms;       /* of its description; 0 = it runs on when the cell is out of reach */
    enum task_phase phase;
    int pidfd; /* of the executor; -1 = not known (yet): the lock tells */
    struct event *death;
    bool ran;       /* running.json was seen */
    bool same_boot; /* the executor was started since the machine was */
    bool kill_wanted;
    int64_t kill_due_ms; /* monotonic, when kill_wanted */
    bool forgotten;
    enum stage sent, confirmed;
    struct status status; /* when PHASE_ENDED */
};

const char *task_id(const struct task *task)
{
    return task->id;
}

enum task_phase task_phase(const struct task *task)
{
    return task->phase;
}

int64_t task_stop_ms(const struct task *task)
{
    return task->phase == PHASE_ENDED ? 0 : task->stop_ms;
}

int64_t task_ended_ms(const struct task *task)
{
    return task->phase == PHASE_ENDED ? task->status.ended_ms : 0;
}

static struct isolator_group task_group(const struct task *task)
{
    return (struct isolator_group){
        .ops = task->isolator, .path = task->cgroup_path, .task_id = task->id};
}

static void executor_unwatch(struct task *task)
{
    if (task->death != NULL)
        event_free(task->death);
    if (task->pidfd >= 0)
        close(task->pidfd);
    task->death = NULL;
    task->pidfd = -1;
}

static struct task *task_create(const struct task_host *host, const char *id)
{
    struct task *task = mem_alloc(sizeof(*task));

    task->magic = TASK_MAGIC;
    task->host = host;
    snprintf(task->id, sizeof(task->id), "%s", id);
    task->dir = meta_dir(host->work_dir, id);
    task->isolator = &isolator_none;
    task->cgroup_path = mem_printf("%s/%s", host->context.cgroup_root, id);
    task->kill_grace_ms = SPEC_KILL_GRACE_DEFAULT_MS;
    task->pidfd = -1;
    task->same_boot = true;
    return task;
}

void task_free(struct task *task)
{
    if (task == NULL)
        return;
    executor_unwatch(task);
    free(task->dir);
    free(task->cgroup_path);
    free(task);
}

static void death_cb(evutil_socket_t fd, short what, void *arg)
{
    struct task *task = CAST_MAGIC(arg, struct task, TASK_MAGIC);

    (void)fd;
    (void)what;
    event_free(task->death); /* a pidfd stays readable */
    task->death = NULL;
    task_look(task);
}

static void executor_watch(struct task *task, int pidfd)
{
    if (pidfd < 0)
        return;
    task->pidfd = pidfd;
    task->death = event_new(task->host->base, pidfd, EV_READ, death_cb, task);
    if (task->death != NULL)
        event_add(task->death, NULL);
}

static bool executor_dead(const struct task *task)
{
    return task->pidfd >= 0 ? proc_pidfd_ended(task->pidfd) : !meta_locked(task->dir);
}

/* ---- ending ------------------------------------------------------------------------------- */

static void news_remove(const struct task *task)
{
    CLEANUP_FREE char *news = meta_news_path(task->host->work_dir, task->id);

    unlink(news);
}

static void task_end(struct task *task)
{
    news_remove(task);
    executor_unwatch(task);
    task->phase = PHASE_ENDED;
    log_info("task ended task=%s state=%s reason=%s", task->id, task_state_name(task->status.state),
             task->status.reason);
    task->host->changed(task->host->arg);
}

/* The status that an executor should have written. False: it cannot be written now. */
static bool status_write(struct task *task)
{
    struct err err = {0};
    CLEANUP_JSON json_t *doc = NULL;

    task->status.ended_ms = clock_wall_ms();
    doc = status_to_json(&task->status);
    if (meta_write(task->dir, META_STATUS, doc, META_DURABLE, &err) == 0)
        return true;
    log_err(LOG_LEVEL_ERROR, &err, "cannot write a task's status, trying again task=%s", task->id);
    return false;
}

static void status_of_lost(struct task *task)
{
    struct isolator_group group = task_group(task);

    if (task->kill_wanted)
        status_init(&task->status, task_killed, "killed_by_request", "ended by a kill request");
    else if (!task->same_boot)
        status_init(&task->status, task_failed, "agent_restarted",
                    "the machine was restarted while the task ran");
    else if (!meta_exists(task->dir, META_EXECUTOR))
        status_init(&task->status, task_failed, "launch_failed",
                    "the executor ended before it took the task; see %s/executor.log", task->dir);
    else
        status_init(&task->status, task_failed, "executor_lost",
                    "the executor died; the task's processes were killed%s",
                    task->isolator->was_oom(&group) ? " (the memory limit had been hit)" : "");
}

static void clear_step(struct task *task)
{
    struct isolator_group group = task_group(task);
    struct err err = {0};

    if (!task->isolator->kill_all(&group))
        return;
    status_of_lost(task);
    if (!status_write(task))
        return;
    if (task->isolator->destroy(&group, &err) != 0)
        log_err(LOG_LEVEL_WARN, &err, "cannot remove a task's group task=%s", task->id);
    task_end(task);
}

static bool status_load(struct task *task)
{
    CLEANUP_JSON json_t *doc = NULL;
    struct err err = {0};
    int rc = meta_read(task->dir, META_STATUS, &doc, &err);

    if (rc > 0)
        return false;
    if (rc == 0 && status_from_json(doc, &task->status, &err) == 0)
        return true;
    log_err(LOG_LEVEL_ERROR, &err, "a task's status is not readable task=%s", task->id);
    status_init(&task->status, task_failed, "executor_lost", "the status is not readable: %s",
                err.text);
    task->status.ended_ms = clock_wall_ms();
    return true;
}

/* ---- looking ------------------------------------------------------------------------------ */

/* executor.json names the process that holds the task. Its pidfd is only needed for a task that
 * was adopted; whoever started the executor has it already. */
static void executor_meet(struct task *task)
{
    CLEANUP_JSON json_t *doc = NULL;
    struct err err = {0};
    int64_t pid = 0, ticks = 0;
    const char *boot_id = "";

    if (meta_read(task->dir, META_EXECUTOR, &doc, &err) != 0)
        return;
    if (json_get_int(doc, "pid", true, 1, INT32_MAX, &pid, &err) != 0 ||
        json_get_int(doc, "start_ticks", true, 0, INT64_MAX, &ticks, &err) != 0 ||
        json_get_string(doc, "boot_id", true, &boot_id, &err) != 0)
        log_err(LOG_LEVEL_WARN, &err, "executor.json of task %s", task->id);
    task->same_boot = strcmp(boot_id, proc_boot_id()) == 0;
    if (task->pidfd < 0 && task->same_boot) {
        executor_watch(task, proc_pidfd((pid_t)pid, (uint64_t)ticks));
        if (task->kill_wanted && task->pidfd >= 0)
            proc_pidfd_signal(task->pidfd, SIGTERM);
    }
    if (task->phase == PHASE_LAUNCHING)
        task->phase = PHASE_STARTING;
}

static void phase_advance(struct task *task)
{
    enum task_phase before = task->phase;

    if (task->phase == PHASE_LAUNCHING || task->pidfd < 0)
        executor_meet(task);
    if (task->phase == PHASE_STARTING && meta_exists(task->dir, META_RUNNING)) {
        task->phase = PHASE_RUNNING;
        task->ran = true;
    }
    if (task->phase != before)
        task->host->changed(task->host->arg);
}

static void executor_hasten(struct task *task)
{
    if (!task->kill_wanted || clock_mono_ms() < task->kill_due_ms + EXECUTOR_LATE_MS)
        return;
    log_warn("the executor does not obey, killing it task=%s", task->id);
    if (task->pidfd >= 0)
        proc_pidfd_signal(task->pidfd, SIGKILL);
    task->kill_due_ms = clock_mono_ms();
}

void task_overdue(struct task *task, int64_t due_ms)
{
    if (task->phase >= PHASE_CLEARING || task->pidfd < 0 ||
        clock_boot_ms() - EXECUTOR_LATE_MS - task->kill_grace_ms < due_ms)
        return;
    log_warn("the executor did not stop its task, killing it task=%s", task->id);
    proc_pidfd_signal(task->pidfd, SIGKILL);
}

void task_look(struct task *task)
{
    if (task->phase == PHASE_ENDED) {
        news_remove(task); /* the executor's last word may come after we have seen its status */
        return;
    }
    if (task->phase == PHASE_CLEARING) {
        clear_step(task);
        return;
    }
    bool dead = executor_dead(task);
    bool ended = status_load(task);
    if (meta_exists(task->dir, META_RUNNING))
        task->ran = true;
    if (ended) {
        task_end(task);
    } else if (dead) {
        executor_unwatch(task);
        log_warn("a task's executor is gone task=%s", task->id);
        task->phase = PHASE_CLEARING;
        clear_step(task);
        task->host->changed(task->host->arg);
    } else {
        phase_advance(task);
        executor_hasten(task);
    }
}

/* ---- starting and adopting ------------------------------------------------------------------ */

static void launch_refuse(struct task *task, enum task_state state, const char *reason,
                          const struct err *err)
{
    status_init(&task->status, state, reason, "%s", err->text);
    task->status.ended_ms = clock_wall_ms();
    task_end(task);
}

static int executor_start(struct task *task, const json_t *document, struct err *err)
{
    CLEANUP_FREE char *news = meta_news_path(task->host->work_dir, task->id);
    pid_t pid = 0;

    if (meta_mkdirs(task->dir, 0700, err) != 0 ||
        meta_write(task->dir, META_SPEC, document, 0, err) != 0)
        return -1;
    CLEANUP_FD int lock = meta_lock(task->dir, err);
    if (lock < 0)
        return -1;
    if (spawn_executor(&(struct spawn){.program = task->host->executor,
                                       .meta_dir = task->dir,
                                       .news_path = news,
                                       .lock_fd = lock},
                       &pid, err) != 0)
        return -1;
    executor_watch(task, proc_pidfd(pid, proc_start_ticks(pid)));
    return 0;
}

static void isolation_take(struct task *task, const struct spec *spec)
{
    free(task->cgroup_path);
    task->cgroup_path = mem_strdup(spec->cgroup_path);
    task->isolator = spec->isolator;
    task->kill_grace_ms = spec->kill_grace_ms;
    task->stop_ms = spec->stop_ms;
}

struct task *task_launch(const struct task_host *host, const json_t *launch)
{
    struct task *task = task_create(host, json_string_value(json_object_get(launch, "task_id")));
    CLEANUP_FREE char *sandbox = sandbox_path(host->work_dir, task->id);
    struct spec_context context = host->context;
    struct err err = {0};

    context.sandbox = sandbox;
    CLEANUP_JSON json_t *document = spec_document(launch, &context);
    struct spec *spec = spec_parse(document, &err);
    if (spec == NULL) {
        launch_refuse(task, task_error, "task_invalid", &err);
        return task;
    }
    isolation_take(task, spec);
    spec_free(spec);
    if (executor_start(task, document, &err) != 0)
        launch_refuse(task, task_dropped, "launch_failed", &err);
    else
        log_info("task launched task=%s", task->id);
    return task;
}

/* The checkpoint was checked when it was written, and what it names may have changed since (a user
 * was removed): only the parts that are needed to hold the task are read. */
static void checkpoint_read(struct task *task)
{
    CLEANUP_JSON json_t *doc = NULL;
    struct err err = {0};
    const char *isolator = "none", *root = task->host->context.cgroup_root;

    if (meta_read(task->dir, META_SPEC, &doc, &err) != 0)
        log_warn("a task's description is not readable task=%s %s", task->id, err.text);
    const json_t *context = json_object_get(doc, "context");
    const json_t *description = json_object_get(json_object_get(doc, "launch"), "spec");
    int64_t grace_s = SPEC_KILL_GRACE_DEFAULT_MS / 1000, stop_s = 0;
    if (context != NULL && (json_get_string(context, "isolator", true, &isolator, &err) != 0 ||
                            json_get_string(context, "cgroup_root", true, &root, &err) != 0 ||
                            json_get_int(description, "kill_grace_s", false, 0,
                                         SPEC_KILL_GRACE_MAX_S, &grace_s, &err) != 0 ||
                            json_get_int(description, "stop_unreachable_s", false, 1,
                                         SPEC_STOP_MAX_S, &stop_s, &err) != 0))
        log_err(LOG_LEVEL_WARN, &err, "a task's description task=%s", task->id);
    if (isolator_find(isolator) != NULL)
        task->isolator = isolator_find(isolator);
    free(task->cgroup_path);
    task->cgroup_path = mem_printf("%s/%s", root, task->id);
    task->kill_grace_ms = grace_s * 1000;
    task->stop_ms = stop_s * 1000;
}

/* The order of the questions matters, see the head. */
static bool never_started(const struct task *task)
{
    return !meta_locked(task->dir) && !meta_exists(task->dir, META_EXECUTOR) &&
           !meta_exists(task->dir, META_STATUS);
}

struct task *task_adopt(const struct task_host *host, const char *id)
{
    struct task *task = task_create(host, id);

    if (never_started(task)) {
        task_free(task);
        return NULL;
    }
    checkpoint_read(task);
    task->kill_wanted = meta_exists(task->dir, META_KILL);
    task->kill_due_ms = clock_mono_ms() + task->kill_grace_ms;
    if (meta_exists(task->dir, META_REPORTED)) {
        task->forgotten = !meta_exists(task->dir, META_STATUS);
        task->confirmed = STAGE_ENDED;
    }
    executor_meet(task);
    task_look(task);
    return task;
}

/* ---- killing ------------------------------------------------------------------------------ */

void task_kill(struct task *task, int64_t grace_ms)
{
    int64_t grace = grace_ms < 0 ? task->kill_grace_ms : grace_ms;
    int64_t due = clock_mono_ms() + grace;
    struct err err = {0};

    if (task->phase >= PHASE_CLEARING || (task->kill_wanted && due >= task->kill_due_ms))
        return;
    CLEANUP_JSON json_t *doc = json_pack("{sI}", "grace_ms", (json_int_t)grace);
    if (meta_write(task->dir, META_KILL, doc, 0, &err) != 0) {
        log_err(LOG_LEVEL_ERROR, &err, "cannot ask for a kill task=%s", task->id);
        return;
    }
    log_info("killing task=%s grace_ms=%lld", task->id, (long long)grace);
    task->kill_wanted = true;
    task->kill_due_ms = due;
    if (task->pidfd >= 0)
        proc_pidfd_signal(task->pidfd, SIGTERM);
}

void task_forget(struct task *task)
{
    struct err err = {0};

    task->forgotten = true;
    if (meta_exists(task->dir, META_SPEC) && meta_touch(task->dir, META_REPORTED, &err) != 0)
        log_err(LOG_LEVEL_WARN, &err, "cannot mark a task as forgotten task=%s", task->id);
    task_kill(task, 0);
}

/* ---- reporting ---------------------------------------------------------------------------- */

static enum stage task_stage(const struct task *task)
{
    if (task->phase == PHASE_ENDED)
        return STAGE_ENDED;
    if (task->ran)
        return STAGE_RUNNING;
    return task->phase == PHASE_LAUNCHING ? STAGE_NONE : STAGE_STARTING;
}

bool task_waiting(const struct task *task)
{
    return !task->forgotten && task_stage(task) > task->confirmed;
}

bool task_rests(const struct task *task)
{
    return task->phase == PHASE_ENDED && !task_waiting(task);
}

static json_t *optional(int64_t value, int64_t unknown)
{
    return value == unknown ? NULL : json_integer(value);
}

static json_t *end_update(const struct task *task)
{
    const struct status *status = &task->status;

    return json_pack("{ss ss ss ss so* so*}", "task_id", task->id, "state",
                     task_state_name(status->state), "reason", status->reason, "message",
                     status->message, "exit_code", optional(status->exit_code, STATUS_NO_EXIT_CODE),
                     "signal", optional(status->signal, 0));
}

void task_report(struct task *task, json_t *updates, json_t *running)
{
    enum stage stage = task_stage(task);

    if (task->forgotten)
        return;
    if (stage != STAGE_ENDED)
        json_array_append_new(running, json_string(task->id));
    if (stage == STAGE_STARTING && task->confirmed < STAGE_STARTING)
        json_array_append_new(updates,
                              json_pack("{ss ss}", "task_id", task->id, "state", "starting"));
    if (task->ran && task->confirmed < STAGE_RUNNING)
        json_array_append_new(updates,
                              json_pack("{ss ss}", "task_id", task->id, "state", "running"));
    if (stage == STAGE_ENDED && task->confirmed < STAGE_ENDED)
        json_array_append_new(updates, end_update(task));
    task->sent = stage;
}

void task_report_confirmed(struct task *task)
{
    struct err err = {0};

    if (task->sent <= task->confirmed)
        return;
    task->confirmed = task->sent;
    if (task->confirmed == STAGE_ENDED && meta_exists(task->dir, META_SPEC) &&
        meta_touch(task->dir, META_REPORTED, &err) != 0)
        log_err(LOG_LEVEL_WARN, &err, "a task's end may be reported again task=%s", task->id);
}

void task_report_again(struct task *task)
{
    task->confirmed = STAGE_NONE;
    task->sent = STAGE_NONE;
}

void task_unconfirm(struct task *task)
{
    struct err err = {0};

    if (task->forgotten)
        return;
    task_report_again(task);
    if (meta_remove(task->dir, META_REPORTED, &err) != 0)
        log_err(LOG_LEVEL_WARN, &err, "a task's end may not be reported again task=%s", task->id);
}

json_t *task_usage(const struct task *task)
{
    struct isolator_group group = task_group(task);
    struct isolator_usage usage;

    if (task->phase != PHASE_RUNNING || task->forgotten)
        return NULL;
    task->isolator->usage(&group, &usage);
    return json_pack("{ss so* so* so* so*}", "task_id", task->id, "cpu_ms",
                     optional(usage.cpu_ms, -1), "mem_bytes", optional(usage.mem_bytes, -1),
                     "mem_peak_bytes", optional(usage.mem_peak_bytes, -1), "pids",
                     optional(usage.pids, -1));
}

void task_group_remove(struct task *task)
{
    struct isolator_group group = task_group(task);
    struct err err = {0};

    if (task->isolator->destroy(&group, &err) != 0)
        log_err(LOG_LEVEL_WARN, &err, "cannot remove a task's group task=%s", task->id);
}
