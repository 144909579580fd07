/* SPDX-License-Identifier: PostgreSQL */
/* How a task ended: the content of status.json and of a terminal update. */
#ifndef HOWDAH_AGENT_COMMON_STATUS_H
#define HOWDAH_AGENT_COMMON_STATUS_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "fsm/fsm.h"

#define STATUS_NO_EXIT_CODE (-1)

struct status {
    enum task_state state; /* terminal */
    char reason[32];       /* command_exited, memory_limit, … */
    char message[480];     /* for people; UTF-8 without control characters */
    int exit_code;         /* STATUS_NO_EXIT_CODE when it did not exit */
    int signal;            /* that ended it; 0 when none did */
    int64_t started_ms;    /* Unix time; 0 when the command was never executed */
    int64_t ended_ms;
    int64_t cpu_ms;         /* -1 = not known */
    int64_t mem_peak_bytes; /* -1 = not known */
};

/* state, reason and message set, no exit code, no signal, times zero, usage unknown. */
void status_init(struct status *status, enum task_state state, const char *reason, const char *fmt,
                 ...) PRINTF_LIKE(4, 5);

json_t *status_to_json(const struct status *status); /* new reference */
int status_from_json(const json_t *doc, struct status *status, struct err *err) MUST_CHECK;

/* Copy text that the cell will accept as message: bytes that are not UTF-8 and control characters
 * become "?", a cut falls between characters. */
void status_text_copy(char *out, size_t size, const char *text);

#endif
