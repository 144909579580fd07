/* SPDX-License-Identifier: PostgreSQL */
/* A cell that exists only in the test: a transport that hands out what the test wants to run and
 * keeps what the agent reports, with the rules of agent_sync (sql/functions): launches are
 * repeated until the task was reported, an answer means that the report is durable. Included by one
 * .c file of a test program. Everything runs in a fresh directory whose name holds spaces. */
#ifndef HOWDAH_TESTS_AGENT_FAKE_H
#define HOWDAH_TESTS_AGENT_FAKE_H

#include "tests/unit/cmocka_all.h"

#include <event2/event.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/common_isolator.h"
#include "agent/common_meta.h"
#include "agent/common_proc.h"
#include "agent/transport.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/uuid.h"
#include "fsm/fsm.h"

#define FAKE_WAIT_MS   60000 /* bound of every wait */
#define FAKE_AGENT     "99999999-0000-4000-8000-000000000009"
#define FAKE_FRAMEWORK "11111111-1111-4111-8111-111111111111"
#define FAKE_CELL      "cccccccc-0000-4000-8000-00000000000c"

/* The cell's side; outlives agents and transports. */
struct fake_cell {
    json_t *launch, *kill, *forget, *logs; /* desired; the test adds to them */
    json_t *updates;                       /* every update ever received, in order */
    json_t *running;                       /* of the last report */
    json_t *usage;                         /* of the last report that had some */
    json_t *log_replies;
    enum err_code fail; /* what each sync fails with; ERR_none = works */
    bool lose_answer;   /* the next sync takes effect and its answer is lost */
    bool unconfirmed;   /* as a database that cannot confirm its answers */
    int confirmed;      /* answers that were */
    enum err_code register_fail;
    char registered_with[UUID_TEXT_SIZE]; /* agent_id of the last registration, "" = none */
    int registrations, syncs;
    int64_t epoch;
    struct cell_mark mark;    /* of the database that answers */
    struct cell_mark shown;   /* by the last registration or report */
    int refusals;             /* how often this database was refused */
    char key[UUID_TEXT_SIZE]; /* of the last registration, "" = none */
};

struct fake_transport {
    struct transport transport;
    struct fake_cell *cell;
    struct event *reply; /* the pending callback */
    transport_registered_f registered;
    transport_synced_f synced;
    json_t *answer;
    struct err err;
    int64_t seq; /* of the last report since registering */
    void *arg;
};

/* One test's world: directory, cell, and the agent of the moment. */
struct world {
    char dir[PATH_MAX];
    char name[64];
    struct event_base *base;
    struct fake_cell cell;
    struct options options;
    struct agent *agent;
};

/* ---- the cell ----------------------------------------------------------------------------- */

static inline bool fake_reported(const struct fake_cell *cell, const char *task_id)
{
    size_t i;
    json_t *update;

    json_array_foreach (cell->updates, i, update) {
        if (strcmp(json_string_value(json_object_get(update, "task_id")), task_id) == 0)
            return true;
    }
    return false;
}

static inline bool fake_stops(const json_t *item)
{
    return json_object_get(json_object_get(item, "spec"), "stop_unreachable_s") != NULL;
}

static inline json_t *fake_answer(struct fake_cell *cell, const json_t *report)
{
    bool confirm = json_is_true(json_object_get(report, "confirm"));
    json_t *launch = json_array(), *item;
    size_t i;

    json_array_foreach (cell->launch, i, item) {
        if (!fake_reported(cell, json_string_value(json_object_get(item, "task_id")))) {
            json_array_append(launch, item);
            confirm |= fake_stops(item);
        }
    }
    confirm &= !cell->unconfirmed;
    cell->confirmed += confirm;
    json_t *logs = cell->logs;
    cell->logs = json_array();
    return json_pack("{sI so sI so sO sO so sb}", "epoch", (json_int_t)cell->epoch, "cell",
                     cell_mark_json(&cell->mark), "next_poll_ms", (json_int_t)100, "launch", launch,
                     "kill", cell->kill, "forget", cell->forget, "logs", logs, "confirmed",
                     confirm);
}

static inline void fake_take_report(struct fake_cell *cell, const json_t *report)
{
    json_array_extend(cell->updates, json_object_get(report, "updates"));
    json_array_extend(cell->log_replies, json_object_get(report, "logs"));
    json_decref(cell->running);
    cell->running = json_incref(json_object_get(report, "running"));
    if (json_object_get(report, "usage") != NULL) {
        json_decref(cell->usage);
        cell->usage = json_incref(json_object_get(report, "usage"));
    }
}

/* ---- the transport -------------------------------------------------------------------------- */

