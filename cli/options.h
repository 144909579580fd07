/* SPDX-License-Identifier: PostgreSQL */
/* The options of options.def as one struct. A verb sees only its own rows; the other fields are
 * zero. */
#ifndef HOWDAH_CLI_OPTIONS_H
#define HOWDAH_CLI_OPTIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/verbs.h"

#define OPTION_FIELD_STRING   char *
#define OPTION_FIELD_LIST     char **
#define OPTION_FIELD_INT      int64_t
#define OPTION_FIELD_DURATION int64_t
#define OPTION_FIELD_BOOL     bool

struct options {
#define CONF_OPTION(field, type, name, short_name, preset, min, max, value_name, help, verbs)      \
    OPTION_FIELD_##type field;
#include "cli/options.def"
#undef CONF_OPTION
};

/* argv[0] is the verb's word. 0: filled, *operand is the index of the first operand; 1: --help or
 * --version was answered; -1: err names option and value. */
int options_load(const struct verb *verb, struct options *options, int argc, char **argv,
                 int *operand, struct err *err) MUST_CHECK;
void options_free(const struct verb *verb, struct options *options);

/* What `howdah VERB --help` prints. */
void options_help(const struct verb *verb);

/* The verb's options as an array: name, short, type, default, value, help. New reference. */
json_t *options_json(const struct verb *verb);

#endif
