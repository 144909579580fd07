/* SPDX-License-Identifier: PostgreSQL */
/* Start a task's command: sandbox, group, user, then exec. */
#ifndef HOWDAH_AGENT_EXECUTOR_LAUNCH_H
#define HOWDAH_AGENT_EXECUTOR_LAUNCH_H

#include <sys/types.h>

#include "agent/common_isolator.h"
#include "agent/common_spec.h"
#include "agent/common_status.h"

/* 0: the command was executed, *pid leads a session and process group of its own. -1: it never ran,
 * *status says why (state error or failed); no process is left, the sandbox stays. All signals must
 * be blocked; the child unblocks them. */
int launch_start(const struct spec *spec, const struct isolator_group *group, pid_t *pid,
                 struct status *status);

#endif
