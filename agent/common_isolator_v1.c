/* SPDX-License-Identifier: PostgreSQL */
/* cgroup v1 through libcgroup: the same path in each of the hierarchies below, wherever they are
 * mounted (several controllers may share a hierarchy).
 *
 * libcgroup finds the hierarchies, makes the directories with their parents and sets the limits.
 * Three things are done by hand: entering (libcgroup's attach hides errno and writes through
 * stdio), killing (it has no such call), and removing (its delete moves survivors to the parent,
 * out of every limit; ours fails instead). Its own error numbers say little, so the message carries
 * cgroup_get_last_errno too.
 *
 * v1 has no cgroup.kill. Frozen processes cannot fork, so a round is: freeze, SIGKILL all, thaw. */
#include "agent/common_isolator.h"

#include <errno.h>
#include <libcgroup.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/common_cgroup.h"
#include "base/mem.h"

#define SHARES_PER_CPU 1024
#define SHARES_MIN     2
#define QUOTA_MIN_US   1000

enum { CONTROLLER_CPU, CONTROLLER_CPUACCT, CONTROLLER_MEMORY, CONTROLLER_PIDS, CONTROLLER_FREEZER };

static const char *const controllers[] = {"cpu", "cpuacct", "memory", "pids", "freezer"};

#define CONTROLLER_COUNT (sizeof(controllers) / sizeof(controllers[0]))

static char *mounts[CONTROLLER_COUNT];

static int libcgroup_error(struct err *err, int code, const char *what, const char *name)
{
    int error = cgroup_get_last_errno();

    if (error == 0)
        return err_set(err, ERR_io_failed, "%s %s: %s", what, name, cgroup_strerror(code));
    return err_set(err, ERR_io_failed, "%s %s: %s (%s)", what, name, strerror(error),
                   cgroup_strerror(code));
}

/* Once per process; an agent and an executor each do it. */
static int hierarchies_find(struct err *err)
{
    if (mounts[CONTROLLER_COUNT - 1] != NULL)
        return 0;
    int code = cgroup_init();
    if (code != 0)
        return libcgroup_error(err, code, "cannot read the mounted", "cgroup hierarchies");
    for (size_t i = 0; i < CONTROLLER_COUNT; i++) {
        if (mounts[i] == NULL && cgroup_get_subsys_mount_point(controllers[i], &mounts[i]) != 0)
            return err_set(err, ERR_isolation_missing, "no cgroup v1 hierarchy with controller %s",
                           controllers[i]);
        if (cgroup_file_exists(mounts[i], "cgroup.controllers"))
            return err_set(err, ERR_isolation_missing, "controller %s is bound to cgroup v2",
                           controllers[i]);
    }
    return 0;
}

static char *controller_dir(const struct isolator_group *group, size_t controller)
{
    return mem_printf("%s/%s", mounts[controller], group->path);
}

static void cgroup_free_cleanup(struct cgroup **cgroup)
{
    cgroup_free(cgroup);
}

/* Controllers with their values, in the order in which the kernel wants them. */
static int values_add(struct cgroup *cgroup, const struct isolator_limits *limits)
{
    struct cgroup_controller *part[CONTROLLER_COUNT];
    int64_t shares = limits->cpus_milli * SHARES_PER_CPU / 1000;
    int64_t quota = limits->cpus_milli * ISOLATOR_PERIOD_US / 1000;
    int code = 0;

    for (size_t i = 0; i < CONTROLLER_COUNT; i++)
        if ((part[i] = cgroup_add_controller(cgroup, controllers[i])) == NULL)
            return ECGFAIL;
    code |= cgroup_set_value_int64(part[CONTROLLER_CPU], "cpu.shares",
                                   shares < SHARES_MIN ? SHARES_MIN : shares);
    if (limits->cpu_ceiling) {
        code |=
            cgroup_set_value_int64(part[CONTROLLER_CPU], "cpu.cfs_period_us", ISOLATOR_PERIOD_US);
        code |= cgroup_set_value_int64(part[CONTROLLER_CPU], "cpu.cfs_quota_us",
                                       quota < QUOTA_MIN_US ? QUOTA_MIN_US : quota);
    }
    code |= cgroup_set_value_int64(part[CONTROLLER_MEMORY], "memory.limit_in_bytes",
                                   isolator_mem_limit(limits));
    code |= cgroup_set_value_int64(part[CONTROLLER_PIDS], "pids.max", limits->pids);
    return code;
}

/* After memory.limit_in_bytes, and only where the kernel accounts for swap. */
static int swap_limit(const struct isolator_group *group, const struct isolator_limits *limits,
                      struct err *err)
{
    CLEANUP_FREE char *dir = controller_dir(group, CONTROLLER_MEMORY);

    if (!cgroup_file_exists(dir, "memory.memsw.limit_in_bytes"))
        return 0;
    return cgroup_file_write_int(dir, "memory.memsw.limit_in_bytes", isolator_mem_limit(limits),
                                 err);
}

