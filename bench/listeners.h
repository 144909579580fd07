/* SPDX-License-Identifier: PostgreSQL */
/* Frameworks that do nothing but what keeps them in the cell: each has a connection, listens on its
 * channel and sends heartbeats. */
#ifndef HOWDAH_BENCH_LISTENERS_H
#define HOWDAH_BENCH_LISTENERS_H

#include <event2/event.h>
#include <stdint.h>

#include "base/err.h"
#include "bench/workload.h"

struct listeners; /* opaque */

/* One for each of the frameworks, which must stay while they listen. Connects while the loop runs.
 */
struct listeners *listeners_open(struct event_base *base, const char *conninfo,
                                 const struct workload_framework *frameworks, int count,
                                 struct err *err) MUST_CHECK;
void listeners_close(struct listeners *listeners); /* NULL is fine */

uint64_t listeners_notified(const struct listeners *listeners); /* hints that came so far */

#endif
