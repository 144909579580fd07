/* SPDX-License-Identifier: PostgreSQL */
/* Deciding what each task's fate means. No I/O but a look at whether an output file is there: that
 * file is the truth about a unit, whichever attempt wrote it and whatever became of that attempt,
 * because it appears whole (renamed into place) and every attempt would write the same bytes.
 *
 * A task that failed counts against the unit; one that was killed, lost or never started does not,
 * that is the cell's doing. An unreachable task may still run, but waiting for it could take for
 * ever: another attempt starts beside it. */
#include "frameworks/wordcount/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/mem.h"

#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 5000

void job_init(struct job *job, const struct corpus *corpus)
{
    memset(job, 0, sizeof(*job));
    job->unit_count = corpus->maps + 1;
    job->units = mem_alloc((size_t)job->unit_count * sizeof(*job->units));
    for (int i = 0; i < job->unit_count; i++) {
        struct unit *unit = &job->units[i];

        unit->map = i < corpus->maps ? i + 1 : 0;
        unit->out = unit->map > 0 ? corpus_out_path(corpus, unit->map) : corpus_result_path(corpus);
        if (access(unit->out, F_OK) == 0) {
            unit->state = UNIT_DONE;
            job->done++;
        }
    }
}

void job_free(struct job *job)
{
    for (int i = 0; i < job->unit_count; i++)
        free(job->units[i].out);
    free(job->units);
    memset(job, 0, sizeof(*job));
}

bool job_finished(const struct job *job)
{
    return job->units[job->unit_count - 1].state == UNIT_DONE;
}

static bool maps_done(const struct job *job)
{
    for (int i = 0; i < job->unit_count - 1; i++)
        if (job->units[i].state != UNIT_DONE)
            return false;
    return true;
}

size_t job_ready(struct job *job, int64_t now_ms, struct unit **units, size_t max)
{
    int last = maps_done(job) ? job->unit_count : job->unit_count - 1;
    size_t count = 0;

    for (int i = 0; i < last && count < max; i++) {
        struct unit *unit = &job->units[i];

        if (unit->state == UNIT_WAITING && unit->not_before_ms <= now_ms)
            units[count++] = unit;
    }
    return count;
}

void job_task_name(const struct unit *unit, int attempt, char name[JOB_NAME_SIZE])
{
    if (unit->map > 0)
        snprintf(name, JOB_NAME_SIZE, "map-%04d.%d", unit->map, attempt);
    else
        snprintf(name, JOB_NAME_SIZE, "reduce.%d", attempt);
}

struct unit *job_find(struct job *job, const char *task_name, int *attempt)
{
    int map = 0;

    if (sscanf(task_name, "map-%4d.%d", &map, attempt) == 2)
        return map >= 1 && map < job->unit_count ? &job->units[map - 1] : NULL;
    if (sscanf(task_name, "reduce.%d", attempt) == 1)
        return &job->units[job->unit_count - 1];
    return NULL;
}

static void unit_wait(struct unit *unit, int64_t now_ms, uint32_t tries)
{
    struct backoff backoff = {.min_ms = RETRY_MIN_MS, .max_ms = RETRY_MAX_MS, .tries = tries};

    unit->state = UNIT_WAITING;
    unit->task_id[0] = '\0';
    unit->not_before_ms = now_ms + backoff_next_ms(&backoff);
}

void job_placed(struct unit *unit, const char *task_id)
{
    if (unit->state != UNIT_CLAIMING && unit->state != UNIT_PLACED)
        return; /* an update about this very task overtook the claim's answer */
    unit->state = UNIT_PLACED;
    snprintf(unit->task_id, sizeof(unit->task_id), "%s", task_id);
}

void job_refused(struct unit *unit, int64_t now_ms)
{
    if (unit->state == UNIT_CLAIMING)
        unit_wait(unit, now_ms, 0);
}

static enum job_verdict unit_done(struct job *job, struct unit *unit)
{
    unit->state = UNIT_DONE;
    job->done++;
    return JOB_DONE;
}

enum job_verdict job_task_state(struct job *job, struct unit *unit, int attempt,
                                const char *task_id, const char *state, bool terminal,
                                int64_t now_ms, int failures_max)
{
    bool latest = attempt >= unit->attempt;

    if (attempt > unit->attempt)
        unit->attempt = attempt;
    if (unit->state == UNIT_DONE)
        return JOB_NOTHING;
    if (terminal && access(unit->out, F_OK) == 0)
        return unit_done(job, unit);
    if (!latest)
        return JOB_NOTHING;
    if (!terminal && strcmp(state, "unreachable") != 0) {
        unit->state = UNIT_PLACED;
        job_placed(unit, task_id);
        return JOB_NOTHING;
    }
    /* finished without output: the agents do not share our directory, or somebody cleared it */
    if (strcmp(state, "failed") == 0 || strcmp(state, "finished") == 0)
        unit->failures++;
    if (strcmp(state, "error") == 0 || unit->failures >= failures_max)
        return JOB_HOPELESS;
    job->retries++;
    unit_wait(unit, now_ms, (uint32_t)unit->failures);
    return JOB_RETRY;
}
