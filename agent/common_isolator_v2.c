/* SPDX-License-Identifier: PostgreSQL */
/* cgroup v2 by plain files: one directory per task, <mount>/<root>/<agent>/<task id>.
 *
 * Plain files, because what matters here is not known to libcgroup 2.0: cgroup.kill, memory.events,
 * memory.oom.group, memory.peak; and because it writes subtree_control of directories that are none
 * of its business. Controllers are switched on only from the mount's root down to the agent's
 * directory, each only where it is off.
 *
 * A v2 group with controllers holds no processes of its own, so neither agent nor executor lives
 * below root: only tasks do, each in a leaf. */
#include "agent/common_isolator.h"

#include <errno.h>
#include <mntent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/common_cgroup.h"
#include "base/mem.h"

#define WEIGHT_PER_CPU 100
#define WEIGHT_MAX     10000

static const char *const controllers[] = {"cpu", "memory", "pids"};

#define CONTROLLER_COUNT (sizeof(controllers) / sizeof(controllers[0]))

static char mount_path[256];

void isolator_v2_mount_set(const char *path)
{
    snprintf(mount_path, sizeof(mount_path), "%s", path != NULL ? path : "");
}

/* NULL when no cgroup2 filesystem is mounted. */
static const char *mount_find(void)
{
    FILE *mounts = mount_path[0] == '\0' ? setmntent("/proc/self/mounts", "re") : NULL;

    for (struct mntent *entry; mounts != NULL && (entry = getmntent(mounts)) != NULL;) {
        if (strcmp(entry->mnt_type, "cgroup2") == 0) {
            isolator_v2_mount_set(entry->mnt_dir);
            break;
        }
    }
    if (mounts != NULL)
        endmntent(mounts);
    return mount_path[0] != '\0' ? mount_path : NULL;
}

static char *group_dir(const struct isolator_group *group)
{
    return mem_printf("%s/%s", mount_find() != NULL ? mount_path : "", group->path);
}

static int controllers_enable(const char *dir, struct err *err)
{
    for (size_t i = 0; i < CONTROLLER_COUNT; i++) {
        char text[32];
        if (cgroup_file_has_word(dir, "cgroup.subtree_control", controllers[i]))
            continue;
        snprintf(text, sizeof(text), "+%s", controllers[i]);
        if (cgroup_file_write(dir, "cgroup.subtree_control", text, err) != 0)
            return -1;
    }
    return 0;
}

/* Make every directory of path below the mount, each a place where controllers are on. */
static int parents_make(const char *path, struct err *err)
{
    CLEANUP_FREE char *dir = mem_printf("%s/", mount_path);

    if (controllers_enable(dir, err) != 0)
        return -1;
    while (*path != '\0') {
        size_t len = strcspn(path, "/");
        char *child = mem_printf("%s%.*s/", dir, (int)len, path);
        free(dir);
        dir = child;
        if (mkdir(dir, 0755) != 0 && errno != EEXIST)
            return err_set_errno(err, ERR_io_failed, "cannot make cgroup %s", dir);
        if (controllers_enable(dir, err) != 0)
            return -1;
        path += len + (path[len] == '/');
    }
    return 0;
}

static int v2_probe(const char *root, struct err *err)
{
    if (mount_find() == NULL)
        return err_set(err, ERR_isolation_missing, "no cgroup2 filesystem is mounted");
    for (size_t i = 0; i < CONTROLLER_COUNT; i++)
        if (!cgroup_file_has_word(mount_path, "cgroup.controllers", controllers[i]))
            return err_set(err, ERR_isolation_missing,
                           "%s has no controller %s (it may be bound to cgroup v1)", mount_path,
                           controllers[i]);
    return parents_make(root, err);
}

