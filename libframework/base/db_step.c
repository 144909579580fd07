/* SPDX-License-Identifier: PostgreSQL */
/* The steps of the call in flight: prepare, execute, and, of a write that was repeated, confirm.
 *
 * A repetition finds what the first try did and writes nothing itself, so its own commit waits for
 * nobody: its answer could be about a change that no standby has yet (the first try's wait was
 * cut short by a crash of the server, or cancelled). Therefore a record is written after it: when
 * that one's commit is confirmed, all before it is. For the same reason the warning with which
 * PostgreSQL accompanies a commit whose wait was cancelled makes an outcome unknown. */
#include "base/db_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

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
void db_send_running(struct db *db)
{
    const struct db_stmt *stmt = db->running->stmt;
    char name[16];
    int sent;

    if (db_prepared_name(db, stmt, name)) {
        db->state = DB_EXECUTING;
        db->unconfirmed = false;
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

/* The running call has its answer, a result or an error, and is done. */
static void db_call_done(struct db *db, const PGresult *result)
{
    struct db_pending *call = db->running;
    struct err err;

    timer_stop(db->try_timer);
    db->running = NULL;
    db->state = DB_READY;
    if (db_result_ok(result)) {
        db_answer(db, call, result, NULL);
    } else {
        err_from_result(&err, result);
        if (err.code == ERR_read_only)
            db_err_read_only(&err, db->conn);
        db_answer(db, call, NULL, &err);
    }
    db_pump(db);
}

static void db_commit_unconfirmed(struct db *db)
{
    struct err err;

    err_set(&err, ERR_commit_unconfirmed, "%s: %s", db->running->stmt->name,
            err_code_text(ERR_commit_unconfirmed));
    db_lose(db, &err);
}

/* The plan that was made on this connection is of no use any more: a migration changed what it
 * stands on, or a pooler has lost it. */
static bool db_plan_refused(const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    return sqlstate && (!strcmp(sqlstate, "0A000") || !strcmp(sqlstate, "26000"));
}

/* A statement that failed has had no effect. True when another plan or another server may do
 * better: the call goes on. */
static bool db_call_goes_on(struct db *db, const PGresult *result)
{
    struct db_pending *call = db->running;
    struct err err;

    if (db_plan_refused(result) && !call->prepared_anew) {
        call->prepared_anew = true;
        db_forget_prepared(db, call->stmt);
        db_send_running(db);
        return true;
    }
    err_from_result(&err, result);
    if (err.code != ERR_read_only || db->config.want != DB_WANT_WRITABLE)
        return false;
    db_err_read_only(&err, db->conn);
    db->state = DB_READY; /* this server has become a standby: look for the new primary */
    db_lose(db, &err);
    return true;
}

/* Hold the answer, which may rest on what an earlier try did, until a commit after it is confirmed.
 * Takes answer. */
static void db_confirm(struct db *db, PGresult *answer)
{
    db->answer = answer;
    db->state = DB_CONFIRMING;
    db_try_begin(db);
    if (PQsendQuery(db->conn, DB_CONFIRM_SQL))
        db_flush(db);
    else
        db_lose_conn(db);
}

static void db_confirm_done(struct db *db, const PGresult *result)
{
    PGresult *answer = db->answer;
    struct err err = {.code = ERR_none};

    if (!db_result_ok(result))
        err_from_result(&err, result);
    if (db_confirm_failed(&err)) {
        db_lose(db, &err);
    } else if (db->unconfirmed) {
        db_commit_unconfirmed(db);
    } else {
        db->answer = NULL;
        db_call_done(db, answer);
        PQclear(answer);
    }
}

/* Takes result. */
static void db_executed(struct db *db, PGresult *result)
{
    const struct db_pending *call = db->running;

    if (db_result_ok(result) && db->unconfirmed) {
        db_commit_unconfirmed(db);
    } else if (db_result_ok(result) || !db_call_goes_on(db, result)) {
        if (call->repeated && call->stmt->repeat != DB_READS) {
            db_confirm(db, result);
            return;
        }
        db_call_done(db, result);
    }
    PQclear(result);
}

/* Setting up or listening came to an end. */
static void db_session_step_done(struct db *db, const PGresult *result)
{
    struct err err;

    if (!db_result_ok(result)) {
        err_from_result(&err, result);
        db_lose(db, &err);
    } else if (db->state == DB_SETTING_UP) {
        db_came_up(db);
    } else {
        timer_stop(db->state_timer);
        db->state = DB_READY;
        db_pump(db);
    }
}

/* All results of the step in flight have come. */
static void db_step_done(struct db *db)
{
    PGresult *result = db->result;

    db->result = NULL;
    if (db->state == DB_EXECUTING) {
        db_executed(db, result);
        return;
    }
    if (db->state == DB_CONFIRMING)
        db_confirm_done(db, result);
    else if (!db->running)
        db_session_step_done(db, result);
    else if (db_result_ok(result))
        db_prepare_done(db);
    else if (!db_call_goes_on(db, result))
        db_call_done(db, result);
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
