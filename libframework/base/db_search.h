/* SPDX-License-Identifier: PostgreSQL */
/* The search for a server: all hosts of a conninfo at once. Private to base/db*.c. */
#ifndef HOWDAH_BASE_DB_SEARCH_H
#define HOWDAH_BASE_DB_SEARCH_H

#include <event2/event.h>
#include <libpq-fe.h>
#include <stdint.h>

#include "base/db_target.h"

struct db_search;

struct db_search_config {
    struct event_base *base;
    const struct db_target *target; /* borrowed for the search's life */
    uint32_t attempt_ms;            /* deadline of one attempt at one host */
    uint32_t wait_max_ms;           /* the longest wait between two attempts at a host */
    /* The search is over: the owner has conn now. */
    void (*found)(PGconn *conn, void *arg);
    /* Every host has failed since the search began or since the last such report. The search goes
     * on by itself. Neither callback may destroy the search. */
    void (*failed)(const struct err *err, void *arg);
    void *arg;
};

struct db_search *db_search_create(const struct db_search_config *config);
void db_search_destroy(struct db_search *search); /* NULL is fine */

/* Begin at the next loop turn, or after a jittered wait that grows from one time to the next. */
void db_search_start(struct db_search *search);
void db_search_start_later(struct db_search *search);
void db_search_stop(struct db_search *search);

/* The connection that was found led to a server that its owner does not want: the other hosts are
 * given a lead in the next search. */
void db_search_refused(struct db_search *search);

/* The connection that was found has held: waits begin to grow from the start again. */
void db_search_held(struct db_search *search);

#endif
