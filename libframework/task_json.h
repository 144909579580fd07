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

#endif
