/* SPDX-License-Identifier: PostgreSQL */
/* The same session for programs without a loop: the calls wait in poll(2), each under its deadline.
 * Nothing is retried: the person at the terminal sees the error and decides. */
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/db_target.h"
#include "base/log.h"

#define BLOCKING_CONNECT_MS 5000 /* for each attempt */

/* Wait until the socket is ready; false when the deadline has passed. */
static bool blocking_wait(PGconn *conn, short events, int64_t deadline_ms)
{
    for (;;) {
        struct pollfd fd = {.fd = PQsocket(conn), .events = events};
        int64_t left_ms = deadline_ms - clock_mono_ms();

        if (left_ms <= 0)
            return false;
        if (poll(&fd, 1, left_ms > 1000 ? 1000 : (int)left_ms) > 0)
            return true;
    }
}

static void blocking_notice(void *arg, const PGresult *result)
{
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    (void)arg;
    log_debug("notice: %s", text ? text : "");
}

/* Drive one attempt to its end: 1 = connected, 0 = timed out, -1 = failed (err is in conn). */
static int blocking_attempt(PGconn *conn)
{
    int64_t deadline_ms = clock_mono_ms() + BLOCKING_CONNECT_MS;
    PostgresPollingStatusType step = PGRES_POLLING_WRITING;

    if (PQstatus(conn) == CONNECTION_BAD)
        return -1;
    PQsetNoticeReceiver(conn, blocking_notice, NULL);
    while (step == PGRES_POLLING_READING || step == PGRES_POLLING_WRITING) {
        if (!blocking_wait(conn, step == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_ms))
            return 0;
        step = PQconnectPoll(conn);
    }
    return step == PGRES_POLLING_OK ? 1 : -1;
}

PGconn *db_open_blocking(const char *conninfo, const char *application_name, struct err *err)
{
    struct db_target *target = db_target_parse(conninfo, application_name, false, err);
    PGconn *conn = NULL;
    int outcome = 0;

    if (!target)
        return NULL;
    for (unsigned turn = 0; outcome == 0 && turn < db_target_hosts(target); turn++) {
        PQfinish(conn);
        conn = db_target_start(target, turn);
        outcome = blocking_attempt(conn);
    }
    db_target_free(target);
    if (outcome == 1) {
        PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
        PQsetnonblocking(conn, 1);
        return conn;
    }
    if (outcome < 0)
        err_from_conn(err, conn);
    else
        err_set(err, ERR_connection_failed, "no answer from the database within %d ms",
                BLOCKING_CONNECT_MS);
    PQfinish(conn);
    return NULL;
}

/* 1 = the next PQgetResult will not block, 0 = the deadline has passed, -1 = the connection broke.
 */
static int blocking_fetch(PGconn *conn, int64_t deadline_ms)
{
    for (;;) {
        int left = PQflush(conn);

        if (left < 0)
            return -1;
        if (!left && !PQisBusy(conn))
            return 1;
        if (!blocking_wait(conn, left ? POLLIN | POLLOUT : POLLIN, deadline_ms))
            return 0;
        if (!PQconsumeInput(conn))
            return -1;
    }
}

static bool blocking_ok(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY;
}

/* The last result, or the first that is an error, of what was sent; NULL with err set when none
 * came. */
static PGresult *blocking_collect(PGconn *conn, const char *what, uint32_t wait_ms, struct err *err)
{
    int64_t deadline_ms = clock_mono_ms() + wait_ms;
    PGresult *kept = NULL, *result = NULL;
    int fetched;

    while ((fetched = blocking_fetch(conn, deadline_ms)) > 0 && (result = PQgetResult(conn))) {
        if (kept && !blocking_ok(kept)) {
            PQclear(result);
            continue;
        }
        PQclear(kept);
        kept = result;
    }
    if (fetched > 0 && kept)
        return kept;
    if (fetched == 0)
        err_set(err, ERR_deadline_passed, "%s: no answer within %u ms", what, wait_ms);
    else if (kept && !blocking_ok(kept))
        err_from_result(err, kept);
    else
        err_from_conn(err, conn);
    PQclear(kept);
    return NULL;
}

PGresult *db_call_blocking(PGconn *conn, const struct db_stmt *stmt, const char *const *params,
                           struct err *err)
{
    PGresult *result;

    if (!PQsendQueryParams(conn, stmt->text, stmt->param_count, NULL, params, NULL, NULL, 0)) {
        err_from_conn(err, conn);
        return NULL;
    }
    result = blocking_collect(conn, stmt->name, stmt->deadline_ms ? stmt->deadline_ms : 30000, err);
    if (result && !blocking_ok(result)) {
        err_from_result(err, result);
        PQclear(result);
        return NULL;
    }
    return result;
}

/* The line of sql (from 1) that the server's error position (characters, from 1) falls on; 0 =
 * none. */
static int script_line(const char *sql, const PGresult *result)
{
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    int line = 1;

    if (!position)
        return 0;
    for (long left = strtol(position, NULL, 10); *sql && left > 1; sql++) {
        left -= ((unsigned char)*sql & 0xc0) != 0x80; /* continuation bytes do not count */
        line += *sql == '\n';
    }
    return line;
}

int db_script_blocking(PGconn *conn, const char *sql, uint32_t deadline_ms, struct err *err)
{
    PGresult *result;
    int rc = 0;
    int line;

    if (!PQsendQuery(conn, sql))
        return err_from_conn(err, conn);
    result = blocking_collect(conn, "script", deadline_ms, err);
    if (!result)
        return -1;
    if (!blocking_ok(result)) {
        line = script_line(sql, result);
        rc = err_from_result(err, result);
        if (line)
            err_wrap(err, "line %d", line);
    }
    PQclear(result);
    return rc;
}