static int v1_create(const struct isolator_group *group, const struct isolator_limits *limits,
                     struct err *err)
{
    if (hierarchies_find(err) != 0)
        return -1;
    __attribute__((cleanup(cgroup_free_cleanup))) struct cgroup *cgroup =
        cgroup_new_cgroup(group->path);
    if (cgroup == NULL || values_add(cgroup, limits) != 0)
        return err_set(err, ERR_io_failed, "cannot describe cgroup %s", group->path);
    int code = cgroup_create_cgroup(cgroup, 1);
    if (code != 0)
        return libcgroup_error(err, code, "cannot make cgroup", group->path);
    return swap_limit(group, limits, err);
}

/* The agent's own directory in each hierarchy: made, and writable by us. */
static int v1_probe(const char *root, struct err *err)
{
    if (hierarchies_find(err) != 0)
        return -1;
    __attribute__((cleanup(cgroup_free_cleanup))) struct cgroup *cgroup = cgroup_new_cgroup(root);
    for (size_t i = 0; i < CONTROLLER_COUNT; i++)
        if (cgroup == NULL || cgroup_add_controller(cgroup, controllers[i]) == NULL)
            return err_set(err, ERR_io_failed, "cannot describe cgroup %s", root);
    int code = cgroup_create_cgroup(cgroup, 1);
    if (code != 0)
        return libcgroup_error(err, code, "cannot make cgroup", root);
    for (size_t i = 0; i < CONTROLLER_COUNT; i++) {
        CLEANUP_FREE char *dir = mem_printf("%s/%s", mounts[i], root);
        if (access(dir, W_OK) != 0)
            return err_set_errno(err, ERR_io_failed, "cannot write to %s", dir);
    }
    return 0;
}

static int v1_enter(const struct isolator_group *group, struct err *err)
{
    if (hierarchies_find(err) != 0)
        return -1;
    for (size_t i = 0; i < CONTROLLER_COUNT; i++) {
        CLEANUP_FREE char *dir = controller_dir(group, i);
        if (cgroup_file_write(dir, "cgroup.procs", "0", err) != 0)
            return -1;
    }
    return 0;
}

static void v1_usage(const struct isolator_group *group, struct isolator_usage *usage)
{
    struct err ignored = {0};

    *usage = (struct isolator_usage){-1, -1, -1, -1};
    if (hierarchies_find(&ignored) != 0)
        return;
    CLEANUP_FREE char *cpu = controller_dir(group, CONTROLLER_CPUACCT);
    CLEANUP_FREE char *memory = controller_dir(group, CONTROLLER_MEMORY);
    CLEANUP_FREE char *pids = controller_dir(group, CONTROLLER_PIDS);
    int64_t cpu_ns = cgroup_file_int(cpu, "cpuacct.usage");
    usage->cpu_ms = cpu_ns < 0 ? -1 : cpu_ns / 1000000;
    usage->mem_bytes = cgroup_file_int(memory, "memory.usage_in_bytes");
    usage->mem_peak_bytes = cgroup_file_int(memory, "memory.max_usage_in_bytes");
    usage->pids = cgroup_file_int(pids, "pids.current");
}

static bool v1_kill_all(const struct isolator_group *group)
{
    struct err ignored = {0};

    if (hierarchies_find(&ignored) != 0)
        return false;
    CLEANUP_FREE char *freezer = controller_dir(group, CONTROLLER_FREEZER);
    int count = 0;
    if (cgroup_file_exists(freezer, "freezer.state"))
        (void)!cgroup_file_write(freezer, "freezer.state", "FROZEN", &ignored);
    for (size_t i = 0; i < CONTROLLER_COUNT; i++) {
        CLEANUP_FREE char *dir = controller_dir(group, i);
        count += cgroup_procs_kill(dir);
    }
    if (cgroup_file_exists(freezer, "freezer.state"))
        (void)!cgroup_file_write(freezer, "freezer.state", "THAWED", &ignored);
    return count == 0;
}

static bool v1_was_oom(const struct isolator_group *group)
{
    struct err ignored = {0};

    if (hierarchies_find(&ignored) != 0)
        return false;
    CLEANUP_FREE char *dir = controller_dir(group, CONTROLLER_MEMORY);
    return cgroup_file_key(dir, "memory.oom_control", "oom_kill") > 0;
}

static int v1_destroy(const struct isolator_group *group, struct err *err)
{
    if (hierarchies_find(err) != 0)
        return -1;
    for (size_t i = 0; i < CONTROLLER_COUNT; i++) {
        CLEANUP_FREE char *dir = controller_dir(group, i);
        if (cgroup_dir_remove(dir, err) != 0)
            return -1;
    }
    return 0;
}

const struct isolator_ops isolator_v1 = {
    .name = "cgroup_v1",
    .enforced = "cpu shares, memory, processes",
    .not_enforced = "disk, gpus, network",
    .probe = v1_probe,
    .create = v1_create,
    .enter = v1_enter,
    .usage = v1_usage,
    .kill_all = v1_kill_all,
    .was_oom = v1_was_oom,
    .destroy = v1_destroy,
};
