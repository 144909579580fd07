/* SPDX-License-Identifier: PostgreSQL */
/* The framework itself: offers in, claims out, until every unit of the job is done. */
#ifndef WORDCOUNT_SCHEDULER_H
#define WORDCOUNT_SCHEDULER_H

#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "frameworks/wordcount/corpus.h"
#include "frameworks/wordcount/options.h"

/* Counted here, by what this process saw. */
struct scheduler_totals {
    int64_t claims;    /* answered */
    int64_t tasks;     /* committed */
    int64_t conflicts; /* task specs refused because what was seen was out of date */
    int64_t refusals;  /* task specs refused for other reasons */
    int64_t offers, rescinds, retries;
    char framework_id[40];
};

/* Runs the job on the cell and removes the framework; returns when that is done, or -1. Progress
 * goes to `progress` in lines. */
int scheduler_run(const struct options *options, const struct corpus *corpus, FILE *progress,
                  struct scheduler_totals *totals, struct err *err) MUST_CHECK;

#endif
