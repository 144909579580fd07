/* SPDX-License-Identifier: PostgreSQL */
/* Placing: every offer is filled with as many tasks as fit, one after the other in turn over the
 * offers so that the tasks spread. One claim, mode "any": what does not fit any more comes back as
 * a refusal and waits for the next offers. Offers that are not used are declined for a moment, so
 * that others get them; with all tasks placed the framework asks for no more. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/run.h"

#define CLAIM_TASKS_MAX 1000 /* keeps the transaction short */
#define DECLINE_MS      1000

/* What one claim carries, until its answer. */
struct placement {
    struct run *run;
    size_t *indexes; /* into run->tasks, in the claim's order */
    size_t count;
};

size_t run_count(const struct run *run, enum run_stage stage)
{
    size_t count = 0;

    for (size_t i = 0; i < run->task_count; i++)
        count += run->tasks[i].stage == stage;
    return count;
}

/* A refusal that time cannot cure ends the run: the spec itself is wrong. */
static void task_refused(struct run *run, struct run_task *task,
                         const struct fw_claim_result *result)
{
    task->stage = RUN_UNPLACED;
    if (result->conflict || run->stopping)
        return;
    run_say(run, "%s was refused: %s: %s", task->name, result->reason,
            result->message ? result->message : "");
    run_stop(run, EXIT_TROUBLE);
}

static void task_placed(struct run *run, struct run_task *task,
                        const struct fw_claim_result *result)
{
    /* Its updates may have come before this answer. */
    if (!task->task_id)
        task->task_id = mem_strdup(result->task_id);
    if (task->stage == RUN_CLAIMING)
        task->stage = RUN_PLACED;
    if (run->stopping && task->stage == RUN_PLACED)
        (void)fw_kill(run->session, (const char *const *)&task->task_id, 1, -1, NULL, NULL, NULL);
}

static void claim_cb(struct fw_session *session, const struct fw_claim_result *results,
                     size_t count, const struct fw_error *err, void *arg)
{
    struct placement *placement = arg;
    struct run *run = placement->run;

    for (size_t i = 0; i < placement->count; i++) {
        struct run_task *task = &run->tasks[placement->indexes[i]];

        if (err || i >= count)
            task->stage = RUN_UNPLACED;
        else if (results[i].committed)
            task_placed(run, task, &results[i]);
        else
            task_refused(run, task, &results[i]);
        if (run->stopping && task->stage == RUN_UNPLACED)
            run_task_end(run, task, run->stop_code);
    }
    if (err) {
        run_say(run, "the claim was refused: %s", err->text);
        run_stop(run, EXIT_TROUBLE);
    }
    free(placement->indexes);
    free(placement);
    if (run->suppressed && run_count(run, RUN_UNPLACED)) {
        run->suppressed = false;
        (void)fw_revive(session, NULL);
    }
    run_check_end(run);
}

/* The claim itself. tasks and placement are in the same order. */
static void claim_send(struct run *run, const struct fw_task *tasks, struct placement *placement)
{
    const struct fw_claim claim = {
        .mode = FW_CLAIM_ANY,
        .conflict = FW_CONFLICT_FIT,
        .revocable = run->cli->options.revocable,
        .tasks = tasks,
        .task_count = placement->count,
    };
    struct fw_error err;

    if (fw_claim(run->session, &claim, claim_cb, placement, &err) == 0) {
        for (size_t i = 0; i < placement->count; i++)
            run->tasks[placement->indexes[i]].stage = RUN_CLAIMING;
        return;
    }
    free(placement->indexes);
    free(placement);
    run_say(run, "%s", err.text);
    run_stop(run, EXIT_TROUBLE);
}

/* Deals the unplaced tasks out over the offers, one each in turn; used[i] tells which offers got
 * any. ids are copies of the offers' ids. Returns how many tasks got a place. */
static size_t tasks_deal(struct run *run, int64_t *rooms, char *const *ids, bool *used,
                         size_t offer_count, struct fw_task *tasks, size_t *indexes)
{
    size_t dealt = 0, next = 0;
    bool progress = true;

    while (progress && dealt < CLAIM_TASKS_MAX) {
        progress = false;
        for (size_t i = 0; i < offer_count && dealt < CLAIM_TASKS_MAX; i++) {
            while (next < run->task_count && run->tasks[next].stage != RUN_UNPLACED)
                next++;
            if (next == run->task_count)
                return dealt;
            if (rooms[i] <= 0)
                continue;
            rooms[i]--;
            used[i] = progress = true;
            tasks[dealt] = run->spec;
            tasks[dealt].name = run->tasks[next].name;
            tasks[dealt].offer_id = ids[i];
            indexes[dealt++] = next++;
        }
    }
    return dealt;
}

static void unused_decline(struct run *run, char *const *ids, const bool *used, size_t count)
{
    CLEANUP_FREE const char **unused = mem_alloc(count * sizeof *unused);
    size_t unused_count = 0;

    for (size_t i = 0; i < count; i++)
        if (!used[i])
            unused[unused_count++] = ids[i];
    if (unused_count)
        (void)fw_decline(run->session, unused, unused_count, DECLINE_MS, NULL);
}

/* The offers' ids and rooms are copied first: fw_offers' list does not outlive the next call. */
static void offers_use(struct run *run, const struct fw_offer *offers, size_t count)
{
    CLEANUP_FREE int64_t *rooms = mem_alloc(count * sizeof *rooms);
    CLEANUP_FREE char **ids = mem_alloc(count * sizeof *ids);
    CLEANUP_FREE bool *used = mem_alloc(count * sizeof *used);
    CLEANUP_FREE struct fw_task *tasks = mem_alloc(CLAIM_TASKS_MAX * sizeof *tasks);
    struct placement *placement = mem_alloc(sizeof *placement);

    for (size_t i = 0; i < count; i++) {
        ids[i] = mem_strdup(offers[i].offer_id);
        rooms[i] = fw_offer_room(&offers[i], &run->spec);
    }
    placement->run = run;
    placement->indexes = mem_alloc(CLAIM_TASKS_MAX * sizeof *placement->indexes);
    placement->count = tasks_deal(run, rooms, ids, used, count, tasks, placement->indexes);
    unused_decline(run, ids, used, count);
    if (placement->count) {
        claim_send(run, tasks, placement);
    } else {
        free(placement->indexes);
        free(placement);
    }
    for (size_t i = 0; i < count; i++)
        free(ids[i]);
}

void run_place(struct run *run)
{
    const struct fw_offer *offers;
    size_t count = fw_offers(run->session, &offers);

    if (count && !run->stopping && !run->ending)
        offers_use(run, offers, count);
    if (!run->suppressed && run_count(run, RUN_UNPLACED) == 0 && !run->ending) {
        run->suppressed = true;
        (void)fw_suppress(run->session, NULL);
    }
}
