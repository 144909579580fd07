/* SPDX-License-Identifier: PostgreSQL */
/* What /proc and pidfds tell about processes. */
#ifndef HOWDAH_AGENT_COMMON_PROC_H
#define HOWDAH_AGENT_COMMON_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Of this boot of the machine; "unknown" where /proc does not tell. Never freed. */
const char *proc_boot_id(void);

/* When pid started, in clock ticks since boot: with the boot id it names a process for good.
 * 0 = no such process. */
uint64_t proc_start_ticks(pid_t pid);

/* pidfd of the process pid that started at start_ticks; -1 when that one is gone. */
int proc_pidfd(pid_t pid, uint64_t start_ticks);
bool proc_pidfd_ended(int pidfd);
int proc_pidfd_signal(int pidfd, int signo); /* 0, or -1 with errno */

/* The processes of a task without a cgroup: those whose environment holds HOWDAH_TASK_ID=<task id>,
 * and with own_children all children of the calling process. */
struct proc_group {
    const char *task_id;
    bool own_children;
};
struct proc_sum {
    int64_t cpu_ms;
    int64_t mem_bytes;
    int64_t count;
};
int proc_group_signal(const struct proc_group *group, int signo); /* how many processes it found */
void proc_group_sum(const struct proc_group *group, struct proc_sum *sum);

#endif
