/* SPDX-License-Identifier: PostgreSQL */
/* The options of options.def as a struct. */
#ifndef WORDCOUNT_OPTIONS_H
#define WORDCOUNT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define STRING   char *
#define INT      int64_t
#define DURATION int64_t
#define BOOL     bool
struct options {
#define CONF_OPTION(field, type, name, short_name, preset, min, max, value_name, help) type field;
#include "options.def"
#undef CONF_OPTION
    int64_t cpus_milli; /* from cpus */
};
#undef STRING
#undef INT
#undef DURATION
#undef BOOL

/* As conf_load: 1 = answered (--help), 0 = go on, -1 = err is set. */
int options_load(struct options *options, int argc, char **argv, int *operand,
                 struct err *err) MUST_CHECK;
void options_free(struct options *options);

/* "0.25" → 250; at most three decimals. */
int options_parse_cpus(const char *text, int64_t *milli, struct err *err) MUST_CHECK;

#endif
