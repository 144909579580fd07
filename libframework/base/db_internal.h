/* SPDX-License-Identifier: PostgreSQL */
/* struct db, shared by db.c (calls) and db_connect.c (the connection). */
#ifndef HOWDAH_BASE_DB_INTERNAL_H
#define HOWDAH_BASE_DB_INTERNAL_H

#include <sys/queue.h>

#include "base/backoff.h"
#include "base/db.h"
#include "base/db_target.h"
#include "base/loop.h"

enum db_state {
    DB_WAITING,    /* no connection; the state timer runs until the next attempt */
    DB_CONNECTING, /* PQconnectPoll has the say; the state timer bounds the attempt */
    DB_SETTING_UP, /* connected; settings and LISTENs are sent, the answer is awaited; same timer */
    DB_READY,      /* up, and nothing is in flight */
    DB_LISTENING,  /* up; a LISTEN asked for later is in flight; the state timer bounds it */
    DB_PREPARING,  /* up; the running call's statement is being prepared */
    DB_EXECUTING,  /* up; the running call itself is in flight: its outcome is open */
};

struct db_pending {
    TAILQ_ENTRY(db_pending) link;
    const struct db_stmt *stmt;
    char *params[DB_PARAMS_MAX]; /* owned */
    db_reply_f cb;
    void *arg;
    int64_t deadline_ms; /* on the monotonic clock */
};

TAILQ_HEAD(db_pending_list, db_pending);

/* A statement prepared on this connection; its name there is "s" and its number. */
struct db_prepared {
    const struct db_stmt *stmt;
    unsigned number;
};

struct db {
    unsigned magic;
    struct event_base *base;
    struct db_config config; /* conninfo, application_name, channels: not used after db_create */
    struct db_target *target;
    enum db_state state;
    unsigned turn; /* host of the list to start the next attempt with */
    struct backoff backoff;
    int64_t up_since_ms;
    int callback_depth; /* > 0: an owner's callback is on the stack, db_destroy is forbidden */

    PGconn *conn; /* NULL exactly in DB_WAITING */
    struct event *read_event, *write_event;
    struct timer *state_timer;    /* what it bounds depends on the state, see there */
    struct timer *deadline_timer; /* the least deadline of all calls, or earlier */
    int64_t deadline_armed_ms;    /* when it fires; 0 = not armed */
    struct timer *pump_timer;     /* takes up new work at the next loop turn */
    struct err refusal;  /* of the present connection by the owner; dropped at the next pump */
    struct err farewell; /* what the server said before it closed; ERR_none if nothing */
    PGresult *result;    /* of the step in flight, so far */

    char **channels;
    size_t channel_count, channels_listened;

    struct db_pending_list queue;
    struct db_pending_list front; /* calls made inside on_up: they go ahead of the queue */
    struct db_pending *running;   /* in DB_PREPARING and DB_EXECUTING; else NULL */
    int queue_length;             /* queue and running */
    bool in_on_up;
    struct db_prepared *prepared;
    size_t prepared_count;
    unsigned prepared_next; /* number of the next one; never used twice on a connection */
};

/* ---- db_connect.c ---- */

/* DB_WAITING → DB_CONNECTING, at once or after wait_ms. */
void db_connect_after(struct db *db, int64_t wait_ms);

/* Give up the connection or the attempt: → DB_WAITING. The running call is queued again or
 * answered; on_down gets err. Nothing of the connection may be touched after this. */
void db_lose(struct db *db, const struct err *err);
void db_lose_conn(struct db *db); /* the same with the reason found in the connection */

/* Free events and connection; no callbacks. */
void db_close(struct db *db);

/* Push what libpq has buffered; false if that lost the connection. */
bool db_flush(struct db *db);

/* Send LISTEN for the channels that are not listened on yet, in front of them `head`. */
bool db_send_listens(struct db *db, const char *head);

/* ---- db.c ---- */

/* The connection is up and set up: tell the owner, take up the queue. */
void db_came_up(struct db *db);

/* The socket was readable: take all input, finish steps, run callbacks. */
void db_drain(struct db *db);

/* In DB_READY: start the next piece of work, if there is any. */
void db_pump(struct db *db);

/* The connection is gone: forget what was prepared, decide the running call's fate. executing: it
 * was in DB_EXECUTING. */
void db_requeue(struct db *db, bool executing, const struct err *err);

#endif
