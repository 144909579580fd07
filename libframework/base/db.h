/* SPDX-License-Identifier: PostgreSQL */
/* One asynchronous PostgreSQL session on the caller's event loop.
 *
 * All hosts of the conninfo are tried at once, each under a deadline of its own, and of those that
 * take writes the one with the highest timeline is taken; never one with a lower timeline than one
 * that was taken before. Calls are queued and run one at a time, in order, as prepared statements.
 * When the connection breaks, a fresh one is made (never PQreset) with jittered backoff; LISTENs
 * are issued again, and on_up runs before any queued call is sent; the calls it makes go ahead of
 * those that are queued already, so that the owner can catch up first.
 *
 * A call is sent, and sent again until its outcome is known: after the loss of its connection,
 * after a try that lasted longer than its statement allows (a paused server keeps its socket alive;
 * it is not asked to cancel, since that would end a commit's wait for a standby; the next try is
 * granted twice the time), and after a commit that no standby confirmed (a warning of PostgreSQL,
 * when that wait was cancelled). Only a statement whose row says so is repeated; another one's
 * callback gets the error. When the deadline of the whole call passes, the callback gets
 * ERR_deadline_passed. A write that was repeated is answered only after a further commit has been
 * confirmed as synchronous_commit demands: what the first try wrote stands before it. Nothing here
 * blocks. */
#ifndef HOWDAH_BASE_DB_H
#define HOWDAH_BASE_DB_H

#include <event2/event.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define DB_PARAMS_MAX 16

/* Why a statement may be sent again when the outcome of a try is unknown. */
enum db_repeat {
    DB_ONCE,     /* it may not: the caller learns that the outcome is unknown */
    DB_READS,    /* it writes nothing, and any server will do */
    DB_BY_KEY,   /* it carries a key of the caller's making: the same key gets the first answer */
    DB_BY_SEQ,   /* it carries the number of a report: what was taken before is passed over */
    DB_BY_EPOCH, /* a step of the one who holds an epoch, which the same step does not hurt */
    DB_BY_STATE, /* it says what shall be, not what to change: twice makes the same as once */
};

/* A row of a program's stmts.def. The text calls one SQL function or reads one view. */
struct db_stmt {
    const char *name;
    const char *text; /* "select * from howdah.agent_sync($1, $2, $3)" */
    int param_count;
    enum db_repeat repeat;
    uint32_t try_ms; /* an answer that takes longer is not waited for, on this connection; twice
                        as long at each further try; 0 = until the deadline */
    uint32_t deadline_ms; /* from db_call to callback, reconnects included */
};

/* What a program needs of its server. Of several hosts one that takes writes is taken if there is
 * one, unless the conninfo's target_session_attrs says otherwise. */
enum db_want {
    DB_WANT_ANY,      /* a standby will do */
    DB_WANT_WRITABLE, /* a standby counts as failed attempt (ERR_read_only) */
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
    uint32_t wait_max_ms;         /* the longest wait between two attempts at a host; 0 = 500 */
    enum db_want want;
    void (*on_up)(struct db *db, void *arg); /* connected and listening; may be NULL */
    void (*on_down)(struct db *db, const struct err *err, void *arg); /* lost, or no host would do;
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

/* The same for a request that an earlier call made already and did not learn the outcome of (its
 * error was of class RETRY). */
void db_call_again(struct db *db, const struct db_stmt *stmt, const char *const *params,
                   db_reply_f cb, void *arg);

/* LISTEN on one more channel, now and after each reconnect. */
void db_listen(struct db *db, const char *channel);

/* The server is not the one that is wanted (its answer says so): drop the connection before
 * anything else is sent on it, report err through on_down and look for another one. May be called
 * from a callback of db's; without a connection it does nothing. */
void db_refuse(struct db *db, const struct err *err);

bool db_is_up(const struct db *db);
int db_queue_length(const struct db *db); /* calls not yet answered */

/* ---- blocking, for command-line programs (never on an event loop) ---- */

/* All hosts are tried at once, once. NULL with err when none will do. Caller PQfinishes. */
PGconn *db_open_blocking(const char *conninfo, const char *application_name, enum db_want want,
                         struct err *err) MUST_CHECK;

/* One try. NULL on failure with err set; ERR_read_only without a try when the statement writes and
 * the server is a standby. Caller PQclears. Waits deadline_ms at most; after ERR_deadline_passed
 * the session is of no more use than for PQfinish. */
PGresult *db_call_blocking(PGconn *conn, const struct db_stmt *stmt, const char *const *params,
                           struct err *err) MUST_CHECK;

/* How to come by *conn, and come by it again. */
struct db_login {
    const char *conninfo, *application_name;
    PGconn **conn; /* open; replaced after a loss */
};

/* Tries until the outcome is known, for deadline_ms at most. done: the error that means, after a
 * try of unknown outcome, that it has happened (its result is empty then); ERR_none if there is
 * none. */
PGresult *db_call_until_known(const struct db_login *login, const struct db_stmt *stmt,
                              const char *const *params, enum err_code done,
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
