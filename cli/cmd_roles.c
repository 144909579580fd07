/* SPDX-License-Identifier: PostgreSQL */
/* howdah roles, role-set, role-delete */
#include "base/mem.h"
#include "cli/cell.h"
#include "cli/output.h"

static int roles_print(struct cli *cli, struct err *err)
{
    static const struct output_column columns[] = {
        {"NAME", "name", OUTPUT_TEXT, NULL},
        {"WEIGHT", "weight", OUTPUT_NUMBER, NULL},
        {"FRAMEWORKS", "framework_count", OUTPUT_NUMBER, NULL},
        {"TASKS", "task_count", OUTPUT_NUMBER, NULL},
        {"CPUS", "cpus", OUTPUT_NUMBER, NULL},
        {"MEM MiB", "mem", OUTPUT_NUMBER, NULL},
        {"SHARE/WEIGHT", "weighted_share", OUTPUT_PERCENT, NULL},
    };
    CLEANUP_RESULT PGresult *result = cell_call(cli, STMT_roles, NULL, err);

    if (!result)
        return -1;
    output_result(cli, result, COLUMNS(columns), "no roles");
    return EXIT_OK;
}

int cmd_roles(struct cli *cli, struct err *err)
{
    return cell_open(cli, err) < 0 ? -1 : roles_print(cli, err);
}

static int role_change(struct cli *cli, enum stmt stmt, struct err *err)
{
    CLEANUP_RESULT PGresult *result = NULL;

    if (cell_open(cli, err) < 0)
        return -1;
    result = cell_call(cli, stmt, (const char *const *)cli->operands, err);
    return result ? roles_print(cli, err) : -1;
}

int cmd_role_set(struct cli *cli, struct err *err)
{
    return role_change(cli, STMT_role_set, err);
}

int cmd_role_delete(struct cli *cli, struct err *err)
{
    return role_change(cli, STMT_role_delete, err);
}
