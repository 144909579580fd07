/* SPDX-License-Identifier: PostgreSQL */
/* Results for people and for programs: an aligned table, or with --json an array of objects with
 * every column of the statement. */
#ifndef HOWDAH_CLI_OUTPUT_H
#define HOWDAH_CLI_OUTPUT_H

#include <jansson.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cli/cli.h"

enum output_format {
    OUTPUT_TEXT,
    OUTPUT_ID,      /* the first eight characters of a uuid: enough to be typed again */
    OUTPUT_NUMBER,  /* to the right, without trailing zeros */
    OUTPUT_OF,      /* "used/all": columns `column` and `other` */
    OUTPUT_PERCENT, /* 0.125 as 12.5% */
    OUTPUT_SECONDS, /* a length of time: 42s, 5m, 3h, 2d */
    OUTPUT_LABELS,  /* an object as name=value name=value */
    OUTPUT_TIME,    /* a timestamp without its date's year and its fractions */
};

struct output_column {
    const char *header;
    const char *column;
    enum output_format format;
    const char *other; /* OUTPUT_OF: the second column; else NULL */
};

/* Prints the rows. `empty` is said instead of a table without rows. On a terminal that is too
 * narrow the last column is cut. */
void output_table(const PGresult *result, const struct output_column *columns, size_t count,
                  const char *empty);

/* Every row as an object, typed by the columns' SQL types. New reference. */
json_t *output_rows_json(const PGresult *result);

/* Text that may hold anything: bytes that are no UTF-8 become U+FFFD. New reference. */
json_t *output_text_json(const char *text, size_t len);

void output_json(json_t *json); /* prints it indented; takes the reference */

/* Prints it on one line; takes the reference. false: it could not be written. */
bool output_json_line(FILE *out, json_t *json);

/* output_json or output_table, by --json. */
void output_result(const struct cli *cli, const PGresult *result,
                   const struct output_column *columns, size_t count, const char *empty);

/* One cell as text; caller frees. */
char *output_format(const PGresult *result, int row, const struct output_column *column);

#define COLUMNS(array) (array), sizeof(array) / sizeof((array)[0])

#endif
