/* SPDX-License-Identifier: PostgreSQL */
/* The migration runner.
 *
 * One runner at a time in a database: an advisory lock of the session. Every file's SHA-256 is kept
 * in howdah_private.schema_migration, which the runner makes itself, inside the transaction of the
 * first migration (that one makes the schema). Functions files belong to howdah_owner and are
 * applied as that role; migrations set it themselves, because the first one makes it. A lock on a
 * busy table is waited for ten seconds and no longer, so that a migration never blocks a working
 * cell for long: it fails, changes nothing and is run again. */
#include "cli/migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/db.h"
#include "base/mem.h"
#include "base/row.h"
#include "cli/cell.h"

#define MIGRATE_SCRIPT_MS 3600000 /* a migration may rewrite large tables */

enum migrate_stmt {
#define STMT(name, text, param_count, repeat, try_ms, deadline_ms) STMT_##name,
#include "cli/migrate.def"
#undef STMT
    MIGRATE_STMT_COUNT
};

static const struct db_stmt migrate_stmts[MIGRATE_STMT_COUNT] = {
#define STMT(name, text, param_count, repeat, try_ms, deadline_ms)                                 \
    [STMT_##name] = {#name, text, param_count, DB_##repeat, try_ms, deadline_ms},
#include "cli/migrate.def"
#undef STMT
};

static PGresult *migrate_call(PGconn *conn, enum migrate_stmt stmt, const char *const *params,
                              struct err *err)
{
    return db_call_blocking(conn, &migrate_stmts[stmt], params, err);
}

static int migrate_do(PGconn *conn, enum migrate_stmt stmt, const char *const *params,
                      struct err *err)
{
    CLEANUP_RESULT PGresult *result = migrate_call(conn, stmt, params, err);

    return result ? 0 : -1;
}

/* ---- running scripts ---- */

/* Any number of statements, as they are. An error names the line. */
static int script_run(PGconn *conn, const char *text, struct err *err)
{
    return db_script_blocking(conn, text, MIGRATE_SCRIPT_MS, err);
}

int migrate_lock(PGconn *conn, void (*waiting)(void), struct err *err)
{
    CLEANUP_RESULT PGresult *result = NULL;

    if (script_run(conn, "set client_min_messages = warning; set lock_timeout = '10min'", err) < 0)
        return -1;
    result = migrate_call(conn, STMT_migrate_try_lock, NULL, err);
    if (!result)
        return -1;
    if (!row_bool(result, 0, "locked")) {
        waiting();
        if (migrate_do(conn, STMT_migrate_lock, NULL, err) < 0)
            return err_wrap(err, "waiting for another migration");
    }
    return script_run(conn, "set lock_timeout = '10s'", err);
}

/* ---- planning ---- */

static int result_find(const PGresult *result, const char *column, const char *value)
{
    for (int row = 0; result && row < PQntuples(result); row++)
        if (strcmp(row_text(result, row, column), value) == 0)
            return row;
    return -1;
}

/* The number in "migrations/0007_x.sql"; 0 for functions. */
static int applied_number(const PGresult *applied, int row)
{
    int number = 0;

    return sscanf(row_text(applied, row, "file"), "migrations/%4d", &number) == 1 ? number : 0;
}

/* Caller PQclears; *none is set and NULL returned when nothing was ever applied. */
static PGresult *applied_read(PGconn *conn, bool *none, struct err *err)
{
    CLEANUP_RESULT PGresult *present = migrate_call(conn, STMT_migrate_present, NULL, err);

    *none = present && !row_bool(present, 0, "present");
    return present && !*none ? migrate_call(conn, STMT_migrate_applied, NULL, err) : NULL;
}

static int newer_check(const PGresult *applied, int latest, struct err *err)
{
    for (int row = 0; row < PQntuples(applied); row++)
        if (applied_number(applied, row) > latest)
            return err_set(err, ERR_schema_newer,
                           "the database has %s, this program knows migrations up to %04d: %s",
                           row_text(applied, row, "file"), latest, err_code_text(ERR_schema_newer));
    return 0;
}

static int step_make(PGconn *conn, const PGresult *applied, const struct manifest_file *file,
                     struct migrate_step *step, struct err *err)
{
    const char *params[] = {file->text};
    CLEANUP_RESULT PGresult *sum = migrate_call(conn, STMT_migrate_checksum, params, err);
    int row = result_find(applied, "file", file->name);

    if (!sum)
        return -1;
    *step = (struct migrate_step){.file = file,
                                  .checksum = mem_strdup(row_text(sum, 0, "checksum")),
                                  .state = MIGRATE_PENDING};
    if (row < 0)
        return 0;
    step->applied_at = mem_strdup(row_text(applied, row, "applied_at"));
    step->state = strcmp(row_text(applied, row, "checksum"), step->checksum) == 0 ? MIGRATE_APPLIED
                                                                                  : MIGRATE_CHANGED;
    return 0;
}

/* Applied migrations are for ever: none may change, none may be slipped in before another. */
static int migrations_check(const struct migrate_plan *plan, struct err *err)
{
    const char *pending = NULL;

    for (size_t i = 0; i < plan->count; i++) {
        const struct migrate_step *step = &plan->steps[i];

        if (step->file->number == 0)
            continue;
        if (step->state == MIGRATE_CHANGED)
            return err_set(err, ERR_schema_changed, "%s: %s", step->file->name,
                           err_code_text(ERR_schema_changed));
        if (step->state == MIGRATE_PENDING)
            pending = step->file->name;
        else if (pending)
            return err_set(err, ERR_schema_changed, "%s stands before %s, which is applied already",
                           pending, step->file->name);
    }
    return 0;
}

int migrate_plan_make(PGconn *conn, const struct manifest *manifest, struct migrate_plan *plan,
                      struct err *err)
{
    bool none;
    CLEANUP_RESULT PGresult *applied = applied_read(conn, &none, err);

    *plan = (struct migrate_plan){0};
    if (!applied && !none)
        return -1;
    if (applied && newer_check(applied, manifest_latest(manifest), err) < 0)
        return -1;
    plan->steps = mem_alloc(manifest->count * sizeof *plan->steps);
    for (; plan->count < manifest->count; plan->count++)
        if (step_make(conn, applied, &manifest->files[plan->count], &plan->steps[plan->count],
                      err) < 0)
            break;
    if (plan->count == manifest->count && migrations_check(plan, err) == 0)
        return 0;
    migrate_plan_free(plan);
    return -1;
}

void migrate_plan_free(struct migrate_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        free(plan->steps[i].checksum);
        free(plan->steps[i].applied_at);
    }
    free(plan->steps);
    *plan = (struct migrate_plan){0};
}

