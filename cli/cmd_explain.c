/* SPDX-License-Identifier: PostgreSQL */
/* howdah explain-share, why: the cell's own account, as tables. */
#include "base/mem.h"
#include "cli/cell.h"
#include "cli/output.h"

static const struct output_column role_columns[] = {
    {"ROLE", "role", OUTPUT_TEXT, NULL},
    {"HELD", "held_share", OUTPUT_PERCENT, NULL},
    {"FAIR", "fair_share", OUTPUT_PERCENT, NULL},
    {"ENTITLED", "entitled_share", OUTPUT_PERCENT, NULL},
    {"HOLDS", "held", OUTPUT_LABELS, NULL},
    {"WANTS BESIDES", "wanted", OUTPUT_LABELS, NULL},
};

static const struct output_column kind_columns[] = {
    {"KIND", "resource", OUTPUT_TEXT, NULL},         {"CELL", "total", OUTPUT_NUMBER, NULL},
    {"HELD", "held", OUTPUT_NUMBER, NULL},           {"WANTED", "wanted", OUTPUT_NUMBER, NULL},
    {"GUARANTEE", "guarantee", OUTPUT_NUMBER, NULL}, {"LIMIT", "at_most", OUTPUT_NUMBER, NULL},
    {"ENTITLED", "entitled", OUTPUT_NUMBER, NULL},   {"FAIR", "fair", OUTPUT_NUMBER, NULL},
    {"WHY NOT MORE", "bound", OUTPUT_TEXT, NULL},
};

int cmd_explain_share(struct cli *cli, struct err *err)
{
    bool one = cli->operand_count > 0;
    CLEANUP_RESULT PGresult *result = NULL;

    if (cell_open(cli, err) < 0)
        return -1;
    result = cell_call(cli, one ? STMT_explain_share : STMT_shares,
                       (const char *const *)cli->operands, err);
    if (!result)
        return -1;
    if (one)
        output_result(cli, result, COLUMNS(kind_columns), "no agent takes claims");
    else
        output_result(cli, result, COLUMNS(role_columns), "no agent takes claims");
    return EXIT_OK;
}

int cmd_why(struct cli *cli, struct err *err)
{
    static const struct output_column columns[] = {
        {"REQUEST", "request", OUTPUT_NUMBER, NULL},
        {"COUNT", "count", OUTPUT_NUMBER, NULL},
        {"TEST", "test", OUTPUT_TEXT, NULL},
        {"FAIL", "failing", OUTPUT_NUMBER, NULL},
        {"ONLY THIS", "only_this", OUTPUT_NUMBER, NULL},
        {"OF", "agents", OUTPUT_NUMBER, NULL},
        {"WANTED", "wanted", OUTPUT_NUMBER, NULL},
        {"BEST", "best", OUTPUT_NUMBER, NULL},
    };
    CLEANUP_RESULT PGresult *result = NULL;
    CLEANUP_FREE char *id = NULL;

    if (cell_open(cli, err) < 0)
        return -1;
    id = cell_find_id(cli, "framework", cli->operands[0], err);
    result = id ? cell_call(cli, STMT_why_pending, (const char *const[]){id}, err) : NULL;
    if (!result)
        return -1;
    output_result(cli, result, COLUMNS(columns), "the framework says of nothing that it needs it");
    return EXIT_OK;
}
