/* SPDX-License-Identifier: PostgreSQL */
/* howdah cordon, uncordon AGENT...: a transaction for each agent, since the books of one are not
 * locked after the offers of another; then the agents as they are. */
#include "base/mem.h"
#include "cli/cell.h"
#include "cli/output.h"

static int agents_print(struct cli *cli, const char *ids, struct err *err)
{
    static const struct output_column columns[] = {
        {"ID", "agent_id", OUTPUT_ID, NULL},
        {"NAME", "name", OUTPUT_TEXT, NULL},
        {"STATE", "condition", OUTPUT_TEXT, NULL},
        {"TASKS", "task_count", OUTPUT_NUMBER, NULL},
        {"REASON", "cordon_reason", OUTPUT_TEXT, NULL},
    };
    const char *params[] = {ids};
    CLEANUP_RESULT PGresult *result = cell_call(cli, STMT_agents_cordoned, params, err);

    if (!result)
        return -1;
    output_result(cli, result, COLUMNS(columns), "no agents");
    return EXIT_OK;
}

static int agents_change(struct cli *cli, enum stmt stmt, const char *reason, struct err *err)
{
    CLEANUP_FREE char *ids = NULL;

    if (cell_open(cli, err) < 0)
        return -1;
    ids = cell_find_ids(cli, "agent", err);
    if (!ids)
        return -1;
    for (int i = 1; i <= cli->operand_count; i++) {
        CLEANUP_FREE char *place = mem_printf("%d", i);
        const char *params[] = {ids, place, reason};
        CLEANUP_RESULT PGresult *result = cell_call(cli, stmt, params, err);

        if (!result)
            return -1;
    }
    return agents_print(cli, ids, err);
}

int cmd_cordon(struct cli *cli, struct err *err)
{
    return agents_change(cli, STMT_agent_cordon, cli->options.reason, err);
}

int cmd_uncordon(struct cli *cli, struct err *err)
{
    return agents_change(cli, STMT_agent_uncordon, NULL, err);
}
