/* SPDX-License-Identifier: PostgreSQL */
/* base/row on results made by hand: no server is needed. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "base/row.h"

static PGresult *result_with(const char *column, const char *value)
{
    PGresAttDesc column_desc = {.name = (char *)column, .typlen = -1};
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);

    assert_true(PQsetResultAttrs(result, 1, &column_desc));
    assert_true(PQsetvalue(result, 0, 0, (char *)value, value ? (int)strlen(value) : -1));
    return result;
}

static void a_text_column_is_read_by_name(void **state)
{
    PGresult *result = result_with("name", "map-1");

    (void)state;
    assert_string_equal(row_text(result, 0, "name"), "map-1");
    assert_false(row_is_null(result, 0, "name"));
    PQclear(result);
}

static void numbers_are_read_in_full_range(void **state)
{
    PGresult *result = result_with("n", "-9223372036854775808");

    (void)state;
    assert_true(row_int(result, 0, "n") == INT64_MIN);
    PQclear(result);
    result = result_with("n", "0.125");
    assert_true(row_double(result, 0, "n") == 0.125);
    PQclear(result);
}

static void booleans_are_t_and_f(void **state)
{
    PGresult *yes = result_with("b", "t"), *no = result_with("b", "f");

    (void)state;
    assert_true(row_bool(yes, 0, "b"));
    assert_false(row_bool(no, 0, "b"));
    PQclear(yes);
    PQclear(no);
}

static void null_gives_the_stated_default(void **state)
{
    PGresult *result = result_with("x", NULL);

    (void)state;
    assert_true(row_is_null(result, 0, "x"));
    assert_null(row_text(result, 0, "x"));
    assert_int_equal(row_int(result, 0, "x"), 0);
    assert_true(row_double(result, 0, "x") == 0);
    assert_false(row_bool(result, 0, "x"));
    PQclear(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_column_is_read_by_name),
        cmocka_unit_test(numbers_are_read_in_full_range),
        cmocka_unit_test(booleans_are_t_and_f),
        cmocka_unit_test(null_gives_the_stated_default),
    };

    return cmocka_run_group_tests_name("row", tests, NULL, NULL);
}
