/* SPDX-License-Identifier: PostgreSQL */
/* The closed loop: send a claim, wait for its rows, look at every one of them, send the next. A
 * claim that fails is counted as an error and the loop goes on; a connection that breaks stops its
 * session, which the count of errors shows. */
#include "bench/session.h"

#include <libpq-fe.h>
#include <time.h>

#include "base/db.h"
#include "base/mem.h"
#include "base/row.h"

#define SESSION_MAGIC 0xbe7c4u
#define CLAIM_NAME    "claim"

static const struct db_stmt claim_prepare = {
    .name = "claim_prepare",
    .text = "prepare " CLAIM_NAME " (uuid, bigint, uuid, jsonb) as"
            " select ordinal, name, task_id, agent_id, committed, reason, message"
            " from howdah.claim(framework_id => $1, epoch => $2, claim_key => $3, tasks => $4)",
    .param_count = 0,
    .repeat = DB_ONCE,
    .try_ms = 0,
    .deadline_ms = 10000,
};

struct session {
    unsigned magic;
    struct session_shared *shared;
    PGconn *conn;
    struct event *readable;      /* persistent */
    struct event *writable;      /* added while libpq has unsent bytes */
    int64_t sent_us;             /* when the claim under way was sent */
    uint64_t committed, refused; /* rows of the claim under way so far */
    bool failed;                 /* the claim under way met an error */
};

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void session_error(struct session *session, const struct err *err)
{
    if (session->shared->errors++ == 0)
        session->shared->first_error = *err;
}

static void session_broken(struct session *session)
{
    struct err err = {.code = ERR_none};

    (void)err_from_conn(&err, session->conn);
    session_error(session, &err);
    event_del(session->readable);
    event_del(session->writable);
}

static void session_flush(struct session *session)
{
    int rc = PQflush(session->conn);

    if (rc < 0)
        session_broken(session);
    else if (rc > 0)
        event_add(session->writable, NULL);
}

static void session_send(struct session *session)
{
    struct workload_claim claim = workload_draw(session->shared->workload);
    const char *params[] = {claim.framework_id, claim.epoch, claim.key, claim.tasks};

    session->committed = 0;
    session->refused = 0;
    session->failed = false;
    session->sent_us = now_us();
    if (!PQsendQueryPrepared(session->conn, CLAIM_NAME, 4, params, NULL, NULL, 0)) {
        session_broken(session);
        return;
    }
    session_flush(session);
}

static void rows_count(struct session *session, const PGresult *result)
{
    struct err err = {.code = ERR_none};

    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        (void)err_from_result(&err, result);
        session_error(session, &err);
        session->failed = true;
        return;
    }
    for (int i = 0; i < PQntuples(result); i++) {
        if (row_bool(result, i, "committed"))
            session->committed++;
        else
            session->refused++;
    }
}

static void claim_count(struct session *session)
{
    struct session_shared *shared = session->shared;

    if (!shared->counting || session->failed)
        return;
    shared->claims++;
    shared->tasks += session->committed;
    shared->refused += session->refused;
    histogram_add(&shared->latency, now_us() - session->sent_us);
}

static void readable_cb(evutil_socket_t fd, short events, void *arg)
{
    struct session *session = CAST_MAGIC(arg, struct session, SESSION_MAGIC);

    (void)fd;
    (void)events;
    if (!PQconsumeInput(session->conn)) {
        session_broken(session);
        return;
    }
    while (!PQisBusy(session->conn)) {
        PGresult *result = PQgetResult(session->conn);

        if (!result) {
            claim_count(session);
            session_send(session);
            return;
        }
        rows_count(session, result);
        PQclear(result);
    }
}

static void writable_cb(evutil_socket_t fd, short events, void *arg)
{
    struct session *session = CAST_MAGIC(arg, struct session, SESSION_MAGIC);

    (void)fd;
    if (!(events & EV_WRITE)) { /* made active by hand: the first claim */
        session_send(session);
        return;
    }
    session_flush(session);
}

static int session_connect(struct session *session, const char *conninfo, struct err *err)
{
    PGresult *prepared;

    session->conn = db_open_blocking(conninfo, "claim_bench", DB_WANT_WRITABLE, err);
    if (!session->conn)
        return err_wrap(err, "connecting a client");
    prepared = db_call_blocking(session->conn, &claim_prepare, NULL, err);
    if (!prepared)
        return err_wrap(err, "preparing the claim");
    PQclear(prepared);
    if (PQsetnonblocking(session->conn, 1) != 0)
        return err_from_conn(err, session->conn);
    return 0;
}

struct session *session_open(struct session_shared *shared, const char *conninfo, struct err *err)
{
    struct session *session = mem_alloc(sizeof(*session));

    session->magic = SESSION_MAGIC;
    session->shared = shared;
    if (session_connect(session, conninfo, err) < 0) {
        session_close(session);
        return NULL;
    }
    session->readable = event_new(shared->base, PQsocket(session->conn), EV_READ | EV_PERSIST,
                                  readable_cb, session);
    session->writable =
        event_new(shared->base, PQsocket(session->conn), EV_WRITE, writable_cb, session);
    event_add(session->readable, NULL);
    event_active(session->writable, EV_TIMEOUT, 0);
    return session;
}

void session_close(struct session *session)
{
    if (!session)
        return;
    if (session->readable)
        event_free(session->readable);
    if (session->writable)
        event_free(session->writable);
    if (session->conn)
        PQfinish(session->conn);
    free(session);
}
