/* SPDX-License-Identifier: PostgreSQL */
/* The process that holds one task, from start to status. */
#ifndef HOWDAH_AGENT_EXECUTOR_H
#define HOWDAH_AGENT_EXECUTOR_H

#include "base/err.h"

struct executor_place {
    const char *meta_dir;  /* of this task; holds spec.json and lock */
    const char *news_path; /* closed after a write: tells the agent to look */
    int lock_fd;           /* the locked lock file */
};

/* Run the task to its end and write its status. -1: it was not ours to run (it had been started
 * before) or the checkpoint cannot be written; nothing was started then. */
int executor_run(const struct executor_place *place, struct err *err) MUST_CHECK;

#endif