static inline void fake_reply_cb(evutil_socket_t fd, short what, void *arg)
{
    struct fake_transport *self = arg;
    struct transport_session session = {.epoch = self->cell->epoch};
    CLEANUP_JSON json_t *answer = self->answer;
    struct err err = self->err;
    bool failed = err.code != ERR_none;

    (void)fd;
    (void)what;
    self->answer = NULL;
    if (self->registered != NULL) {
        transport_registered_f done = self->registered;
        self->registered = NULL;
        snprintf(session.agent_id, sizeof(session.agent_id), "%s", FAKE_AGENT);
        session.cell = self->cell->mark;
        done(failed ? NULL : &session, failed ? &err : NULL, self->arg);
    } else {
        self->synced(failed ? NULL : answer, failed ? &err : NULL, self->arg);
    }
}

static inline void fake_reply(struct fake_transport *self, enum err_code code, void *arg)
{
    err_clear(&self->err);
    if (code != ERR_none)
        (void)err_set(&self->err, code, "the test wants it so");
    self->arg = arg;
    event_active(self->reply, EV_TIMEOUT, 0);
}

static inline void fake_register(struct transport *transport,
                                 const struct transport_identity *identity,
                                 transport_registered_f done, void *arg)
{
    struct fake_transport *self = (struct fake_transport *)transport;

    snprintf(self->cell->registered_with, UUID_TEXT_SIZE, "%s",
             identity->agent_id != NULL ? identity->agent_id : "");
    snprintf(self->cell->key, UUID_TEXT_SIZE, "%s", identity->key != NULL ? identity->key : "");
    self->cell->shown = *identity->cell;
    self->cell->registrations++;
    self->cell->epoch++;
    self->registered = done;
    self->seq = 0;
    fake_reply(self, self->cell->register_fail, arg);
}

static inline void fake_sync(struct transport *transport, const struct transport_session *session,
                             const json_t *report, transport_synced_f done, void *arg)
{
    struct fake_transport *self = (struct fake_transport *)transport;
    enum err_code code = self->cell->fail;

    (void)session;
    self->cell->syncs++;
    assert_int_equal(
        cell_mark_read(&self->cell->shown, json_object_get(report, "cell"), &self->err), 0);
    assert_int_equal(json_integer_value(json_object_get(report, "seq")), ++self->seq);
    self->synced = done;
    if (code == ERR_none) {
        fake_take_report(self->cell, report);
        self->answer = fake_answer(self->cell, report);
    }
    if (code == ERR_none && self->cell->lose_answer) {
        self->cell->lose_answer = false;
        json_decref(self->answer);
        self->answer = NULL;
        code = ERR_connection_lost;
    }
    fake_reply(self, code, arg);
}

static inline void fake_refuse(struct transport *transport, const struct err *why)
{
    assert_true(why->code == ERR_cell_stale || why->code == ERR_cell_mismatch);
    ((struct fake_transport *)transport)->cell->refusals++;
}

static inline void fake_destroy(struct transport *transport)
{
    struct fake_transport *self = (struct fake_transport *)transport;

    event_free(self->reply);
    json_decref(self->answer);
    free(self);
}

static const struct transport_ops fake_ops = {.register_agent = fake_register,
                                              .sync = fake_sync,
                                              .refuse = fake_refuse,
                                              .destroy = fake_destroy};

static inline struct transport *fake_transport_create(struct event_base *base,
                                                      struct fake_cell *cell)
{
    struct fake_transport *self = mem_alloc(sizeof(*self));

    self->transport.ops = &fake_ops;
    self->cell = cell;
    self->reply = event_new(base, -1, 0, fake_reply_cb, self);
    return &self->transport;
}

/* ---- the world ------------------------------------------------------------------------------ */

static inline char *fake_executor(void)
{
    char path[PATH_MAX] = "";

    assert_true(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0);
    *strrchr(path, '/') = '\0';
    return mem_printf("%s/../bin/howdah-executor", path);
}

