/* SPDX-License-Identifier: PostgreSQL */
/* The root: owns every part and carries words between them.
 *
 *   sync.c      when to talk; asks here for a report and hands the answer back
 *   task*.c     the tasks; news from them makes a sync happen soon
 *   recover.c   adopts what an earlier agent left
 *   sandbox.c   removes what is old
 *   watch.c     executors' hints; a tick each second looks at every live task in any case
 *
 * The agent may die at any point: what matters is in files (common_meta.h) and in the database. */
#include "agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/common_isolator.h"
#include "agent/common_lease.h"
#include "agent/common_meta.h"
#include "agent/common_proc.h"
#include "agent/identity.h"
#include "agent/logs.h"
#include "agent/reconcile.h"
#include "agent/recover.h"
#include "agent/resources.h"
#include "agent/sandbox.h"
#include "agent/sync.h"
#include "agent/task.h"
#include "agent/task_table.h"
#include "agent/watch.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

#define AGENT_MAGIC    0xa6e70004u
#define TICK_MS        1000
#define TICK_BUSY_MS   50 /* while something is being cleared, or hints cannot be had */
#define SWEEP_MAX      100
#define STOP_REPORT_MS 5000 /* beyond the grace: for the last reports */
#define LOCK_TRIES     20
#define LOCK_PAUSE_MS  50
#define WORK_DIR_MODE  0711 /* tasks' users must get to their sandboxes */

struct agent {
    unsigned magic;
    struct event_base *base;
    const struct options *options;
    enum agent_end end;
    int lock_fd; /* of the work directory */
    const struct isolator_ops *isolator;
    char *cgroup_root; /* <cgroup-root>/<name> */
    json_t *resources, *attributes;
    struct task_host host;
    struct identity identity;
    struct task_table *tasks;
    struct sandbox_bin *bin;
    struct watch *watch; /* NULL when inotify cannot be had */
    struct sync *sync;
    struct timer *tick;
    json_t *usage; /* samples not yet sent */
    json_t *logs;  /* answers not yet confirmed */
    char *lease_dir;
    int64_t asked_ms;   /* clock_boot_ms, when the last report was made */
    int64_t lease_ms;   /* the same of the last one that was confirmed; LEASE_NONE at first */
    int64_t sampled_ms; /* monotonic */
    bool reported;      /* the report under way held updates */
    bool clearing;      /* a task is being cleared: look often */
    bool hurried;       /* the next tick was brought forward */
    bool stopping;
    int64_t stop_due_ms; /* monotonic, when stopping */
};

/* ---- ticking ------------------------------------------------------------------------------ */

/* An executor that is stopped or stuck does not stop its task. */
static void lease_check(const struct agent *agent, struct task *task)
{
    struct lease lease = {
        .dir = agent->lease_dir, .stop_ms = task_stop_ms(task), .asked_ms = agent->lease_ms};

    if (lease.stop_ms > 0)
        task_overdue(task, lease_due_ms(&lease));
}

static void look_visit(struct task *task, void *arg)
{
    struct agent *agent = arg;

    task_look(task);
    lease_check(agent, task);
    agent->clearing |= task_phase(task) == PHASE_CLEARING;
}

static bool task_expired(struct task *task, void *arg)
{
    struct agent *agent = arg;

    if (clock_wall_ms() - task_ended_ms(task) < agent->options->gc_delay_ms)
        return false;
    task_group_remove(task);
    sandbox_discard(agent->bin, task_id(task));
    return true;
}

static void usage_visit(struct task *task, void *arg)
{
    struct agent *agent = arg;
    json_t *sample = task_usage(task);

    if (sample != NULL)
        json_array_append_new(agent->usage, sample);
}

static void usage_sample(struct agent *agent)
{
    if (clock_mono_ms() - agent->sampled_ms < agent->options->usage_interval_ms)
        return;
    agent->sampled_ms = clock_mono_ms();
    json_array_clear(agent->usage);
    task_table_active(agent->tasks, usage_visit, agent);
}

static void waiting_visit(struct task *task, void *arg)
{
    *(bool *)arg |= task_waiting(task);
}

static void end_with(struct agent *agent, enum agent_end end)
{
    agent->end = end;
    event_base_loopbreak(agent->base);
}

