/* SPDX-License-Identifier: PostgreSQL */
/* What to do about an answer of agent_sync, given what is held: a pure function. */
#ifndef HOWDAH_AGENT_RECONCILE_H
#define HOWDAH_AGENT_RECONCILE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum reconcile_holding {
    HOLDING_NONE,  /* no such task here */
    HOLDING_LIVE,  /* it runs, or is on its way into or out of running */
    HOLDING_ENDED, /* its end is known here */
};

enum reconcile_verb {
    RECONCILE_START,  /* launch is the element of the answer */
    RECONCILE_REPORT, /* the cell does not know what we know: tell it again */
    RECONCILE_KILL,   /* with grace_ms; -1 = the task's own */
    RECONCILE_FORGET, /* kill at once, report nothing */
};

struct reconcile_action {
    enum reconcile_verb verb;
    const char *task_id;  /* borrowed from the answer */
    const json_t *launch; /* borrowed from the answer; NULL unless RECONCILE_START */
    int64_t grace_ms;
};

typedef enum reconcile_holding (*reconcile_holding_f)(const char *task_id, void *arg);

/* *actions is the caller's to free, *count of them: forgets, kills, then the rest. -1 when the
 * answer is malformed: then nothing is to be done. */
int reconcile(const json_t *answer, reconcile_holding_f holding, void *arg,
              struct reconcile_action **actions, size_t *count, struct err *err) MUST_CHECK;

#endif
