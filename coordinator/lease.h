/* SPDX-License-Identifier: PostgreSQL */
/* What a coordinator may believe about its own lead between two answers of the database. */
#ifndef HOWDAH_COORDINATOR_LEASE_H
#define HOWDAH_COORDINATOR_LEASE_H

#include <stdbool.h>
#include <stdint.h>

struct lease {
    bool held;
    int64_t epoch;            /* of the lead; the last one held when !held */
    int64_t trusted_until_ms; /* monotonic; from then on somebody else may lead */
};

/* Part of the lease's time that its holder does not use: clocks drift, processes sleep. */
int64_t lease_margin_ms(int64_t ttl_ms);

/* The database granted or renewed the lead, asked at attempt_ms (monotonic, before sending). false:
 * the answer took so long that the time is over already; the lease is then not held. */
bool lease_grant(struct lease *lease, int64_t epoch, int64_t attempt_ms, int64_t ttl_ms);
void lease_drop(struct lease *lease);

bool lease_trusted(const struct lease *lease);    /* held, and the time is not over */
int64_t lease_left_ms(const struct lease *lease); /* until it is over; 0 when not trusted */

#endif
