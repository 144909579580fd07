/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/mem.h"

static void texts_are_quoted_and_escaped(void **state)
{
    static const char *const items[] = {"a", "b c", "", "NULL", NULL, "q\"\\{},", "ä"};
    CLEANUP_FREE char *text = array_from_texts(items, 7);

    (void)state;
    assert_string_equal(text, "{\"a\",\"b c\",\"\",\"NULL\",NULL,\"q\\\"\\\\{},\",\"ä\"}");
}

static void an_empty_array_is_two_braces(void **state)
{
    CLEANUP_FREE char *texts = array_from_texts(NULL, 0);
    CLEANUP_FREE char *ints = array_from_ints(NULL, 0);

    (void)state;
    assert_string_equal(texts, "{}");
    assert_string_equal(ints, "{}");
}

static void integers_cover_their_range(void **state)
{
    static const int64_t items[] = {0, -1, INT64_MIN, INT64_MAX, INT64_MIN};
    CLEANUP_FREE char *text = array_from_ints(items, 5);

    (void)state;
    assert_string_equal(text, "{0,-1,-9223372036854775808,9223372036854775807,"
                              "-9223372036854775808}");
}

static void many_nulls_fit(void **state)
{
    static const char *const items[100] = {NULL};
    CLEANUP_FREE char *text = array_from_texts(items, 100);

    (void)state;
    assert_string_equal(text + 496, "NULL}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_quoted_and_escaped),
        cmocka_unit_test(an_empty_array_is_two_braces),
        cmocka_unit_test(integers_cover_their_range),
        cmocka_unit_test(many_nulls_fit),
    };

    return cmocka_run_group_tests_name("array", tests, NULL, NULL);
}