static void stop_check(struct agent *agent)
{
    bool waiting = false;

    task_table_active(agent->tasks, waiting_visit, &waiting);
    if (task_table_live(agent->tasks) == 0 && !waiting) {
        log_info("stopped, all tasks have ended and were reported");
        end_with(agent, AGENT_STOPPED);
    } else if (clock_mono_ms() >= agent->stop_due_ms) {
        log_warn("stopped before everything was reported live=%zu; the next agent goes on",
                 task_table_live(agent->tasks));
        end_with(agent, AGENT_STOPPED);
    }
}

/* In a container the agent may be process 1, to which executors fall when they have ended. */
static void orphans_reap(void)
{
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
}

static void tick_cb(void *arg)
{
    struct agent *agent = CAST_MAGIC(arg, struct agent, AGENT_MAGIC);

    sandbox_bin_empty(agent->bin);
    orphans_reap();
    agent->clearing = false;
    agent->hurried = false;
    task_table_active(agent->tasks, look_visit, agent);
    task_table_settle(agent->tasks);
    usage_sample(agent);
    task_table_sweep(agent->tasks, SWEEP_MAX, task_expired, agent);
    if (agent->stopping)
        stop_check(agent);
    bool busy = agent->clearing || agent->stopping ||
                (agent->watch == NULL && task_table_live(agent->tasks) > 0);
    timer_start(agent->tick, busy ? TICK_BUSY_MS : TICK_MS);
}

static void news_cb(const char *name, void *arg)
{
    struct agent *agent = CAST_MAGIC(arg, struct agent, AGENT_MAGIC);
    struct task *task = name != NULL ? task_table_find(agent->tasks, name) : NULL;

    if (task != NULL)
        task_look(task);
    else if (name == NULL)
        timer_start(agent->tick, 0);
}

/* A task has news. It may be in the middle of being changed: only timers are set here. */
static void changed_cb(void *arg)
{
    struct agent *agent = CAST_MAGIC(arg, struct agent, AGENT_MAGIC);

    if (agent->sync != NULL)
        sync_soon(agent->sync);
    if (agent->tick != NULL && !agent->hurried)
        timer_start(agent->tick, agent->stopping ? 0 : TICK_BUSY_MS);
    agent->hurried = true;
}

/* ---- reporting ---------------------------------------------------------------------------- */

static void again_visit(struct task *task, void *arg)
{
    (void)arg;
    if (task_phase(task) != PHASE_ENDED)
        task_report_again(task);
}

static void identity_keep(struct agent *agent)
{
    struct err err = {0};

    if (identity_save(agent->options->work_dir, agent->options->name, &agent->identity, &err) != 0)
        log_err(LOG_LEVEL_WARN, &err, "cannot keep who the agent is");
}

/* While the mark of a new generation is not on disk, an agent that starts again will be told of it
 * again; so the ends are unconfirmed on disk before. */
static void marked_cb(const struct cell_mark *cell, void *arg)
{
    struct agent *agent = CAST_MAGIC(arg, struct agent, AGENT_MAGIC);

    if (cell->generation > agent->identity.cell.generation && agent->identity.cell.generation > 0)
        task_table_unconfirm(agent->tasks);
    agent->identity.cell = *cell;
    identity_keep(agent);
}

static void registered_cb(const struct transport_session *session, void *arg)
{
    struct agent *agent = CAST_MAGIC(arg, struct agent, AGENT_MAGIC);

    log_info("registered name=%s agent=%s epoch=%lld cell=%s cell_epoch=%lld", agent->options->name,
             session->agent_id, (long long)session->epoch, session->cell.cell_id,
             (long long)session->cell.epoch);
    snprintf(agent->identity.agent_id, sizeof(agent->identity.agent_id), "%s", session->agent_id);
    identity_keep(agent);
    task_table_active(agent->tasks, again_visit, agent);
}

struct report {
    json_t *updates, *running;
    int64_t stop_ms; /* the shortest; 0 = none */
};

static void report_visit(struct task *task, void *arg)
{
    struct report *report = arg;

    task_report(task, report->updates, report->running);
    int64_t stop_ms = task_stop_ms(task);
    if (stop_ms > 0 && (report->stop_ms == 0 || stop_ms < report->stop_ms))
        report->stop_ms = stop_ms;
}

