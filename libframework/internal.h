/* SPDX-License-Identifier: PostgreSQL */
/* The session's root struct and what its parts may ask of it. A part (offers, updates, calls) is
 * opaque to the others; its functions are in its own header. */
#ifndef HOWDAH_FRAMEWORK_INTERNAL_H
#define HOWDAH_FRAMEWORK_INTERNAL_H

#include <stdint.h>

#include "base/backoff.h"
#include "base/cell_mark.h"
#include "base/db.h"
#include "base/loop.h"
#include "fw_error.h"
#include "include/framework.h"

#define SESSION_MAGIC 0x46575353u

/* Every statement of stmts.def. */
enum stmt_id {
#define STMT(name, text, params, repeat, try_ms, deadline_ms) STMT_##name,
#include "stmts.def"
#undef STMT
    stmt_count
};

enum session_state {
    /* No connection has been made yet, or it broke before registration. db makes it; next is
     * registering. Nothing but waiting happens here. */
    SESSION_CONNECTING,
    /* Connected; the schema's version is asked for and framework_register is under way. The first
     * time requests are refused, since id and epoch are not known; after a restore they wait. */
    SESSION_REGISTERING,
    /* Registered and connected: heartbeats, polls, requests. */
    SESSION_ACTIVE,
    /* Registered, but the connection is lost, or made anew and not known to lead to the right
     * database. The registration stays valid: the epoch tells whether somebody took over
     * meanwhile. Requests queue up. */
    SESSION_DISCONNECTED,
    /* Torn down, or a fatal error was reported. Nothing is called any more. */
    SESSION_ENDED,
    /* Destroyed from within a callback; freed at the next loop turn. */
    SESSION_DESTROYED,
};

struct offers;
struct updates;
struct calls;

struct fw_session {
    unsigned magic;
    struct event_base *base; /* borrowed */
    struct db *db;           /* owned; NULL once ended */
    struct fw_callbacks callbacks;
    void *arg; /* the caller's, for callbacks */

    /* configuration, owned copies */
    char *name, *role, *former_id;
    int failover_timeout_s;
    int poll_ms;
    bool suppressed; /* what the caller wants; registering anew undoes it in the cell */
    bool auto_acknowledge;
    char key[UUID_TEXT_SIZE]; /* of the first registration */

    enum session_state state;
    char *framework_id; /* owned; NULL until registered */
    int64_t epoch;
    int heartbeat_s;
    uint32_t polls; /* since the last full resync of offers */
    bool heartbeat_in_flight;
    struct cell_mark mark; /* the latest that was seen of the cell */
    bool told_down;        /* `disconnected` was called, `reconnected` not yet */
    bool failed;           /* ended by an error, not by a teardown */
    bool owns_loop;        /* the loop is broken when the session has ended */
    int depth;             /* callbacks of the caller that are running now */
    struct err end;        /* why the session ended */

    struct offers *offers;
    struct updates *updates;
    struct calls *calls;
    struct timer *heartbeat_timer, *poll_timer, *retry_timer, *reap_timer;
    struct backoff backoff; /* of the registration */
};

const struct db_stmt *session_stmt(enum stmt_id id);

/* One of the session's own calls: framework id and epoch, then these (NULL where the statement has
 * no such parameter; both are copied). cb's argument is the session. */
void session_call(struct fw_session *session, enum stmt_id id, const char *third,
                  const char *fourth, db_reply_f cb);

/* 0 if requests can be made (registered and not ended), else -1 with *err filled. */
int session_check_open(const struct fw_session *session, struct fw_error *err);

/* One of the session's own calls (not a request) failed: ends the session unless it may be
 * repeated, or is an error on no list (a warning then). */
void session_call_failed(struct fw_session *session, const struct err *err);

/* A call met a stale epoch: find out whether the session was fenced or the cell restored. */
void session_verify(struct fw_session *session);

/* The cell was restored from a backup: register again. */
void session_return(struct fw_session *session);

/* A heartbeat was answered by the right database: if the connection was lost, it is back. */
void session_back(struct fw_session *session);

/* Reports err through the error callback and ends the session; once. */
void session_fail(struct fw_session *session, const struct err *err);

/* Ends the session without error callback (teardown): open requests get err. */
void session_end(struct fw_session *session, const struct err *err);

/* Brackets around a callback of the caller: within them fw_session_destroy only marks the session.
 * session_leave returns false if the session was destroyed meanwhile: touch nothing but return. */
void session_enter(struct fw_session *session);
bool session_leave(struct fw_session *session);

/* A refused request that has no callback. */
void session_warn(struct fw_session *session, const struct fw_error *err);

#endif
