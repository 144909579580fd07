/* SPDX-License-Identifier: PostgreSQL */
/* Pieces of tasks' output for whoever asked the cell for them. */
#ifndef HOWDAH_AGENT_LOGS_H
#define HOWDAH_AGENT_LOGS_H

#include <jansson.h>
#include <stdbool.h>

#define LOGS_CHUNK_MAX 65536 /* bytes of one answer, before base64 */

/* The answer to one request {"request_id", "task_id", "stream", "offset", "length"} of agent_sync:
 * {"request_id", "data", "size", "eof"} or {"request_id", "error"}. ended: the task writes no more.
 * New reference; NULL when the request has no usable id. */
json_t *logs_answer(const char *work_dir, const json_t *request, bool known, bool ended);

/* data as base64; caller frees. */
char *logs_base64(const unsigned char *data, size_t len);

#endif
