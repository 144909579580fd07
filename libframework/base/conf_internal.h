/* SPDX-License-Identifier: PostgreSQL */
/* What conf.c and conf_args.c share. */
#ifndef HOWDAH_BASE_CONF_INTERNAL_H
#define HOWDAH_BASE_CONF_INTERNAL_H

#include "base/conf.h"

/* By long name of len bytes; NULL if there is none. */
const struct conf_option *conf_find(const struct conf_spec *spec, const char *name, size_t len);

/* Parse text by the option's type and range into its field of target. The error names the value. */
int conf_assign(const struct conf_option *option, void *target, const char *text,
                struct err *err) MUST_CHECK;

/* First walk: 1 = --help or --version was answered, 0 = go on (*config set by --config), -1 = err.
 */
int conf_args_scan(const struct conf_spec *spec, int argc, char **argv, const char **config,
                   struct err *err) MUST_CHECK;

/* Second walk: assigns all options; argv is put in order, *operand is where the operands start. */
int conf_args_take(const struct conf_spec *spec, void *target, int argc, char **argv, int *operand,
                   struct err *err) MUST_CHECK;

#endif
