/* SPDX-License-Identifier: PostgreSQL */
/* Candidates relative to the folder of the running program, the first that exists wins. */
#include "cli/paths.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

char *path_of_programs(struct err *err)
{
    char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    char *slash;

    if (len < 0) {
        err_set_errno(err, ERR_io_failed, "cannot find this program's own file");
        return NULL;
    }
    path[len] = '\0';
    slash = strrchr(path, '/');
    *slash = '\0';
    return mem_strdup(path);
}

/* Installed; built in build/bin; built in build/san/bin. */
static char *path_find(const char *const candidates[3], const char *what, struct err *err)
{
    CLEANUP_FREE char *programs = path_of_programs(err);

    if (!programs)
        return NULL;
    for (int i = 0; i < 3; i++) {
        CLEANUP_FREE char *path = mem_printf("%s/%s", programs, candidates[i]);
        char *real = access(path, R_OK) == 0 ? realpath(path, NULL) : NULL;

        if (real)
            return real;
    }
    err_set(err, ERR_io_failed, "%s not found near %s: is the installation complete?", what,
            programs);
    return NULL;
}

char *path_of_devcluster(struct err *err)
{
    static const char *const candidates[3] = {
        "../libexec/howdah/devcluster.sh",
        "../../cli/devcluster.sh",
        "../../../cli/devcluster.sh",
    };

    return path_find(candidates, "devcluster.sh", err);
}

char *path_of_sql(struct err *err)
{
    static const char *const candidates[3] = {
        "../share/howdah/sql/manifest",
        "../../sql/manifest",
        "../../../sql/manifest",
    };
    char *path = path_find(candidates, "sql/manifest", err);

    if (path)
        *strrchr(path, '/') = '\0';
    return path;
}
