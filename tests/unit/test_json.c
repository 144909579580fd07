/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"

static json_t *parse(const char *text)
{
    struct err err;
    json_t *json = json_parse(text, strlen(text), &err);

    assert_non_null(json);
    return json;
}

static void assert_refused(const char *text, size_t len, const char *why)
{
    struct err err;

    assert_null(json_parse(text, len, &err));
    assert_int_equal(err.code, ERR_input_invalid);
    if (!strstr(err.text, why))
        fail_msg("\"%s\" does not say \"%s\"", err.text, why);
}

static void what_is_printed_is_what_was_parsed(void **state)
{
    CLEANUP_JSON json_t *json = parse(" { \"b\": [1, 2.5, null, true], \"a\": \"ä\\n\" } ");
    CLEANUP_FREE char *text = json_print(json);

    (void)state;
    assert_string_equal(text, "{\"b\":[1,2.5,null,true],\"a\":\"ä\\n\"}");
}

static void broken_json_is_refused_with_its_place(void **state)
{
    (void)state;
    assert_refused("{\"a\":\n!}", 8, "line 2");
    assert_refused("", 0, "JSON");
    assert_refused("{} x", 4, "end of file expected");
    assert_refused("{\"a\":1,\"a\":2}", 13, "duplicate");
    assert_refused("{\"a\":\"\xff\"}", 9, "decode byte 0xff");
    assert_refused("[\"a\\u0000b\"]", 12, "JSON_ALLOW_NUL");
    assert_refused("{\"a\":1e999}", 11, "real");
    assert_refused("{\"a\":99999999999999999999}", 26, "integer");
}

static void deep_nesting_is_refused_before_parsing(void **state)
{
    static char deep[200001];
    char level[2 * JSON_DEPTH_MAX + 3] = "";

    (void)state;
    memset(deep, '[', 200000);
    assert_refused(deep, 200000, "deeper than 32");
    memset(level, '[', JSON_DEPTH_MAX);
    memset(level + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    json_decref(parse(level));
    json_decref(parse("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[[[\"]"));
}

static void getters_return_what_is_there(void **state)
{
    CLEANUP_JSON json_t *json = parse("{\"s\":\"x\",\"i\":-7,\"b\":true}");
    const char *text = NULL;
    int64_t number = 0;
    bool flag = false;
    struct err err;

    (void)state;
    assert_int_equal(json_get_string(json, "s", true, &text, &err), 0);
    assert_string_equal(text, "x");
    assert_int_equal(json_get_int(json, "i", true, -10, 10, &number, &err), 0);
    assert_int_equal(number, -7);
    assert_int_equal(json_get_bool(json, "b", true, &flag, &err), 0);
    assert_true(flag);
}

static void an_optional_field_that_is_missing_keeps_the_default(void **state)
{
    CLEANUP_JSON json_t *json = parse("{\"i\":null}");
    const char *text = "preset";
    int64_t number = 3;
    bool flag = true;
    struct err err;

    (void)state;
    assert_int_equal(json_get_string(json, "s", false, &text, &err), 0);
    assert_string_equal(text, "preset");
    assert_int_equal(json_get_int(json, "i", false, 0, 9, &number, &err), 0);
    assert_int_equal(number, 3);
    assert_int_equal(json_get_bool(json, "b", false, &flag, &err), 0);
    assert_true(flag);
}

static void a_required_field_that_is_missing_is_named(void **state)
{
    CLEANUP_JSON json_t *json = parse("{\"i\":null}");
    const char *text = NULL;
    int64_t number = 0;
    bool flag = false;
    struct err err;

    (void)state;
    assert_int_equal(json_get_string(json, "s", true, &text, &err), -1);
    assert_int_equal(err.code, ERR_field_missing);
    assert_string_equal(err.text, "field \"s\": missing");
    assert_int_equal(json_get_int(json, "i", true, 0, 9, &number, &err), -1);
    assert_int_equal(json_get_bool(json, "b", true, &flag, &err), -1);
}

static void a_wrong_value_is_named_and_shown(void **state)
{
    CLEANUP_JSON json_t *json = parse("{\"s\":5,\"i\":10,\"f\":1.5,\"b\":\"yes\"}");
    const char *text = "kept";
    int64_t number = 3;
    bool flag = false;
    struct err err;

    (void)state;
    assert_int_equal(json_get_string(json, "s", true, &text, &err), -1);
    assert_string_equal(err.text, "field \"s\", value 5: expected a string");
    assert_int_equal(json_get_int(json, "i", true, 0, 9, &number, &err), -1);
    assert_int_equal(err.code, ERR_value_invalid);
    assert_string_equal(err.text, "field \"i\", value 10: expected a whole number between 0 and 9");
    assert_int_equal(json_get_int(json, "f", true, 0, 9, &number, &err), -1);
    assert_int_equal(json_get_bool(json, "b", false, &flag, &err), -1);
    assert_string_equal(err.text, "field \"b\", value \"yes\": expected true or false");
    assert_string_equal(text, "kept");
    assert_int_equal(number, 3);
}

static void a_file_is_read_whole(void **state)
{
    char path[] = "/tmp/howdah-json.XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    struct err err;
    json_t *json;

    (void)state;
    fputs("[", file);
    for (int i = 0; i < 5000; i++)
        fprintf(file, "%d,", i);
    fputs("0]", file);
    fclose(file);
    json = json_parse_file(path, &err);
    assert_int_equal(json_array_size(json), 5001);
    json_decref(json);
    file = fopen(path, "w");
    fputs("{", file);
    fclose(file);
    assert_null(json_parse_file(path, &err));
    assert_non_null(strstr(err.text, path));
    unlink(path);
    assert_null(json_parse_file(path, &err));
    assert_int_equal(err.code, ERR_io_failed);
    assert_null(json_parse_file("/tmp", &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_printed_is_what_was_parsed),
        cmocka_unit_test(broken_json_is_refused_with_its_place),
        cmocka_unit_test(deep_nesting_is_refused_before_parsing),
        cmocka_unit_test(getters_return_what_is_there),
        cmocka_unit_test(an_optional_field_that_is_missing_keeps_the_default),
        cmocka_unit_test(a_required_field_that_is_missing_is_named),
        cmocka_unit_test(a_wrong_value_is_named_and_shown),
        cmocka_unit_test(a_file_is_read_whole),
    };

    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
