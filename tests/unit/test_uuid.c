/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "base/uuid.h"

static void a_made_uuid_is_valid_and_of_version_4(void **state)
{
    char text[UUID_TEXT_SIZE];

    (void)state;
    for (int i = 0; i < 100; i++) {
        uuid_make(text);
        assert_int_equal(strlen(text), 36);
        assert_true(uuid_valid(text));
        assert_int_equal(text[14], '4');
        assert_non_null(strchr("89ab", text[19]));
    }
}

static void two_uuids_differ(void **state)
{
    char one[UUID_TEXT_SIZE], two[UUID_TEXT_SIZE];

    (void)state;
    uuid_make(one);
    uuid_make(two);
    assert_string_not_equal(one, two);
}

static void what_is_no_uuid_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "0",
        "00000000-0000-0000-0000-00000000000",
        "00000000-0000-0000-0000-0000000000000",
        "00000000-0000-0000-0000-00000000000g",
        "00000000+0000-0000-0000-000000000000",
        "000000000000-0000-0000-0000-00000000",
        "{0000000-0000-0000-0000-00000000000}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(uuid_valid(wrong[i]));
    assert_false(uuid_valid(NULL));
    assert_true(uuid_valid("ABCDEF01-2345-6789-abcd-ef0123456789"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_made_uuid_is_valid_and_of_version_4),
        cmocka_unit_test(two_uuids_differ),
        cmocka_unit_test(what_is_no_uuid_is_refused),
    };

    return cmocka_run_group_tests_name("uuid", tests, NULL, NULL);
}