static json_t *report_cb(void *arg)
{
    struct agent *agent = CAST_MAGIC(arg, struct agent, AGENT_MAGIC);
    struct report report = {.updates = json_array(), .running = json_array()};

    task_table_active(agent->tasks, report_visit, &report);
    agent->reported = json_array_size(report.updates) > 0;
    sync_limit(agent->sync, report.stop_ms / LEASE_PARTS);
    agent->asked_ms = clock_boot_ms();
    json_t *doc = json_pack("{so so sb}", "updates", report.updates, "running", report.running,
                            "confirm", lease_ask(agent->lease_ms, report.stop_ms));
    if (json_array_size(agent->usage) > 0) {
        json_object_set_new(doc, "usage", agent->usage);
        agent->usage = json_array();
    }
    if (json_array_size(agent->logs) > 0)
        json_object_set(doc, "logs", agent->logs);
    return doc;
}

/* ---- answers ------------------------------------------------------------------------------ */

static enum reconcile_holding holding_of(const char *id, void *arg)
{
    struct agent *agent = arg;
    const struct task *task = task_table_find(agent->tasks, id);

    if (task == NULL)
        return HOLDING_NONE;
    return task_phase(task) == PHASE_ENDED ? HOLDING_ENDED : HOLDING_LIVE;
}

static void task_begin(struct agent *agent, const json_t *launch)
{
    if (!agent->stopping)
        task_table_add(agent->tasks, task_launch(&agent->host, launch));
}

static void action_apply(struct agent *agent, const struct reconcile_action *action)
{
    struct task *task = task_table_find(agent->tasks, action->task_id);

    switch (action->verb) {
    case RECONCILE_START:
        if (task == NULL) /* an answer may name a task twice */
            task_begin(agent, action->launch);
        break;
    case RECONCILE_REPORT:
        task_report_again(task);
        task_table_wake(agent->tasks, task);
        break;
    case RECONCILE_KILL: task_kill(task, action->grace_ms); break;
    case RECONCILE_FORGET: task_forget(task); break;
    }
}

/* Only what the cell confirmed lets tasks run on. */
static void lease_renew(struct agent *agent, const json_t *answer)
{
    struct err err = {0};

    if (!json_is_true(json_object_get(answer, "confirmed")))
        return;
    if (lease_keep(agent->lease_dir, agent->asked_ms, &err) == 0)
        agent->lease_ms = agent->asked_ms;
    else
        log_err(LOG_LEVEL_ERROR, &err, "tasks with stop_unreachable_s will be stopped");
}

/* What is to end comes first, and is told so before the lease that it shares is renewed; what is to
 * start needs the lease. */
static void actions_apply(struct agent *agent, const json_t *answer,
                          const struct reconcile_action *actions, size_t count)
{
    size_t i = 0;

    while (i < count && (actions[i].verb == RECONCILE_FORGET || actions[i].verb == RECONCILE_KILL))
        action_apply(agent, &actions[i++]);
    lease_renew(agent, answer);
    while (i < count)
        action_apply(agent, &actions[i++]);
}

static bool tasks_apply(struct agent *agent, const json_t *answer)
{
    CLEANUP_FREE struct reconcile_action *actions = NULL;
    struct err err = {0};
    size_t count = 0;

    if (reconcile(answer, holding_of, agent, &actions, &count, &err) != 0) {
        log_err(LOG_LEVEL_ERROR, &err, "agent_sync's answer is not understood; nothing was done");
        return false;
    }
    actions_apply(agent, answer, actions, count);
    return count > 0;
}

/* The answers go out with the next report and are repeated until one was confirmed. */
static void logs_apply(struct agent *agent, const json_t *requests)
{
    size_t index;
    json_t *request;

    json_array_foreach ((json_t *)requests, index, request) {
        const char *id = json_string_value(json_object_get(request, "task_id"));
        enum reconcile_holding holding = id != NULL ? holding_of(id, agent) : HOLDING_NONE;
        json_t *reply = logs_answer(agent->options->work_dir, request, holding != HOLDING_NONE,
                                    holding == HOLDING_ENDED);
        if (reply != NULL)
            json_array_append_new(agent->logs, reply);
    }
    if (json_array_size(agent->logs) > 0)
        sync_soon(agent->sync);
}

static void confirmed_visit(struct task *task, void *arg)
{
    (void)arg;
    task_report_confirmed(task);
}

static bool answered_cb(const json_t *answer, void *arg)
{
    struct agent *agent = CAST_MAGIC(arg, struct agent, AGENT_MAGIC);

    task_table_active(agent->tasks, confirmed_visit, agent);
    task_table_settle(agent->tasks);
    json_array_clear(agent->logs);
    bool moved = tasks_apply(agent, answer);
    logs_apply(agent, json_object_get(answer, "logs"));
    if (agent->stopping)
        timer_start(agent->tick, 0);
    return moved || agent->reported;
}

