/* SPDX-License-Identifier: PostgreSQL */
/* howdah agents */
#include "base/mem.h"
#include "cli/cell.h"
#include "cli/output.h"

int cmd_agents(struct cli *cli, struct err *err)
{
    static const struct output_column columns[] = {
        {"ID", "agent_id", OUTPUT_ID, NULL},
        {"NAME", "name", OUTPUT_TEXT, NULL},
        {"STATE", "condition", OUTPUT_TEXT, NULL},
        {"CPUS", "cpus_used", OUTPUT_OF, "cpus"},
        {"MEM MiB", "mem_used", OUTPUT_OF, "mem"},
        {"DISK MiB", "disk_used", OUTPUT_OF, "disk"},
        {"GPUS", "gpus_used", OUTPUT_OF, "gpus"},
        {"TASKS", "task_count", OUTPUT_NUMBER, NULL},
        {"OFFERS", "offer_count", OUTPUT_NUMBER, NULL},
        {"SEEN", "last_seen_s", OUTPUT_SECONDS, NULL},
        {"ATTRIBUTES", "attributes", OUTPUT_LABELS, NULL},
    };
    const char *params[] = {cli->options.all ? "true" : "false"};
    CLEANUP_RESULT PGresult *result = NULL;

    if (cell_open(cli, err) < 0)
        return -1;
    result = cell_call(cli, STMT_agents, params, err);
    if (!result)
        return -1;
    output_result(cli, result, COLUMNS(columns), "no agents");
    return EXIT_OK;
}
