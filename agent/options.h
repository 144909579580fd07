/* SPDX-License-Identifier: PostgreSQL */
/* The agent's options, declared in options.def. */
#ifndef HOWDAH_AGENT_OPTIONS_H
#define HOWDAH_AGENT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/err.h"

struct options { /* strings are owned; freed by conf_free(&options_spec, …) */
    char *db, *name, *host, *work_dir, *resources, *attributes, *isolation, *cgroup_root;
    char *task_user, *executor, *log_level;
    bool cpu_ceiling, kill_on_exit;
    int64_t task_pids;
    int64_t poll_min_ms, poll_max_ms, usage_interval_ms, gc_delay_ms, exit_grace_ms;
};

extern const struct conf_spec options_spec;

/* Fill in what is unset (names, user, executor), make work_dir absolute, check the forms. */
int options_complete(struct options *options, struct err *err) MUST_CHECK;

#endif
