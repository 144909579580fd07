/* SPDX-License-Identifier: PostgreSQL */
/* The same session for programs without a loop: the search runs on a loop of its own until one host
 * will do or each has failed once; the calls wait in poll(2), each under its deadline. */
#include "base/db_blocking.h"

#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/db_host.h"
#include "base/db_internal.h"
#include "base/log.h"

#define BLOCKING_CONNECT_MS  5000 /* for each attempt */
#define BLOCKING_WAIT_MAX_MS 500  /* between two tries */

/* ---- connecting ---- */

struct blocking_search {
    struct event_base *base;
    PGconn *conn; /* NULL = none will do, for the reason in err */
    struct err *err;
};

static void blocking_notice(void *arg, const PGresult *result)
{
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    bool *unconfirmed = arg;

    if (unconfirmed && db_notice_unconfirmed(result))
        *unconfirmed = true;
    log_debug("notice: %s", text ? text : "");
}

static void blocking_found(PGconn *conn, void *arg)
{
    struct blocking_search *search = arg;

    PQsetNoticeReceiver(conn, blocking_notice, NULL);
    PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
    PQsetnonblocking(conn, 1);
    search->conn = conn;
    event_base_loopbreak(search->base);
}

static void blocking_failed(const struct err *err, void *arg)
{
    struct blocking_search *search = arg;

    *search->err = *err;
    event_base_loopbreak(search->base);
}

PGconn *db_open_blocking(const char *conninfo, const char *application_name, enum db_want want,
                         struct err *err)
{
    struct db_target *target = db_target_parse(conninfo, application_name, want, err);
    struct blocking_search result = {.err = err};
    struct db_search *search;

    if (!target)
        return NULL;
    result.base = event_base_new();
    search = db_search_create(&(struct db_search_config){.base = result.base,
                                                         .target = target,
                                                         .attempt_ms = BLOCKING_CONNECT_MS,
                                                         .wait_max_ms = BLOCKING_WAIT_MAX_MS,
                                                         .found = blocking_found,
                                                         .failed = blocking_failed,
                                                         .arg = &result});
    db_search_start(search);
    event_base_dispatch(result.base);
    db_search_destroy(search);
    event_base_free(result.base);
    db_target_free(target);
    return result.conn;
}

/* ---- one call ---- */

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

/* The server's verdict on what was sent, as db_call_blocking returns it. */
static PGresult *blocking_answer(PGconn *conn, const char *what, int sent, uint32_t wait_ms,
                                 struct err *err)
{
    bool unconfirmed = false;
    PGresult *result;

    if (!sent) {
        err_from_conn(err, conn);
        return NULL;
    }
    PQsetNoticeReceiver(conn, blocking_notice, &unconfirmed);
    result = blocking_collect(conn, what, wait_ms, err);
    PQsetNoticeReceiver(conn, blocking_notice, NULL);
    if (!result || (blocking_ok(result) && !unconfirmed))
        return result;
    if (unconfirmed)
        err_set(err, ERR_commit_unconfirmed, "%s: %s", what, err_code_text(ERR_commit_unconfirmed));
    else
        err_from_result(err, result);
    if (err->code == ERR_read_only)
        db_err_read_only(err, conn);
    PQclear(result);
    return NULL;
}

PGresult *db_try_blocking(PGconn *conn, const struct db_stmt *stmt, const char *const *params,
                          int64_t wait_ms, struct err *err)
{
    char name[256];

    if (stmt->repeat != DB_READS && db_conn_read_only(conn)) {
        err_set(err, ERR_read_only,
                "%s is a standby or read-only: expected a server that takes writes",
                db_conn_name(conn, name, sizeof name));
        return NULL;
    }
    return blocking_answer(
        conn, stmt->name,
        PQsendQueryParams(conn, stmt->text, stmt->param_count, NULL, params, NULL, NULL, 0),
        (uint32_t)wait_ms, err);
}

PGresult *db_call_blocking(PGconn *conn, const struct db_stmt *stmt, const char *const *params,
                           struct err *err)
{
    return db_try_blocking(conn, stmt, params, db_stmt_deadline_ms(stmt), err);
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
