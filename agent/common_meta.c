/* SPDX-License-Identifier: PostgreSQL */
/* A task's checkpoint directory, <work-dir>/meta/tasks/<task id>/.
 *
 * Each file has one writer (common_meta.h names it) and is replaced whole: written under a
 * temporary name, then renamed. A reader sees an old or a new file, never a part. What a killed
 * process leaves behind is therefore always one of few decidable states (recover.c lists them).
 *
 * Durability: a killed process loses nothing that it wrote, so only what must outlive a crash of
 * the machine is flushed: executor.json (the task may have run) and status.json (how it ended).
 *
 * The lock tells whether an executor lives: the agent takes it, the executor inherits it. The
 * kernel drops it with the executor, however that dies; there is never a second one. */
#include "agent/common_meta.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"

char *meta_dir(const char *work_dir, const char *task_id)
{
    return mem_printf("%s/meta/tasks/%s", work_dir, task_id);
}

char *meta_news_path(const char *work_dir, const char *task_id)
{
    return mem_printf("%s/meta/news/%s", work_dir, task_id);
}

int meta_mkdirs(const char *path, unsigned mode, struct err *err)
{
    CLEANUP_FREE char *copy = mem_strdup(path);

    for (char *slash = copy + 1;; slash++) {
        slash += strcspn(slash, "/");
        bool last = *slash == '\0';
        *slash = '\0';
        if (mkdir(copy, mode) != 0 && errno != EEXIST)
            return err_set_errno(err, ERR_io_failed, "cannot make directory %s", copy);
        if (last)
            return 0;
        *slash = '/';
    }
}

static int write_whole(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t done = write(fd, text, len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        text += done;
        len -= (size_t)done;
    }
    return 0;
}

static int directory_sync(const char *dir)
{
    CLEANUP_FD int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? -1 : fsync(fd);
}

/* The temporary file is overwritten in place when it is there: an executor reserves room for its
 * last word that way (executor_reserve in executor.c). */
static int temporary_write(const char *path, const json_t *doc, bool durable, struct err *err)
{
    CLEANUP_FREE char *text = json_print(doc);
    CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    size_t len = strlen(text);

    if (fd < 0)
        return err_set_errno(err, ERR_io_failed, "cannot open %s", path);
    if (write_whole(fd, text, len) != 0 || ftruncate(fd, (off_t)len) != 0)
        return err_set_errno(err, ERR_io_failed, "cannot write %s", path);
    if (durable && fsync(fd) != 0)
        return err_set_errno(err, ERR_io_failed, "cannot flush %s", path);
    return 0;
}

/* rename, or link where an existing file must stay. */
static int temporary_install(const char *temporary, const char *path, bool once, struct err *err)
{
    if (!once) {
        if (rename(temporary, path) != 0)
            return err_set_errno(err, ERR_io_failed, "cannot rename %s", temporary);
        return 0;
    }
    int rc = link(temporary, path);
    int error = errno;
    unlink(temporary);
    if (rc == 0)
        return 0;
    if (error == EEXIST)
        return 1;
    errno = error;
    return err_set_errno(err, ERR_io_failed, "cannot make %s", path);
}

int meta_write(const char *dir, const char *name, const json_t *doc, unsigned flags,
               struct err *err)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", dir, name);
    CLEANUP_FREE char *temporary = mem_printf("%s/%s.new", dir, name);
    bool durable = flags & META_DURABLE;

    if (temporary_write(temporary, doc, durable, err) != 0)
        return -1;
    int rc = temporary_install(temporary, path, flags & META_ONCE, err);
    if (rc == 0 && durable && directory_sync(dir) != 0)
        return err_set_errno(err, ERR_io_failed, "cannot flush directory %s", dir);
    return rc;
}

int meta_read(const char *dir, const char *name, json_t **doc, struct err *err)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", dir, name);

    if (access(path, F_OK) != 0 && errno == ENOENT)
        return 1;
    *doc = json_parse_file(path, err);
    return *doc != NULL ? 0 : -1;
}

bool meta_exists(const char *dir, const char *name)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", dir, name);

    return access(path, F_OK) == 0;
}

int meta_touch(const char *dir, const char *name, struct err *err)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", dir, name);
    CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return err_set_errno(err, ERR_io_failed, "cannot make %s", path);
    return 0;
}

int meta_remove(const char *dir, const char *name, struct err *err)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", dir, name);

    if (unlink(path) != 0 && errno != ENOENT)
        return err_set_errno(err, ERR_io_failed, "cannot remove %s", path);
    return 0;
}

int meta_lock(const char *dir, struct err *err)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", dir, META_LOCK);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return err_set_errno(err, ERR_io_failed, "cannot open %s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        bool taken = errno == EWOULDBLOCK;
        (void)err_set_errno(err, taken ? ERR_try_again : ERR_io_failed, "cannot lock %s", path);
        close(fd);
        return -1;
    }
    return fd;
}

bool meta_locked(const char *dir)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", dir, META_LOCK);
    CLEANUP_FD int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

    return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}
