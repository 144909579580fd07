/* SPDX-License-Identifier: PostgreSQL */
/* Log requests: bounds, errors, base64. Links and pieces of real tasks are in test_agent_life. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/common_meta.h"
#include "agent/logs.h"
#include "base/json.h"
#include "base/mem.h"

#define TASK "0f0f0f0f-0000-4000-8000-00000000abcd"

static char work[64];

static int setup(void **state)
{
    struct err err = {0};

    (void)state;
    snprintf(work, sizeof(work), "/tmp/howdah-logs XXXXXX");
    assert_non_null(mkdtemp(work));
    CLEANUP_FREE char *sandbox = mem_printf("%s/sandboxes/%s", work, TASK);
    assert_int_equal(meta_mkdirs(sandbox, 0700, &err), 0);
    return 0;
}

static int teardown(void **state)
{
    CLEANUP_FREE char *command = mem_printf("rm -rf '%s'", work);

    (void)state;
    return system(command);
}

static void stdout_put(size_t bytes)
{
    CLEANUP_FREE char *path = mem_printf("%s/sandboxes/%s/stdout", work, TASK);
    FILE *file = fopen(path, "we");

    for (size_t i = 0; i < bytes; i++)
        fputc('x', file);
    fclose(file);
}

static json_t *ask(const char *stream, json_int_t offset, json_int_t length, bool ended)
{
    CLEANUP_JSON json_t *request = json_pack("{si ss ss sI sI}", "request_id", 1, "task_id", TASK,
                                             "stream", stream, "offset", offset, "length", length);

    return logs_answer(work, request, true, ended);
}

static void test_base64_is_base64(void **state)
{
    static const char *const pairs[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}};

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        CLEANUP_FREE char *text =
            logs_base64((const unsigned char *)pairs[i][0], strlen(pairs[i][0]));
        assert_string_equal(text, pairs[i][1]);
    }
    CLEANUP_FREE char *bytes = logs_base64((const unsigned char *)"\xff\x00\xfe", 3);
    assert_string_equal(bytes, "/wD+");
}

static void test_piece_is_never_larger_than_allowed(void **state)
{
    (void)state;
    stdout_put(LOGS_CHUNK_MAX + 10);
    CLEANUP_JSON json_t *first = ask("stdout", 0, 1 << 30, true);
    assert_int_equal(strlen(json_string_value(json_object_get(first, "data"))),
                     (LOGS_CHUNK_MAX + 2) / 3 * 4);
    assert_true(json_is_false(json_object_get(first, "eof")));
    CLEANUP_JSON json_t *last = ask("stdout", LOGS_CHUNK_MAX, 1 << 30, true);
    assert_true(json_is_true(json_object_get(last, "eof")));
    assert_int_equal(json_integer_value(json_object_get(last, "size")), LOGS_CHUNK_MAX + 10);
}

static void test_end_of_file_is_not_the_end_of_a_live_log(void **state)
{
    (void)state;
    stdout_put(3);
    CLEANUP_JSON json_t *reply = ask("stdout", 3, 100, false);
    assert_string_equal(json_string_value(json_object_get(reply, "data")), "");
    assert_true(json_is_false(json_object_get(reply, "eof")));
    CLEANUP_JSON json_t *beyond = ask("stdout", 1000, 100, true);
    assert_true(json_is_true(json_object_get(beyond, "eof")));
}

static void test_log_that_is_not_there_yet_is_empty(void **state)
{
    (void)state;
    CLEANUP_JSON json_t *early = ask("stderr", 0, 100, false);
    assert_string_equal(json_string_value(json_object_get(early, "data")), "");
    CLEANUP_JSON json_t *late = ask("stderr", 0, 100, true);
    assert_non_null(json_object_get(late, "error"));
}

static void test_bad_requests_are_answered_with_the_field(void **state)
{
    (void)state;
    CLEANUP_JSON json_t *stream = ask("../../secret", 0, 1, true);
    assert_non_null(strstr(json_string_value(json_object_get(stream, "error")), "stream"));
    CLEANUP_JSON json_t *offset = ask("stdout", -1, 1, true);
    assert_non_null(strstr(json_string_value(json_object_get(offset, "error")), "offset"));
    CLEANUP_JSON json_t *no_id = json_pack("{ss}", "task_id", TASK);
    assert_null(logs_answer(work, no_id, true, true));
    CLEANUP_JSON json_t *path =
        json_pack("{si ss ss}", "request_id", 1, "task_id", "../x", "stream", "stdout");
    CLEANUP_JSON json_t *answer = logs_answer(work, path, true, true);
    assert_non_null(strstr(json_string_value(json_object_get(answer, "error")), "task_id"));
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64_is_base64),
        LOG_TEST(test_piece_is_never_larger_than_allowed),
        LOG_TEST(test_end_of_file_is_not_the_end_of_a_live_log),
        LOG_TEST(test_log_that_is_not_there_yet_is_empty),
        LOG_TEST(test_bad_requests_are_answered_with_the_field),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
