/* SPDX-License-Identifier: PostgreSQL */
/* When the next turn comes: every turn-pause while there is work, asleep when there is none. */
#ifndef HOWDAH_COORDINATOR_PACE_H
#define HOWDAH_COORDINATOR_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_QUIET_TURNS 4 /* turns that find nothing before the leader goes to sleep */

enum pace_next {
    PACE_BUSY,  /* another turn after the busy pause */
    PACE_DOZE,  /* say "asleep" in the database, then look once more at once */
    PACE_SLEEP, /* nothing came up since: wait for the bell or the idle time */
    PACE_WAKE,  /* something came up while asleep: say "awake", go on at the busy pause */
};

struct pace {
    int quiet;   /* turns in a row that found nothing */
    bool asleep; /* what the database was told last */
};

void pace_reset(struct pace *pace);

/* A turn has ended that did `found` things; rang: the bell rang since the turn before. */
enum pace_next pace_after_turn(struct pace *pace, int64_t found, bool rang);

void pace_told(struct pace *pace, bool asleep); /* the database took note */

#endif
