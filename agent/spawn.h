/* SPDX-License-Identifier: PostgreSQL */
/* Start an executor that outlives the agent. */
#ifndef HOWDAH_AGENT_SPAWN_H
#define HOWDAH_AGENT_SPAWN_H

#include <sys/types.h>

#include "base/err.h"

struct spawn {
    const char *program; /* howdah-executor */
    const char *meta_dir;
    const char *news_path;
    int lock_fd; /* inherited by the executor; the caller closes its own copy afterwards */
};

/* 0 and *pid when the program was executed; it is nobody's child but init's (or a subreaper's). */
int spawn_executor(const struct spawn *spawn, pid_t *pid, struct err *err) MUST_CHECK;

#endif
