/* SPDX-License-Identifier: PostgreSQL */
/* The work as units: one per map list, and the reduce. What each unit's tasks are doing. */
#ifndef WORDCOUNT_JOB_H
#define WORDCOUNT_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frameworks/wordcount/corpus.h"

#define JOB_NAME_SIZE 32
#define JOB_ID_SIZE   37

enum unit_state {
    UNIT_WAITING,  /* to be claimed for, not before not_before_ms */
    UNIT_CLAIMING, /* a claim for it is under way */
    UNIT_PLACED,   /* its latest task was committed and has not ended */
    UNIT_DONE,     /* its output file is there */
};

struct unit {
    int map; /* 1 … maps; 0 = the reduce */
    enum unit_state state;
    int attempt;  /* of the latest task; part of its name, so that two tasks never share one */
    int failures; /* tasks that ran and failed */
    int64_t not_before_ms;     /* monotonic */
    char task_id[JOB_ID_SIZE]; /* of the latest task if it was committed, else "" */
    char *out;                 /* owned path */
};

struct job {
    struct unit *units; /* maps units for the maps, then the reduce */
    int unit_count;
    int done; /* units in state UNIT_DONE */
    int retries;
};

/* What an ended task means for its unit. */
enum job_verdict {
    JOB_NOTHING, /* no change, or an earlier attempt's */
    JOB_DONE,    /* the unit is done */
    JOB_RETRY,   /* it waits again */
    JOB_HOPELESS /* its task cannot run, or failed too often */
};

/* Units whose output stands in the corpus' directory are done from the start. */
void job_init(struct job *job, const struct corpus *corpus);
void job_free(struct job *job);

bool job_finished(const struct job *job);

/* The units that may be claimed for now, at most max; the reduce only when every map is done. */
size_t job_ready(struct job *job, int64_t now_ms, struct unit **units, size_t max);

/* "map-0007.2": unit and attempt. */
void job_task_name(const struct unit *unit, int attempt, char name[JOB_NAME_SIZE]);
struct unit *job_find(struct job *job, const char *task_name, int *attempt); /* NULL if not ours */

/* A claim's answer for this unit. */
void job_placed(struct unit *unit, const char *task_id);
void job_refused(struct unit *unit, int64_t now_ms);

/* A task of this unit is now in this state (by an update, or by reconciliation after a restart). */
enum job_verdict job_task_state(struct job *job, struct unit *unit, int attempt,
                                const char *task_id, const char *state, bool terminal,
                                int64_t now_ms, int failures_max);

#endif
