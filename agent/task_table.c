/* SPDX-License-Identifier: PostgreSQL */
/* A hash by id whose nodes also stand on one of two lists. An agent that keeps a week of ended
 * tasks for their logs still looks at the few that live. */
#include "agent/task_table.h"

#include <stdint.h>
#include <string.h>
#include <sys/queue.h>

#include "base/mem.h"

#define BUCKETS 4096

struct node {
    struct task *task;
    struct node *next; /* in the bucket */
    bool active;       /* which list */
    TAILQ_ENTRY(node) link;
};
TAILQ_HEAD(node_list, node);

struct task_table {
    struct node *buckets[BUCKETS];
    struct node_list active, resting;
};

struct task_table *task_table_create(void)
{
    struct task_table *table = mem_alloc(sizeof(*table));

    TAILQ_INIT(&table->active);
    TAILQ_INIT(&table->resting);
    return table;
}

/* FNV-1a */
static size_t bucket_of(const char *id)
{
    uint32_t hash = 2166136261u;

    for (; *id != '\0'; id++)
        hash = (hash ^ (unsigned char)*id) * 16777619u;
    return hash % BUCKETS;
}

static struct node *node_find(const struct task_table *table, const char *id)
{
    struct node *node = table->buckets[bucket_of(id)];

    while (node != NULL && strcmp(task_id(node->task), id) != 0)
        node = node->next;
    return node;
}

void task_table_add(struct task_table *table, struct task *task)
{
    struct node *node = mem_alloc(sizeof(*node));
    struct node **bucket = &table->buckets[bucket_of(task_id(task))];

    *node = (struct node){.task = task, .next = *bucket, .active = true};
    *bucket = node;
    TAILQ_INSERT_TAIL(&table->active, node, link);
}

struct task *task_table_find(const struct task_table *table, const char *id)
{
    struct node *node = node_find(table, id);

    return node != NULL ? node->task : NULL;
}

static struct node_list *list_of(struct task_table *table, const struct node *node)
{
    return node->active ? &table->active : &table->resting;
}

static void node_remove(struct task_table *table, struct node *node)
{
    struct node **slot = &table->buckets[bucket_of(task_id(node->task))];

    while (*slot != node)
        slot = &(*slot)->next;
    *slot = node->next;
    TAILQ_REMOVE(list_of(table, node), node, link);
    task_free(node->task);
    free(node);
}

void task_table_destroy(struct task_table *table)
{
    if (table == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        while (table->buckets[i] != NULL)
            node_remove(table, table->buckets[i]);
    free(table);
}

void task_table_active(struct task_table *table, void (*visit)(struct task *task, void *arg),
                       void *arg)
{
    struct node *node;

    TAILQ_FOREACH(node, &table->active, link)
    visit(node->task, arg);
}

static void node_move(struct task_table *table, struct node *node, bool active)
{
    if (node->active == active)
        return;
    TAILQ_REMOVE(list_of(table, node), node, link);
    node->active = active;
    TAILQ_INSERT_TAIL(list_of(table, node), node, link);
}

void task_table_settle(struct task_table *table)
{
    for (struct node *node = TAILQ_FIRST(&table->active), *next; node != NULL; node = next) {
        next = TAILQ_NEXT(node, link);
        if (task_rests(node->task))
            node_move(table, node, false);
    }
}

void task_table_wake(struct task_table *table, struct task *task)
{
    node_move(table, node_find(table, task_id(task)), true);
}

void task_table_unconfirm(struct task_table *table)
{
    struct node *node, *next;

    TAILQ_FOREACH(node, &table->active, link)
    task_unconfirm(node->task);
    for (node = TAILQ_FIRST(&table->resting); node != NULL; node = next) {
        next = TAILQ_NEXT(node, link);
        task_unconfirm(node->task);
        if (!task_rests(node->task))
            node_move(table, node, true);
    }
}

size_t task_table_sweep(struct task_table *table, size_t max,
                        bool (*expired)(struct task *task, void *arg), void *arg)
{
    size_t count = 0;

    for (struct node *node = TAILQ_FIRST(&table->resting), *next; node != NULL && count < max;
         node = next) {
        next = TAILQ_NEXT(node, link);
        if (expired(node->task, arg)) {
            node_remove(table, node);
            count++;
        }
    }
    return count;
}

size_t task_table_live(const struct task_table *table)
{
    struct node *node;
    size_t count = 0;

    TAILQ_FOREACH(node, &table->active, link)
    count += task_phase(node->task) != PHASE_ENDED;
    return count;
}
