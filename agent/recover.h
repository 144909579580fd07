/* SPDX-License-Identifier: PostgreSQL */
/* Taking over from an earlier agent in the same work directory. */
#ifndef HOWDAH_AGENT_RECOVER_H
#define HOWDAH_AGENT_RECOVER_H

#include "agent/sandbox.h"
#include "agent/task.h"
#include "agent/task_table.h"

struct recover_counts {
    int running, ended, discarded;
};

/* Adopt every task that has a checkpoint; discard those that were never started. -1 when not all of
 * them could be seen; table holds those that were. */
int recover_tasks(const struct task_host *host, struct task_table *table, struct sandbox_bin *bin,
                  struct recover_counts *counts, struct err *err) MUST_CHECK;

#endif
