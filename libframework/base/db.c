/* SPDX-License-Identifier: PostgreSQL */
/* Calls on an asynchronous session: the queue and the answers. How the connection is found and lost
 * is in db_search.c and db_connect.c, how a call is sent and received in db_step.c, how long it may
 * take in db_deadline.c; the states are in db_internal.h.
 *
 * One call is in flight at a time. A new call only joins the queue; all sending happens from the
 * loop, so that db_call never runs a callback and a callback may always call db_call. Invariant: a
 * call is on exactly one of queue, front (while on_up runs) and running, and leaves through
 * db_answer or db_destroy. What was in flight when the connection broke is decided in db_requeue: a
 * statement that was still being prepared, or was refused, has had no effect and is sent again; one
 * whose outcome is open only if its table row says how that does no harm. */
#include "base/db.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/db_internal.h"
#include "base/mem.h"

#define DB_MAGIC              0xdb5e5510u
#define DB_CONNECT_TIMEOUT_MS 5000
#define DB_WAIT_MAX_MS        500

/* ---- calls ---- */

static void db_pending_free(struct db_pending *call)
{
    for (int i = 0; i < call->stmt->param_count; i++)
        free(call->params[i]);
    free(call);
}

void db_answer(struct db *db, struct db_pending *call, const PGresult *result,
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

static void db_queue(struct db *db, struct db_pending *call)
{
    if (db->in_on_up)
        TAILQ_INSERT_TAIL(&db->front, call, link);
    else
        TAILQ_INSERT_TAIL(&db->queue, call, link);
    db->queue_length++;
    db_deadline_arm(db, call->deadline_ms);
    if (!timer_armed(db->pump_timer))
        timer_start(db->pump_timer, 0);
}

static struct db_pending *db_pending_make(const struct db_stmt *stmt, const char *const *params,
                                          db_reply_f cb, void *arg)
{
    struct db_pending *call = mem_alloc(sizeof *call);

    if (stmt->param_count < 0 || stmt->param_count > DB_PARAMS_MAX)
        abort();
    call->stmt = stmt;
    call->cb = cb;
    call->arg = arg;
    for (int i = 0; i < stmt->param_count; i++)
        call->params[i] = mem_strdup(params[i]);
    call->deadline_ms = clock_mono_ms() + db_stmt_deadline_ms(stmt);
    return call;
}

void db_call(struct db *db, const struct db_stmt *stmt, const char *const *params, db_reply_f cb,
             void *arg)
{
    db_queue(db, db_pending_make(stmt, params, cb, arg));
}

void db_call_again(struct db *db, const struct db_stmt *stmt, const char *const *params,
                   db_reply_f cb, void *arg)
{
    struct db_pending *call = db_pending_make(stmt, params, cb, arg);

    call->repeated = true;
    db_queue(db, call);
}

void db_requeue(struct db *db, bool open, const struct err *err)
{
    struct db_pending *call = db->running;
    struct err lost;

    db->running = NULL;
    db->prepared_count = 0;
    db->prepared_next = 0;
    if (!call)
        return;
    if (!open || call->stmt->repeat != DB_ONCE) {
        call->repeated |= open;
        TAILQ_INSERT_HEAD(&db->queue, call, link);
        return;
    }
    err_set(&lost, err->code == ERR_commit_unconfirmed ? err->code : ERR_connection_lost,
            "%s: its outcome is unknown: %s", call->stmt->name, err->text);
    db_answer(db, call, NULL, &lost);
}

/* ---- the connection is up ---- */

void db_pump(struct db *db)
{
    if (db->state != DB_READY)
        return;
    if (db->refusal.code) {
        db_search_refused(db->search);
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
    db_try_begin(db);
    db_send_running(db);
}

static void db_pump_cb(void *arg)
{
    db_pump(arg);
}

void db_came_up(struct db *db)
{
    timer_stop(db->state_timer);
    err_clear(&db->trouble);
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

/* ---- owner's side ---- */

struct db *db_create(struct event_base *base, const struct db_config *config, struct err *err)
{
    struct db_target *target =
        db_target_parse(config->conninfo, config->application_name, config->want, err);
    struct db *db;

    if (!target)
        return NULL;
    db = mem_alloc(sizeof *db);
    db->magic = DB_MAGIC;
    db->base = base;
    db->config = *config;
    if (!db->config.connect_timeout_ms)
        db->config.connect_timeout_ms = DB_CONNECT_TIMEOUT_MS;
    if (!db->config.wait_max_ms)
        db->config.wait_max_ms = DB_WAIT_MAX_MS;
    db->target = target;
    TAILQ_INIT(&db->queue);
    TAILQ_INIT(&db->front);
    db_deadline_create(db);
    db->pump_timer = timer_create_on(base, db_pump_cb, db);
    for (size_t i = 0; config->channels && config->channels[i]; i++)
        db_listen(db, config->channels[i]);
    db_connect_create(db);
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
    db_search_destroy(db->search);
    db_close(db);
    if (db->running)
        db_pending_free(db->running);
    while ((call = TAILQ_FIRST(&db->queue))) {
        TAILQ_REMOVE(&db->queue, call, link);
        db_pending_free(call);
    }
    timer_free(db->state_timer);
    timer_free(db->deadline_timer);
    timer_free(db->try_timer);
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