static void refused_cb(const struct err *err, void *arg)
{
    struct agent *agent = CAST_MAGIC(arg, struct agent, AGENT_MAGIC);
    bool fenced = err->code == ERR_epoch_stale;

    log_err(LOG_LEVEL_ERROR, err,
            fenced ? "this incarnation counts no more: another one took over, or an operator "
                     "declared the agent gone; its tasks were left alone"
                   : "the cell does not accept this agent");
    end_with(agent, fenced ? AGENT_FENCED : AGENT_REFUSED);
}

/* ---- stopping ----------------------------------------------------------------------------- */

struct stop_kill {
    int64_t grace_ms;
};

static void kill_visit(struct task *task, void *arg)
{
    task_kill(task, ((struct stop_kill *)arg)->grace_ms);
}

void agent_stop(struct agent *agent, bool kill_tasks)
{
    struct stop_kill order = {.grace_ms = agent->options->exit_grace_ms};

    if (!kill_tasks) {
        log_info("stopped tasks=%zu run on and are adopted by the next agent",
                 task_table_live(agent->tasks));
        end_with(agent, AGENT_STOPPED);
        return;
    }
    if (agent->stopping)
        return;
    log_info("killing all tasks before stopping tasks=%zu", task_table_live(agent->tasks));
    agent->stopping = true;
    agent->stop_due_ms = clock_mono_ms() + order.grace_ms + STOP_REPORT_MS;
    task_table_active(agent->tasks, kill_visit, &order);
    timer_start(agent->tick, 0);
}

enum agent_end agent_ended(const struct agent *agent)
{
    return agent->end;
}

/* ---- creating ----------------------------------------------------------------------------- */

/* A child that the former agent forked just before it died holds the lock until its exec, so the
 * lock is asked for a few times. No loop runs yet. */
static bool lock_taken(int fd)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};

    for (int try = 0; try < LOCK_TRIES; try++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

static int work_dir_lock(struct agent *agent, struct err *err)
{
    CLEANUP_FREE char *path = mem_printf("%s/lock", agent->options->work_dir);

    agent->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (agent->lock_fd < 0)
        return err_set_errno(err, ERR_io_failed, "cannot open %s", path);
    if (!lock_taken(agent->lock_fd))
        return err_set(err, ERR_input_invalid,
                       "option \"work-dir\", value \"%s\": another agent uses it",
                       agent->options->work_dir);
    return 0;
}

static int work_dir_make(struct agent *agent, struct err *err)
{
    static const struct {
        const char *name;
        unsigned mode;
    } parts[] = {{"meta", 0700},
                 {"meta/tasks", 0700},
                 {"meta/news", 0700},
                 {"meta/trash", 0700},
                 {"sandboxes", WORK_DIR_MODE}};

    if (meta_mkdirs(agent->options->work_dir, WORK_DIR_MODE, err) != 0)
        return -1;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        CLEANUP_FREE char *path = mem_printf("%s/%s", agent->options->work_dir, parts[i].name);
        if (meta_mkdirs(path, parts[i].mode, err) != 0)
            return -1;
    }
    return work_dir_lock(agent, err);
}

static int isolation_choose(struct agent *agent, struct err *err)
{
    const struct options *options = agent->options;
    char why[1024];

    agent->cgroup_root = mem_printf("%s/%s", options->cgroup_root, options->name);
    if (isolator_choose(options->isolation, agent->cgroup_root, &agent->isolator, why, sizeof(why),
                        err) != 0)
        return -1;
    log_write(agent->isolator == &isolator_none ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
              "isolation driver=%s enforced=\"%s\" not_enforced=\"%s\"%s%s%s",
              agent->isolator->name, agent->isolator->enforced, agent->isolator->not_enforced,
              why[0] != '\0' ? " passed_over=\"" : "", why, why[0] != '\0' ? "\"" : "");
    return 0;
}

static int declaration_make(struct agent *agent, struct err *err)
{
    agent->resources = resources_parse(agent->options->resources, err);
    if (agent->resources == NULL)
        return -1;
    resources_detect(agent->resources, agent->options->work_dir);
    agent->attributes = attributes_parse(agent->options->attributes, err);
    if (agent->attributes == NULL)
        return -1;
    CLEANUP_FREE char *resources = json_print(agent->resources);
    CLEANUP_FREE char *attributes = json_print(agent->attributes);
    log_info("offering resources=%s attributes=%s", resources, attributes);
    return 0;
}

