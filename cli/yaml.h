/* SPDX-License-Identifier: PostgreSQL */
/* As much of YAML as configuration files like Patroni's need: nested mappings, also short ones in
 * braces, of scalars. Lists and block texts are passed over. A text that begins with '{' is read as
 * JSON. */
#ifndef HOWDAH_CLI_YAML_H
#define HOWDAH_CLI_YAML_H

#include <jansson.h>

#include "base/err.h"

/* The mappings as objects; every scalar is a string, without its quotes. Of two equal keys the last
 * one counts. New reference; NULL with ERR_input_invalid that names `name` and the line. */
json_t *yaml_parse(const char *name, const char *text, struct err *err) MUST_CHECK;

#endif
