/* SPDX-License-Identifier: PostgreSQL */
/* Calls on an asynchronous session: the queue, the step in flight, deadlines and answers. How the
 * connection is made and lost is in db_connect.c; the states are in db_internal.h.
 *
 * One call is in flight at a time. A new call only joins the queue; all sending happens from the
 * loop, so that db_call never runs a callback and a callback may always call db_call. Invariant: a
 * call is on exactly one of queue, front (while on_up runs) and running, and leaves through
 * db_answer or db_destroy. What was in flight when the connection broke is decided in db_requeue: a
 * statement that was still being prepared has had no effect and is sent again; one that was
 * executing is sent again only if it is repeatable. */
#include "base/db.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/db_internal.h"
#include "base/mem.h"

#define DB_MAGIC              0xdb5e5510u
#define DB_CONNECT_TIMEOUT_MS 5000
#define DB_DEADLINE_PRESET_MS 30000 /* for a statement that names none */
#define DB_BACKOFF_MIN_MS     50
#define DB_BACKOFF_MAX_MS     3000

/* ---- calls ---- */

static void db_pending_free(struct db_pending *call)
{
    for (int i = 0; i < call->stmt->param_count; i++)
        free(call->params[i]);
    free(call);
}

/* The one way out of the queue: call must be on no list any more. */
static void db_answer(struct db *db, struct db_pending *call, const PGresult *result,
                      const struct err *err)
{
    db->queue_length--;
    if (call->cb) {
        db->callback_depth++;
        call->cb(result, err, call->arg);
        db->callback_depth--;
    }
    db_pending_free(call);
}

static void db_arm_deadline(struct db *db, int64_t at_ms)
{
    if (db->deadline_armed_ms && db->deadline_armed_ms <= at_ms)
        return;
    db->deadline_armed_ms = at_ms;
    timer_start(db->deadline_timer, at_ms - clock_mono_ms());
}

void db_call(struct db *db, const struct db_stmt *stmt, const char *const *params, db_reply_f cb,
             void *arg)
{
    struct db_pending *call = mem_alloc(sizeof *call);

    if (stmt->param_count < 0 || stmt->param_count > DB_PARAMS_MAX)
        abort();
    call->stmt = stmt;
    call->cb = cb;
    call->arg = arg;
    for (int i = 0; i < stmt->param_count; i++)
        call->params[i] = mem_strdup(params[i]);
    call->deadline_ms =
        clock_mono_ms() + (stmt->deadline_ms ? stmt->deadline_ms : DB_DEADLINE_PRESET_MS);
    if (db->in_on_up)
        TAILQ_INSERT_TAIL(&db->front, call, link);
    else
        TAILQ_INSERT_TAIL(&db->queue, call, link);
    db->queue_length++;
    db_arm_deadline(db, call->deadline_ms);
    if (!timer_armed(db->pump_timer))
        timer_start(db->pump_timer, 0);
}

void db_requeue(struct db *db, bool executing, const struct err *err)
{
    struct db_pending *call = db->running;
    struct err lost;

    db->running = NULL;
    db->prepared_count = 0;
    db->prepared_next = 0;
    if (!call)
        return;
    if (!executing || call->stmt->repeatable) {
        TAILQ_INSERT_HEAD(&db->queue, call, link);
        return;
    }
    err_set(&lost, ERR_connection_lost, "%s: the connection broke, its outcome is unknown: %s",
            call->stmt->name, err->text);
    db_answer(db, call, NULL, &lost);
}

static void db_deadline_err(struct err *err, const struct db_pending *call)
{
    err_set(err, ERR_deadline_passed, "%s: no answer within %u ms", call->stmt->name,
            call->stmt->deadline_ms ? call->stmt->deadline_ms : DB_DEADLINE_PRESET_MS);
}

/* The running call is late: nothing can be said about its outcome, and nothing else can be sent on
 * its connection. */
static void db_running_late(struct db *db)
{
    struct db_pending *call = db->running;
    struct err err;

    db->running = NULL;
    db_deadline_err(&err, call);
    db_lose(db, &err);
    db_answer(db, call, NULL, &err);
}

static struct db_pending *db_first_late(struct db *db, int64_t now_ms, int64_t *next_ms)
{
    struct db_pending *call;

    *next_ms = db->running ? db->running->deadline_ms : INT64_MAX;
    TAILQ_FOREACH(call, &db->queue, link)
    {
        if (call->deadline_ms <= now_ms)
            return call;
        if (call->deadline_ms < *next_ms)
            *next_ms = call->deadline_ms;
    }
    return NULL;
}

