/* SPDX-License-Identifier: PostgreSQL */
/* howdah roles, role-set, role-delete, quota-set, quota-clear: each shows the roles as they are
 * then */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/amounts.h"
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
        {"GUARANTEE", "guarantee", OUTPUT_LABELS, NULL},
        {"LIMIT", "limits", OUTPUT_LABELS, NULL},
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

/* done: as for cell_change. */
static int role_change(struct cli *cli, enum stmt stmt, const char *const *params,
                       enum err_code done, struct err *err)
{
    CLEANUP_RESULT PGresult *result = NULL;

    if (cell_open(cli, err) < 0)
        return -1;
    result = cell_change(cli, stmt, params, done, err);
    return result ? roles_print(cli, err) : -1;
}

/* Its form only; the range is the cell's to judge. */
static int weight_check(const char *text, struct err *err)
{
    char *end;
    bool plain = text[strspn(text, "0123456789.+-eE")] == '\0';

    if (plain && isfinite(strtod(text, &end)) && end != text && *end == '\0')
        return 0;
    return err_set(err, ERR_input_invalid,
                   "field \"weight\", value \"%.200s\": expected a number from 0.000001 to "
                   "1000000",
                   text);
}

int cmd_role_set(struct cli *cli, struct err *err)
{
    if (weight_check(cli->operands[1], err) < 0)
        return -1;
    return role_change(cli, STMT_role_set, (const char *const *)cli->operands, ERR_none, err);
}

int cmd_role_delete(struct cli *cli, struct err *err)
{
    return role_change(cli, STMT_role_delete, (const char *const *)cli->operands, ERR_role_unknown,
                       err);
}

/* *json stays NULL for an option that was not given. */
static int amounts_option(const char *name, const char *value, char **json, struct err *err)
{
    if (value)
        *json = amounts_to_json(name, value, err);
    return value && !*json ? -1 : 0;
}

int cmd_quota_set(struct cli *cli, struct err *err)
{
    CLEANUP_FREE char *guarantee = NULL, *limits = NULL;

    if (!cli->options.guarantee && !cli->options.limit)
        return err_set(err, ERR_input_invalid,
                       "expected --guarantee, --limit or both, such as cpus=4,mem=8192");
    if (amounts_option("guarantee", cli->options.guarantee, &guarantee, err) < 0 ||
        amounts_option("limit", cli->options.limit, &limits, err) < 0)
        return -1;
    return role_change(cli, STMT_quota_set,
                       (const char *const[]){cli->operands[0], guarantee, limits,
                                             cli->options.force ? "true" : "false"},
                       ERR_none, err);
}

int cmd_quota_clear(struct cli *cli, struct err *err)
{
    return role_change(cli, STMT_quota_clear, (const char *const *)cli->operands, ERR_none, err);
}
