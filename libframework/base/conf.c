/* SPDX-License-Identifier: PostgreSQL */
/* Options from a table. Every value, whatever its source, goes through one setter (conf_assign), so
 * that a default, a line of the file, an environment variable and an argument obey the same rules;
 * later sources overwrite earlier ones. The error names the source, the value and what was
 * expected. A built-in default that its own rules refuse is a programming error and aborts. */
#include "base/conf.h"

#include <errno.h>
#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/conf_internal.h"
#include "base/mem.h"

#define CONF_NAME_MAX 64
#define CONF_LINE_MAX 4096

/* ---- values ---- */

static void *conf_field(const struct conf_option *option, void *target)
{
    return (char *)target + option->offset;
}

int conf_parse_duration(const char *text, int64_t *ms, struct err *err)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    char *rest = NULL;
    long long number;

    errno = 0;
    number = isdigit((unsigned char)text[0]) ? strtoll(text, &rest, 10) : -1;
    for (size_t i = 0; rest && !errno && i < sizeof units / sizeof units[0]; i++) {
        if (!strcmp(rest, units[i].unit) && number <= INT64_MAX / units[i].ms) {
            *ms = number * units[i].ms;
            return 0;
        }
    }
    return err_set(err, ERR_input_invalid,
                   "value \"%s\": expected a duration such as 250ms, 5s, 2m or 1h", text);
}

static int conf_in_range(const struct conf_option *option, const char *text, int64_t value,
                         struct err *err)
{
    const char *unit = option->type == CONF_DURATION ? " ms" : "";

    if (!option->min && !option->max) {
        if (value >= 0)
            return 0;
        return err_set(err, ERR_input_invalid, "value \"%s\": expected 0 or more", text);
    }
    if (value >= option->min && value <= option->max)
        return 0;
    return err_set(err, ERR_input_invalid,
                   "value \"%s\": expected between %" PRId64 "%s and %" PRId64 "%s", text,
                   option->min, unit, option->max, unit);
}

static int conf_parse_int(const char *text, int64_t *value, struct err *err)
{
    char *rest;

    errno = 0;
    *value = strtoll(text, &rest, 10);
    if (errno || rest == text || *rest || isspace((unsigned char)text[0]))
        return err_set(err, ERR_input_invalid, "value \"%s\": expected a whole number", text);
    return 0;
}

static int conf_parse_bool(const char *text, bool *value, struct err *err)
{
    static const char *const words[] = {"false", "true", "off", "on", "no", "yes", "0", "1"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!strcasecmp(text, words[i])) {
            *value = i % 2 == 1;
            return 0;
        }
    }
    return err_set(err, ERR_input_invalid, "value \"%s\": expected true or false", text);
}

static int conf_assign_number(const struct conf_option *option, int64_t *field, const char *text,
                              struct err *err)
{
    int64_t value;
    int rc = option->type == CONF_INT ? conf_parse_int(text, &value, err)
                                      : conf_parse_duration(text, &value, err);

    if (rc < 0 || conf_in_range(option, text, value, err) < 0)
        return -1;
    *field = value;
    return 0;
}

static void conf_append(char ***list, const char *text)
{
    size_t count = 0;

    while (*list && (*list)[count])
        count++;
    *list = mem_realloc(*list, (count + 2) * sizeof **list);
    (*list)[count] = mem_strdup(text);
    (*list)[count + 1] = NULL;
}

int conf_assign(const struct conf_option *option, void *target, const char *text, struct err *err)
{
    void *field = conf_field(option, target);

    switch (option->type) {
    case CONF_STRING:
        free(*(char **)field);
        *(char **)field = mem_strdup(text);
        return 0;
    case CONF_LIST: conf_append(field, text); return 0;
    case CONF_INT:
    case CONF_DURATION: return conf_assign_number(option, field, text, err);
    case CONF_BOOL: return conf_parse_bool(text, field, err);
    }
    return -1;
}

/* ---- sources ---- */

static void conf_take_presets(const struct conf_spec *spec, void *target)
{
    struct err err;

    for (size_t i = 0; i < spec->option_count; i++) {
        const struct conf_option *option = &spec->options[i];

        if (option->preset && conf_assign(option, target, option->preset, &err) < 0) {
            fprintf(stderr, "option --%s: its own default is refused: %s\n", option->name,
                    err.text);
            abort();
        }
    }
}