static void db_deadline_cb(void *arg)
{
    struct db *db = arg;
    int64_t now_ms = clock_mono_ms(), next_ms;
    struct db_pending *call;
    struct err err;

    db->deadline_armed_ms = 0;
    if (db->running && db->running->deadline_ms <= now_ms)
        db_running_late(db);
    while ((call = db_first_late(db, now_ms, &next_ms))) {
        TAILQ_REMOVE(&db->queue, call, link);
        db_deadline_err(&err, call);
        db_answer(db, call, NULL, &err);
    }
    if (next_ms != INT64_MAX)
        db_arm_deadline(db, next_ms);
}

/* ---- sending ---- */

/* The name under which stmt is prepared on this connection, or false. */
static bool db_prepared_name(const struct db *db, const struct db_stmt *stmt, char name[16])
{
    for (size_t i = 0; i < db->prepared_count; i++) {
        if (db->prepared[i].stmt == stmt) {
            snprintf(name, 16, "s%u", db->prepared[i].number);
            return true;
        }
    }
    return false;
}

/* Prepare or execute the running call. */
static void db_send_running(struct db *db)
{
    const struct db_stmt *stmt = db->running->stmt;
    char name[16];
    int sent;

    if (db_prepared_name(db, stmt, name)) {
        db->state = DB_EXECUTING;
        sent = PQsendQueryPrepared(db->conn, name, stmt->param_count,
                                   (const char *const *)db->running->params, NULL, NULL, 0);
    } else {
        db->state = DB_PREPARING;
        snprintf(name, sizeof name, "s%u", db->prepared_next);
        sent = PQsendPrepare(db->conn, name, stmt->text, stmt->param_count, NULL);
    }
    if (sent)
        db_flush(db);
    else
        db_lose_conn(db);
}

void db_pump(struct db *db)
{
    if (db->state != DB_READY)
        return;
    if (db->refusal.code) {
        db->turn++;
        db_lose(db, &db->refusal);
        return;
    }
    if (db->channels_listened < db->channel_count) {
        db->state = DB_LISTENING;
        timer_start(db->state_timer, db->config.connect_timeout_ms);
        db_send_listens(db, "");
        return;
    }
    db->running = TAILQ_FIRST(&db->queue);
    if (!db->running)
        return;
    TAILQ_REMOVE(&db->queue, db->running, link);
    db_send_running(db);
}

static void db_pump_cb(void *arg)
{
    db_pump(arg);
}

void db_came_up(struct db *db)
{
    timer_stop(db->state_timer);
    db->state = DB_READY;
    db->up_since_ms = clock_mono_ms();
    if (db->config.on_up) {
        db->in_on_up = true;
        db->callback_depth++;
        db->config.on_up(db, db->config.arg);
        db->callback_depth--;
        db->in_on_up = false;
        TAILQ_CONCAT(&db->front, &db->queue, link);
        TAILQ_CONCAT(&db->queue, &db->front, link);
    }
    db_pump(db);
}

/* ---- receiving ---- */

static bool db_result_ok(const PGresult *result)
{
    return PQresultStatus(result) == PGRES_TUPLES_OK || PQresultStatus(result) == PGRES_COMMAND_OK;
}

/* A statement that was prepared before a migration may not run any more under that plan. */
static void db_forget_prepared(struct db *db, const struct db_stmt *stmt)
{
    for (size_t i = 0; i < db->prepared_count; i++)
        if (db->prepared[i].stmt == stmt)
            db->prepared[i] = db->prepared[--db->prepared_count];
}

static void db_prepare_done(struct db *db)
{
    size_t size = (db->prepared_count + 1) * sizeof *db->prepared;

    db->prepared = mem_realloc(db->prepared, size);
    db->prepared[db->prepared_count++] =
        (struct db_prepared){.stmt = db->running->stmt, .number = db->prepared_next++};
    db_send_running(db);
}

/* The running call has its answer. */
static void db_call_done(struct db *db, PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    struct db_pending *call = db->running;
    struct err err;

    db->running = NULL;
    db->state = DB_READY;
    if (db_result_ok(result)) {
        db_answer(db, call, result, NULL);
        db_pump(db);
        return;
    }
    err_from_result(&err, result);
    if (sqlstate && !strcmp(sqlstate, "0A000"))
        db_forget_prepared(db, call->stmt);
    db_answer(db, call, NULL, &err);
    if (err.code == ERR_read_only && db->config.want_writable)
        db_lose(db, &err); /* this server has become a standby: look for the new primary */
    else
        db_pump(db);
}

