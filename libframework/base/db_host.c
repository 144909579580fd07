/* SPDX-License-Identifier: PostgreSQL */
/* An attempt at one host: PQconnectStart, driven by PQconnectPoll under one timer of ours (libpq
 * ignores connect_timeout here). The socket may change with every poll (next address, SSL given
 * up), so it is read again and a new event made each time, and the event is always freed before
 * libpq may close the fd. Of a conninfo with several hosts every server is then asked for its
 * timeline: the one that has a later history than another is the primary, the other was one. Not
 * from pg_control_checkpoint, which names the timeline of the last checkpoint. A server that cannot
 * say counts as timeline 0. A failed attempt is followed by the next after a jittered wait. */
#include "base/db_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static const char host_question[] = "select case when not pg_is_in_recovery()"
                                    " then substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) end,"
                                    " (select system_identifier from pg_control_system())";

static void host_start_attempt(struct db_host *host);
static void host_attempt_late(struct db_host *host);

const char *db_conn_name(const PGconn *conn, char *text, size_t size)
{
    const char *host = PQhost(conn);
    const char *port = PQport(conn);

    snprintf(text, size, "host \"%s\" port %s", host ? host : "", port ? port : "");
    return text;
}

bool db_conn_read_only(const PGconn *conn)
{
    const char *standby = PQparameterStatus(conn, "in_hot_standby");
    const char *read_only = PQparameterStatus(conn, "default_transaction_read_only");

    return (standby && !strcmp(standby, "on")) || (read_only && !strcmp(read_only, "on"));
}

/* ---- the end of an attempt ---- */

static void host_free_event(struct db_host *host)
{
    if (host->event)
        event_free(host->event);
    host->event = NULL;
}

void db_host_stop(struct db_host *host)
{
    host_free_event(host);
    timer_free(host->timer);
    host->timer = NULL;
    PQfinish(host->conn);
    host->conn = NULL;
    host->state = DB_HOST_IDLE;
}

PGconn *db_host_take(struct db_host *host)
{
    PGconn *conn = host->conn;

    host->conn = NULL;
    db_host_stop(host);
    return conn;
}

void db_host_refuse(struct db_host *host, const struct err *err)
{
    struct err reason = *err;

    db_host_stop(host);
    host->err = reason;
    db_host_start(host, backoff_next_ms(&host->backoff));
}

static void host_failed(struct db_host *host, const struct err *err)
{
    db_host_refuse(host, err);
    host->changed(host->arg);
}

static void host_conn_failed(struct db_host *host)
{
    struct err err;
    char name[256];

    err_from_conn(&err, host->conn);
    if (err.code == ERR_read_only)
        err_set(&err, ERR_read_only,
                "%s is a standby or read-only: expected a server that takes writes",
                db_conn_name(host->conn, name, sizeof name));
    host_failed(host, &err);
}

static void host_attempt_late(struct db_host *host)
{
    struct err err;
    char name[256];

    err_set(&err, ERR_connection_failed, "no answer from %s within %u ms",
            db_conn_name(host->conn, name, sizeof name), host->attempt_ms);
    host_failed(host, &err);
}

/* ---- asking ---- */

static void host_found(struct db_host *host)
{
    host_free_event(host);
    timer_stop(host->timer);
    host->writable = !db_conn_read_only(host->conn);
    host->state = DB_HOST_FOUND;
    host->changed(host->arg);
}

static void host_note_answer(struct db_host *host, const PGresult *result)
{
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        return;
    if (!PQgetisnull(result, 0, 0))
        host->timeline = (uint32_t)strtoul(PQgetvalue(result, 0, 0), NULL, 16);
    snprintf(host->system_id, sizeof host->system_id, "%s", PQgetvalue(result, 0, 1));
}

static void host_answer_cb(evutil_socket_t fd, short what, void *arg)
{
    struct db_host *host = arg;
    PGresult *result;

    (void)fd;
    (void)what;
    if (!PQconsumeInput(host->conn)) {
        host_conn_failed(host);
        return;
    }
    while (!PQisBusy(host->conn)) {
        result = PQgetResult(host->conn);
        if (!result) {
            if (PQstatus(host->conn) == CONNECTION_BAD)
                host_conn_failed(host);
            else
                host_found(host);
            return;
        }
        host_note_answer(host, result);
        PQclear(result);
    }
}

static void host_ask(struct db_host *host)
{
    if (!PQsendQuery(host->conn, host_question)) {
        host_conn_failed(host);
        return;
    }
    host->state = DB_HOST_ASKING;
    host->event =
        event_new(host->base, PQsocket(host->conn), EV_READ | EV_PERSIST, host_answer_cb, host);
    event_add(host->event, NULL);
}

/* ---- connecting ---- */

static void host_wait_for_socket(struct db_host *host, short what);

static void host_step_cb(evutil_socket_t fd, short what, void *arg)
{
    struct db_host *host = arg;
    PostgresPollingStatusType step;

    (void)fd;
    (void)what;
    host_free_event(host);
    step = PQconnectPoll(host->conn);
    if (step == PGRES_POLLING_READING || step == PGRES_POLLING_WRITING)
        host_wait_for_socket(host, step == PGRES_POLLING_READING ? EV_READ : EV_WRITE);
    else if (step != PGRES_POLLING_OK)
        host_conn_failed(host);
    else if (db_target_hosts(host->target) > 1)
        host_ask(host);
    else
        host_found(host);
}

static void host_wait_for_socket(struct db_host *host, short what)
{
    host->event = event_new(host->base, PQsocket(host->conn), what, host_step_cb, host);
    event_add(host->event, NULL);
}

static void host_ignore_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

static void host_start_attempt(struct db_host *host)
{
    host->state = DB_HOST_CONNECTING;
    host->started_ms = clock_mono_ms();
    host->timeline = 0;
    host->system_id[0] = '\0';
    host->conn = db_target_start(host->target, host->index);
    if (PQstatus(host->conn) == CONNECTION_BAD) {
        host_conn_failed(host);
        return;
    }
    PQsetNoticeReceiver(host->conn, host_ignore_notice, NULL);
    timer_start(host->timer, host->attempt_ms);
    host_wait_for_socket(host, EV_WRITE);
}

static void host_timer_cb(void *arg)
{
    struct db_host *host = arg;

    if (host->state == DB_HOST_WAITING)
        host_start_attempt(host);
    else
        host_attempt_late(host);
}

void db_host_start(struct db_host *host, int64_t wait_ms)
{
    host->state = DB_HOST_WAITING;
    host->timer = timer_create_on(host->base, host_timer_cb, host);
    timer_start(host->timer, wait_ms);
}