/* ---- applying ---- */

static int step_apply(PGconn *conn, const struct migrate_step *step, struct err *err)
{
    const char *params[] = {step->file->name, step->checksum};

    if (script_run(conn, step->file->text, err) < 0)
        return err_wrap(err, "%s", step->file->name);
    /* Only migrations may come before the table exists. */
    if (step->file->number && migrate_do(conn, STMT_migrate_table, NULL, err) < 0)
        return -1;
    return migrate_do(conn, STMT_migrate_record, params, err);
}

/* err stays as it was: the failure before the rollback is the one that matters. */
static int rollback(PGconn *conn)
{
    struct err ignored;

    (void)!script_run(conn, "rollback", &ignored);
    return -1;
}

static int migration_apply(PGconn *conn, const struct migrate_step *step, struct err *err)
{
    if (script_run(conn, "begin", err) < 0 || step_apply(conn, step, err) < 0 ||
        script_run(conn, "commit", err) < 0)
        return rollback(conn);
    return 0;
}

static int functions_apply(PGconn *conn, const struct migrate_plan *plan, struct err *err)
{
    if (script_run(conn, "begin; set local role howdah_owner", err) < 0)
        return rollback(conn);
    for (size_t i = 0; i < plan->count; i++)
        if (plan->steps[i].file->number == 0 && step_apply(conn, &plan->steps[i], err) < 0)
            return rollback(conn);
    return script_run(conn, "commit", err) < 0 ? rollback(conn) : 0;
}

int migrate_apply(PGconn *conn, const struct migrate_plan *plan, void (*done)(const char *name),
                  struct err *err)
{
    int count = 0, functions = 0;
    bool stale = false;

    for (size_t i = 0; i < plan->count; i++) {
        const struct migrate_step *step = &plan->steps[i];

        stale |= step->state != MIGRATE_APPLIED;
        functions += step->file->number == 0;
        if (step->file->number == 0 || step->state == MIGRATE_APPLIED)
            continue;
        if (migration_apply(conn, step, err) < 0)
            return -1;
        done(step->file->name);
        count++;
    }
    if (!stale || !functions)
        return count;
    if (functions_apply(conn, plan, err) < 0)
        return -1;
    for (size_t i = 0; i < plan->count; i++)
        if (plan->steps[i].file->number == 0)
            done(plan->steps[i].file->name);
    return count + functions;
}
