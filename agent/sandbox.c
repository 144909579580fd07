/* SPDX-License-Identifier: PostgreSQL */
/* Two steps, so that a crash in between leaves nothing half: what goes is renamed into
 * meta/trash (the checkpoint first: from then on no task of that id is known), and the trash is
 * deleted by a child process with low priority, because a sandbox may hold a million files.
 *
 * A sandbox belongs to a task's user, who may swap directories for symbolic links while we delete,
 * and nest them as deep as the disk has room: each step goes through directory descriptors and
 * follows no link, and nothing descends. */
#include "agent/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/common_meta.h"
#include "agent/common_sandbox.h"
#include "base/log.h"
#include "base/mem.h"

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

/* A folder that its owner has closed is opened by us all the same, if we are its owner. Never
 * follows a link: O_PATH holds the folder itself. -1: it is none, or it stays closed. */
static int folder_open(int parent, const char *name)
{
    CLEANUP_FD int held = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    CLEANUP_FREE char *path = held >= 0 ? mem_printf("/proc/self/fd/%d", held) : NULL;

    if (path == NULL)
        return -1;
    if (geteuid() != 0)
        (void)!chmod(path, 0700);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Takes out what is in a folder: files are deleted, folders are moved up into the trash, where
 * their turn comes later. So a tree of any depth needs two descriptors. number makes the names.
 * Returns whether anything went. */
static bool folder_empty(int trash, DIR *stream, unsigned long *number)
{
    int fd = dirfd(stream);
    bool moved = false;

    for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        char name[32];

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(fd, entry->d_name, 0) == 0) {
            moved = true;
            continue;
        }
        CLEANUP_FD int opened = folder_open(fd, entry->d_name); /* a closed one cannot be moved */
        (void)opened;
        do
            snprintf(name, sizeof(name), "deep.%lu", ++*number);
        while (faccessat(trash, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
        moved |= renameat(fd, entry->d_name, trash, name) == 0;
    }
    return moved;
}

/* One piece of the trash. Returns whether it, or anything in it, went. */
static bool piece_remove(int trash, const char *name, unsigned long *number)
{
    int fd = folder_open(trash, name);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    bool moved = false;

    if (stream != NULL) {
        moved = folder_empty(trash, stream, number);
        closedir(stream);
    } else if (fd >= 0) {
        close(fd);
    }
    return unlinkat(trash, name, 0) == 0 || unlinkat(trash, name, AT_REMOVEDIR) == 0 || moved;
}

/* Round after round, as long as something goes; what a mount holds, say, stays. */
static void trash_empty(const char *path)
{
    int trash = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = trash >= 0 ? fdopendir(trash) : NULL;
    unsigned long number = 0;
    bool moved = stream != NULL;

    setpriority(PRIO_PROCESS, 0, 19);
    while (moved) {
        moved = false;
        rewinddir(stream);
        for (struct dirent *entry; (entry = readdir(stream)) != NULL;)
            if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                moved |= piece_remove(trash, entry->d_name, &number);
    }
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