static int limits_write(const char *dir, const struct isolator_limits *limits, struct err *err)
{
    int64_t weight = limits->cpus_milli * WEIGHT_PER_CPU / 1000;
    char ceiling[64] = "max";

    if (limits->cpu_ceiling)
        snprintf(ceiling, sizeof(ceiling), "%lld %d",
                 (long long)(limits->cpus_milli * ISOLATOR_PERIOD_US / 1000 > 1000
                                 ? limits->cpus_milli * ISOLATOR_PERIOD_US / 1000
                                 : 1000),
                 ISOLATOR_PERIOD_US);
    weight = weight < 1 ? 1 : weight > WEIGHT_MAX ? WEIGHT_MAX : weight;
    if (cgroup_file_write_int(dir, "cpu.weight", weight, err) != 0 ||
        cgroup_file_write(dir, "cpu.max", ceiling, err) != 0 ||
        cgroup_file_write_int(dir, "memory.max", isolator_mem_limit(limits), err) != 0 ||
        cgroup_file_write_int(dir, "pids.max", limits->pids, err) != 0)
        return -1;
    /* Without swap accounting there is no memory.swap.max; before Linux 4.19 no oom.group. */
    if (cgroup_file_exists(dir, "memory.swap.max") &&
        cgroup_file_write(dir, "memory.swap.max", "0", err) != 0)
        return -1;
    if (cgroup_file_exists(dir, "memory.oom.group") &&
        cgroup_file_write(dir, "memory.oom.group", "1", err) != 0)
        return -1;
    return 0;
}

static int v2_create(const struct isolator_group *group, const struct isolator_limits *limits,
                     struct err *err)
{
    CLEANUP_FREE char *dir = group_dir(group);
    CLEANUP_FREE char *parent =
        mem_strndup(group->path, (size_t)(strrchr(group->path, '/') - group->path));

    if (mkdir(dir, 0755) != 0 && errno != EEXIST) {
        if (errno != ENOENT || parents_make(parent, err) != 0 || mkdir(dir, 0755) != 0)
            return err_set_errno(err, ERR_io_failed, "cannot make cgroup %s", dir);
    }
    return limits_write(dir, limits, err);
}

static int v2_enter(const struct isolator_group *group, struct err *err)
{
    CLEANUP_FREE char *dir = group_dir(group);

    return cgroup_file_write(dir, "cgroup.procs", "0", err);
}

static void v2_usage(const struct isolator_group *group, struct isolator_usage *usage)
{
    CLEANUP_FREE char *dir = group_dir(group);
    int64_t cpu_us = cgroup_file_key(dir, "cpu.stat", "usage_usec");

    usage->cpu_ms = cpu_us < 0 ? -1 : cpu_us / 1000;
    usage->mem_bytes = cgroup_file_int(dir, "memory.current");
    usage->mem_peak_bytes = cgroup_file_int(dir, "memory.peak");
    usage->pids = cgroup_file_int(dir, "pids.current");
}

/* cgroup.kill takes descendants too and leaves no race with fork; before Linux 5.14: a loop. */
static bool v2_kill_all(const struct isolator_group *group)
{
    CLEANUP_FREE char *dir = group_dir(group);
    struct err ignored = {0};

    if (access(dir, F_OK) != 0)
        return true;
    if (cgroup_file_exists(dir, "cgroup.kill"))
        (void)!cgroup_file_write(dir, "cgroup.kill", "1", &ignored);
    else
        cgroup_procs_kill(dir);
    return cgroup_file_key(dir, "cgroup.events", "populated") <= 0;
}

static bool v2_was_oom(const struct isolator_group *group)
{
    CLEANUP_FREE char *dir = group_dir(group);

    return cgroup_file_key(dir, "memory.events", "oom_kill") > 0;
}

static int v2_destroy(const struct isolator_group *group, struct err *err)
{
    CLEANUP_FREE char *dir = group_dir(group);

    return cgroup_dir_remove(dir, err);
}

const struct isolator_ops isolator_v2 = {
    .name = "cgroup_v2",
    .enforced = "cpu weight, memory, processes",
    .not_enforced = "disk, gpus, network",
    .probe = v2_probe,
    .create = v2_create,
    .enter = v2_enter,
    .usage = v2_usage,
    .kill_all = v2_kill_all,
    .was_oom = v2_was_oom,
    .destroy = v2_destroy,
};
