/* SPDX-License-Identifier: PostgreSQL */
/* Control files. Short reads and single writes; no state. */
#include "agent/common_cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define READ_MAX     65536
#define REMOVE_TRIES 50
#define REMOVE_PAUSE (2 * 1000 * 1000) /* ns */

int cgroup_file_write(const char *dir, const char *file, const char *text, struct err *err)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", dir, file);
    /* The kernel makes control files and ignores the flags; a test's plain directory has none. */
    CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (fd < 0)
        return err_set_errno(err, ERR_io_failed, "cannot open %s", path);
    if (write(fd, text, strlen(text)) < 0)
        return err_set_errno(err, ERR_io_failed, "cannot write \"%s\" to %s", text, path);
    return 0;
}

int cgroup_file_write_int(const char *dir, const char *file, int64_t value, struct err *err)
{
    char text[32];

    snprintf(text, sizeof(text), "%lld", (long long)value);
    return cgroup_file_write(dir, file, text, err);
}

bool cgroup_file_exists(const char *dir, const char *file)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", dir, file);

    return access(path, F_OK) == 0;
}

/* The whole file, NUL-terminated; NULL when it cannot be read. Caller frees. */
static char *file_text(const char *dir, const char *file)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", dir, file);
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    CLEANUP_FREE char *buf = mem_alloc(READ_MAX);
    size_t len = 0;

    if (fd < 0)
        return NULL;
    while (len < READ_MAX - 1) {
        ssize_t got = read(fd, buf + len, READ_MAX - 1 - len);
        if (got < 0)
            return NULL;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    return take(&buf);
}

int64_t cgroup_file_int(const char *dir, const char *file)
{
    CLEANUP_FREE char *text = file_text(dir, file);
    char *end;

    if (text == NULL)
        return -1;
    long long value = strtoll(text, &end, 10);
    return end == text ? -1 : value;
}

int64_t cgroup_file_key(const char *dir, const char *file, const char *key)
{
    CLEANUP_FREE char *text = file_text(dir, file);
    size_t len = strlen(key);

    for (char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, len) == 0 && line[len] == ' ')
            return strtoll(line + len + 1, NULL, 10);
    }
    return -1;
}

bool cgroup_file_has_word(const char *dir, const char *file, const char *word)
{
    CLEANUP_FREE char *text = file_text(dir, file);
    char *rest;

    for (char *item = text != NULL ? strtok_r(text, " \n", &rest) : NULL; item != NULL;
         item = strtok_r(NULL, " \n", &rest))
        if (strcmp(item, word) == 0)
            return true;
    return false;
}

int cgroup_procs_kill(const char *dir)
{
    CLEANUP_FREE char *text = file_text(dir, "cgroup.procs");
    int count = 0;
    char *rest;

    for (char *item = text != NULL ? strtok_r(text, "\n", &rest) : NULL; item != NULL;
         item = strtok_r(NULL, "\n", &rest)) {
        pid_t pid = (pid_t)strtol(item, NULL, 10);
        if (pid > 1)
            kill(pid, SIGKILL);
        count++;
    }
    return count;
}

static void children_remove(const char *dir)
{
    DIR *stream = opendir(dir);

    for (struct dirent *entry; stream != NULL && (entry = readdir(stream)) != NULL;) {
        struct err ignored = {0};
        CLEANUP_FREE char *child = mem_printf("%s/%s", dir, entry->d_name);
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            (void)!cgroup_dir_remove(child, &ignored);
    }
    if (stream != NULL)
        closedir(stream);
}

int cgroup_dir_remove(const char *dir, struct err *err)
{
    for (int tries = 0; rmdir(dir) != 0 && errno != ENOENT; tries++) {
        if ((errno != EBUSY && errno != ENOTEMPTY) || tries == REMOVE_TRIES)
            return err_set_errno(err, ERR_io_failed, "cannot remove cgroup %s", dir);
        if (tries == 0)
            children_remove(dir);
        else
            nanosleep(&(struct timespec){.tv_nsec = REMOVE_PAUSE}, NULL);
    }
    return 0;
}