static int executor_check(const char *path, struct err *err)
{
    if (access(path, X_OK) != 0)
        return err_set_errno(err, ERR_input_invalid, "option \"executor\", value \"%s\"", path);
    return 0;
}

static void host_fill(struct agent *agent)
{
    const struct options *options = agent->options;

    agent->host = (struct task_host){
        .base = agent->base,
        .work_dir = options->work_dir,
        .executor = options->executor,
        .context = {.agent_id = agent->identity.agent_id,
                    .agent_name = options->name,
                    .sandbox = NULL,
                    .default_user = options->task_user,
                    .isolator = agent->isolator->name,
                    .cgroup_root = agent->cgroup_root,
                    .pids = options->task_pids,
                    .cpu_ceiling = options->cpu_ceiling},
        .changed = changed_cb,
        .arg = agent,
    };
}

static int tasks_adopt(struct agent *agent, struct err *err)
{
    struct recover_counts counts;

    if (recover_tasks(&agent->host, agent->tasks, agent->bin, &counts, err) != 0)
        return -1;
    if (counts.running + counts.ended + counts.discarded > 0)
        log_info("took over running=%d ended_unreported=%d never_started=%d", counts.running,
                 counts.ended, counts.discarded);
    return 0;
}

static void watch_start(struct agent *agent)
{
    CLEANUP_FREE char *news = mem_printf("%s/meta/news", agent->options->work_dir);
    struct err err = {0};

    agent->watch = watch_create(agent->base, news, news_cb, agent, &err);
    if (agent->watch == NULL)
        log_err(LOG_LEVEL_WARN, &err, "no file notifications; tasks are polled");
}

static void sync_begin(struct agent *agent, struct transport *transport)
{
    const struct options *options = agent->options;

    identity_load(options->work_dir, options->name, &agent->identity);
    identity_keep(agent);
    agent->sync = sync_create(agent->base, transport,
                              &(struct sync_config){.name = options->name,
                                                    .host = options->host,
                                                    .boot_id = proc_boot_id(),
                                                    .agent_id = agent->identity.agent_id,
                                                    .key = agent->identity.key,
                                                    .cell = agent->identity.cell,
                                                    .resources = agent->resources,
                                                    .attributes = agent->attributes,
                                                    .poll_min_ms = options->poll_min_ms,
                                                    .poll_max_ms = options->poll_max_ms},
                              &(struct sync_owner){.registered = registered_cb,
                                                   .marked = marked_cb,
                                                   .report = report_cb,
                                                   .answered = answered_cb,
                                                   .refused = refused_cb,
                                                   .arg = agent});
    sync_start(agent->sync);
}

static int agent_prepare(struct agent *agent, struct err *err)
{
    if (executor_check(agent->options->executor, err) != 0 || work_dir_make(agent, err) != 0 ||
        isolation_choose(agent, err) != 0 || declaration_make(agent, err) != 0)
        return -1;
    host_fill(agent);
    watch_start(agent);
    return tasks_adopt(agent, err);
}

struct agent *agent_create(struct event_base *base, const struct options *options,
                           struct transport *transport, struct err *err)
{
    struct agent *agent = mem_alloc(sizeof(*agent));

    agent->magic = AGENT_MAGIC;
    agent->base = base;
    agent->options = options;
    agent->lock_fd = -1;
    agent->lease_dir = mem_printf("%s/meta", options->work_dir);
    agent->tasks = task_table_create();
    agent->bin = sandbox_bin_create(options->work_dir);
    agent->usage = json_array();
    agent->logs = json_array();
    if (agent_prepare(agent, err) != 0) {
        transport->ops->destroy(transport);
        agent_destroy(agent);
        return NULL;
    }
    agent->tick = timer_create_on(base, tick_cb, agent);
    timer_start(agent->tick, 0);
    sync_begin(agent, transport);
    return agent;
}

void agent_destroy(struct agent *agent)
{
    if (agent == NULL)
        return;
    sync_destroy(agent->sync);
    timer_free(agent->tick);
    watch_destroy(agent->watch);
    task_table_destroy(agent->tasks);
    sandbox_bin_destroy(agent->bin);
    json_decref(agent->usage);
    json_decref(agent->logs);
    json_decref(agent->resources);
    json_decref(agent->attributes);
    free(agent->cgroup_root);
    free(agent->lease_dir);
    if (agent->lock_fd >= 0)
        close(agent->lock_fd);
    free(agent);
}
