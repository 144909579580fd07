/* SPDX-License-Identifier: PostgreSQL */
/* howdah task TASK: the task's row as lines "name value", then its events. */
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/row.h"
#include "cli/cell.h"
#include "cli/output.h"

static const struct output_column detail_columns[] = {
    {"id", "task_id", OUTPUT_TEXT, NULL},
    {"name", "name", OUTPUT_TEXT, NULL},
    {"state", "state", OUTPUT_TEXT, NULL},
    {"reason", "reason", OUTPUT_TEXT, NULL},
    {"message", "message", OUTPUT_TEXT, NULL},
    {"exit code", "exit_code", OUTPUT_NUMBER, NULL},
    {"signal", "signal", OUTPUT_NUMBER, NULL},
    {"framework", "framework_name", OUTPUT_TEXT, NULL},
    {"role", "role", OUTPUT_TEXT, NULL},
    {"agent", "agent_name", OUTPUT_TEXT, NULL},
    {"resources", "resources", OUTPUT_LABELS, NULL},
    {"revocable", "revocable", OUTPUT_TEXT, NULL},
    {"created", "created_at", OUTPUT_TIME, NULL},
    {"started", "started_at", OUTPUT_TIME, NULL},
    {"ended", "terminal_at", OUTPUT_TIME, NULL},
    {"spec", "spec", OUTPUT_TEXT, NULL},
};

static const struct output_column event_columns[] = {
    {"AT", "at", OUTPUT_TIME, NULL},           {"FROM", "from_state", OUTPUT_TEXT, NULL},
    {"TO", "to_state", OUTPUT_TEXT, NULL},     {"ACTOR", "actor", OUTPUT_TEXT, NULL},
    {"CAUSE", "cause", OUTPUT_TEXT, NULL},     {"REASON", "reason", OUTPUT_TEXT, NULL},
    {"MESSAGE", "message", OUTPUT_TEXT, NULL},
};

static void detail_print(const PGresult *task)
{
    for (size_t i = 0; i < sizeof detail_columns / sizeof detail_columns[0]; i++) {
        CLEANUP_FREE char *text = output_format(task, 0, &detail_columns[i]);

        if (!row_is_null(task, 0, detail_columns[i].column))
            printf("%-10s %s\n", detail_columns[i].header, text);
    }
    putchar('\n');
}

static void both_print_json(const PGresult *task, const PGresult *events)
{
    CLEANUP_JSON json_t *rows = output_rows_json(task);
    json_t *object = json_incref(json_array_get(rows, 0));

    json_object_set_new(object, "events", output_rows_json(events));
    output_json(object);
}

int cmd_task(struct cli *cli, struct err *err)
{
    CLEANUP_FREE char *id = NULL;
    CLEANUP_RESULT PGresult *task = NULL, *events = NULL;

    if (cell_open(cli, err) < 0)
        return -1;
    id = cell_find_id(cli, "task", cli->operands[0], err);
    if (!id)
        return -1;
    const char *params[] = {id};

    task = cell_call(cli, STMT_task, params, err);
    events = task ? cell_call(cli, STMT_task_events, params, err) : NULL;
    if (!events)
        return -1;
    if (PQntuples(task) == 0)
        return err_set(err, ERR_task_unknown, "task \"%s\": it is in no table any more", id);
    if (cli->options.json) {
        both_print_json(task, events);
        return EXIT_OK;
    }
    detail_print(task);
    output_table(events, COLUMNS(event_columns), "no events");
    return EXIT_OK;
}
