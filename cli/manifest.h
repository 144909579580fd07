/* SPDX-License-Identifier: PostgreSQL */
/* sql/manifest in memory: the ordered list of SQL files with their texts.
 *
 * One path per line, relative to the manifest's folder, '#' starts a comment.
 * migrations/NNNN_topic.sql are applied once and never again; functions/topic.sql are applied anew
 * whenever one of them changed. NNNN rises from line to line. */
#ifndef HOWDAH_CLI_MANIFEST_H
#define HOWDAH_CLI_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct manifest_file {
    char *name; /* "migrations/0001_schemas.sql" */
    char *text;
    int number; /* of a migration; 0 for functions */
};

struct manifest {
    struct manifest_file *files;
    size_t count;
};

/* Reads every file at once, so that a missing one is noticed before anything is applied. */
int manifest_load(const char *dir, struct manifest *manifest, struct err *err) MUST_CHECK;
void manifest_free(struct manifest *manifest);

int manifest_latest(const struct manifest *manifest); /* highest number of a migration; 0 if none */

#endif
