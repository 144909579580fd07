/* SPDX-License-Identifier: PostgreSQL */
/* struct db, shared by db.c (calls) and db_connect.c (the connection). */
#ifndef HOWDAH_BASE_DB_INTERNAL_H
#define HOWDAH_BASE_DB_INTERNAL_H

#include <sys/queue.h>

#include "base/db.h"
#include "base/db_search.h"
#include "base/db_target.h"
#include "base/loop.h"

/* Writes a record, so that its commit waits for the standbys as synchronous_commit demands. */
#define DB_CONFIRM_SQL "select pg_logical_emit_message(true, 'howdah', 'confirm')"

enum db_state {
    DB_SEARCHING,  /* no connection; the search has the say */
    DB_SETTING_UP, /* connected; settings and LISTENs are sent; the state timer bounds the wait */
    DB_READY,      /* up, and nothing is in flight */
    DB_LISTENING,  /* up; a LISTEN asked for later is in flight; the state timer bounds it */
    DB_PREPARING,  /* up; the running call's statement is being prepared */
    DB_EXECUTING,  /* up; the running call itself is in flight: its outcome is open */
    DB_CONFIRMING, /* up; it has an answer, which a further commit must confirm; open until then */
};

struct db_pending {
    TAILQ_ENTRY(db_pending) link;
    const struct db_stmt *stmt;
    char *params[DB_PARAMS_MAX]; /* owned */
    db_reply_f cb;
    void *arg;
    int64_t deadline_ms; /* on the monotonic clock */
    int tries;           /* that were not answered in time */
    bool repeated;       /* an earlier try's outcome is unknown */
    bool prepared_anew;  /* because the server refused the plan of the first try */
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
    struct db_search *search;
    enum db_state state;
    struct err trouble; /* why there is no connection; ERR_none while there is one */
    int64_t up_since_ms;
    int callback_depth; /* > 0: an owner's callback is on the stack, db_destroy is forbidden */

    PGconn *conn; /* NULL exactly in DB_SEARCHING */
    struct event *read_event, *write_event;
    struct timer *state_timer;    /* what it bounds depends on the state, see there */
    struct timer *deadline_timer; /* the least deadline of all calls, or earlier */
    int64_t deadline_armed_ms;    /* when it fires; 0 = not armed */
    struct timer *try_timer;      /* the end of the running call's try */
    struct timer *pump_timer;     /* takes up new work at the next loop turn */
    struct err refusal;           /* of this connection by the owner; dropped at the next pump */
    struct err farewell;          /* what the server said before it closed; ERR_none if nothing */
    PGresult *result;             /* of the step in flight, so far */
    PGresult *answer;             /* the running call's, in DB_CONFIRMING */
    bool unconfirmed;             /* this step's commit was not confirmed by a standby */

    char **channels;
    size_t channel_count, channels_listened;

    struct db_pending_list queue;
    struct db_pending_list front; /* calls made inside on_up: they go ahead of the queue */
    struct db_pending *running;   /* from DB_PREPARING on; else NULL */
    int queue_length;             /* queue and running */
    bool in_on_up;
    struct db_prepared *prepared;
    size_t prepared_count;
    unsigned prepared_next; /* number of the next one; never used twice on a connection */
};

/* ---- db_connect.c ---- */

/* Makes search and state timer, and begins to search. */
void db_connect_create(struct db *db);

/* Give up the connection: → DB_SEARCHING. The running call is queued again or answered; on_down
 * gets err. Nothing of the connection may be touched after this. */
void db_lose(struct db *db, const struct err *err);
void db_lose_conn(struct db *db); /* the same with the reason found in the connection */

/* Free events and connection; no callbacks. */
void db_close(struct db *db);

/* Push what libpq has buffered; false if that lost the connection. */
bool db_flush(struct db *db);

/* Send LISTEN for the channels that are not listened on yet, in front of them `head`. */
bool db_send_listens(struct db *db, const char *head);

/* ---- db_step.c ---- */

/* The socket was readable: take all input, finish steps, run callbacks. */
void db_drain(struct db *db);

/* Prepare or execute the running call. */
void db_send_running(struct db *db);

/* ---- db_deadline.c ---- */

void db_deadline_create(struct db *db); /* makes the timers */
void db_deadline_arm(struct db *db, int64_t at_ms);
void db_try_begin(struct db *db); /* the running call's try */
uint32_t db_stmt_deadline_ms(const struct db_stmt *stmt);

/* ---- db.c ---- */

/* The connection is up and set up: tell the owner, take up the queue. */
void db_came_up(struct db *db);

/* In DB_READY: start the next piece of work, if there is any. */
void db_pump(struct db *db);

/* The one way out for a call, which must be on no list any more. */
void db_answer(struct db *db, struct db_pending *call, const PGresult *result,
               const struct err *err);

/* The connection is gone: forget what was prepared, decide the running call's fate. open: its
 * outcome is. */
void db_requeue(struct db *db, bool open, const struct err *err);

/* ---- db_err.c ---- */

/* A warning that a commit is in this server's books but was not confirmed by a standby. */
bool db_notice_unconfirmed(const PGresult *notice);

/* Whether a confirmation that ended so must be had elsewhere or later. A server that forbids it
 * (its function may be revoked) gives none, and its answers count without. */
bool db_confirm_failed(const struct err *err);

/* err is ERR_read_only: say of which server, and what was expected. */
void db_err_read_only(struct err *err, const PGconn *conn);

#endif
