/* SPDX-License-Identifier: PostgreSQL */
/* Leadership: one lease row in the database, asked for by every coordinator all the time. */
#ifndef HOWDAH_COORDINATOR_LEADER_H
#define HOWDAH_COORDINATOR_LEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "coordinator/coordinator.h"

struct leader;

int leader_create(struct coordinator *root, struct err *err) MUST_CHECK;
void leader_destroy(struct coordinator *root);

/* Now, by its own trust window. NULL (at the end viewers are answered after it) leads nothing. */
bool leader_leads(const struct leader *leader);
int64_t leader_epoch(const struct leader *leader); /* of the lead; 0 when not leading */
const char *leader_name(
    const struct leader *leader); /* who leads, last heard; "" = nobody; borrowed */

/* Milliseconds since the database last answered; -1 = never. */
int64_t leader_answer_age_ms(const struct leader *leader);

/* Why this program does not work with the database's schema, for people; NULL = it does, as far as
 * is known. Borrowed. */
const char *leader_schema_problem(const struct leader *leader);

/* A doubt came up elsewhere (a chore met a newer epoch). Asks again at the usual pace. */
void leader_step_down(struct leader *leader, const char *reason);

/* Give the lead back, then call done, soon in any case: without a database the lease just runs out.
 * No attempt to lead follows. */
void leader_resign(struct leader *leader, void (*done)(void *arg), void *arg);

#endif
