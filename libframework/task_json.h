/* SPDX-License-Identifier: PostgreSQL */
/* struct fw_task as the JSON that howdah.claim takes. */
#ifndef HOWDAH_FRAMEWORK_TASK_JSON_H
#define HOWDAH_FRAMEWORK_TASK_JSON_H

#include <jansson.h>

#include "include/framework.h"

/* New reference, or NULL with *err naming the member, as in tasks[index].cpus_milli. */
json_t *task_json(const struct fw_task *task, size_t index, struct fw_error *err);

/* All tasks as one JSON array in text; caller frees. NULL with *err filled. */
char *tasks_json(const struct fw_task *tasks, size_t count, struct fw_error *err);

json_t *cpus_json(int64_t milli); /* thousandths as a decimal number; new reference */

/* Text as an object; new reference, or NULL with *err naming request and field. */
json_t *object_parse(const char *where, const char *field, const char *text, struct fw_error *err);

/* The members of an object in text (NULL: none) added to resources; each may stand there once. */
int extra_merge(const char *where, const char *field, const char *text, json_t *resources,
                struct fw_error *err);

#endif
