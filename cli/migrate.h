/* SPDX-License-Identifier: PostgreSQL */
/* What is to be done to bring a database to the state of a manifest, and doing it. */
#ifndef HOWDAH_CLI_MIGRATE_H
#define HOWDAH_CLI_MIGRATE_H

#include <libpq-fe.h>

#include "base/err.h"
#include "cli/manifest.h"

enum migrate_state {
    MIGRATE_PENDING, /* not applied yet */
    MIGRATE_CHANGED, /* a functions file with another text than the applied one */
    MIGRATE_APPLIED,
};

struct migrate_step {
    const struct manifest_file *file; /* borrowed from the manifest */
    char *checksum;                   /* SHA-256 of the text, in hex */
    char *applied_at;                 /* NULL when pending */
    enum migrate_state state;
};

struct migrate_plan {
    struct migrate_step *steps; /* one for each file, in the manifest's order */
    size_t count;
};

/* Waits up to ten minutes for another runner in the same database; the lock goes with the
 * connection. waiting() is called once when it has to wait. */
int migrate_lock(PGconn *conn, void (*waiting)(void), struct err *err) MUST_CHECK;

/* Compares. Fails with schema_newer when the database has a migration that the manifest does not
 * reach, and with schema_changed when an applied migration has another text or was skipped. */
int migrate_plan_make(PGconn *conn, const struct manifest *manifest, struct migrate_plan *plan,
                      struct err *err) MUST_CHECK;
void migrate_plan_free(struct migrate_plan *plan);

/* Applies what is pending or changed: each migration in its own transaction, then, if any file was
 * not as it is, all functions files in one. done() is called after each commit with its files'
 * names. Returns how many files were applied, or -1; what was committed before stays. */
int migrate_apply(PGconn *conn, const struct migrate_plan *plan, void (*done)(const char *name),
                  struct err *err) MUST_CHECK;

#endif
