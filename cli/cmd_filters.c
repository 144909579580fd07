/* SPDX-License-Identifier: PostgreSQL */
/* howdah filters: what frameworks refused, and what they want offered. */
#include "base/mem.h"
#include "cli/cell.h"
#include "cli/output.h"

int cmd_filters(struct cli *cli, struct err *err)
{
    static const struct output_column columns[] = {
        {"FRAMEWORK", "framework_name", OUTPUT_TEXT, NULL},
        {"FILTER", "name", OUTPUT_TEXT, NULL},
        {"REFUSED", "agent_name", OUTPUT_TEXT, NULL},
        {"CPUS", "cpus", OUTPUT_NUMBER, NULL},
        {"MEM MiB", "mem", OUTPUT_NUMBER, NULL},
        {"DISK MiB", "disk", OUTPUT_NUMBER, NULL},
        {"GPUS", "gpus", OUTPUT_NUMBER, NULL},
        {"FOR", "left_s", OUTPUT_SECONDS, NULL},
        {"WANTED", "wanted", OUTPUT_TEXT, NULL},
    };
    const char *params[] = {NULL};
    CLEANUP_RESULT PGresult *result = NULL;
    CLEANUP_FREE char *id = NULL;

    if (cell_open(cli, err) < 0)
        return -1;
    if (cli->operand_count > 0) {
        id = cell_find_id(cli, "framework", cli->operands[0], err);
        if (!id)
            return -1;
        params[0] = id;
    }
    result = cell_call(cli, STMT_filters, params, err);
    if (!result)
        return -1;
    output_result(cli, result, COLUMNS(columns), "no filters");
    return EXIT_OK;
}
