/* SPDX-License-Identifier: PostgreSQL */
/* One asynchronous PostgreSQL session on the caller's event loop.
 *
 * Calls are queued and run one at a time, in order, as prepared statements. When the connection
 * breaks, a fresh one is made (never PQreset) with jittered backoff; LISTENs are issued again, and
 * on_up runs before any queued call is sent; the calls it makes go ahead of those that are queued
 * already, so that the owner can catch up first. A call that was in flight when
 * the connection broke is sent again if its statement is `repeatable` and its deadline has not
 * passed; otherwise its callback gets ERR_connection_lost. Every call has a deadline; when it
 * passes the callback gets ERR_deadline_passed and the connection is dropped and made anew (a
 * server that does not answer is not asked to cancel). Nothing here blocks. */
#ifndef HOWDAH_BASE_DB_H
#define HOWDAH_BASE_DB_H

#include <event2/event.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define DB_PARAMS_MAX 16

/* A row of a program's stmts.def. The text calls one SQL function or reads one view. */
struct db_stmt {
    const char *name;
    const char *text; /* "select * from howdah.agent_sync($1, $2, $3)" */
    int param_count;
    bool repeatable;      /* may be sent again when the first try's outcome is unknown */
    uint32_t deadline_ms; /* from db_call to callback, reconnects included */
};

struct db;

/* Runs exactly once per db_call unless db_destroy comes first (then never). result is borrowed for
 * the callback's duration: PGRES_TUPLES_OK or COMMAND_OK when err is NULL, else NULL. It may call
 * db_call and db_listen (which never call back at once) and may not call db_destroy; the same holds
 * for the callbacks of db_config. */
typedef void (*db_reply_f)(const PGresult *result, const struct err *err, void *arg);

struct db_config {
    const char *conninfo;         /* any libpq conninfo, several hosts allowed; copied */
    const char *application_name; /* copied */
    const char *const *channels;  /* NULL-terminated names to LISTEN on; copied; may be NULL */
    uint32_t connect_timeout_ms;  /* for each connection attempt; 0 = 5000 */
    bool want_writable;           /* true: a standby counts as failed attempt (ERR_read_only) */
    void (*on_up)(struct db *db, void *arg); /* connected and listening; may be NULL */
    void (*on_down)(struct db *db, const struct err *err, void *arg); /* lost or attempt failed;
                                     called each time; may be NULL. Retries go on by themselves. */
    void (*on_notify)(struct db *db, const char *channel, const char *payload, void *arg);
    void (*on_notice)(struct db *db, const char *sqlstate, const char *text,
                      void *arg); /* may be NULL */
    void *arg;
};

/* Starts connecting at the next loop turn. Fails only for a conninfo that cannot be parsed. */
struct db *db_create(struct event_base *base, const struct db_config *config,
                     struct err *err) MUST_CHECK;
void db_destroy(struct db *db); /* drops queued calls without callback; NULL is fine */

/* Queue a call; params are copied (text format, NULL = SQL null). stmt must outlive db. cb may be
 * NULL. */
void db_call(struct db *db, const struct db_stmt *stmt, const char *const *params, db_reply_f cb,
             void *arg);

/* LISTEN on one more channel, now and after each reconnect. */
void db_listen(struct db *db, const char *channel);

/* The server is not the one that is wanted (its answer says so): drop the connection before
 * anything else is sent on it, report err through on_down and look for another one. May be called
 * from a callback of db's; without a connection it does nothing. */
void db_refuse(struct db *db, const struct err *err);

bool db_is_up(const struct db *db);
int db_queue_length(const struct db *db); /* calls not yet answered */

/* Blocking session for command-line programs (never on an event loop). */
PGconn *db_open_blocking(const char *conninfo, const char *application_name,
                         struct err *err) MUST_CHECK;
/* NULL on failure with err set. Caller PQclears. Waits deadline_ms at most; after
 * ERR_deadline_passed the session is of no more use than for PQfinish. */
PGresult *db_call_blocking(PGconn *conn, const struct db_stmt *stmt, const char *const *params,
                           struct err *err) MUST_CHECK;

/* Run a text of several statements (a migration) through the simple protocol: one transaction
 * unless it says otherwise itself. The error names the line of the text where the server found it.
 */
int db_script_blocking(PGconn *conn, const char *sql, uint32_t deadline_ms,
                       struct err *err) MUST_CHECK;

/* err from a failed result or connection: code by SQLSTATE, text = server's message and detail. */
int err_from_result(struct err *err, const PGresult *result);
int err_from_conn(struct err *err, const PGconn *conn);

#endif
