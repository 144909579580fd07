/* SPDX-License-Identifier: PostgreSQL */
/* The two texts that describe a machine: what they mean, and what is refused with which words. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "agent/resources.h"
#include "base/json.h"
#include "base/mem.h"

static const struct {
    const char *text, *json;
} good[] = {
    {"cpus:4;mem:4096;disk:10000;gpus:0;ports:[31000-32000];gpu_ids:{0,1};licences:5",
     "{\"cpus\":4,\"mem\":4096,\"disk\":10000,\"gpus\":0,\"ports\":[[31000,32000]],"
     "\"sets\":{\"gpu_ids\":[\"0\",\"1\"]},\"scalars\":{\"licences\":5}}"},
    {"cpus:0.125", "{\"cpus\":0.125}"},
    {"cpus:0.1", "{\"cpus\":0.1}"},
    {"cpus:2.0", "{\"cpus\":2}"},
    {" cpus : 2 ; mem : 64 ; ", "{\"cpus\":2,\"mem\":64}"},
    {"ports:[1-2, 5, 7-9]", "{\"ports\":[[1,2],[5,5],[7,9]]}"},
    {"bandwidth:0.5;fpga:{a, b}",
     "{\"scalars\":{\"bandwidth\":0.5},\"sets\":{\"fpga\":[\"a\",\"b\"]}}"},
    {"", "{}"},
    {";;", "{}"},
    {"{\"cpus\": 3, \"ports\": [[1, 2]]}", "{\"cpus\":3,\"ports\":[[1,2]]}"},
};

static const struct {
    const char *text, *word;
} bad[] = {
    {"cpus", "NAME:VALUE"},
    {"cpus:", "cpus"},
    {"cpus:-1", "cpus"},
    {"cpus:nan", "cpus"},
    {"cpus:inf", "cpus"},
    {"cpus:1e400", "cpus"},
    {"cpus:0.0001", "three decimals"},
    {"cpus:4x", "4x"},
    {"mem:1.5", "whole number"},
    {"cpus:1;cpus:2", "twice"},
    {"cpus(role):8", "cpus(role)"},
    {"ports:[0-10]", "0-10"},
    {"ports:[10-5]", "10-5"},
    {"ports:[70000-70001]", "70000"},
    {"ports:[a-b]", "a-b"},
    {"ports:31000", "ports"},
    {"cpus:[1-2]", "ranges"},
    {"9lives:1", "9lives"},
    {"{\"cpus\": 1", "resources"},
};

static void test_good_texts_become_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct err err = {0};
        CLEANUP_JSON json_t *got = resources_parse(good[i].text, &err);
        CLEANUP_JSON json_t *wanted = json_parse(good[i].json, strlen(good[i].json), &err);
        if (got == NULL)
            fail_msg("%s: %s", good[i].text, err.text);
        CLEANUP_FREE char *printed = json_print(got);
        if (!json_equal(got, wanted))
            fail_msg("%s: got %s", good[i].text, printed);
    }
}

static void test_decimals_are_printed_as_written(void **state)
{
    struct err err = {0};
    CLEANUP_JSON json_t *got = resources_parse("cpus:0.1", &err);
    CLEANUP_FREE char *printed = json_print(got);

    (void)state;
    assert_string_equal(printed, "{\"cpus\":0.1}");
}

static void test_bad_texts_are_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = {0};
        json_t *got = resources_parse(bad[i].text, &err);
        if (got != NULL)
            fail_msg("%s was taken", bad[i].text);
        if (strstr(err.text, bad[i].word) == NULL)
            fail_msg("%s: \"%s\" lacks \"%s\"", bad[i].text, err.text, bad[i].word);
    }
}

static void test_what_is_not_named_is_detected(void **state)
{
    struct err err = {0};
    CLEANUP_JSON json_t *got = resources_parse("cpus:0.5;disk:0", &err);

    (void)state;
    resources_detect(got, "/");
    assert_float_equal(json_number_value(json_object_get(got, "cpus")), 0.5, 0.0001);
    assert_int_equal(json_integer_value(json_object_get(got, "disk")), 0);
    assert_true(json_integer_value(json_object_get(got, "mem")) > 0);
    assert_int_equal(json_array_size(json_object_get(got, "ports")), 1);
}

static void test_attributes_are_texts_and_numbers(void **state)
{
    struct err err = {0};
    CLEANUP_JSON json_t *got = attributes_parse("rack:r1; zone:a:b ;level:3;load:0.5", &err);

    (void)state;
    assert_string_equal(json_string_value(json_object_get(got, "rack")), "r1");
    assert_string_equal(json_string_value(json_object_get(got, "zone")), "a:b");
    assert_int_equal(json_integer_value(json_object_get(got, "level")), 3);
    assert_true(json_is_real(json_object_get(got, "load")));
    assert_null(attributes_parse("rack", &err));
    assert_null(attributes_parse("rack:1;rack:2", &err));
    assert_null(attributes_parse("a b:1", &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_texts_become_json),
        cmocka_unit_test(test_decimals_are_printed_as_written),
        cmocka_unit_test(test_bad_texts_are_refused_by_name),
        cmocka_unit_test(test_what_is_not_named_is_detected),
        cmocka_unit_test(test_attributes_are_texts_and_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
