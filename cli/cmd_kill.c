/* SPDX-License-Identifier: PostgreSQL */
/* howdah kill TASK... */
#include "base/mem.h"
#include "cli/cell.h"
#include "cli/output.h"

int cmd_kill(struct cli *cli, struct err *err)
{
    static const struct output_column columns[] = {
        {"ID", "task_id", OUTPUT_ID, NULL},
        {"STATE", "state", OUTPUT_TEXT, NULL},
    };
    CLEANUP_FREE char *ids = NULL, *grace = NULL;
    CLEANUP_RESULT PGresult *result = NULL;

    if (cell_open(cli, err) < 0)
        return -1;
    ids = cell_find_ids(cli, "task", err);
    if (!ids)
        return -1;
    if (cli->options.kill_grace)
        grace = mem_printf("%lld", (long long)cli->options.kill_grace / 1000);
    const char *params[] = {ids, grace};

    result = cell_call(cli, STMT_operator_kill, params, err);
    if (!result)
        return -1;
    output_result(cli, result, COLUMNS(columns), "no tasks");
    return EXIT_OK;
}
