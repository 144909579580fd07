/* SPDX-License-Identifier: PostgreSQL */
/* execvp says one errno for all the folders of PATH: "Permission denied" when a program is nowhere,
 * but one of the folders may not be entered; "No such file" when the program is there, but the
 * interpreter that its first line names is not. So the folders are gone through once more, and what
 * is found is said. */
#include "agent/executor_command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* Lengths of what is quoted: the whole must fit into a status' message. */
#define PROGRAM_SHOWN 100
#define PATH_SHOWN    120

struct search {
    const char *program;
    const char *user;            /* for messages */
    int error;                   /* of execvp */
    char closed[PATH_SHOWN + 1]; /* the first folder that may not be entered; "" if all may */
};

static int PRINTF_LIKE(3, 4)
    program_fail(const struct search *search, struct err *err, const char *fmt, ...)
{
    char text[sizeof err->text];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return err_set(err, ERR_value_invalid, "field \"command.argv[0]\", value \"%.*s\": %s",
                   PROGRAM_SHOWN, search->program, text);
}

/* The file is there: what keeps it from being executed? */
static void file_explain(const struct search *search, const char *file, const struct stat *info,
                         struct err *err)
{
    if (S_ISDIR(info->st_mode))
        (void)program_fail(search, err, "is a directory");
    else if (faccessat(AT_FDCWD, file, X_OK, AT_EACCESS) != 0)
        (void)program_fail(search, err, "%.*s is not executable for user %s (mode %04o)",
                           PATH_SHOWN, file, search->user, (unsigned)info->st_mode & 07777);
    else if (search->error == ENOENT)
        (void)program_fail(search, err, "%.*s is there, but its interpreter or loader is not",
                           PATH_SHOWN, file);
    else
        (void)program_fail(search, err, "%.*s: %s", PATH_SHOWN, file, strerror(search->error));
}

/* false: no such file, or it cannot be seen from here. */
static bool file_try(struct search *search, const char *folder, size_t len, struct err *err)
{
    CLEANUP_FREE char *file = len ? mem_printf("%.*s/%s", (int)len, folder, search->program)
                                  : mem_strdup(search->program);
    struct stat info;

    errno = 0;
    if (stat(file, &info) == 0 && !(len && S_ISDIR(info.st_mode))) {
        file_explain(search, file, &info, err);
        return true;
    }
    if (errno == EACCES && !search->closed[0])
        snprintf(search->closed, sizeof search->closed, "%.*s", (int)len, folder);
    return false;
}

static bool path_try(struct search *search, const char *path, struct err *err)
{
    size_t len = strcspn(path, ":");

    while (!file_try(search, path, len, err)) {
        if (path[len] == '\0')
            return false;
        path += len + 1;
        len = strcspn(path, ":");
    }
    return true;
}

enum command_code command_explain(const char *program, const char *path, const char *user,
                                  int error, struct err *err)
{
    struct search search = {
        .program = program, .user = user ? user : "of the agent", .error = error};
    bool with_slash = strchr(program, '/');

    if (with_slash ? file_try(&search, "", 0, err) : path_try(&search, path, err))
        return COMMAND_NOT_EXECUTABLE;
    if (with_slash && error == EACCES)
        (void)program_fail(&search, err, "user %s may not enter its folder", search.user);
    else if (with_slash)
        (void)program_fail(&search, err, "%s", strerror(error));
    else if (search.closed[0])
        (void)program_fail(&search, err,
                           "not found in PATH \"%.*s\", of which user %s may not enter %s",
                           PATH_SHOWN, path, search.user, search.closed);
    else
        (void)program_fail(&search, err, "not found in PATH \"%.*s\"", PATH_SHOWN, path);
    return COMMAND_NOT_FOUND;
}
