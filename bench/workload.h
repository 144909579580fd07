/* SPDX-License-Identifier: PostgreSQL */
/* Who claims what: the registered frameworks, the agents of the cell, and random claims on them. */
#ifndef HOWDAH_BENCH_WORKLOAD_H
#define HOWDAH_BENCH_WORKLOAD_H

#include <libpq-fe.h>
#include <stdint.h>

#include "base/err.h"
#include "base/uuid.h"

struct workload_framework {
    char id[UUID_TEXT_SIZE];
    char epoch[24];
    char channel[64];
    int64_t heartbeat_ms;
};

/* The parameters of one call of howdah.claim; the texts stay the workload's and hold until the next
 * claim is drawn. */
struct workload_claim {
    const char *framework_id;
    const char *epoch;
    const char *key;
    const char *tasks;
};

struct workload; /* opaque */

/* Reads the agents of the cell and registers frameworks through conn. Fails when there are none. */
struct workload *workload_open(PGconn *conn, int64_t frameworks, int64_t listeners, int64_t gang,
                               struct err *err) MUST_CHECK;
void workload_close(struct workload *workload); /* NULL is fine; the registrations stay */

/* The next claim: a random one of the claiming frameworks, a fresh key, tasks with fresh names. */
struct workload_claim workload_draw(struct workload *workload);

/* All frameworks, the listeners behind the claiming ones. Borrowed. */
const struct workload_framework *workload_frameworks(const struct workload *workload, int *count);

#endif
