/* SPDX-License-Identifier: PostgreSQL */
/* Whole-file operations. Removal is best effort: what stays behind is a few files in a directory
 * that the caller named or that lies below the system's place for temporary ones. */
#include "frameworks/wordcount/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

int file_read(const char *path, char **text, size_t *len, struct err *err)
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    CLEANUP_FREE char *buf = NULL;
    struct stat stat;
    ssize_t got;

    if (fd < 0 || fstat(fd, &stat) != 0)
        return err_set_errno(err, ERR_io_failed, "cannot read \"%s\"", path);
    buf = mem_alloc((size_t)stat.st_size + 1);
    *len = 0;
    while (*len < (size_t)stat.st_size &&
           (got = read(fd, buf + *len, (size_t)stat.st_size - *len)) != 0) {
        if (got < 0 && errno != EINTR)
            return err_set_errno(err, ERR_io_failed, "cannot read \"%s\"", path);
        *len += got > 0 ? (size_t)got : 0;
    }
    *text = take(&buf);
    return 0;
}

static int write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, text, len);

        if (put < 0 && errno != EINTR)
            return -1;
        text += put > 0 ? put : 0;
        len -= put > 0 ? (size_t)put : 0;
    }
    return fsync(fd);
}

int file_replace(const char *path, const char *text, size_t len, struct err *err)
{
    CLEANUP_FREE char *beside = mem_printf("%s.new", path);
    CLEANUP_FD int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (fd < 0 || write_all(fd, text, len) != 0 || rename(beside, path) != 0)
        return err_set_errno(err, ERR_io_failed, "cannot write \"%s\"", path);
    return 0;
}

void file_remove(const char *dir, const char *name)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", dir, name);

    unlink(path);
}

void files_remove(const char *dir, const char *folder)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", dir, folder);
    DIR *stream = opendir(path);
    struct dirent *entry;

    while (stream != NULL && (entry = readdir(stream)) != NULL)
        if (entry->d_type == DT_REG)
            file_remove(path, entry->d_name);
    if (stream != NULL)
        closedir(stream);
    rmdir(path);
}
