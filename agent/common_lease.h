/* SPDX-License-Identifier: PostgreSQL */
/* Until when tasks with stop_unreachable_s may run. The agent notes when it asked the last question
 * that the cell answered and confirmed; the executors of such tasks read it, and need no agent for
 * that. Times are of clock_boot_ms. */
#ifndef HOWDAH_AGENT_COMMON_LEASE_H
#define HOWDAH_AGENT_COMMON_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define LEASE_FILE  "lease.json" /* in WORK_DIR/meta; written by the agent */
#define LEASE_NONE  0            /* no confirmed answer is known */
#define LEASE_NEVER INT64_MAX    /* when a task without stop_unreachable_s is due */
#define LEASE_PARTS 4            /* confirmed this often in stop_ms, so that some may fail */

struct lease {
    const char *dir;  /* holds LEASE_FILE; borrowed */
    int64_t stop_ms;  /* of the task; 0 = it runs on */
    int64_t asked_ms; /* the latest that was read, or LEASE_NONE */
};

/* Note that the question asked at this moment was answered and confirmed. */
int lease_keep(const char *dir, int64_t asked_ms, struct err *err) MUST_CHECK;

/* When the task is to be stopped, if nothing more is heard. Reads the file only when the time that
 * is known has come; a file that cannot be read, is of an earlier boot or of the future tells
 * nothing. */
int64_t lease_due_ms(struct lease *lease);

/* Whether the next question should ask to be confirmed, for the shortest stop_ms of the tasks at
 * hand (0 = there is none). */
bool lease_ask(int64_t asked_ms, int64_t stop_ms);

#endif
