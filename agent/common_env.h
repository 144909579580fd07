/* SPDX-License-Identifier: PostgreSQL */
/* A task's environment. */
#ifndef HOWDAH_AGENT_COMMON_ENV_H
#define HOWDAH_AGENT_COMMON_ENV_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

/* NULL-terminated KEY=VALUE for a launch (see common_spec.h), HOWDAH_TASK_ID first; caller frees
 * with env_free. NULL with err naming the field. user may be NULL. */
char **env_make(const json_t *launch, const json_t *context, const char *user,
                struct err *err) MUST_CHECK;
void env_free(char **list); /* NULL is fine */

bool env_text_plain(const json_t *value); /* a JSON text without NUL inside */

#endif
