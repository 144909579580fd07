/* SPDX-License-Identifier: PostgreSQL */
/* Desired against actual.
 *
 *               not held    live      ended
 *   launch      start       report    report     (held: the cell missed what we said)
 *   kill        nothing     kill      report     (not held: our next report tells it)
 *   forget      nothing     forget    forget
 *
 * A task that is to be killed or forgotten is not started, whatever else the answer says. The
 * answer is desired state, not a queue of orders: every row may come again, and does. */
#include "agent/reconcile.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/uuid.h"

#define GRACE_MAX_S 86400

struct plan {
    reconcile_holding_f holding;
    void *arg;
    struct reconcile_action *actions;
    size_t count;
};

static void plan_free(struct plan *plan)
{
    free(plan->actions);
}

static void plan_add(struct plan *plan, struct reconcile_action action)
{
    plan->actions[plan->count++] = action;
}

static bool plan_ends(const struct plan *plan, const char *task_id)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->actions[i].verb != RECONCILE_START &&
            strcmp(plan->actions[i].task_id, task_id) == 0)
            return true;
    return false;
}

static int id_check(const char *task_id, const char *field, struct err *err)
{
    if (task_id == NULL || !uuid_valid(task_id))
        return err_set(err, ERR_value_invalid, "field \"%s\": expected task ids", field);
    return 0;
}

/* Sorted out while planning, so that a killed task that is not held is not started either. */
static int forget_plan(struct plan *plan, const json_t *item, struct err *err)
{
    const char *task_id = json_string_value(item);

    if (id_check(task_id, "forget", err) != 0)
        return -1;
    plan_add(plan, (struct reconcile_action){.verb = RECONCILE_FORGET, .task_id = task_id});
    return 0;
}

static int kill_plan(struct plan *plan, const json_t *item, struct err *err)
{
    const char *task_id = json_string_value(json_object_get(item, "task_id"));
    int64_t grace_s = -1;

    if (id_check(task_id, "kill", err) != 0 ||
        json_get_int(item, "grace_s", false, 0, GRACE_MAX_S, &grace_s, err) != 0)
        return -1;
    if (!plan_ends(plan, task_id))
        plan_add(plan, (struct reconcile_action){.verb = RECONCILE_KILL,
                                                 .task_id = task_id,
                                                 .grace_ms = grace_s < 0 ? -1 : grace_s * 1000});
    return 0;
}

static int launch_plan(struct plan *plan, const json_t *item, struct err *err)
{
    const char *task_id = json_string_value(json_object_get(item, "task_id"));

    if (id_check(task_id, "launch", err) != 0)
        return -1;
    if (!plan_ends(plan, task_id))
        plan_add(plan, (struct reconcile_action){
                           .verb = RECONCILE_START, .task_id = task_id, .launch = item});
    return 0;
}

static const struct {
    const char *field;
    int (*plan)(struct plan *plan, const json_t *item, struct err *err);
} parts[] = {{"forget", forget_plan}, {"kill", kill_plan}, {"launch", launch_plan}};

#define PART_COUNT (sizeof(parts) / sizeof(parts[0]))

static int part_check(const json_t *answer, const char *field, size_t *total, struct err *err)
{
    const json_t *list = json_object_get(answer, field);

    if (list != NULL && !json_is_null(list) && !json_is_array(list))
        return err_set(err, ERR_value_invalid, "field \"%s\": expected a list", field);
    *total += json_array_size(list);
    return 0;
}

/* By the table above; false = nothing to do. */
static bool action_settle(struct reconcile_action *action, enum reconcile_holding holding)
{
    if (holding == HOLDING_NONE)
        return action->verb == RECONCILE_START;
    if (action->verb == RECONCILE_START ||
        (action->verb == RECONCILE_KILL && holding == HOLDING_ENDED))
        *action = (struct reconcile_action){.verb = RECONCILE_REPORT, .task_id = action->task_id};
    return true;
}

int reconcile(const json_t *answer, reconcile_holding_f holding, void *arg,
              struct reconcile_action **actions, size_t *count, struct err *err)
{
    __attribute__((cleanup(plan_free))) struct plan plan = {.holding = holding, .arg = arg};
    size_t total = 0, kept = 0;

    for (size_t i = 0; i < PART_COUNT; i++)
        if (part_check(answer, parts[i].field, &total, err) != 0)
            return -1;
    plan.actions = mem_alloc((total + 1) * sizeof(*plan.actions));
    for (size_t i = 0; i < PART_COUNT; i++) {
        const json_t *list = json_object_get(answer, parts[i].field);
        for (size_t j = 0; j < json_array_size(list); j++)
            if (parts[i].plan(&plan, json_array_get(list, j), err) != 0)
                return -1;
    }
    for (size_t i = 0; i < plan.count; i++)
        if (action_settle(&plan.actions[i], holding(plan.actions[i].task_id, arg)))
            plan.actions[kept++] = plan.actions[i];
    *count = kept;
    *actions = take(&plan.actions);
    return 0;
}
