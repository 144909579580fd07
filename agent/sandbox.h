/* SPDX-License-Identifier: PostgreSQL */
/* Getting rid of what ended tasks left on disk. */
#ifndef HOWDAH_AGENT_SANDBOX_H
#define HOWDAH_AGENT_SANDBOX_H

#include <stdbool.h>

struct sandbox_bin;

/* work_dir is borrowed. */
struct sandbox_bin *sandbox_bin_create(const char *work_dir);
void sandbox_bin_destroy(struct sandbox_bin *bin); /* NULL is fine */

/* Take a task's sandbox and checkpoint away, at once and as one: two renames. */
void sandbox_discard(struct sandbox_bin *bin, const char *task_id);

/* Delete what was discarded, in a process of its own. Called again and again: reaps the last one
 * and starts another if there is something to do. */
void sandbox_bin_empty(struct sandbox_bin *bin);

#endif
