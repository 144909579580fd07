/* SPDX-License-Identifier: PostgreSQL */
/* The tasks this agent knows, by id. Those that rest (ended, confirmed) cost nothing per turn. */
#ifndef HOWDAH_AGENT_TASK_TABLE_H
#define HOWDAH_AGENT_TASK_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/task.h"

struct task_table;

struct task_table *task_table_create(void);
void task_table_destroy(struct task_table *table); /* and frees the tasks; NULL is fine */

void task_table_add(struct task_table *table, struct task *task); /* takes; the id must be new */
struct task *task_table_find(const struct task_table *table, const char *task_id);

/* Visit those that do not rest. visit may change tasks, not the table. */
void task_table_active(struct task_table *table, void (*visit)(struct task *task, void *arg),
                       void *arg);
void task_table_settle(struct task_table *table);                  /* put those that rest apart */
void task_table_wake(struct task_table *table, struct task *task); /* it rests no more */

/* The cell may have forgotten every end that it confirmed: none rests any more. */
void task_table_unconfirm(struct task_table *table);

/* Free the resting ones for which expired says so, at most max. Returns how many. */
size_t task_table_sweep(struct task_table *table, size_t max,
                        bool (*expired)(struct task *task, void *arg), void *arg);

size_t task_table_live(const struct task_table *table); /* have not ended */

#endif
