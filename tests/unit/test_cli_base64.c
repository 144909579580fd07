/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "base/mem.h"
#include "cli/base64.h"

static void decodes(const char *text, const char *expected, size_t expected_len)
{
    size_t len = 99;
    CLEANUP_FREE char *data = base64_decode(text, &len);

    assert_int_equal(len, expected_len);
    assert_memory_equal(data, expected, expected_len);
}

static void every_length_of_the_rest_is_decoded(void **state)
{
    (void)state;
    decodes("", "", 0);
    decodes("Zg==", "f", 1);
    decodes("Zm8=", "fo", 2);
    decodes("Zm9v", "foo", 3);
    decodes("Zm9vYmFy", "foobar", 6);
}

static void bytes_of_any_value_are_decoded(void **state)
{
    (void)state;
    decodes("AP8A/+8+", "\0\xff\0\xff\xef>", 6);
}

static void line_breaks_are_skipped(void **state)
{
    (void)state;
    decodes("Zm9v\nYmFy\n", "foobar", 6);
}

static void decoding_ends_at_what_is_no_base64(void **state)
{
    (void)state;
    decodes("Zm9v!Zm9v", "foo", 3);
    decodes("!", "", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_of_the_rest_is_decoded),
        cmocka_unit_test(bytes_of_any_value_are_decoded),
        cmocka_unit_test(line_breaks_are_skipped),
        cmocka_unit_test(decoding_ends_at_what_is_no_base64),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
