/* SPDX-License-Identifier: PostgreSQL */
/* One client: a connection that always has one claim under way. */
#ifndef HOWDAH_BENCH_SESSION_H
#define HOWDAH_BENCH_SESSION_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "bench/histogram.h"
#include "bench/workload.h"

/* What all sessions of a run have in common. */
struct session_shared {
    struct event_base *base;
    struct workload *workload;
    bool counting;                           /* warm-up is over, time is not up */
    uint64_t claims, tasks, refused, errors; /* tasks: committed ones */
    struct histogram latency;                /* of counted claims, refused ones too */
    struct err first_error;
};

struct session; /* opaque */

/* Connects, prepares the claim (both while nobody else waits) and joins the loop; the first claim
 * is sent when the loop runs. */
struct session *session_open(struct session_shared *shared, const char *conninfo,
                             struct err *err) MUST_CHECK;
void session_close(struct session *session); /* NULL is fine; a claim under way is abandoned */

#endif
