/* SPDX-License-Identifier: PostgreSQL */
/* Two steps, so that a crash in between leaves nothing half: what goes is renamed into
 * meta/trash (the checkpoint first: from then on no task of that id is known), and the trash is
 * deleted by a child process with low priority, because a sandbox may hold a million files.
 *
 * A sandbox belongs to a task's user, who may swap directories for symbolic links while we delete:
 * each step goes through directory descriptors and follows no link. */
#include "agent/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/common_meta.h"
#include "agent/common_sandbox.h"
#include "base/log.h"
#include "base/mem.h"

#define TREE_DEPTH_MAX 200

struct sandbox_bin {
    const char *work_dir;
    char *trash;
    pid_t child; /* deleting; 0 = none */
    bool dirty;  /* something may be in the trash */
};

struct sandbox_bin *sandbox_bin_create(const char *work_dir)
{
    struct sandbox_bin *bin = mem_alloc(sizeof(*bin));

    bin->work_dir = work_dir;
    bin->trash = mem_printf("%s/meta/trash", work_dir);
    bin->dirty = true;
    return bin;
}

void sandbox_bin_destroy(struct sandbox_bin *bin)
{
    if (bin == NULL)
        return;
    free(bin->trash);
    free(bin);
}

static void path_discard(struct sandbox_bin *bin, const char *path, const char *kind,
                         const char *task_id)
{
    CLEANUP_FREE char *target = mem_printf("%s/%s.%s", bin->trash, task_id, kind);

    if (rename(path, target) == 0)
        bin->dirty = true;
    else if (errno != ENOENT)
        log_warn("cannot discard path=%s reason=%s", path, strerror(errno));
}

void sandbox_discard(struct sandbox_bin *bin, const char *task_id)
{
    CLEANUP_FREE char *meta = meta_dir(bin->work_dir, task_id);
    CLEANUP_FREE char *sandbox = sandbox_path(bin->work_dir, task_id);

    path_discard(bin, meta, "meta", task_id);
    path_discard(bin, sandbox, "sandbox", task_id);
}

static void tree_remove(int parent, const char *name, int depth)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;

    if (stream == NULL) {
        if (fd >= 0)
            close(fd);
        unlinkat(parent, name, 0);
        return;
    }
    for (struct dirent *entry; depth < TREE_DEPTH_MAX && (entry = readdir(stream)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN ||
            unlinkat(fd, entry->d_name, 0) != 0)
            tree_remove(fd, entry->d_name, depth + 1);
    }
    closedir(stream);
    unlinkat(parent, name, AT_REMOVEDIR);
}

static void trash_empty(const char *trash)
{
    int fd = open(trash, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;

    setpriority(PRIO_PROCESS, 0, 19);
    for (struct dirent *entry; stream != NULL && (entry = readdir(stream)) != NULL;)
        if (entry->d_name[0] != '.')
            tree_remove(fd, entry->d_name, 0);
    _exit(stream != NULL ? 0 : 1);
}

void sandbox_bin_empty(struct sandbox_bin *bin)
{
    /* An error means that somebody else has reaped it. */
    if (bin->child > 0 && waitpid(bin->child, NULL, WNOHANG) == 0)
        return;
    bin->child = 0;
    if (!bin->dirty)
        return;
    bin->child = fork();
    if (bin->child == 0) {
        signal(SIGTERM, SIG_DFL);
        signal(SIGINT, SIG_DFL);
        syscall(SYS_close_range, 3u, ~0u, 0u); /* the work directory's lock among others */
        trash_empty(bin->trash);
    }
    bin->dirty = bin->child < 0;
}