static inline void world_create(struct world *world, const char *isolation)
{
    static int number;
    char *argv[] = {(char *)"howdah-agent", NULL};
    struct err err = {0};
    int operand;

    *world = (struct world){.cell = {.launch = json_array(),
                                     .kill = json_array(),
                                     .forget = json_array(),
                                     .logs = json_array(),
                                     .updates = json_array(),
                                     .running = json_array(),
                                     .usage = json_array(),
                                     .log_replies = json_array(),
                                     .mark = {.cell_id = FAKE_CELL,
                                              .token = FAKE_FRAMEWORK,
                                              .epoch = 5,
                                              .generation = 1,
                                              .timeline = "00000002"}}};
    snprintf(world->dir, sizeof(world->dir), "/tmp/howdah agent XXXXXX");
    assert_non_null(mkdtemp(world->dir));
    snprintf(world->name, sizeof(world->name), "unit-%d-%d", (int)getpid(), number++);
    assert_int_equal(conf_load(&options_spec, &world->options, 1, argv, &operand, &err), 0);
    char **texts[] = {&world->options.name, &world->options.work_dir, &world->options.isolation,
                      &world->options.executor};
    char *values[] = {mem_strdup(world->name), mem_printf("%s/work", world->dir),
                      mem_strdup(isolation), fake_executor()};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        free(*texts[i]);
        *texts[i] = values[i];
    }
    world->options.usage_interval_ms = 200;
    world->options.poll_max_ms = 200;
    assert_int_equal(options_complete(&world->options, &err), 0);
    world->base = event_base_new();
}

static inline void agent_begin(struct world *world)
{
    struct err err = {0};

    world->agent = agent_create(world->base, &world->options,
                                fake_transport_create(world->base, &world->cell), &err);
    if (world->agent == NULL)
        fail_msg("agent_create: %s", err.text);
}

/* As kill -9 leaves it: no word to anybody. */
static inline void agent_vanish(struct world *world)
{
    agent_destroy(world->agent);
    world->agent = NULL;
}

typedef bool (*world_f)(struct world *world, const char *what);

/* Run the loop for a moment. */
static inline void turn(struct world *world)
{
    struct timeval slice = {.tv_usec = 5000};

    event_base_loopexit(world->base, &slice);
    event_base_dispatch(world->base);
}

/* Run the loop until claim(world, what); fails the test when that takes too long. */
static inline void until(struct world *world, world_f claim, const char *what, const char *sentence)
{
    int64_t deadline = clock_mono_ms() + FAKE_WAIT_MS;

    while (!claim(world, what)) {
        if (clock_mono_ms() > deadline) {
            CLEANUP_FREE char *updates = json_print(world->cell.updates);
            fail_msg("waited in vain: %s (%s); updates %s", sentence, what != NULL ? what : "",
                     updates);
        }
        turn(world);
    }
}

/* Tasks first; their executors then end by themselves, stopped ones are killed. */
static inline void processes_kill(struct world *world)
{
    int64_t deadline = clock_mono_ms() + FAKE_WAIT_MS;
    size_t i;
    json_t *item;

    json_array_foreach (world->cell.launch, i, item) {
        const char *id = json_string_value(json_object_get(item, "task_id"));
        struct proc_group group = {.task_id = id, .own_children = false};
        CLEANUP_FREE char *dir = meta_dir(world->options.work_dir, id);
        while (proc_group_signal(&group, SIGKILL) > 0 ||
               (meta_locked(dir) && clock_mono_ms() < deadline))
            usleep(2000);
    }
}

/* A sanitizer's word about an executor ends up in that executor's log. */
static inline void executors_check(struct world *world)
{
    CLEANUP_FREE char *command =
        mem_printf("! find '%s' -name executor.log -exec cat {} + | grep -e Sanitizer -e 'runtime "
                   "error'",
                   world->dir);

    assert_int_equal(system(command), 0);
}

static inline void groups_remove(struct world *world)
{
    static const struct isolator_ops *const drivers[] = {&isolator_v1, &isolator_v2};
    CLEANUP_FREE char *path = mem_printf("%s/%s", world->options.cgroup_root, world->name);
    struct err ignored = {0};

    for (size_t i = 0; i < 2; i++) {
        struct isolator_group group = {.ops = drivers[i], .path = path, .task_id = FAKE_CELL};
        if (drivers[i]->probe(path, &ignored) == 0)
            (void)!drivers[i]->destroy(&group, &ignored);
    }
}

static inline void world_destroy(struct world *world)
{
    json_t *parts[] = {world->cell.launch, world->cell.kill,       world->cell.forget,
                       world->cell.logs,   world->cell.updates,    world->cell.running,
                       world->cell.usage,  world->cell.log_replies};

    agent_destroy(world->agent);
    processes_kill(world);
    executors_check(world);
    groups_remove(world);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        json_decref(parts[i]);
    event_base_free(world->base);
    CLEANUP_FREE char *command = mem_printf("rm -rf '%s'", world->dir);
    conf_free(&options_spec, &world->options);
    assert_int_equal(system(command), 0);
}

/* Run the loop until the agent has synced that many times more. */
static inline void syncs_pass(struct world *world, int count)
{
    int64_t deadline = clock_mono_ms() + FAKE_WAIT_MS;

    for (int last = world->cell.syncs + count; world->cell.syncs < last; turn(world))
        if (clock_mono_ms() > deadline)
            fail_msg("waited in vain: the agent syncs");
}

