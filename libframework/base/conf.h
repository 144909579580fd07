/* SPDX-License-Identifier: PostgreSQL */
/* Table-driven options. Order of precedence: built-in default < configuration file
 * ("name = value" lines, # comments) < environment (HOWDAH_<NAME>, dashes as underscores) < command
 * line (--name=value, --name value, --name for booleans, -s value where a short form exists).
 * Every program declares its options in an options.def, from which struct, table and --help are
 * made: CONF_OPTION(field, type, name, short name, preset, min, max, value name, help). */
#ifndef HOWDAH_BASE_CONF_H
#define HOWDAH_BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

enum conf_type {
    CONF_STRING,   /* char *; owned by the target struct, freed by conf_free */
    CONF_INT,      /* int64_t, min..max */
    CONF_DURATION, /* int64_t milliseconds; "250ms", "5s", "2m", "1h"; a bare number is seconds */
    CONF_LIST,     /* char **; NULL-terminated, one text for each time the option is given; NULL if
                      never */
    CONF_BOOL, /* bool; "true/false/on/off/yes/no/1/0"; on the command line the bare name is true */
};

struct conf_option {
    const char *name; /* long name, "agent-name" */
    char short_name;  /* 0 if none */
    enum conf_type type;
    size_t offset;          /* of the field in the target struct */
    const char *preset;     /* default as text; NULL = empty/unset */
    int64_t min, max;       /* for CONF_INT and CONF_DURATION (ms); both 0 = any not negative */
    const char *value_name; /* "N", "TIME", "PATH" for --help */
    const char *help;       /* one line */
};

struct conf_spec {
    const char *program;  /* "howdah-agent" */
    const char *synopsis; /* "[OPTION]..." */
    const char *summary;  /* one or two sentences for --help */
    const struct conf_option *options;
    size_t option_count;
    bool stop_at_operand; /* true: option parsing ends at the first operand (howdah run … -- cmd) */
};

/* Fill target (its option fields are zeroed first). --help and --version are answered here: they
 * print to stdout and return 1; 0 = go on, *operand is the index of the first operand in argv,
 * which is put in order so that all operands stand at its end; -1 = err is set, nothing is kept.
 * --config PATH names the file; env_prefix is "HOWDAH_". */
int conf_load(const struct conf_spec *spec, void *target, int argc, char **argv, int *operand,
              struct err *err) MUST_CHECK;
void conf_free(const struct conf_spec *spec, void *target);
void conf_help(const struct conf_spec *spec, FILE *out);
int conf_parse_duration(const char *text, int64_t *ms, struct err *err) MUST_CHECK;

#endif
