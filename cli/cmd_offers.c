/* SPDX-License-Identifier: PostgreSQL */
/* howdah offers */
#include "base/mem.h"
#include "cli/cell.h"
#include "cli/output.h"

int cmd_offers(struct cli *cli, struct err *err)
{
    static const struct output_column columns[] = {
        {"ID", "offer_id", OUTPUT_ID, NULL},
        {"FRAMEWORK", "framework_name", OUTPUT_TEXT, NULL},
        {"AGENT", "agent_name", OUTPUT_TEXT, NULL},
        {"STATE", "state", OUTPUT_TEXT, NULL},
        {"CPUS", "cpus", OUTPUT_NUMBER, NULL},
        {"MEM MiB", "mem", OUTPUT_NUMBER, NULL},
        {"DISK MiB", "disk", OUTPUT_NUMBER, NULL},
        {"GPUS", "gpus", OUTPUT_NUMBER, NULL},
        {"EXPIRES", "expires_in_s", OUTPUT_SECONDS, NULL},
        {"REASON", "reason", OUTPUT_TEXT, NULL},
    };
    const char *params[] = {cli->options.all ? "true" : "false"};
    CLEANUP_RESULT PGresult *result = NULL;

    if (cell_open(cli, err) < 0)
        return -1;
    result = cell_call(cli, STMT_offers, params, err);
    if (!result)
        return -1;
    output_result(cli, result, COLUMNS(columns), "no offers");
    return EXIT_OK;
}
