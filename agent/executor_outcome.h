/* SPDX-License-Identifier: PostgreSQL */
/* From what was seen of a command to the status that is reported: a pure function. */
#ifndef HOWDAH_AGENT_EXECUTOR_OUTCOME_H
#define HOWDAH_AGENT_EXECUTOR_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/common_status.h"

struct outcome_facts {
    int wait_status;   /* of the command, as waitpid gave it */
    bool kill_sent;    /* we had begun to kill it before it ended, … */
    bool oom;          /* the kernel killed something inside for the memory limit */
    int64_t limit_mib; /* memory limit in force */
    int64_t stop_ms;   /* … because the cell was out of reach for so long; 0 = a request */
};

/* Ended since the cell was out of reach for stop_ms. */
void outcome_stopped(int64_t stop_ms, struct status *status);

void outcome_decide(const struct outcome_facts *facts, struct status *status);

#endif
