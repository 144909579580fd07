/* SPDX-License-Identifier: PostgreSQL */
/* Does the database's schema fit this program? */
#ifndef HOWDAH_COORDINATOR_SCHEMA_H
#define HOWDAH_COORDINATOR_SCHEMA_H

#include "base/db.h"
#include "base/err.h"

/* err NULL: it fits. ERR_schema_*: it does not, and asking again is no use until somebody migrates
 * or upgrades. Anything else: the question got no answer. Runs on the loop, once per check unless
 * db is destroyed first. */
typedef void (*schema_verdict_f)(const struct err *err, void *arg);

struct schema_check {
    struct db *db; /* borrowed */
    schema_verdict_f verdict;
    void *arg;
};

/* check stays with the caller and must live until the verdict or until db is gone. */
void schema_check_start(struct schema_check *check, struct db *db, schema_verdict_f verdict,
                        void *arg);

/* 0, or -1 with ERR_schema_older or ERR_schema_newer naming both versions. */
int schema_compare(int64_t found, int64_t expected, struct err *err) MUST_CHECK;

#endif
