/* SPDX-License-Identifier: PostgreSQL */
/* The sandbox belongs to the task, and the task may be hostile: what we open in it later (its
 * working directory, its logs) is opened with openat2 and RESOLVE_BENEATH, so that a symbolic link
 * to /etc/shadow yields an error, not a file that root can read. */
#include "agent/common_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

char *sandbox_path(const char *work_dir, const char *task_id)
{
    return mem_printf("%s/sandboxes/%s", work_dir, task_id);
}

static int owner_set(int fd, uid_t uid, gid_t gid)
{
    return geteuid() == 0 ? fchown(fd, uid, gid) : 0;
}

int sandbox_make(const char *path, uid_t uid, gid_t gid, struct err *err)
{
    if (mkdir(path, 0750) != 0 && errno != EEXIST)
        return err_set_errno(err, ERR_io_failed, "cannot make sandbox %s", path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, ERR_io_failed, "cannot open sandbox %s", path);
    if (fchmod(fd, 0750) != 0 || owner_set(fd, uid, gid) != 0) {
        (void)err_set_errno(err, ERR_io_failed, "cannot hand over sandbox %s", path);
        close(fd);
        return -1;
    }
    return fd;
}

int sandbox_output_open(int dir, const char *name, uid_t uid, gid_t gid, struct err *err)
{
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(dir, name, flags, 0640);

    if (fd < 0)
        return err_set_errno(err, ERR_io_failed, "cannot make %s in the sandbox", name);
    if (owner_set(fd, uid, gid) != 0) {
        (void)err_set_errno(err, ERR_io_failed, "cannot hand over %s in the sandbox", name);
        close(fd);
        return -1;
    }
    return fd;
}

int sandbox_open_beneath(int dir, const char *path, int flags)
{
    struct open_how how = {.flags = (unsigned)flags,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};

    return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}
