/* SPDX-License-Identifier: PostgreSQL */
/* How long calls may take. Each has a deadline, from db_call to its answer, and each try of it a
 * shorter one: nothing but an answer shows that a server works, since a paused one acknowledges
 * what it is sent, and so does one whose commit waits for a standby. A late try costs its
 * connection, and the call goes to whichever server the search finds then. Nothing is cancelled:
 * that would turn the wait of a commit into a success that no standby knows. Each further try may
 * take twice as long, so that a server which is merely slow gets it done. */
#include "base/db_internal.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/db_host.h"

#define DEADLINE_PRESET_MS 30000 /* for a statement that names none */
#define TRY_DOUBLINGS_MAX  8

uint32_t db_stmt_deadline_ms(const struct db_stmt *stmt)
{
    return stmt->deadline_ms ? stmt->deadline_ms : DEADLINE_PRESET_MS;
}

void db_deadline_arm(struct db *db, int64_t at_ms)
{
    if (db->deadline_armed_ms && db->deadline_armed_ms <= at_ms)
        return;
    db->deadline_armed_ms = at_ms;
    timer_start(db->deadline_timer, at_ms - clock_mono_ms());
}

static void db_deadline_err(const struct db *db, struct err *err, const struct db_pending *call)
{
    err_set(err, ERR_deadline_passed, "%s: no answer within %u ms%s%s", call->stmt->name,
            db_stmt_deadline_ms(call->stmt), db->trouble.code ? ": " : "", db->trouble.text);
}

/* The running call is late: nothing can be said about its outcome, and nothing else can be sent on
 * its connection. */
static void db_running_late(struct db *db)
{
    struct db_pending *call = db->running;
    struct err err;

    db->running = NULL;
    db_deadline_err(db, &err, call);
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
        db_deadline_err(db, &err, call);
        db_answer(db, call, NULL, &err);
    }
    if (next_ms != INT64_MAX)
        db_deadline_arm(db, next_ms);
}

static int64_t db_try_ms(const struct db_pending *call)
{
    int doublings = call->tries < TRY_DOUBLINGS_MAX ? call->tries : TRY_DOUBLINGS_MAX;

    return (int64_t)call->stmt->try_ms << doublings;
}

static void db_try_late_cb(void *arg)
{
    struct db *db = arg;
    struct err err;
    char name[256];

    err_set(&err, ERR_deadline_passed, "%s: no answer from %s within %lld ms",
            db->running->stmt->name, db_conn_name(db->conn, name, sizeof name),
            (long long)db_try_ms(db->running));
    db->running->tries++;
    db_lose(db, &err);
}

void db_try_begin(struct db *db)
{
    if (db->running->stmt->try_ms && db->running->stmt->repeat != DB_ONCE)
        timer_start(db->try_timer, db_try_ms(db->running));
}

void db_deadline_create(struct db *db)
{
    db->deadline_timer = timer_create_on(db->base, db_deadline_cb, db);
    db->try_timer = timer_create_on(db->base, db_try_late_cb, db);
}
