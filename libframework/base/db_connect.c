/* SPDX-License-Identifier: PostgreSQL */
/* Getting and losing the connection. The search finds a server (db_search.c); what it found is set
 * up here. After a loss nothing is reused: a fresh connection with nothing prepared and nothing
 * listened on, after a jittered wait that grows until a connection has held for a while. Events are
 * freed before libpq may close the fd. */
#include "base/db_internal.h"

#include <string.h>

#include "base/clock.h"
#include "base/db_host.h"
#include "base/mem.h"

#define DB_HELD_MS 5000 /* a connection that lasted this long ends the growth of waits */

void db_close(struct db *db)
{
    if (db->read_event)
        event_free(db->read_event);
    if (db->write_event)
        event_free(db->write_event);
    db->read_event = db->write_event = NULL;
    timer_stop(db->state_timer);
    timer_stop(db->try_timer);
    PQclear(db->result);
    PQclear(db->answer);
    db->result = db->answer = NULL;
    db->unconfirmed = false;
    PQfinish(db->conn);
    db->conn = NULL;
    db->state = DB_SEARCHING;
}

static void db_tell_down(struct db *db, const struct err *err)
{
    db->trouble = *err;
    if (!db->config.on_down)
        return;
    db->callback_depth++;
    db->config.on_down(db, err, db->config.arg);
    db->callback_depth--;
}

void db_lose(struct db *db, const struct err *err)
{
    bool was_up = db->state >= DB_READY;
    bool open = db->state >= DB_EXECUTING;
    struct err reason = *err; /* err may point into what is closed here */

    db_close(db);
    if (was_up && clock_mono_ms() - db->up_since_ms >= DB_HELD_MS)
        db_search_held(db->search);
    db_search_start_later(db->search);
    db_tell_down(db, &reason);
    db_requeue(db, open, &reason);
}

void db_lose_conn(struct db *db)
{
    struct err err;

    if (db->farewell.code)
        err = db->farewell;
    else
        err_from_conn(&err, db->conn);
    db_lose(db, &err);
}

static void db_notice(void *arg, const PGresult *result)
{
    struct db *db = arg;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    if (severity && (!strcmp(severity, "FATAL") || !strcmp(severity, "PANIC"))) {
        err_from_result(&db->farewell, result); /* an idle session is being closed */
        return;
    }
    if (db_notice_unconfirmed(result))
        db->unconfirmed = true;
    if (db->config.on_notice && text) {
        db->callback_depth++;
        db->config.on_notice(db, sqlstate ? sqlstate : "00000", text, db->config.arg);
        db->callback_depth--;
    }
}

/* ---- connected ---- */

static char *db_append(char *text, const char *more)
{
    char *joined = mem_printf("%s%s", text, more);

    free(text);
    return joined;
}

bool db_send_listens(struct db *db, const char *head)
{
    char *sql = mem_strdup(head);
    int sent;

    for (size_t i = db->channels_listened; i < db->channel_count; i++) {
        char *name = PQescapeIdentifier(db->conn, db->channels[i], strlen(db->channels[i]));

        sql = db_append(sql, "listen ");
        sql = db_append(sql, name ? name : "");
        sql = db_append(sql, ";");
        PQfreemem(name);
    }
    db->channels_listened = db->channel_count;
    sent = PQsendQuery(db->conn, sql);
    free(sql);
    if (!sent) {
        db_lose_conn(db);
        return false;
    }
    return db_flush(db);
}

static void db_io_cb(evutil_socket_t fd, short what, void *arg)
{
    struct db *db = arg;

    (void)fd;
    if ((what & EV_WRITE) && !db_flush(db))
        return;
    if (what & EV_READ)
        db_drain(db);
}

/* The search has found a server. */
static void db_set_up(PGconn *conn, void *arg)
{
    struct db *db = arg;

    db->conn = conn;
    db->state = DB_SETTING_UP;
    db->channels_listened = 0;
    err_clear(&db->farewell);
    err_clear(&db->refusal);
    PQsetNoticeReceiver(conn, db_notice, db);
    PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
    PQsetnonblocking(conn, 1);
    db->read_event = event_new(db->base, PQsocket(conn), EV_READ | EV_PERSIST, db_io_cb, db);
    db->write_event = event_new(db->base, PQsocket(conn), EV_WRITE, db_io_cb, db);
    event_add(db->read_event, NULL);
    timer_start(db->state_timer, db->config.connect_timeout_ms);
    /* A statement whose client has gone must not go on waiting for a lock, and then do its work. */
    db_send_listens(db, "set client_connection_check_interval = '2s';");
}

/* No host will do at present. */
static void db_none_found(const struct err *err, void *arg)
{
    db_tell_down(arg, err);
}

static void db_state_timer_cb(void *arg)
{
    struct db *db = arg;
    struct err err;
    char name[256];

    err_set(&err, ERR_connection_failed, "no answer from %s within %u ms",
            db_conn_name(db->conn, name, sizeof name), db->config.connect_timeout_ms);
    db_lose(db, &err);
}

void db_connect_create(struct db *db)
{
    const struct db_search_config config = {.base = db->base,
                                            .target = db->target,
                                            .attempt_ms = db->config.connect_timeout_ms,
                                            .wait_max_ms = db->config.wait_max_ms,
                                            .found = db_set_up,
                                            .failed = db_none_found,
                                            .arg = db};

    db->state_timer = timer_create_on(db->base, db_state_timer_cb, db);
    db->search = db_search_create(&config);
    db_search_start(db->search);
}

bool db_flush(struct db *db)
{
    int left = PQflush(db->conn);

    if (left < 0) {
        db_lose_conn(db);
        return false;
    }
    if (left > 0)
        event_add(db->write_event, NULL);
    return true;
}
