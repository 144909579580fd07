/* SPDX-License-Identifier: PostgreSQL */
/* The root: one pointer per part. Parts reach each other through it, on the one event loop, and
 * only after all of them were created (main.c creates them in the order of its table). */
#ifndef HOWDAH_COORDINATOR_COORDINATOR_H
#define HOWDAH_COORDINATOR_COORDINATOR_H

#include <event2/event.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/uuid.h"
#include "coordinator/options.h"

enum coordinator_exit {
    COORDINATOR_EXIT_OK = 0,     /* told to stop */
    COORDINATOR_EXIT_FAILED = 1, /* bad options, or a part could not be created */
    COORDINATOR_EXIT_PORT = 2,   /* the address cannot be listened on */
    COORDINATOR_EXIT_SCHEMA = 3, /* the database has no schema */
};

struct coordinator {
    struct event_base *base;
    struct options options;
    char id[UUID_TEXT_SIZE]; /* made anew at each start: two processes never share a lease */
    /* Resign if leading, then leave the loop. Further calls change nothing. */
    void (*stop)(struct coordinator *root, enum coordinator_exit exit_code);
    bool stopping;
    enum coordinator_exit exit_code;
    struct metrics *metrics;   /* own counters; never NULL while a part lives */
    struct snapshot *snapshot; /* the cell's state as viewers get it */
    struct turn *turn;         /* chores */
    struct leader *leader;     /* lease */
    struct pages *pages;       /* static files */
    struct http *http;
};

#endif
