/* SPDX-License-Identifier: PostgreSQL */
/* howdah settings [NAME [VALUE]] */
#include <stdio.h>

#include "base/mem.h"
#include "cli/cell.h"
#include "cli/output.h"

static const struct output_column setting_columns[] = {
    {"NAME", "name", OUTPUT_TEXT, NULL},
    {"VALUE", "value", OUTPUT_TEXT, NULL},
    {"DEFAULT", "default_value", OUTPUT_TEXT, NULL},
    {"UNIT", "unit", OUTPUT_TEXT, NULL},
    {"MEANING", "help", OUTPUT_TEXT, NULL},
};

int cmd_settings(struct cli *cli, struct err *err)
{
    const char *name = cli->operand_count > 0 ? cli->operands[0] : NULL;
    const char *value = cli->operand_count > 1 ? cli->operands[1] : NULL;
    const char *params[] = {name, value};
    CLEANUP_RESULT PGresult *set = NULL, *result = NULL;

    if (cell_open(cli, err) < 0)
        return -1;
    if (value) {
        set = cell_call(cli, STMT_setting_set, params, err);
        if (!set)
            return -1;
    }
    result = cell_call(cli, STMT_settings, params, err);
    if (!result)
        return -1;
    if (name && PQntuples(result) == 0)
        return err_set(err, ERR_setting_unknown, "no setting is called \"%s\"", name);
    output_result(cli, result, COLUMNS(setting_columns), "no settings");
    return EXIT_OK;
}
