/* SPDX-License-Identifier: PostgreSQL */
/* Typed column getters by column name; no PQgetvalue elsewhere. A missing column is a programming
 * error and aborts; SQL null gives the stated default. */
#ifndef HOWDAH_BASE_ROW_H
#define HOWDAH_BASE_ROW_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

const char *row_text(const PGresult *result, int row,
                     const char *column);                             /* borrowed; null → NULL */
int64_t row_int(const PGresult *result, int row, const char *column); /* null → 0 */
bool row_bool(const PGresult *result, int row, const char *column);   /* null → false */
double row_double(const PGresult *result, int row, const char *column); /* null → 0 */
bool row_is_null(const PGresult *result, int row, const char *column);

#endif