static char *conf_trim(char *text)
{
    char *end = text + strlen(text);

    while (end > text && isspace((unsigned char)end[-1]))
        *--end = '\0';
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

static int conf_take_line(const struct conf_spec *spec, void *target, char *line, struct err *err)
{
    const struct conf_option *option;
    char *name = conf_trim(line);
    char *value = strchr(name, '=');

    if (!*name || *name == '#')
        return 0;
    if (!value)
        return err_set(err, ERR_input_invalid, "expected \"name = value\"");
    *value++ = '\0';
    name = conf_trim(name);
    option = conf_find(spec, name, strlen(name));
    if (!option)
        return err_set(err, ERR_input_invalid, "no option is called \"%s\"", name);
    if (conf_assign(option, target, conf_trim(value), err) < 0)
        return err_wrap(err, "option %s", option->name);
    return 0;
}

static int conf_take_file(const struct conf_spec *spec, void *target, const char *path,
                          struct err *err)
{
    char line[CONF_LINE_MAX];
    FILE *file = fopen(path, "re");
    int rc = 0;

    if (!file)
        return err_set_errno(err, ERR_io_failed, "configuration file \"%s\"", path);
    for (int number = 1; !rc && fgets(line, sizeof line, file); number++) {
        if (strlen(line) == sizeof line - 1)
            rc = err_set(err, ERR_input_invalid, "line is longer than %d bytes", CONF_LINE_MAX - 2);
        else
            rc = conf_take_line(spec, target, line, err);
        if (rc)
            err_wrap(err, "%s, line %d", path, number);
    }
    if (!rc && ferror(file))
        rc = err_set_errno(err, ERR_io_failed, "configuration file \"%s\"", path);
    fclose(file);
    return rc;
}

static void conf_env_name(const struct conf_option *option, char name[CONF_NAME_MAX])
{
    snprintf(name, CONF_NAME_MAX, "HOWDAH_%s", option->name);
    for (char *c = name; *c; c++)
        *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
}

static int conf_take_environment(const struct conf_spec *spec, void *target, struct err *err)
{
    char name[CONF_NAME_MAX];

    for (size_t i = 0; i < spec->option_count; i++) {
        const char *value;

        conf_env_name(&spec->options[i], name);
        value = getenv(name);
        if (value && conf_assign(&spec->options[i], target, value, err) < 0)
            return err_wrap(err, "environment variable %s", name);
    }
    return 0;
}

static void conf_zero(const struct conf_spec *spec, void *target)
{
    for (size_t i = 0; i < spec->option_count; i++) {
        void *field = conf_field(&spec->options[i], target);

        switch (spec->options[i].type) {
        case CONF_STRING: *(char **)field = NULL; break;
        case CONF_LIST: *(char ***)field = NULL; break;
        case CONF_INT:
        case CONF_DURATION: *(int64_t *)field = 0; break;
        case CONF_BOOL: *(bool *)field = false; break;
        }
    }
}

int conf_load(const struct conf_spec *spec, void *target, int argc, char **argv, int *operand,
              struct err *err)
{
    const char *config = NULL;
    int rc;

    conf_zero(spec, target);
    rc = conf_args_scan(spec, argc, argv, &config, err);
    if (rc)
        return rc;
    conf_take_presets(spec, target);
    if ((config && conf_take_file(spec, target, config, err) < 0) ||
        conf_take_environment(spec, target, err) < 0 ||
        conf_args_take(spec, target, argc, argv, operand, err) < 0) {
        conf_free(spec, target);
        return -1;
    }
    return 0;
}

void conf_free(const struct conf_spec *spec, void *target)
{
    for (size_t i = 0; i < spec->option_count; i++) {
        void *field = conf_field(&spec->options[i], target);

        if (spec->options[i].type == CONF_STRING) {
            free(*(char **)field);
            *(char **)field = NULL;
        } else if (spec->options[i].type == CONF_LIST) {
            for (char **text = *(char ***)field; text && *text; text++)
                free(*text);
            free(*(char ***)field);
            *(char ***)field = NULL;
        }
    }
}
