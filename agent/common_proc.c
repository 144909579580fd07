/* SPDX-License-Identifier: PostgreSQL */
/* Processes by /proc and pidfd.
 *
 * A pid alone names nobody: numbers are reused. Whoever keeps a pid keeps its start time too, and
 * a pidfd is only trusted after the start time was compared through it.
 *
 * Groups are the fallback where no cgroup can be had. The mark is the environment variable that
 * every task gets: children inherit it, and only a process that both wipes its environment and
 * outlives the executor escapes. docs/isolation.md says so. */
#include "agent/common_proc.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

#define ENVIRONMENT_MAX (256 * 1024) /* the mark comes first; more is not read */

/* Up to size - 1 bytes of a file, NUL-terminated; -1 when it cannot be read. */
static ssize_t file_read(const char *path, char *buf, size_t size)
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;

    if (fd < 0)
        return -1;
    while (len < size - 1) {
        ssize_t got = read(fd, buf + len, size - 1 - len);
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    buf[len] = '\0';
    return (ssize_t)len;
}

const char *proc_boot_id(void)
{
    static char id[64];

    if (id[0] == '\0') {
        if (file_read("/proc/sys/kernel/random/boot_id", id, sizeof(id)) <= 0)
            snprintf(id, sizeof(id), "unknown");
        id[strcspn(id, "\n")] = '\0';
    }
    return id;
}

/* What follows the command name in /proc/<pid>/stat, which may itself hold spaces and brackets:
 * field 3 and on. NULL when there is no such process. */
static const char *stat_fields(pid_t pid, char *buf, size_t size)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (file_read(path, buf, size) <= 0)
        return NULL;
    const char *bracket = strrchr(buf, ')');
    return bracket != NULL && bracket[1] == ' ' ? bracket + 2 : NULL;
}

static uint64_t stat_field(const char *fields, int number)
{
    for (int i = 3; i < number && fields != NULL; i++) {
        fields = strchr(fields, ' ');
        if (fields != NULL)
            fields++;
    }
    return fields != NULL ? strtoull(fields, NULL, 10) : 0;
}

uint64_t proc_start_ticks(pid_t pid)
{
    char buf[1024];

    return stat_field(stat_fields(pid, buf, sizeof(buf)), 22);
}

int proc_pidfd(pid_t pid, uint64_t start_ticks)
{
    int fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

    if (fd >= 0 && (proc_pidfd_ended(fd) || proc_start_ticks(pid) != start_ticks)) {
        close(fd);
        return -1;
    }
    return fd;
}

bool proc_pidfd_ended(int pidfd)
{
    struct pollfd entry = {.fd = pidfd, .events = POLLIN};

    return poll(&entry, 1, 0) == 1;
}

int proc_pidfd_signal(int pidfd, int signo)
{
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0);
}

static bool environment_marked(pid_t pid, const char *mark)
{
    char path[64];
    CLEANUP_FREE char *buf = mem_alloc(ENVIRONMENT_MAX);

    snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
    ssize_t len = file_read(path, buf, ENVIRONMENT_MAX);
    for (ssize_t at = 0; at < len; at += (ssize_t)strlen(buf + at) + 1)
        if (strcmp(buf + at, mark) == 0)
            return true;
    return false;
}

/* Zombies count as gone: nothing of them runs. */
static bool process_in_group(pid_t pid, const struct proc_group *group, const char *mark)
{
    char buf[1024];
    const char *fields = stat_fields(pid, buf, sizeof(buf));

    if (fields == NULL || fields[0] == 'Z' || fields[0] == 'X' || pid == getpid())
        return false;
    if (group->own_children && (pid_t)stat_field(fields, 4) == getpid())
        return true;
    return environment_marked(pid, mark);
}

typedef void (*process_f)(pid_t pid, void *arg);

static int group_walk(const struct proc_group *group, process_f visit, void *arg)
{
    CLEANUP_FREE char *mark = mem_printf("HOWDAH_TASK_ID=%s", group->task_id);
    DIR *proc = opendir("/proc");
    int found = 0;

    for (struct dirent *entry; proc != NULL && (entry = readdir(proc)) != NULL;) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (process_in_group(pid, group, mark)) {
            visit(pid, arg);
            found++;
        }
    }
    if (proc != NULL)
        closedir(proc);
    return found;
}

static void signal_visit(pid_t pid, void *arg)
{
    kill(pid, *(int *)arg);
}

int proc_group_signal(const struct proc_group *group, int signo)
{
    return group_walk(group, signal_visit, &signo);
}

static void sum_visit(pid_t pid, void *arg)
{
    struct proc_sum *sum = arg;
    char buf[1024];
    const char *fields = stat_fields(pid, buf, sizeof(buf));
    uint64_t ticks = stat_field(fields, 14) + stat_field(fields, 15);

    sum->cpu_ms += (int64_t)(ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK));
    sum->mem_bytes += (int64_t)stat_field(fields, 24) * sysconf(_SC_PAGESIZE);
    sum->count++;
}

void proc_group_sum(const struct proc_group *group, struct proc_sum *sum)
{
    *sum = (struct proc_sum){0};
    group_walk(group, sum_visit, sum);
}
