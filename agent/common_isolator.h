/* SPDX-License-Identifier: PostgreSQL */
/* Isolation of one task: an interface with three drivers. The executor creates and enters a group;
 * either program may measure, kill and remove it. */
#ifndef HOWDAH_AGENT_COMMON_ISOLATOR_H
#define HOWDAH_AGENT_COMMON_ISOLATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define ISOLATOR_PERIOD_US 100000 /* of the CPU ceiling */
#define ISOLATOR_MEM_FLOOR (32LL << 20)

struct isolator_limits {
    int64_t cpus_milli; /* share under contention; the ceiling too if cpu_ceiling */
    int64_t mem_bytes;  /* hard limit, swap included; raised to ISOLATOR_MEM_FLOOR */
    int64_t pids;       /* processes and threads */
    bool cpu_ceiling;
};

struct isolator_usage { /* -1 = not known */
    int64_t cpu_ms, mem_bytes, mem_peak_bytes, pids;
};

/* One task's group. Plain data: made from what the checkpoint says, borrowed strings. */
struct isolator_group {
    const struct isolator_ops *ops;
    const char *path; /* below the hierarchy's mount: "howdah/agent-1/<task id>" */
    const char *task_id;
    bool in_executor; /* the caller is the task's executor: its children are the task's */
};

struct isolator_ops {
    const char *name;
    const char *enforced; /* for the log line at start */
    const char *not_enforced;
    /* Can groups be made below root here? Makes root. err says why not. */
    int (*probe)(const char *root, struct err *err);
    int (*create)(const struct isolator_group *group, const struct isolator_limits *limits,
                  struct err *err);
    /* Move the calling process in. Runs between fork and exec. */
    int (*enter)(const struct isolator_group *group, struct err *err);
    void (*usage)(const struct isolator_group *group, struct isolator_usage *usage);
    /* One round of SIGKILL to everything inside. True when nothing was left: repeat until then. */
    bool (*kill_all)(const struct isolator_group *group);
    /* Whether the kernel killed something inside because of the memory limit. */
    bool (*was_oom)(const struct isolator_group *group);
    /* Remove the (empty) group; a group that is not there is fine. */
    int (*destroy)(const struct isolator_group *group, struct err *err);
};

extern const struct isolator_ops isolator_v1, isolator_v2, isolator_none;

/* By name ("cgroup_v2", "cgroup_v1", "none"); NULL if there is none of that name. */
const struct isolator_ops *isolator_find(const char *name);

/* The driver for option `wanted`: a name, or "auto" for the best that can be had. Those that cannot
 * be had are named with their reasons in why (size bytes, may end up empty). -1 with
 * ERR_isolation_missing when the one asked for cannot be had, ERR_input_invalid for no such
 * name. */
int isolator_choose(const char *wanted, const char *root, const struct isolator_ops **chosen,
                    char *why, int size, struct err *err) MUST_CHECK;

/* Kill until empty, at most wait_ms. In an executor children are reaped meanwhile; the wait status
 * of `main_pid` goes to *main_status when it is among them (main_pid 0 = none). True = empty. */
bool isolator_kill_wait(const struct isolator_group *group, int64_t wait_ms, int main_pid,
                        int *main_status);

/* What is set: at least the floor. */
int64_t isolator_mem_limit(const struct isolator_limits *limits);

/* Where the cgroup2 filesystem is mounted; tests point it at a directory. NULL = look it up. */
void isolator_v2_mount_set(const char *path);

#endif
