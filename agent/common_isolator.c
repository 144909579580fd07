/* SPDX-License-Identifier: PostgreSQL */
/* Choosing a driver, and what all drivers share. The order of the table is the order of preference
 * of "auto". */
#include "agent/common_isolator.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"

static const struct isolator_ops *const drivers[] = {&isolator_v2, &isolator_v1, &isolator_none};

#define DRIVER_COUNT (sizeof(drivers) / sizeof(drivers[0]))

const struct isolator_ops *isolator_find(const char *name)
{
    for (size_t i = 0; i < DRIVER_COUNT; i++)
        if (strcmp(drivers[i]->name, name) == 0)
            return drivers[i];
    return NULL;
}

static int choose_best(const char *root, const struct isolator_ops **chosen, char *why, int size)
{
    int used = 0;

    for (size_t i = 0; i < DRIVER_COUNT; i++) {
        struct err err = {0};
        if (drivers[i]->probe(root, &err) == 0) {
            *chosen = drivers[i];
            return 0;
        }
        if (used < size)
            used += snprintf(why + used, (size_t)(size - used), "%s%s: %s", used > 0 ? "; " : "",
                             drivers[i]->name, err.text);
    }
    return -1;
}

int isolator_choose(const char *wanted, const char *root, const struct isolator_ops **chosen,
                    char *why, int size, struct err *err)
{
    why[0] = '\0';
    if (strcmp(wanted, "auto") == 0)
        return choose_best(root, chosen, why, size);

    const struct isolator_ops *ops = isolator_find(wanted);
    if (ops == NULL)
        return err_set(
            err, ERR_input_invalid,
            "option \"isolation\", value \"%s\": expected auto, cgroup_v2, cgroup_v1 or none",
            wanted);
    struct err reason = {0};
    if (ops->probe(root, &reason) != 0)
        return err_set(err, ERR_isolation_missing,
                       "option \"isolation\", value \"%s\": cannot be had here: %s", wanted,
                       reason.text);
    *chosen = ops;
    return 0;
}

static void children_reap(int main_pid, int *main_status)
{
    int status, pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == main_pid && main_status != NULL)
            *main_status = status;
}

bool isolator_kill_wait(const struct isolator_group *group, int64_t wait_ms, int main_pid,
                        int *main_status)
{
    int64_t deadline = clock_mono_ms() + wait_ms;
    long pause_ns = 500 * 1000;

    for (;;) {
        bool empty = group->ops->kill_all(group);
        if (group->in_executor)
            children_reap(main_pid, main_status);
        if (empty || clock_mono_ms() >= deadline)
            return empty;
        nanosleep(&(struct timespec){.tv_nsec = pause_ns}, NULL);
        if (pause_ns < 50 * 1000 * 1000)
            pause_ns *= 2;
    }
}

int64_t isolator_mem_limit(const struct isolator_limits *limits)
{
    return limits->mem_bytes > ISOLATOR_MEM_FLOOR ? limits->mem_bytes : ISOLATOR_MEM_FLOOR;
}
