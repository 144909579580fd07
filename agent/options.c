/* SPDX-License-Identifier: PostgreSQL */
/* Defaults that depend on the machine, and checks of what becomes a path. */
#include "agent/options.h"

#include <ctype.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define NAME_MAX_LENGTH 128

static const struct conf_option table[] = {
#define CONF_OPTION(field, kind, long_name, short_char, preset_text, min_value, max_value,         \
                    value_word, help_text)                                                         \
    {.name = (long_name),                                                                          \
     .short_name = (short_char),                                                                   \
     .type = CONF_##kind,                                                                          \
     .offset = offsetof(struct options, field),                                                    \
     .preset = (preset_text),                                                                      \
     .min = (min_value),                                                                           \
     .max = (max_value),                                                                           \
     .value_name = (value_word),                                                                   \
     .help = (help_text)},
#include "agent/options.def"
#undef CONF_OPTION
};

const struct conf_spec options_spec = {
    .program = "howdah-agent",
    .synopsis = "[OPTION]...",
    .summary =
        "Runs the tasks that a Howdah cell places on this machine, isolates them and reports "
        "how they fare. Tasks survive the agent's restart.",
    .options = table,
    .option_count = sizeof(table) / sizeof(table[0]),
    .stop_at_operand = false,
};

static char *host_name(void)
{
    char name[HOST_NAME_MAX + 1] = "";

    if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0')
        return mem_strdup("localhost");
    return mem_strdup(name);
}

/* It becomes a directory's name in each cgroup hierarchy. */
static bool name_valid(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > NAME_MAX_LENGTH || name[0] == '.')
        return false;
    for (const char *c = name; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr("._-", *c) == NULL)
            return false;
    return true;
}

static bool cgroup_root_valid(const char *path)
{
    return path[0] != '\0' && path[0] != '/' && path[0] != '.' && strstr(path, "..") == NULL &&
           strstr(path, "//") == NULL && path[strlen(path) - 1] != '/';
}

/* The folder of this program, "/executor's name" appended. */
static char *executor_beside(void)
{
    char path[PATH_MAX] = "";
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (len <= 0)
        return mem_strdup("howdah-executor");
    *strrchr(path, '/') = '\0';
    return mem_printf("%s/howdah-executor", path);
}

static int path_absolute(char **path, struct err *err)
{
    char here[PATH_MAX];

    if ((*path)[0] == '/')
        return 0;
    if (getcwd(here, sizeof(here)) == NULL)
        return err_set_errno(err, ERR_io_failed, "cannot tell the current directory");
    char *absolute = mem_printf("%s/%s", here, *path);
    free(*path);
    *path = absolute;
    return 0;
}

static void preset(char **field, char *value)
{
    if (*field != NULL && (*field)[0] != '\0') {
        free(value);
        return;
    }
    free(*field);
    *field = value;
}

int options_complete(struct options *options, struct err *err)
{
    preset(&options->name, host_name());
    preset(&options->host, host_name());
    preset(&options->executor, executor_beside());
    preset(&options->task_user, geteuid() == 0 ? mem_strdup("nobody") : NULL);
    if (!name_valid(options->name))
        return err_set(
            err, ERR_input_invalid,
            "option \"name\", value \"%.64s\": expected 1 to %d letters, digits and . _ -",
            options->name, NAME_MAX_LENGTH);
    if (!cgroup_root_valid(options->cgroup_root))
        return err_set(err, ERR_input_invalid,
                       "option \"cgroup-root\", value \"%.64s\": expected a relative path",
                       options->cgroup_root);
    if (options->poll_min_ms > options->poll_max_ms)
        return err_set(err, ERR_input_invalid,
                       "option \"poll-min\", value %lldms: expected at most poll-max, %lldms",
                       (long long)options->poll_min_ms, (long long)options->poll_max_ms);
    if (options->work_dir == NULL || options->work_dir[0] == '\0')
        return err_set(err, ERR_input_invalid, "option \"work-dir\", value \"\": expected a path");
    if (path_absolute(&options->work_dir, err) != 0)
        return -1;
    return path_absolute(&options->executor, err);
}
