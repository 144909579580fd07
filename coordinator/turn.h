/* SPDX-License-Identifier: PostgreSQL */
/* The leader's chores, turn after turn. */
#ifndef HOWDAH_COORDINATOR_TURN_H
#define HOWDAH_COORDINATOR_TURN_H

#include "coordinator/coordinator.h"

struct turn;

int turn_create(struct coordinator *root, struct err *err) MUST_CHECK;
void turn_destroy(struct coordinator *root);

/* The lead was won or lost: leader_leads and leader_epoch tell. Turns start at once or stop before
 * the next chore. NULL is fine. */
void turn_leader_changed(struct turn *turn);

#endif
