/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "agent/common_status.h"
#include "base/json.h"

static struct err err;

static json_t *doc_of(const char *text)
{
    json_t *doc = json_parse(text, strlen(text), &err);

    assert_non_null(doc);
    return doc;
}

static void a_status_survives_json(void **state)
{
    struct status status, back;

    (void)state;
    status_init(&status, task_failed, "memory_limit", "the limit of %d MiB", 64);
    status.exit_code = 137;
    status.signal = 9;
    status.started_ms = 1700000000000;
    status.ended_ms = 1700000000500;
    status.cpu_ms = 12;
    status.mem_peak_bytes = 67108864;
    CLEANUP_JSON json_t *doc = status_to_json(&status);
    assert_int_equal(status_from_json(doc, &back, &err), 0);
    assert_int_equal(back.state, task_failed);
    assert_string_equal(back.reason, "memory_limit");
    assert_string_equal(back.message, "the limit of 64 MiB");
    assert_int_equal(back.exit_code, 137);
    assert_int_equal(back.signal, 9);
    assert_int_equal(back.started_ms, 1700000000000);
    assert_int_equal(back.ended_ms, 1700000000500);
    assert_int_equal(back.cpu_ms, 12);
    assert_int_equal(back.mem_peak_bytes, 67108864);
}

static void what_is_not_known_is_null(void **state)
{
    struct status status, back;

    (void)state;
    status_init(&status, task_killed, "killed_by_request", "ended");
    CLEANUP_JSON json_t *doc = status_to_json(&status);
    assert_true(json_is_null(json_object_get(doc, "exit_code")));
    assert_true(json_is_null(json_object_get(doc, "signal")));
    assert_true(json_is_null(json_object_get(doc, "cpu_ms")));
    assert_true(json_is_null(json_object_get(doc, "mem_peak_bytes")));
    assert_int_equal(status_from_json(doc, &back, &err), 0);
    assert_int_equal(back.exit_code, STATUS_NO_EXIT_CODE);
    assert_int_equal(back.signal, 0);
    assert_int_equal(back.cpu_ms, -1);
}

static void exit_code_zero_is_not_no_exit_code(void **state)
{
    struct status status, back;

    (void)state;
    status_init(&status, task_finished, "command_exited", "fine");
    status.exit_code = 0;
    CLEANUP_JSON json_t *doc = status_to_json(&status);
    assert_true(json_is_integer(json_object_get(doc, "exit_code")));
    assert_int_equal(status_from_json(doc, &back, &err), 0);
    assert_int_equal(back.exit_code, 0);
}

static void a_document_that_is_none_names_its_field(void **state)
{
    static const struct {
        const char *text, *field;
    } cases[] = {
        {"{}", "state"},
        {"[]", "state"},
        {"{\"state\": 7, \"reason\": \"x\"}", "state"},
        {"{\"state\": \"running\", \"reason\": \"x\"}", "state"},
        {"{\"state\": \"nonsense\", \"reason\": \"x\"}", "state"},
        {"{\"state\": \"failed\"}", "reason"},
        {"{\"state\": \"failed\", \"reason\": \"x\", \"exit_code\": 256}", "exit_code"},
        {"{\"state\": \"failed\", \"reason\": \"x\", \"exit_code\": -1}", "exit_code"},
        {"{\"state\": \"failed\", \"reason\": \"x\", \"exit_code\": \"1\"}", "exit_code"},
        {"{\"state\": \"failed\", \"reason\": \"x\", \"signal\": 1000}", "signal"},
        {"{\"state\": \"failed\", \"reason\": \"x\", \"started_ms\": -1}", "started_ms"},
        {"{\"state\": \"failed\", \"reason\": \"x\", \"ended_ms\": 1.5}", "ended_ms"},
        {"{\"state\": \"failed\", \"reason\": \"x\", \"cpu_ms\": -2}", "cpu_ms"},
        {"{\"state\": \"failed\", \"reason\": \"x\", \"message\": []}", "message"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct status status;
        CLEANUP_JSON json_t *doc = doc_of(cases[i].text);

        assert_int_equal(status_from_json(doc, &status, &err), -1);
        if (strstr(err.text, cases[i].field) == NULL)
            fail_msg("%s: \"%s\" does not name %s", cases[i].text, err.text, cases[i].field);
    }
}

static void every_terminal_state_is_read_and_no_other(void **state)
{
    (void)state;
    for (int number = 0; number < task_state_count; number++) {
        struct status status;
        CLEANUP_JSON json_t *doc =
            json_pack("{ss ss}", "state", task_state_name((enum task_state)number), "reason", "x");

        assert_int_equal(status_from_json(doc, &status, &err) == 0,
                         task_state_terminal((enum task_state)number));
    }
}

/* The cell refuses control characters and what is no UTF-8; a report must not be held up by that.
 */
static void messages_are_made_acceptable(void **state)
{
    static const struct {
        const char *text, *copied;
    } cases[] = {
        {"plain", "plain"},
        {"", ""},
        {"tab\there\n", "tab?here?"},
        {"\x7f\x1b[0m", "??[0m"},
        {"über ☃ \xf0\x9f\x98\x80", "über ☃ \xf0\x9f\x98\x80"},
        {"\xff\xfe", "??"},
        {"cut \xe2\x98", "cut ??"},
        {"\xc0\xaf", "??"},           /* overlong */
        {"\xe0\x9f\x80", "???"},      /* overlong */
        {"\xed\xa0\x80", "???"},      /* a surrogate */
        {"\xf4\x90\x80\x80", "????"}, /* beyond the last character */
        {"\x80", "?"},
    };
    char out[64];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        status_text_copy(out, sizeof(out), cases[i].text);
        assert_string_equal(out, cases[i].copied);
    }
}

static void a_cut_falls_between_characters(void **state)
{
    char out[8];

    (void)state;
    for (size_t size = 1; size <= sizeof(out); size++) {
        status_text_copy(out, size, "a☃☃☃");
        assert_true(strlen(out) < size);
        assert_true(strcmp(out, "") == 0 || strcmp(out, "a") == 0 || strcmp(out, "a☃") == 0 ||
                    strcmp(out, "a☃☃") == 0);
    }
}

static void a_message_of_any_length_fits(void **state)
{
    struct status status;
    char text[4096];

    (void)state;
    memset(text, 'm', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    status_init(&status, task_failed, "a_reason_that_is_longer_than_any_reason_is", "%s", text);
    assert_int_equal(strlen(status.message), sizeof(status.message) - 1);
    assert_int_equal(strlen(status.reason), sizeof(status.reason) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_survives_json),
        cmocka_unit_test(what_is_not_known_is_null),
        cmocka_unit_test(exit_code_zero_is_not_no_exit_code),
        cmocka_unit_test(a_document_that_is_none_names_its_field),
        cmocka_unit_test(every_terminal_state_is_read_and_no_other),
        cmocka_unit_test(messages_are_made_acceptable),
        cmocka_unit_test(a_cut_falls_between_characters),
        cmocka_unit_test(a_message_of_any_length_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
