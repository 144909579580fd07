/* SPDX-License-Identifier: PostgreSQL */
/* howdah frameworks */
#include "base/mem.h"
#include "cli/cell.h"
#include "cli/output.h"

int cmd_frameworks(struct cli *cli, struct err *err)
{
    static const struct output_column columns[] = {
        {"ID", "framework_id", OUTPUT_ID, NULL},
        {"NAME", "name", OUTPUT_TEXT, NULL},
        {"ROLE", "role", OUTPUT_TEXT, NULL},
        {"STATE", "state", OUTPUT_TEXT, NULL},
        {"TASKS", "task_count", OUTPUT_NUMBER, NULL},
        {"EVER", "tasks_total", OUTPUT_NUMBER, NULL},
        {"CLAIMS", "claims", OUTPUT_NUMBER, NULL},
        {"CONFLICTS", "conflicts", OUTPUT_NUMBER, NULL},
        {"OFFERS", "offers_outstanding", OUTPUT_NUMBER, NULL},
        {"RESCINDED", "offers_rescinded", OUTPUT_NUMBER, NULL},
        {"SHARE", "dominant_share", OUTPUT_PERCENT, NULL},
        {"OF", "dominant_resource", OUTPUT_TEXT, NULL},
    };
    const char *params[] = {cli->options.all ? "true" : "false"};
    CLEANUP_RESULT PGresult *result = NULL;

    if (cell_open(cli, err) < 0)
        return -1;
    result = cell_call(cli, STMT_frameworks, params, err);
    if (!result)
        return -1;
    output_result(cli, result, COLUMNS(columns), "no frameworks");
    return EXIT_OK;
}
