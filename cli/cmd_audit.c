/* SPDX-License-Identifier: PostgreSQL */
/* howdah audit: a row for each violated invariant; none is what one wants to see. */
#include <stdio.h>

#include "base/mem.h"
#include "cli/cell.h"
#include "cli/output.h"

int cmd_audit(struct cli *cli, struct err *err)
{
    static const struct output_column columns[] = {
        {"INVARIANT", "invariant", OUTPUT_TEXT, NULL},
        {"OBJECT", "object", OUTPUT_TEXT, NULL},
        {"DETAIL", "detail", OUTPUT_TEXT, NULL},
    };
    CLEANUP_RESULT PGresult *result = NULL;
    int count;

    if (cell_open(cli, err) < 0)
        return -1;
    result = cell_call(cli, STMT_audit, NULL, err);
    if (!result)
        return -1;
    count = PQntuples(result);
    if (cli->options.json) {
        output_json(output_rows_json(result));
    } else {
        if (count)
            output_table(result, COLUMNS(columns), "");
        printf("audit: %d violation%s\n", count, count == 1 ? "" : "s");
    }
    return count ? EXIT_FAILED : EXIT_OK;
}
