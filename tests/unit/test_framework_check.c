/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "check.h"
#include "fw_error.h"

#define ID "5f0e4a52-0000-4000-8000-00000000d001"

static struct fw_error err;

static void assert_refused(int rc, const char *part)
{
    assert_int_equal(rc, -1);
    assert_int_equal(err.error_class, FW_ERROR_CALLER);
    assert_string_equal(err.code, "input_invalid");
    if (strstr(err.text, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, part);
}

static void names_have_one_to_255_bytes(void **state)
{
    CLEANUP_FREE char *name = mem_alloc(FW_NAME_MAX + 2);

    (void)state;
    memset(name, 'n', FW_NAME_MAX);
    assert_int_equal(check_name("claim", "name", name, &err), 0);
    name[FW_NAME_MAX] = 'n';
    assert_refused(check_name("claim", "name", name, &err), "1 to 255 bytes");
    assert_refused(check_name("claim", "name", "", &err), "value \"\"");
    assert_refused(check_name("claim", "tasks[3].name", NULL, &err),
                   "claim: field \"tasks[3].name\" is missing");
}

static void names_of_any_script_are_fine(void **state)
{
    static const char *const names[] = {"a",    "web-1",      "ünïcode",
                                        "任务", "with blank", "\xf0\x9f\x90\x98"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(check_name("claim", "name", names[i], &err), 0);
}

static void names_that_hide_something_are_refused(void **state)
{
    static const struct {
        const char *name, *said;
    } cases[] = {
        {" a", "no blanks at the ends"},
        {"a ", "no blanks at the ends"},
        {"a\nb", "no control characters"},
        {"\x01", "no control characters"},
        {"a\x7f", "no control characters"},
        {"\xff", "UTF-8"},
        {"a\xc3", "UTF-8"},
        {"\xc0\x80", "UTF-8"},
        {"\xed\xa0\x80", "UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(check_name("claim", "name", cases[i].name, &err), cases[i].said);
}

static void what_is_quoted_is_cut_and_made_printable(void **state)
{
    CLEANUP_FREE char *text = mem_alloc(FW_TEXT_MAX + 2);

    (void)state;
    assert_refused(check_name("claim", "name", "evil\x1b[31m\n", &err), "value \"evil?[31m?\"");
    memset(text, 't', FW_TEXT_MAX + 1);
    assert_refused(check_text("claim", "shell", text, &err), "at most 65536 bytes");
    assert_true(strlen(err.text) < 200);
}

static void texts_may_hold_control_characters(void **state)
{
    CLEANUP_FREE char *text = mem_alloc(FW_TEXT_MAX + 1);

    (void)state;
    memset(text, 't', FW_TEXT_MAX);
    assert_int_equal(check_text("claim", "shell", text, &err), 0);
    assert_int_equal(check_text("claim", "shell", "line\nline\ttab", &err), 0);
    assert_int_equal(check_text("claim", "shell", "", &err), 0);
    assert_refused(check_text("claim", "shell", NULL, &err), "is missing");
    assert_refused(check_text("claim", "shell", "\xfe", &err), "UTF-8");
}

static void numbers_have_bounds_that_belong_to_them(void **state)
{
    (void)state;
    assert_int_equal(check_int("claim", "mem", 1, 1, 5, &err), 0);
    assert_int_equal(check_int("claim", "mem", 5, 1, 5, &err), 0);
    assert_refused(check_int("claim", "mem", 0, 1, 5, &err),
                   "claim: field \"mem\", value \"0\": expected 1 to 5");
    assert_refused(check_int("claim", "mem", 6, 1, 5, &err), "\"6\"");
    assert_refused(check_int("claim", "mem", INT64_MIN, INT64_MIN + 1, INT64_MAX, &err),
                   "-9223372036854775808");
    assert_int_equal(check_int("claim", "mem", INT64_MAX, INT64_MIN, INT64_MAX, &err), 0);
}

static void ids_are_uuids(void **state)
{
    static const char *const wrong[] = {"",
                                        "x",
                                        "5f0e4a52",
                                        ID "0",
                                        "{" ID "}",
                                        " " ID,
                                        "5f0e4a52-0000-4000-8000-00000000d00g",
                                        "5f0e4a5200004000800000000000d001"};

    (void)state;
    assert_int_equal(check_uuid("kill", "task_ids", ID, &err), 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_refused(check_uuid("kill", "task_ids", wrong[i], &err), "a uuid");
    assert_refused(check_uuid("kill", "task_ids", NULL, &err), "is missing");
}

static void lists_of_ids_have_a_length(void **state)
{
    CLEANUP_FREE const char **many = mem_alloc(10001 * sizeof(*many));
    const char *const one[] = {ID}, *const bad[] = {ID, "x"}, *const hole[] = {ID, NULL};

    (void)state;
    for (size_t i = 0; i < 10001; i++)
        many[i] = ID;
    assert_int_equal(check_uuids("kill", "task_ids", one, 1, 1, &err), 0);
    assert_int_equal(check_uuids("kill", "task_ids", NULL, 0, 0, &err), 0);
    assert_int_equal(check_uuids("kill", "task_ids", many, 10000, 1, &err), 0);
    assert_refused(check_uuids("kill", "task_ids", many, 10001, 1, &err), "10001");
    assert_refused(check_uuids("kill", "task_ids", NULL, 0, 1, &err), "expected 1 to 10000 ids");
    assert_refused(check_uuids("kill", "task_ids", NULL, 2, 1, &err), "is missing");
    assert_refused(check_uuids("kill", "task_ids", bad, 2, 1, &err), "value \"x\"");
    assert_refused(check_uuids("kill", "task_ids", hole, 2, 1, &err), "is missing");
}

static void who_wants_no_error_gets_none(void **state)
{
    (void)state;
    assert_int_equal(check_name("claim", "name", "", NULL), -1);
    assert_int_equal(check_uuid("claim", "id", "x", NULL), -1);
    assert_int_equal(check_int("claim", "n", 9, 1, 5, NULL), -1);
}

static void errors_keep_class_code_and_text(void **state)
{
    static const struct {
        enum err_code code;
        enum fw_error_class error_class;
        bool ends;
    } cases[] = {
        {ERR_value_invalid, FW_ERROR_CALLER, true},
        {ERR_connection_lost, FW_ERROR_RETRY, false},
        {ERR_epoch_stale, FW_ERROR_FATAL, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err inner;

        err_set(&inner, cases[i].code, "what %s", "happened");
        assert_int_equal(fw_error_from(&err, &inner), -1);
        assert_int_equal(err.error_class, cases[i].error_class);
        assert_string_equal(err.code, err_code_name(cases[i].code));
        assert_string_equal(err.text, "what happened");
        assert_int_equal(fw_error_ends_session(&inner), cases[i].ends);
        assert_int_equal(fw_error_from(NULL, &inner), -1);
    }
}

static void classes_have_names(void **state)
{
    (void)state;
    assert_string_equal(fw_error_class_name(FW_ERROR_NONE), "none");
    assert_string_equal(fw_error_class_name(FW_ERROR_CALLER), "caller");
    assert_string_equal(fw_error_class_name(FW_ERROR_RETRY), "retry");
    assert_string_equal(fw_error_class_name(FW_ERROR_FATAL), "fatal");
    assert_string_equal(fw_error_class_name((enum fw_error_class)99), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_one_to_255_bytes),
        cmocka_unit_test(names_of_any_script_are_fine),
        cmocka_unit_test(names_that_hide_something_are_refused),
        cmocka_unit_test(what_is_quoted_is_cut_and_made_printable),
        cmocka_unit_test(texts_may_hold_control_characters),
        cmocka_unit_test(numbers_have_bounds_that_belong_to_them),
        cmocka_unit_test(ids_are_uuids),
        cmocka_unit_test(lists_of_ids_have_a_length),
        cmocka_unit_test(who_wants_no_error_gets_none),
        cmocka_unit_test(errors_keep_class_code_and_text),
        cmocka_unit_test(classes_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