/* All results of the step in flight have come. */
static void db_step_done(struct db *db)
{
    PGresult *result = db->result;
    struct err err;

    db->result = NULL;
    if (db->state == DB_EXECUTING || !db_result_ok(result)) {
        if (db->running) {
            db_call_done(db, result);
        } else {
            err_from_result(&err, result);
            db_lose(db, &err);
        }
    } else if (db->state == DB_SETTING_UP) {
        db_came_up(db);
    } else if (db->state == DB_PREPARING) {
        db_prepare_done(db);
    } else {
        timer_stop(db->state_timer);
        db->state = DB_READY;
        db_pump(db);
    }
    PQclear(result);
}

static void db_notifies(struct db *db)
{
    PGnotify *notify;

    while ((notify = PQnotifies(db->conn))) {
        if (db->config.on_notify) {
            db->callback_depth++;
            db->config.on_notify(db, notify->relname, notify->extra, db->config.arg);
            db->callback_depth--;
        }
        PQfreemem(notify);
    }
}

/* Keep the last result of the step, but never let a later one hide an error. False: it is the
 * server's last word on this connection. */
static bool db_keep_result(struct db *db, PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (severity && (!strcmp(severity, "FATAL") || !strcmp(severity, "PANIC")))
        err_from_result(&db->farewell, result);
    if (db->result && !db_result_ok(db->result)) {
        PQclear(result);
    } else {
        PQclear(db->result);
        db->result = result;
    }
    return !db->farewell.code && PQstatus(db->conn) != CONNECTION_BAD;
}

void db_drain(struct db *db)
{
    if (!PQconsumeInput(db->conn)) {
        db_lose_conn(db);
        return;
    }
    db_notifies(db);
    while (db->conn && db->state != DB_READY && !PQisBusy(db->conn)) {
        PGresult *result = PQgetResult(db->conn);

        if (!result)
            db_step_done(db);
        else if (!db_keep_result(db, result))
            db_lose_conn(db);
        if (db->conn)
            db_notifies(db);
    }
}

/* ---- owner's side ---- */

struct db *db_create(struct event_base *base, const struct db_config *config, struct err *err)
{
    struct db_target *target =
        db_target_parse(config->conninfo, config->application_name, config->want_writable, err);
    struct db *db;

    if (!target)
        return NULL;
    db = mem_alloc(sizeof *db);
    db->magic = DB_MAGIC;
    db->base = base;
    db->config = *config;
    if (!db->config.connect_timeout_ms)
        db->config.connect_timeout_ms = DB_CONNECT_TIMEOUT_MS;
    db->target = target;
    db->backoff = (struct backoff){.min_ms = DB_BACKOFF_MIN_MS, .max_ms = DB_BACKOFF_MAX_MS};
    TAILQ_INIT(&db->queue);
    TAILQ_INIT(&db->front);
    db->deadline_timer = timer_create_on(base, db_deadline_cb, db);
    db->pump_timer = timer_create_on(base, db_pump_cb, db);
    for (size_t i = 0; config->channels && config->channels[i]; i++)
        db_listen(db, config->channels[i]);
    db_connect_after(db, 0);
    return db;
}

void db_destroy(struct db *db)
{
    struct db_pending *call;

    if (!db)
        return;
    mem_check_magic(db, DB_MAGIC, __func__);
    if (db->callback_depth) {
        fprintf(stderr, "db_destroy: called inside one of the session's own callbacks\n");
        abort();
    }
    db_close(db);
    if (db->running)
        db_pending_free(db->running);
    while ((call = TAILQ_FIRST(&db->queue))) {
        TAILQ_REMOVE(&db->queue, call, link);
        db_pending_free(call);
    }
    timer_free(db->state_timer);
    timer_free(db->deadline_timer);
    timer_free(db->pump_timer);
    for (size_t i = 0; i < db->channel_count; i++)
        free(db->channels[i]);
    free(db->channels);
    free(db->prepared);
    db_target_free(db->target);
    db->magic = 0;
    free(db);
}

void db_listen(struct db *db, const char *channel)
{
    for (size_t i = 0; i < db->channel_count; i++)
        if (!strcmp(db->channels[i], channel))
            return;
    db->channels = mem_realloc(db->channels, (db->channel_count + 1) * sizeof *db->channels);
    db->channels[db->channel_count++] = mem_strdup(channel);
    timer_start(db->pump_timer, 0);
}

void db_refuse(struct db *db, const struct err *err)
{
    if (!db_is_up(db))
        return;
    db->refusal = *err;
    timer_start(db->pump_timer, 0);
}

bool db_is_up(const struct db *db)
{
    return db->state >= DB_READY;
}

int db_queue_length(const struct db *db)
{
    return db->queue_length;
}
