/* SPDX-License-Identifier: PostgreSQL */
/* The tasks of one claim: which unit goes onto which offer, and what its task runs. */
#ifndef WORDCOUNT_BATCH_H
#define WORDCOUNT_BATCH_H

#include "framework.h"
#include "frameworks/wordcount/corpus.h"
#include "frameworks/wordcount/job.h"
#include "frameworks/wordcount/options.h"

#define BATCH_MAX 128

struct batch {
    size_t count;
    struct unit *units[BATCH_MAX];   /* borrowed from the job, in the order of the tasks */
    struct fw_task tasks[BATCH_MAX]; /* point into what follows and into the options */
    char names[BATCH_MAX][JOB_NAME_SIZE];
    char offer_ids[BATCH_MAX][JOB_ID_SIZE];
    const char **argvs[BATCH_MAX]; /* owned; texts borrowed from the job */
    char *lists[BATCH_MAX];        /* owned */
};

/* As many of the units, in order, as fit on the offers; each offer gets one in turn. The units are
 * not changed; their tasks are named after the next attempt. The batch borrows from all arguments
 * but the offers. */
struct batch *batch_make(const struct options *options, const struct corpus *corpus,
                         const struct job *job, struct unit **units, size_t unit_count,
                         const struct fw_offer *offers, size_t offer_count);
void batch_free(struct batch *batch); /* NULL is fine */

#endif
