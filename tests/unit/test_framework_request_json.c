/* SPDX-License-Identifier: PostgreSQL */
/* libframework/request_json: demand as JSON, and the member that a refusal names. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "request_json.h"

static struct fw_error err;

static void assert_printed(const struct fw_request *requests, size_t count, const char *wanted)
{
    CLEANUP_FREE char *text = requests_json(requests, count, &err);

    assert_non_null(text);
    assert_string_equal(text, wanted);
}

static void nothing_is_an_empty_list(void **state)
{
    (void)state;
    assert_printed(NULL, 0, "[]");
}

static void what_is_zero_is_left_out(void **state)
{
    (void)state;
    assert_printed(&(struct fw_request){.count = 1}, 1, "[{\"count\":1,\"resources\":{}}]");
}

static void the_largest_amounts_are_written_exactly(void **state)
{
    const struct fw_request request = {.count = 1000000,
                                       .cpus_milli = FW_CPUS_MILLI_MAX,
                                       .mem = FW_RESOURCE_MAX,
                                       .disk = FW_RESOURCE_MAX,
                                       .gpus = FW_RESOURCE_MAX,
                                       .port_count = 65536};

    (void)state;
    assert_printed(&request, 1,
                   "[{\"count\":1000000,\"resources\":{\"cpus\":1000000,\"mem\":1000000000000,"
                   "\"disk\":1000000000000,\"gpus\":1000000000000,\"ports\":65536}}]");
    assert_printed(&(struct fw_request){.count = 1, .cpus_milli = 1}, 1,
                   "[{\"count\":1,\"resources\":{\"cpus\":0.001}}]");
    assert_printed(&(struct fw_request){.count = 1, .cpus_milli = FW_CPUS_MILLI_MAX - 1}, 1,
                   "[{\"count\":1,\"resources\":{\"cpus\":999999.999}}]");
}

static void members_of_the_callers_own_are_added(void **state)
{
    const struct fw_request request = {.count = 2,
                                       .mem = 1,
                                       .extra_json = "{\"sets\": {\"rack\": 1}}",
                                       .constraints_json = "{\"max_per_agent\": 1}"};

    (void)state;
    assert_printed(&request, 1,
                   "[{\"count\":2,\"resources\":{\"mem\":1,\"sets\":{\"rack\":1}},"
                   "\"constraints\":{\"max_per_agent\":1}}]");
}

static void a_refusal_names_the_request_and_its_member(void **state)
{
    static const struct {
        struct fw_request request;
        const char *field, *value;
    } rows[] = {
        {{.count = -1}, "requests[1].count", "-1"},
        {{.count = 1000001}, "requests[1].count", "1000001"},
        {{.count = 1, .cpus_milli = FW_CPUS_MILLI_MAX + 1}, "requests[1].cpus_milli", "1000000001"},
        {{.count = 1, .mem = -5}, "requests[1].mem", "-5"},
        {{.count = 1, .mem = INT64_MIN}, "requests[1].mem", "-9223372036854775808"},
        {{.count = 1, .disk = FW_RESOURCE_MAX + 1}, "requests[1].disk", "1000000000001"},
        {{.count = 1, .gpus = INT64_MAX}, "requests[1].gpus", "9223372036854775807"},
        {{.count = 1, .port_count = 65537}, "requests[1].port_count", "65537"},
        {{.count = 1, .extra_json = "{\"a\":1"}, "requests[1].extra_json", ""},
        {{.count = 1, .extra_json = ""}, "requests[1].extra_json", ""},
        {{.count = 1, .cpus_milli = 1, .extra_json = "{\"cpus\":2}"}, "requests[1].extra_json", ""},
        {{.count = 1, .constraints_json = "[1]"}, "requests[1].constraints_json", ""},
        {{.count = 1, .constraints_json = "{\"a\":1,\"a\":2}"}, "requests[1].constraints_json", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fw_request requests[] = {{.count = 1, .mem = 1}, rows[i].request};

        memset(&err, 0, sizeof(err));
        assert_null(requests_json(requests, 2, &err));
        assert_int_equal(err.error_class, FW_ERROR_CALLER);
        if (!strstr(err.text, rows[i].field) || !strstr(err.text, rows[i].value))
            fail_msg("\"%s\" lacks \"%s\" or \"%s\"", err.text, rows[i].field, rows[i].value);
        assert_null(requests_json(requests, 2, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_an_empty_list),
        cmocka_unit_test(what_is_zero_is_left_out),
        cmocka_unit_test(the_largest_amounts_are_written_exactly),
        cmocka_unit_test(members_of_the_callers_own_are_added),
        cmocka_unit_test(a_refusal_names_the_request_and_its_member),
    };

    return cmocka_run_group_tests_name("libframework/request_json", tests, NULL, NULL);
}
