/* SPDX-License-Identifier: PostgreSQL */
/* howdah kill TASK...: all operands are looked up before the first kill, so that a mistyped id ends
 * nothing. */
#include "base/array.h"
#include "base/mem.h"
#include "cli/cell.h"
#include "cli/output.h"

static char *ids_find(struct cli *cli, struct err *err)
{
    size_t count = (size_t)cli->operand_count, found = 0;
    CLEANUP_FREE char **ids = mem_alloc(count * sizeof *ids);
    char *array = NULL;

    while (found < count) {
        ids[found] = cell_find_id(cli, "task", cli->operands[found], err);
        if (!ids[found])
            break;
        found++;
    }
    if (found == count)
        array = array_from_texts((const char *const *)ids, count);
    while (found)
        free(ids[--found]);
    return array;
}

int cmd_kill(struct cli *cli, struct err *err)
{
    static const struct output_column columns[] = {
        {"ID", "task_id", OUTPUT_ID, NULL},
        {"STATE", "state", OUTPUT_TEXT, NULL},
    };
    CLEANUP_FREE char *ids = NULL, *grace = NULL;
    CLEANUP_RESULT PGresult *result = NULL;

    if (cell_open(cli, err) < 0)
        return -1;
    ids = ids_find(cli, err);
    if (!ids)
        return -1;
    if (cli->options.kill_grace)
        grace = mem_printf("%lld", (long long)cli->options.kill_grace / 1000);
    const char *params[] = {ids, grace};

    result = cell_call(cli, STMT_operator_kill, params, err);
    if (!result)
        return -1;
    output_result(cli, result, COLUMNS(columns), "no tasks");
    return EXIT_OK;
}