/* ---- asking and wanting --------------------------------------------------------------------- */

/* Want a task; spec is JSON text with ' for " and ^ for '. Returns its id, valid as long as the
 * world. */
static inline const char *want_task(struct world *world, const char *spec)
{
    char id[UUID_TEXT_SIZE];
    CLEANUP_FREE char *text = mem_strdup(spec);
    struct err err = {0};

    for (char *c = text; *c != '\0'; c++)
        *c = *c == '\'' ? '"' : *c == '^' ? '\'' : *c;
    json_t *task = json_parse(text, strlen(text), &err);
    if (task == NULL)
        fail_msg("spec %s: %s", text, err.text);
    uuid_make(id);
    CLEANUP_JSON json_t *resources = json_incref(json_object_get(task, "resources"));
    if (resources == NULL)
        resources = json_pack("{sf si}", "cpus", 0.1, "mem", 32);
    json_t *launch =
        json_pack("{ss ss ss sO sb sn so}", "task_id", id, "framework_id", FAKE_FRAMEWORK, "name",
                  "task", "resources", resources, "revocable", 0, "user", "spec", task);
    json_array_append_new(world->cell.launch, launch);
    return json_string_value(json_object_get(launch, "task_id"));
}

static inline void want_kill(struct world *world, const char *id, int grace_s)
{
    json_array_append_new(world->cell.kill,
                          json_pack("{ss si}", "task_id", id, "grace_s", grace_s));
}

/* The last update of a task; NULL when there is none. */
static inline const json_t *last_update(const struct world *world, const char *id)
{
    const json_t *found = NULL;
    size_t i;
    json_t *update;

    json_array_foreach (world->cell.updates, i, update) {
        if (strcmp(json_string_value(json_object_get(update, "task_id")), id) == 0)
            found = update;
    }
    return found;
}

static inline int count_updates(const struct world *world, const char *id, const char *state)
{
    size_t i;
    json_t *update;
    int count = 0;

    json_array_foreach (world->cell.updates, i, update) {
        count += strcmp(json_string_value(json_object_get(update, "task_id")), id) == 0 &&
                 strcmp(json_string_value(json_object_get(update, "state")), state) == 0;
    }
    return count;
}

static inline const char *state_of(const struct world *world, const char *id)
{
    const json_t *update = last_update(world, id);

    return update != NULL ? json_string_value(json_object_get(update, "state")) : "";
}

static inline const char *reason_of(const struct world *world, const char *id)
{
    const char *reason = json_string_value(json_object_get(last_update(world, id), "reason"));

    return reason != NULL ? reason : "";
}

static inline const char *message_of(const struct world *world, const char *id)
{
    const char *message = json_string_value(json_object_get(last_update(world, id), "message"));

    return message != NULL ? message : "";
}

static inline int exit_code_of(const struct world *world, const char *id)
{
    const json_t *code = json_object_get(last_update(world, id), "exit_code");

    return code != NULL ? (int)json_integer_value(code) : -1;
}

static inline bool is_running(struct world *world, const char *id)
{
    return strcmp(state_of(world, id), "running") == 0;
}

static inline bool has_ended(struct world *world, const char *id)
{
    int state = task_state_parse(state_of(world, id));

    return state != FSM_NONE && task_state_terminal((enum task_state)state);
}

static inline bool is_empty(struct world *world, const char *id)
{
    struct proc_group group = {.task_id = id, .own_children = false};
    struct proc_sum sum;

    (void)world;
    proc_group_sum(&group, &sum);
    return sum.count == 0;
}

/* A file of the task's sandbox as text; "" when there is none. Valid until the next call. */
static inline const char *sandbox_text(struct world *world, const char *id, const char *file)
{
    static char text[65536];
    CLEANUP_FREE char *path = mem_printf("%s/sandboxes/%s/%s", world->options.work_dir, id, file);
    FILE *stream = fopen(path, "re");
    size_t len = stream != NULL ? fread(text, 1, sizeof(text) - 1, stream) : 0;

    text[len] = '\0';
    if (stream != NULL)
        fclose(stream);
    return text;
}

static inline pid_t pid_in(struct world *world, const char *id, const char *file)
{
    CLEANUP_FREE char *dir = meta_dir(world->options.work_dir, id);
    CLEANUP_JSON json_t *doc = NULL;
    struct err err = {0};

    assert_int_equal(meta_read(dir, file, &doc, &err), 0);
    return (pid_t)json_integer_value(json_object_get(doc, "pid"));
}

#endif
