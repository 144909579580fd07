/* SPDX-License-Identifier: PostgreSQL */
/* What a task writes, cut into lines: pieces of any size go in, whole lines come out, as they are
 * or each as a JSON object. */
#ifndef HOWDAH_CLI_LINES_H
#define HOWDAH_CLI_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct lines {
    char *text; /* the part of a line whose end has not come yet */
    size_t len;
};

/* Where the lines go. */
struct lines_target {
    FILE *out;
    bool json;           /* {"task_id", "task", "stream", "line"}, the line without its end */
    const char *task_id; /* with json */
    const char *task;    /* with json: the task's name; NULL = not known */
    const char *stream;  /* with json: "stdout", "stderr" */
};

/* Print the lines that are whole with this piece, keep the rest. false: it cannot be written. */
bool lines_add(struct lines *lines, const struct lines_target *target, const char *data,
               size_t len);

/* Print the rest as a line of its own. false: it cannot be written. */
bool lines_end(struct lines *lines, const struct lines_target *target);

void lines_free(struct lines *lines);

#endif
