/* SPDX-License-Identifier: PostgreSQL */
/* One host of a conninfo: attempts at it, one after the other, until one finds a server. Private to
 * base/db*.c. */
#ifndef HOWDAH_BASE_DB_HOST_H
#define HOWDAH_BASE_DB_HOST_H

#include <event2/event.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/backoff.h"
#include "base/db_target.h"
#include "base/loop.h"

enum db_host_state {
    DB_HOST_IDLE,       /* nothing is under way */
    DB_HOST_WAITING,    /* the timer runs until the next attempt */
    DB_HOST_CONNECTING, /* PQconnectPoll has the say; the timer bounds the attempt */
    DB_HOST_ASKING,     /* connected and asked about its timeline; same timer */
    DB_HOST_FOUND,      /* connected, and what it is is known */
};

struct db_host {
    struct event_base *base;
    const struct db_target *target; /* borrowed */
    unsigned index;                 /* in target's list */
    uint32_t attempt_ms;            /* deadline of one attempt */
    void (*changed)(void *arg);     /* the host was found, or an attempt failed */
    void *arg;

    enum db_host_state state;
    PGconn *conn;        /* NULL in IDLE and WAITING */
    struct event *event; /* of conn's socket, while connecting and asking */
    struct timer *timer;
    int64_t started_ms; /* when the attempt began */
    struct backoff backoff;
    struct err err;     /* of the latest failure; its owner clears it */
    bool writable;      /* it takes writes */
    uint32_t timeline;  /* 0 = not known: only one host, or the server does not say */
    char system_id[24]; /* of its data directory; "" = not known */
};

void db_host_start(struct db_host *host, int64_t wait_ms); /* IDLE → WAITING */
void db_host_stop(struct db_host *host);                   /* any → IDLE */
PGconn *db_host_take(struct db_host *host);                /* FOUND → IDLE; caller PQfinishes */

/* Not this server, for the reason in err (may be host->err): try again later. Does not call
 * changed. */
void db_host_refuse(struct db_host *host, const struct err *err);

/* "host \"a\" port 5432", for messages; in a buffer of the caller's. */
const char *db_conn_name(const PGconn *conn, char *text, size_t size);

/* Whether this connection's server said that it takes no writes. */
bool db_conn_read_only(const PGconn *conn);

#endif
