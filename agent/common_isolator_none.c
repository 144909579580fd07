/* SPDX-License-Identifier: PostgreSQL */
/* No isolation: for agents without cgroup rights. Nothing is limited; killing and measuring go by
 * the task's mark in the environment and, inside the executor, by being its child (it is the
 * subreaper of everything that the task starts). */
#include "agent/common_isolator.h"

#include <signal.h>

#include "agent/common_proc.h"

static struct proc_group group_processes(const struct isolator_group *group)
{
    return (struct proc_group){.task_id = group->task_id, .own_children = group->in_executor};
}

static int none_probe(const char *root, struct err *err)
{
    (void)root;
    (void)err;
    return 0;
}

static int none_create(const struct isolator_group *group, const struct isolator_limits *limits,
                       struct err *err)
{
    (void)group;
    (void)limits;
    (void)err;
    return 0;
}

static int none_enter(const struct isolator_group *group, struct err *err)
{
    (void)group;
    (void)err;
    return 0;
}

static void none_usage(const struct isolator_group *group, struct isolator_usage *usage)
{
    struct proc_group processes = group_processes(group);
    struct proc_sum sum;

    proc_group_sum(&processes, &sum);
    *usage = (struct isolator_usage){
        .cpu_ms = sum.cpu_ms, .mem_bytes = sum.mem_bytes, .mem_peak_bytes = -1, .pids = sum.count};
}

static bool none_kill_all(const struct isolator_group *group)
{
    struct proc_group processes = group_processes(group);

    return proc_group_signal(&processes, SIGKILL) == 0;
}

static bool none_was_oom(const struct isolator_group *group)
{
    (void)group;
    return false;
}

static int none_destroy(const struct isolator_group *group, struct err *err)
{
    (void)group;
    (void)err;
    return 0;
}

const struct isolator_ops isolator_none = {
    .name = "none",
    .enforced = "nothing",
    .not_enforced = "cpu, memory, processes, disk, gpus, network",
    .probe = none_probe,
    .create = none_create,
    .enter = none_enter,
    .usage = none_usage,
    .kill_all = none_kill_all,
    .was_oom = none_was_oom,
    .destroy = none_destroy,
};
