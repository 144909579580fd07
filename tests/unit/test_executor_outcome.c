/* SPDX-License-Identifier: PostgreSQL */
/* What is reported for what was seen, and how it is kept in a file. */
#include "tests/unit/cmocka_all.h"

#include <signal.h>
#include <string.h>

#include "agent/common_status.h"
#include "agent/executor_outcome.h"
#include "base/json.h"
#include "base/mem.h"

#define EXITED(code)    ((code) << 8)
#define SIGNALED(signo) (signo)

static const struct {
    const char *sentence;
    struct outcome_facts facts;
    const char *state, *reason;
    int exit_code, signal;
} rows[] = {
    {"exit code 0 is finished",
     {EXITED(0), false, false, 64, 0},
     "finished",
     "command_exited",
     0,
     0},
    {"another exit code is failed",
     {EXITED(3), false, false, 64, 0},
     "failed",
     "command_exited",
     3,
     0},
    {"a signal is failed",
     {SIGNALED(SIGSEGV), false, false, 64, 0},
     "failed",
     "command_exited",
     -1,
     SIGSEGV},
    {"an obeyed kill is killed",
     {EXITED(0), true, false, 64, 0},
     "killed",
     "killed_by_request",
     0,
     0},
    {"so is what the lost contact ended, and its reason says so",
     {EXITED(0), true, false, 64, 5000},
     "killed",
     "stopped_unreachable",
     0,
     0},
    {"a forced kill is killed",
     {SIGNALED(SIGKILL), true, false, 64, 0},
     "killed",
     "killed_by_request",
     -1,
     SIGKILL},
    {"the memory limit explains a SIGKILL",
     {SIGNALED(SIGKILL), false, true, 64, 0},
     "failed",
     "memory_limit",
     -1,
     SIGKILL},
    {"and a shell's 137", {EXITED(137), false, true, 64, 0}, "failed", "memory_limit", 137, 0},
    {"a command that copes with it has finished",
     {EXITED(0), false, true, 64, 0},
     "finished",
     "command_exited",
     0,
     0},
    {"the limit explains more than the kill that followed",
     {SIGNALED(SIGKILL), true, true, 64, 0},
     "failed",
     "memory_limit",
     -1,
     SIGKILL},
};

static void test_each_row_gives_its_status(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct status status;
        outcome_decide(&rows[i].facts, &status);
        if (strcmp(task_state_name(status.state), rows[i].state) != 0 ||
            strcmp(status.reason, rows[i].reason) != 0 || status.exit_code != rows[i].exit_code ||
            status.signal != rows[i].signal)
            fail_msg("%s: got %s, %s, %d, %d", rows[i].sentence, task_state_name(status.state),
                     status.reason, status.exit_code, status.signal);
    }
}

static void test_memory_limit_names_the_limit(void **state)
{
    struct status status;

    (void)state;
    outcome_decide(&(struct outcome_facts){SIGNALED(SIGKILL), false, true, 48, 0}, &status);
    assert_non_null(strstr(status.message, "48 MiB"));
}

static void test_status_survives_its_file(void **state)
{
    struct status before, after;
    struct err err = {0};

    (void)state;
    status_init(&before, task_failed, "command_exited", "it \"ended\"\n with %d", 3);
    before.exit_code = 0;
    before.started_ms = 1700000000000;
    before.ended_ms = 1700000000001;
    before.cpu_ms = 12;
    CLEANUP_JSON json_t *doc = status_to_json(&before);
    assert_int_equal(status_from_json(doc, &after, &err), 0);
    assert_memory_equal(&before.started_ms, &after.started_ms,
                        sizeof(before) - offsetof(struct status, started_ms));
    assert_int_equal(after.exit_code, 0);
    assert_int_equal(after.signal, 0);
    assert_int_equal(after.mem_peak_bytes, -1);
    assert_string_equal(after.message, "it \"ended\"? with 3");
}

static void test_status_without_exit_code_keeps_that(void **state)
{
    struct status before, after;
    struct err err = {0};

    (void)state;
    status_init(&before, task_failed, "executor_lost", "gone");
    CLEANUP_JSON json_t *doc = status_to_json(&before);
    assert_int_equal(status_from_json(doc, &after, &err), 0);
    assert_int_equal(after.exit_code, STATUS_NO_EXIT_CODE);
}

static void test_damaged_statuses_are_refused(void **state)
{
    static const char *const docs[] = {"{}",
                                       "{\"state\":\"running\",\"reason\":\"x\"}",
                                       "{\"state\":\"flying\",\"reason\":\"x\"}",
                                       "{\"state\":\"failed\"}",
                                       "{\"state\":\"failed\",\"reason\":\"x\",\"exit_code\":300}",
                                       "[]"};

    (void)state;
    for (size_t i = 0; i < sizeof(docs) / sizeof(docs[0]); i++) {
        struct status status;
        struct err err = {0};
        CLEANUP_JSON json_t *doc = json_parse(docs[i], strlen(docs[i]), &err);
        if (status_from_json(doc, &status, &err) != -1)
            fail_msg("%s was taken", docs[i]);
    }
}

static void test_text_is_made_fit_for_the_cell(void **state)
{
    static const struct {
        const char *in, *out;
    } texts[] = {
        {"plain", "plain"},
        {"h\xc3\xa4h", "h\xc3\xa4h"},
        {"\xff\xfe", "??"},
        {"a\x01\x1f\x7f", "a???"},
        {"cut \xc3", "cut ?"},
        {"\xed\xa0\x80", "???"},      /* a surrogate */
        {"\xc0\xaf", "??"},           /* overlong */
        {"\xf4\x90\x80\x80", "????"}, /* beyond Unicode */
        {"\xf0\x9f\x90\x98", "\xf0\x9f\x90\x98"},
    };
    char out[16];

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        status_text_copy(out, sizeof(out), texts[i].in);
        assert_string_equal(out, texts[i].out);
    }
    status_text_copy(out, 4, "ab\xc3\xa4");
    assert_string_equal(out, "ab");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_row_gives_its_status),
        cmocka_unit_test(test_memory_limit_names_the_limit),
        cmocka_unit_test(test_status_survives_its_file),
        cmocka_unit_test(test_status_without_exit_code_keeps_that),
        cmocka_unit_test(test_damaged_statuses_are_refused),
        cmocka_unit_test(test_text_is_made_fit_for_the_cell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
