/* SPDX-License-Identifier: PostgreSQL */
/* The coordinator's options as a struct, loaded and checked. */
#ifndef HOWDAH_COORDINATOR_OPTIONS_H
#define HOWDAH_COORDINATOR_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define OPTION_FIELD_STRING   char *
#define OPTION_FIELD_INT      int64_t
#define OPTION_FIELD_DURATION int64_t
#define OPTION_FIELD_BOOL     bool

struct options {
#define CONF_OPTION(field, type, name, short_name, preset, min, max, value_name, help)             \
    OPTION_FIELD_##type field;
#include "coordinator/options.def"
#undef CONF_OPTION
};

/* 0: filled and consistent; 1: --help or --version was answered; -1: err names option and value. */
int options_load(struct options *options, int argc, char **argv, struct err *err) MUST_CHECK;
void options_free(struct options *options);

#endif
