/* SPDX-License-Identifier: PostgreSQL */
/* Getting and losing the connection. An attempt is one PQconnectStart, driven by PQconnectPoll
 * under one timer of ours (libpq ignores connect_timeout here). The socket may change with every
 * poll (next host, SSL given up), so it is read again and a new event made each time, and the event
 * is always freed before libpq may close the fd. After a loss nothing is reused: a fresh connection
 * with nothing prepared and nothing listened on, after a jittered wait that grows until a
 * connection has held for a while. */
#include "base/db_internal.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define DB_HELD_MS 5000 /* a connection that lasted this long ends the growth of waits */

static void db_step_cb(evutil_socket_t fd, short what, void *arg);

static void db_free_events(struct db *db)
{
    if (db->read_event)
        event_free(db->read_event);
    if (db->write_event)
        event_free(db->write_event);
    db->read_event = db->write_event = NULL;
}

void db_close(struct db *db)
{
    db_free_events(db);
    PQclear(db->result);
    db->result = NULL;
    PQfinish(db->conn);
    db->conn = NULL;
    db->state = DB_WAITING;
}

void db_lose(struct db *db, const struct err *err)
{
    bool was_up = db->state >= DB_READY;
    bool executing = db->state == DB_EXECUTING;
    struct err reason = *err; /* err may point into what is closed here */

    db_close(db);
    if (was_up && clock_mono_ms() - db->up_since_ms >= DB_HELD_MS)
        backoff_reset(&db->backoff);
    db_connect_after(db, backoff_next_ms(&db->backoff));
    if (db->config.on_down) {
        db->callback_depth++;
        db->config.on_down(db, &reason, db->config.arg);
        db->callback_depth--;
    }
    db_requeue(db, executing, &reason);
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

    if (severity && (!strcmp(severity, "FATAL") || !strcmp(severity, "PANIC")))
        err_from_result(&db->farewell, result); /* an idle session is being closed */
    else if (db->config.on_notice && text) {
        db->callback_depth++;
        db->config.on_notice(db, sqlstate ? sqlstate : "00000", text, db->config.arg);
        db->callback_depth--;
    }
}

static void db_connect(struct db *db)
{
    db->state = DB_CONNECTING;
    err_clear(&db->farewell);
    err_clear(&db->refusal);
    db->conn = db_target_start(db->target, db->turn);
    if (PQstatus(db->conn) == CONNECTION_BAD) {
        db_lose_conn(db);
        return;
    }
    PQsetNoticeReceiver(db->conn, db_notice, db);
    timer_start(db->state_timer, db->config.connect_timeout_ms);
    db->write_event = event_new(db->base, PQsocket(db->conn), EV_WRITE, db_step_cb, db);
    event_add(db->write_event, NULL);
}

static void db_attempt_timed_out(struct db *db)
{
    struct err err;

    err_set(&err, ERR_connection_failed, "no answer from host \"%s\" port %s within %u ms",
            PQhost(db->conn) ? PQhost(db->conn) : "", PQport(db->conn) ? PQport(db->conn) : "",
            db->config.connect_timeout_ms);
    db->turn++;
    db_lose(db, &err);
    if (db->turn % db_target_hosts(db->target))
        db_connect_after(db, 0); /* the other hosts of the list have not had their turn */
}

static void db_state_timer_cb(void *arg)
{
    struct db *db = arg;

    if (db->state == DB_WAITING)
        db_connect(db);
    else
        db_attempt_timed_out(db);
}

void db_connect_after(struct db *db, int64_t wait_ms)
{
    if (!db->state_timer)
        db->state_timer = timer_create_on(db->base, db_state_timer_cb, db);
    timer_start(db->state_timer, wait_ms);
}

/* ---- connected ---- */

static bool db_is_standby(const struct db *db)
{
    const char *standby = PQparameterStatus(db->conn, "in_hot_standby");

    return standby && !strcmp(standby, "on");
}

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

static void db_set_up(struct db *db)
{
    struct err err;

    if (db->config.want_writable && db_is_standby(db)) {
        err_set(&err, ERR_read_only, "host \"%s\" is a standby", PQhost(db->conn));
        db_lose(db, &err);
        return;
    }
    PQsetErrorVerbosity(db->conn, PQERRORS_DEFAULT);
    PQsetnonblocking(db->conn, 1);
    db->read_event = event_new(db->base, PQsocket(db->conn), EV_READ | EV_PERSIST, db_io_cb, db);
    db->write_event = event_new(db->base, PQsocket(db->conn), EV_WRITE, db_io_cb, db);
    event_add(db->read_event, NULL);
    db->state = DB_SETTING_UP;
    db->channels_listened = 0;
    /* A statement whose client has gone must not go on waiting for a lock, and then do its work. */
    db_send_listens(db, "set client_connection_check_interval = '2s';");
}

/* One step of connecting, whenever the socket is ready for what the last step asked for. */
static void db_step_cb(evutil_socket_t fd, short what, void *arg)
{
    struct db *db = arg;
    PostgresPollingStatusType step;
    bool reading;

    (void)fd;
    (void)what;
    db_free_events(db);
    step = PQconnectPoll(db->conn);
    if (step == PGRES_POLLING_OK) {
        db_set_up(db);
        return;
    }
    reading = step == PGRES_POLLING_READING;
    if (!reading && step != PGRES_POLLING_WRITING) {
        db_lose_conn(db);
        return;
    }
    db->read_event =
        event_new(db->base, PQsocket(db->conn), reading ? EV_READ : EV_WRITE, db_step_cb, db);
    event_add(db->read_event, NULL);
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
