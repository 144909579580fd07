/* SPDX-License-Identifier: PostgreSQL */
/* howdah maintenance [AGENT...]: plans or cancels what is asked for, then lists the windows. Times
 * are the database's to read. */
#include "base/mem.h"
#include "cli/cell.h"
#include "cli/output.h"

static int windows_print(struct cli *cli, struct err *err)
{
    static const struct output_column columns[] = {
        {"AGENT", "agent_name", OUTPUT_TEXT, NULL},  {"STATE", "state", OUTPUT_TEXT, NULL},
        {"START", "starts_at", OUTPUT_TEXT, NULL},   {"END", "ends_at", OUTPUT_TEXT, NULL},
        {"PLANNED BY", "set_by", OUTPUT_TEXT, NULL}, {"REASON", "reason", OUTPUT_TEXT, NULL},
    };
    CLEANUP_RESULT PGresult *result = cell_call(cli, STMT_maintenance, NULL, err);

    if (!result)
        return -1;
    output_result(cli, result, COLUMNS(columns), "no maintenance windows");
    return EXIT_OK;
}

static int windows_check(const struct cli *cli, struct err *err)
{
    bool planned = cli->options.start && cli->options.end;

    if (cli->operand_count == 0) {
        if (cli->options.start || cli->options.end || cli->options.cancel)
            return err_set(err, ERR_input_invalid, "expected an agent");
    } else if (planned == cli->options.cancel) {
        return err_set(err, ERR_input_invalid, "expected --start and --end, or --cancel");
    }
    return 0;
}

static int windows_change(struct cli *cli, struct err *err)
{
    CLEANUP_FREE char *ids = cell_find_ids(cli, "agent", err);
    const char *params[] = {ids, cli->options.start, cli->options.end, cli->options.reason};
    CLEANUP_RESULT PGresult *result = NULL;

    if (!ids)
        return -1;
    result = cell_call(cli, cli->options.cancel ? STMT_maintenance_cancel : STMT_maintenance_set,
                       params, err);
    return result ? 0 : -1;
}

int cmd_maintenance(struct cli *cli, struct err *err)
{
    if (windows_check(cli, err) < 0 || cell_open(cli, err) < 0)
        return -1;
    if (cli->operand_count > 0 && windows_change(cli, err) < 0)
        return -1;
    return windows_print(cli, err);
}
