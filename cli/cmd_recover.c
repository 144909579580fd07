/* SPDX-License-Identifier: PostgreSQL */
/* howdah recover REASON: declare that this database was restored from a backup and is the cell. */
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/row.h"
#include "cli/cell.h"
#include "cli/output.h"

static void done_print(const PGresult *before, int64_t epoch)
{
    const char *newest = row_text(before, 0, "newest_at");

    printf("cell %s is restored: epoch %" PRId64 " (before: %" PRId64 "), generation %" PRId64 "\n",
           row_text(before, 0, "name"), epoch, row_int(before, 0, "epoch"),
           row_int(before, 0, "generation") + 1);
    printf("its newest event is of %s\n", newest ? newest : "no time: there is none");
    printf("%" PRId64 " agents and %" PRId64
           " frameworks are fenced until they register again, which "
           "they do by themselves\n",
           row_int(before, 0, "agents"), row_int(before, 0, "frameworks"));
    printf("%" PRId64
           " tasks live in the books: those that have ended meanwhile are reported, those "
           "that no agent has are gone\n",
           row_int(before, 0, "tasks"));
    printf(
        "tasks that the database does not know are killed by their agents, with an event for each\n"
        "nobody is declared lost within %s s\n",
        row_text(before, 0, "grace_s"));
}

static void done_print_json(const PGresult *before, int64_t epoch)
{
    json_t *rows = output_rows_json(before);
    json_t *object = json_incref(json_array_get(rows, 0));

    json_object_set_new(object, "epoch_before", json_integer(row_int(before, 0, "epoch")));
    json_object_set_new(object, "epoch", json_integer(epoch));
    json_object_set_new(object, "generation", json_integer(row_int(before, 0, "generation") + 1));
    json_decref(rows);
    output_json(object);
}

int cmd_recover(struct cli *cli, struct err *err)
{
    const char *params[] = {cli->operands[0]};
    CLEANUP_RESULT PGresult *before = NULL, *result = NULL;

    if (cell_open(cli, err) < 0)
        return -1;
    before = cell_call(cli, STMT_cell_state, NULL, err);
    result = before ? cell_call(cli, STMT_cell_recover, params, err) : NULL;
    if (!result)
        return -1;
    (cli->options.json ? done_print_json : done_print)(before, row_int(result, 0, "epoch"));
    return EXIT_OK;
}
