/* SPDX-License-Identifier: PostgreSQL */
/* Amounts of resource kinds as they are typed (cpus=4,mem=8192,scalars.licences=2,sets.gpu=1) and
 * as the cell reads them: {"cpus": 4, "mem": 8192, "scalars": {"licences": 2}, "sets": {"gpu": 1}}.
 */
#ifndef HOWDAH_CLI_AMOUNTS_H
#define HOWDAH_CLI_AMOUNTS_H

#include "base/err.h"

/* The JSON text of an option's value; caller frees. "" is {}. NULL with err, which names option and
 * part, for a part that is not KIND=NUMBER, or a kind that stands there twice. Whether the cell
 * knows the kind is for the cell to say. */
char *amounts_to_json(const char *option, const char *text, struct err *err) MUST_CHECK;

#endif
