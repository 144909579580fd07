/* SPDX-License-Identifier: PostgreSQL */
/* howdah migrate [--dry-run | --status]: bring the database's schema to the state of sql/manifest.
 */
#include <stdio.h>

#include "base/db.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/cell.h"
#include "cli/migrate.h"
#include "cli/output.h"
#include "cli/paths.h"

static const char *const state_names[] = {
    [MIGRATE_PENDING] = "pending",
    [MIGRATE_CHANGED] = "changed",
    [MIGRATE_APPLIED] = "applied",
};

static void waiting_say(void)
{
    fputs("another migration is running in this database; waiting for it\n", stderr);
}

/* With --json: its report comes at the end. */
static void done_note(const char *name)
{
    fprintf(stderr, "applied %s\n", name);
}

static void done_say(const char *name)
{
    printf("applied %s\n", name);
    fflush(stdout); /* before a later error */
}

static json_t *plan_json(const struct migrate_plan *plan)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < plan->count; i++) {
        const struct migrate_step *step = &plan->steps[i];

        json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s?}", "file", step->file->name,
                                              "state", state_names[step->state], "checksum",
                                              step->checksum, "applied_at", step->applied_at));
    }
    return rows;
}

static void plan_print(const struct migrate_plan *plan, bool all)
{
    size_t shown = 0;

    for (size_t i = 0; i < plan->count; i++) {
        const struct migrate_step *step = &plan->steps[i];

        if (all || step->state != MIGRATE_APPLIED) {
            printf("%-8s %s%s%s\n", state_names[step->state], step->file->name,
                   step->applied_at ? "  since " : "", step->applied_at ? step->applied_at : "");
            shown++;
        }
    }
    if (!shown)
        puts("the schema is up to date");
}

static int plan_carry_out(struct cli *cli, const struct migrate_plan *plan, struct err *err)
{
    int count;

    if (cli->options.json && (cli->options.status || cli->options.dry_run)) {
        output_json(plan_json(plan));
        return EXIT_OK;
    }
    if (cli->options.status || cli->options.dry_run) {
        plan_print(plan, cli->options.status);
        return EXIT_OK;
    }
    count = migrate_apply(cli->conn, plan, cli->options.json ? done_note : done_say, err);
    if (count >= 0 && cli->options.json)
        output_json(json_pack("{s:i, s:o}", "applied", count, "files", plan_json(plan)));
    else if (count == 0)
        puts("the schema is up to date");
    return count < 0 ? -1 : EXIT_OK;
}

static int database_open(struct cli *cli, struct err *err)
{
    CLEANUP_FREE char *conninfo = cell_conninfo(cli, err);
    bool looks = cli->options.status || cli->options.dry_run;
    enum db_want want = looks ? DB_WANT_ANY : DB_WANT_WRITABLE;

    cli->conn = conninfo ? db_open_blocking(conninfo, "howdah migrate", want, err) : NULL;
    return cli->conn ? 0 : -1;
}

int cmd_migrate(struct cli *cli, struct err *err)
{
    CLEANUP_FREE char *dir = cli->options.sql ? mem_strdup(cli->options.sql) : path_of_sql(err);
    struct manifest manifest;
    struct migrate_plan plan;
    int rc = -1;

    if (!dir || manifest_load(dir, &manifest, err) < 0)
        return -1;
    if (database_open(cli, err) == 0 && migrate_lock(cli->conn, waiting_say, err) == 0 &&
        migrate_plan_make(cli->conn, &manifest, &plan, err) == 0) {
        rc = plan_carry_out(cli, &plan, err);
        migrate_plan_free(&plan);
    }
    manifest_free(&manifest);
    return rc;
}
