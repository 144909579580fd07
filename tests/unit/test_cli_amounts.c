/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/amounts.h"

static struct err err;

static void typed_amounts_become_an_object(void **state)
{
    static const struct {
        const char *text, *json;
    } rows[] = {
        {"", "{}"},
        {"cpus=4", "{\"cpus\": 4}"},
        {"cpus=0.25,mem=8192", "{\"cpus\": 0.25, \"mem\": 8192}"},
        {"cpus=999999999999.999", "{\"cpus\": 999999999999.999}"},
        {"scalars.a.b=2,sets.gpu=1,sets.fpga=0",
         "{\"scalars\": {\"a.b\": 2}, \"sets\": {\"gpu\": 1, \"fpga\": 0}}"},
        {"scalars.a=b=2", "{\"scalars\": {\"a=b\": 2}}"},
        {"pigs=7", "{\"pigs\": 7}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CLEANUP_FREE char *json = amounts_to_json("limit", rows[i].text, &err);

        assert_non_null(json);
        assert_string_equal(json, rows[i].json);
    }
}

static void bad_parts_are_named(void **state)
{
    static const char *const rows[][2] = {
        {"cpus", "\"cpus\""},         {"=4", "\"=4\""},
        {"cpus=", "\"cpus=\""},       {"cpus=-1", "\"cpus=-1\""},
        {"cpus=1.", "\"cpus=1.\""},   {"cpus=1e3", "\"cpus=1e3\""},
        {"cpus=1,,mem=2", "\"\""},    {"cpus=1,cpus=2", "\"cpus=2\""},
        {"cpus=nan", "\"cpus=nan\""}, {"sets.a=1,sets.a=1", "\"sets.a=1\""},
        {"\xff=1", "UTF-8"},          {"cpus=12345678901234567", "\"cpus=12345678901234567\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_null(amounts_to_json("limit", rows[i][0], &err));
        assert_int_equal(err.code, ERR_input_invalid);
        assert_non_null(strstr(err.text, "option --limit"));
        assert_non_null(strstr(err.text, rows[i][1]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(typed_amounts_become_an_object),
        cmocka_unit_test(bad_parts_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
