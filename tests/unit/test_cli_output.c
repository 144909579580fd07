/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/output.h"

enum { TEXT = 25, BOOL = 16, INT8 = 20, NUMERIC = 1700, JSONB = 3802 };

/* A result of one row: columns a, b, c …, of these types; NULL is SQL null. */
static PGresult *row_make(int count, const Oid *types, const char *const *values)
{
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    PGresAttDesc columns[8] = {{0}};
    char names[8][2];

    for (int i = 0; i < count; i++) {
        names[i][0] = (char)('a' + i);
        names[i][1] = '\0';
        columns[i] = (PGresAttDesc){.name = names[i], .typid = types[i]};
    }
    PQsetResultAttrs(result, count, columns);
    for (int i = 0; i < count; i++)
        PQsetvalue(result, 0, i, (char *)values[i], values[i] ? (int)strlen(values[i]) : -1);
    return result;
}

/* A result of one row and one text column "a"; b is a second one. */
static PGresult *cell_make(const char *a, const char *b)
{
    return row_make(2, (const Oid[]){TEXT, TEXT}, (const char *const[]){a, b});
}

static void formats_as(enum output_format format, const char *value, const char *expected)
{
    const struct output_column column = {"A", "a", format, "b"};
    PGresult *result = cell_make(value, "8.000");
    CLEANUP_FREE char *text = output_format(result, 0, &column);

    assert_string_equal(text, expected);
    PQclear(result);
}

static void cells_are_formatted_by_their_kind(void **state)
{
    (void)state;
    formats_as(OUTPUT_TEXT, "as it is", "as it is");
    formats_as(OUTPUT_TEXT, NULL, "-");
    formats_as(OUTPUT_TEXT, "", "-");
    formats_as(OUTPUT_ID, "3f2a9c10-0000-4000-8000-000000000000", "3f2a9c10");
    formats_as(OUTPUT_NUMBER, "0.500", "0.5");
    formats_as(OUTPUT_NUMBER, "100", "100");
    formats_as(OUTPUT_NUMBER, "10.000", "10");
    formats_as(OUTPUT_OF, "0.250", "0.25/8");
    formats_as(OUTPUT_PERCENT, "0.125", "12.5%");
    formats_as(OUTPUT_LABELS, "{\"rack\": \"r1\", \"n\": 3}", "rack=r1 n=3");
    formats_as(OUTPUT_LABELS, "{}", "");
    formats_as(OUTPUT_LABELS, "no json", "");
    formats_as(OUTPUT_TIME, "2026-01-02 03:04:05.678+00", "2026-01-02 03:04:05");
}

static void lengths_of_time_get_a_fitting_unit(void **state)
{
    (void)state;
    formats_as(OUTPUT_SECONDS, "0.4", "0s");
    formats_as(OUTPUT_SECONDS, "119", "119s");
    formats_as(OUTPUT_SECONDS, "120", "2m");
    formats_as(OUTPUT_SECONDS, "7200", "2h");
    formats_as(OUTPUT_SECONDS, "864000", "10d");
}

/* What output_table prints; caller frees. */
static char *table_capture(const PGresult *result, const struct output_column *columns,
                           size_t count)
{
    char *text = mem_alloc(4096);
    FILE *file = tmpfile();
    int saved = dup(STDOUT_FILENO);

    fflush(stdout);
    dup2(fileno(file), STDOUT_FILENO);
    output_table(result, columns, count, "nothing here");
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    rewind(file);
    assert_true(fread(text, 1, 4095, file) > 0);
    fclose(file);
    return text;
}

static void tables_are_aligned_and_clean(void **state)
{
    static const struct output_column columns[] = {
        {"NAME", "a", OUTPUT_TEXT, NULL},
        {"N", "b", OUTPUT_NUMBER, NULL},
        {"LAST", "a", OUTPUT_TEXT, NULL},
    };
    PGresult *result = cell_make("tschüß\a", "12345");
    CLEANUP_FREE char *text = NULL;

    (void)state;
    PQsetvalue(result, 1, 0, (char *)"x", 1);
    PQsetvalue(result, 1, 1, (char *)"7", 1);
    text = table_capture(result, COLUMNS(columns));
    assert_string_equal(text, "NAME         N  LAST\n"
                              "tschüß?  12345  tschüß?\n"
                              "x            7  x\n");
    PQclear(result);
}

static void a_table_without_rows_says_so(void **state)
{
    static const struct output_column columns[] = {{"A", "a", OUTPUT_TEXT, NULL}};
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    CLEANUP_FREE char *text = table_capture(result, COLUMNS(columns));

    (void)state;
    assert_string_equal(text, "nothing here\n");
    PQclear(result);
}

static void json_values_have_the_types_of_their_columns(void **state)
{
    PGresult *result = row_make(
        6, (const Oid[]){TEXT, BOOL, INT8, NUMERIC, JSONB, TEXT},
        (const char *const[]){"12", "t", "9007199254740993", "0.500", "{\"k\": [1]}", NULL});
    CLEANUP_JSON json_t *rows = output_rows_json(result);
    CLEANUP_FREE char *text = json_print(rows);

    (void)state;
    assert_string_equal(text, "[{\"a\":\"12\",\"b\":true,\"c\":9007199254740993,\"d\":0.5,"
                              "\"e\":{\"k\":[1]},\"f\":null}]");
    PQclear(result);
}

static void a_numeric_that_json_cannot_hold_becomes_a_string(void **state)
{
    PGresult *result = row_make(1, (const Oid[]){NUMERIC}, (const char *const[]){"NaN"});
    CLEANUP_JSON json_t *rows = output_rows_json(result);

    (void)state;
    assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "a")), "NaN");
    PQclear(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_formatted_by_their_kind),
        cmocka_unit_test(lengths_of_time_get_a_fitting_unit),
        cmocka_unit_test(tables_are_aligned_and_clean),
        cmocka_unit_test(a_table_without_rows_says_so),
        cmocka_unit_test(json_values_have_the_types_of_their_columns),
        cmocka_unit_test(a_numeric_that_json_cannot_hold_becomes_a_string),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
