/* SPDX-License-Identifier: PostgreSQL */
/* Task updates: handed to the caller in order, remembered until acknowledged. */
#ifndef HOWDAH_FRAMEWORK_UPDATES_H
#define HOWDAH_FRAMEWORK_UPDATES_H

#include "internal.h"

struct updates *updates_create(struct fw_session *session);
void updates_destroy(struct updates *updates); /* NULL is fine */

/* Ask for updates, unless FW_UPDATES_MAX are unacknowledged. While an answer is awaited, one more
 * question is remembered. */
void updates_poll(struct updates *updates);

/* Hand the rows of the statement `updates` to the caller. */
void updates_apply(struct updates *updates, const PGresult *result);

#endif
