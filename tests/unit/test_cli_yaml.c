/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/yaml.h"

static void reads(const char *yaml, const char *json)
{
    struct err err = {0};
    CLEANUP_JSON json_t *doc = yaml_parse("test.yml", yaml, &err);
    CLEANUP_FREE char *text = doc ? json_print(doc) : mem_strdup(err.text);

    assert_string_equal(text, json);
}

static void refuses(const char *yaml, const char *message)
{
    struct err err = {0};
    CLEANUP_JSON json_t *doc = yaml_parse("test.yml", yaml, &err);

    assert_null(doc);
    assert_int_equal(err.code, ERR_input_invalid);
    assert_non_null(strstr(err.text, message));
}

static void mappings_nest_by_indent(void **state)
{
    (void)state;
    reads("a: 1\nb:\n  c: x y\n  d:\n      e: f\n  g: h\ni: j\n",
          "{\"a\":\"1\",\"b\":{\"c\":\"x y\",\"d\":{\"e\":\"f\"},\"g\":\"h\"},\"i\":\"j\"}");
    reads("", "{}");
    reads("---\n# nothing\n\n", "{}");
    reads("etcd3:\nscope: s\n", "{\"etcd3\":{},\"scope\":\"s\"}");
    reads("a: 1\r\nb:\r\n  c: 2\r\n", "{\"a\":\"1\",\"b\":{\"c\":\"2\"}}");
}

static void scalars_lose_quotes_and_comments(void **state)
{
    (void)state;
    reads("a: 'x # y: z'  # why\nb: \"q\"\n'c d': e#f\n\"g\": # nothing\n",
          "{\"a\":\"x # y: z\",\"b\":\"q\",\"c d\":\"e#f\",\"g\":{}}");
    reads("url: http://h:80/p\n", "{\"url\":\"http://h:80/p\"}");
    reads("on: off\nempty: ''\n", "{\"on\":\"off\",\"empty\":\"\"}");
}

static void lists_and_blocks_are_passed_over(void **state)
{
    (void)state;
    reads("initdb:\n  - encoding: UTF8\n  - x:\n      y: z\nttl: 5\n",
          "{\"initdb\":{},\"ttl\":\"5\"}");
    reads("hosts:\n- a\n- b: c\n  d: e\nttl: 5\n", "{\"hosts\":{},\"ttl\":\"5\"}");
    reads("script: |\n  if: then\n\n  fi\nttl: 5\n", "{\"script\":\"|\",\"ttl\":\"5\"}");
}

static void short_mappings_are_read(void **state)
{
    (void)state;
    reads("watchdog: {mode: automatic, 'device': \"/dev/x\"} # y\n",
          "{\"watchdog\":{\"mode\":\"automatic\",\"device\":\"/dev/x\"}}");
    reads("a: {}\n", "{\"a\":{}}");
    reads("a: {b\n", "{\"a\":\"{b\"}");
    reads("a: {b: c\n", "{\"a\":\"{b: c\"}");
    reads("a: [b, c]\n", "{\"a\":\"[b, c]\"}");
}

static void json_is_yaml(void **state)
{
    (void)state;
    reads(" {\"a\": {\"b\": 1}}", "{\"a\":{\"b\":1}}");
    refuses("{\"a\": ", "");
}

static void errors_name_the_line(void **state)
{
    char deep[4096] = "";

    (void)state;
    refuses("a: b\nc\n", "\"test.yml\", line 2: expected \"name: value\"");
    refuses("a:\n\tb: c\n", "line 2: expected an indent of blanks");
    refuses("a: \xff\n", "line 1: expected text in UTF-8");
    refuses(": x\n", "line 1: expected \"name: value\"");
    for (int i = 0; i < 40; i++)
        snprintf(deep + strlen(deep), sizeof deep - strlen(deep), "%*sa:\n", i, "");
    refuses(deep, "line 32: expected fewer levels");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mappings_nest_by_indent),
        cmocka_unit_test(scalars_lose_quotes_and_comments),
        cmocka_unit_test(lists_and_blocks_are_passed_over),
        cmocka_unit_test(short_mappings_are_read),
        cmocka_unit_test(json_is_yaml),
        cmocka_unit_test(errors_name_the_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
