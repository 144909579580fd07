/* SPDX-License-Identifier: PostgreSQL */
/* howdah tasks */
#include <string.h>

#include "base/mem.h"
#include "cli/cell.h"
#include "cli/output.h"
#include "fsm/fsm.h"

static int state_check(const char *state, struct err *err)
{
    char names[256] = "";

    if (!state || task_state_parse(state) != FSM_NONE)
        return 0;
    for (int i = 0; i < task_state_count; i++) {
        strncat(names, i ? ", " : "", sizeof names - strlen(names) - 1);
        strncat(names, task_state_name((enum task_state)i), sizeof names - strlen(names) - 1);
    }
    return err_set(err, ERR_input_invalid, "option --state, value \"%s\": expected one of %s",
                   state, names);
}

int cmd_tasks(struct cli *cli, struct err *err)
{
    static const struct output_column columns[] = {
        {"ID", "task_id", OUTPUT_ID, NULL},
        {"NAME", "name", OUTPUT_TEXT, NULL},
        {"FRAMEWORK", "framework_name", OUTPUT_TEXT, NULL},
        {"AGENT", "agent_name", OUTPUT_TEXT, NULL},
        {"STATE", "state", OUTPUT_TEXT, NULL},
        {"CPUS", "cpus", OUTPUT_NUMBER, NULL},
        {"MEM MiB", "mem", OUTPUT_NUMBER, NULL},
        {"AGE", "age_s", OUTPUT_SECONDS, NULL},
        {"EXIT", "exit_code", OUTPUT_NUMBER, NULL},
        {"REASON", "reason", OUTPUT_TEXT, NULL},
    };
    CLEANUP_FREE char *framework = NULL;
    CLEANUP_RESULT PGresult *result = NULL;

    if (state_check(cli->options.state, err) < 0 || cell_open(cli, err) < 0)
        return -1;
    if (cli->options.framework) {
        framework = cell_find_id(cli, "framework", cli->options.framework, err);
        if (!framework)
            return -1;
    }
    const char *params[] = {cli->options.all ? "true" : "false", framework, cli->options.state};

    result = cell_call(cli, STMT_tasks, params, err);
    if (!result)
        return -1;
    output_result(cli, result, COLUMNS(columns), "no tasks");
    return EXIT_OK;
}
