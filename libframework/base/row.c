/* SPDX-License-Identifier: PostgreSQL */
/* Columns by name, so that a statement may gain columns without breaking its readers. */
#include "base/row.h"

#include <stdio.h>
#include <stdlib.h>

static int row_column(const PGresult *result, int row, const char *column)
{
    int number = PQfnumber(result, column);

    if (number < 0 || row < 0 || row >= PQntuples(result)) {
        fprintf(stderr, "row %d, column \"%s\": the result has no such field\n", row, column);
        abort();
    }
    return number;
}

const char *row_text(const PGresult *result, int row, const char *column)
{
    int number = row_column(result, row, column);

    return PQgetisnull(result, row, number) ? NULL : PQgetvalue(result, row, number);
}

int64_t row_int(const PGresult *result, int row, const char *column)
{
    const char *text = row_text(result, row, column);

    return text ? strtoll(text, NULL, 10) : 0;
}

bool row_bool(const PGresult *result, int row, const char *column)
{
    const char *text = row_text(result, row, column);

    return text && text[0] == 't';
}

double row_double(const PGresult *result, int row, const char *column)
{
    const char *text = row_text(result, row, column);

    return text ? strtod(text, NULL) : 0;
}

bool row_is_null(const PGresult *result, int row, const char *column)
{
    return PQgetisnull(result, row, row_column(result, row, column));
}
