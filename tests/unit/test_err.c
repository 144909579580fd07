/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"

static const enum err_code codes[] = {
#define ERRCODE(name, sqlstate, class, text) ERR_##name,
#include "base/errcodes.def"
#undef ERRCODE
};
#define CODE_COUNT (sizeof codes / sizeof codes[0])

static void setting_reports_and_fails_in_one_line(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(err_set(&err, ERR_epoch_stale, "framework %s", "f"), -1);
    assert_int_equal(err.code, ERR_epoch_stale);
    assert_string_equal(err.text, "framework f");
    err_clear(&err);
    assert_int_equal(err.code, ERR_none);
    assert_string_equal(err.text, "");
}

static void the_text_stays_one_line(void **state)
{
    struct err err;

    (void)state;
    err_set(&err, ERR_server_error, "a\nb\tc\x1b[31m\n\n");
    assert_string_equal(err.text, "a b c [31m");
}

static void a_long_text_is_cut(void **state)
{
    char text[2000];
    struct err err;

    (void)state;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    err_set(&err, ERR_server_error, "%s", text);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    err_wrap(&err, "%s", text);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    errno = ENOENT;
    err_set_errno(&err, ERR_io_failed, "%s", text);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void wrapping_puts_context_in_front_and_keeps_the_code(void **state)
{
    struct err err;

    (void)state;
    err_set(&err, ERR_task_unknown, "no task 7");
    assert_int_equal(err_wrap(&err, "kill of %d", 7), -1);
    assert_int_equal(err.code, ERR_task_unknown);
    assert_string_equal(err.text, "kill of 7: no task 7");
}

static void an_argument_may_point_into_the_error_itself(void **state)
{
    struct err err;

    (void)state;
    err_set(&err, ERR_task_unknown, "inner");
    err_set(&err, ERR_try_again, "outer: %s", err.text);
    assert_string_equal(err.text, "outer: inner");
}

static void errno_is_put_into_words_and_kept(void **state)
{
    struct err err;

    (void)state;
    errno = ENOENT;
    assert_int_equal(err_set_errno(&err, ERR_io_failed, "open /x"), -1);
    assert_string_equal(err.text, "open /x: No such file or directory");
    assert_int_equal(errno, ENOENT);
}

static void every_code_is_found_again_by_its_sqlstate(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODE_COUNT; i++) {
        assert_int_equal(strlen(err_sqlstate(codes[i])), 5);
        assert_int_equal(err_code_from_sqlstate(err_sqlstate(codes[i])), codes[i]);
        assert_true(strlen(err_code_text(codes[i])) > 0);
        assert_true(strlen(err_code_name(codes[i])) > 0);
    }
}

static void names_and_classes_come_from_the_table(void **state)
{
    (void)state;
    assert_string_equal(err_code_name(ERR_none), "none");
    assert_string_equal(err_code_name(ERR_claim_key_reused), "claim_key_reused");
    assert_string_equal(err_class_name(err_class_of(ERR_claim_key_reused)), "caller");
    assert_string_equal(err_class_name(err_class_of(ERR_deadlock)), "retry");
    assert_string_equal(err_class_name(err_class_of(ERR_epoch_stale)), "fatal");
    assert_string_equal(err_code_name((enum err_code)9999), "server_error");
}

static void unlisted_states_are_classed_by_their_first_two_letters(void **state)
{
    (void)state;
    assert_int_equal(err_code_from_sqlstate("08003"), ERR_connection_lost);
    assert_int_equal(err_code_from_sqlstate("53400"), ERR_try_again);
    assert_int_equal(err_code_from_sqlstate("57P05"), ERR_try_again);
    assert_int_equal(err_code_from_sqlstate("40002"), ERR_try_again);
    assert_int_equal(err_code_from_sqlstate("55006"), ERR_try_again);
    assert_int_equal(err_code_from_sqlstate("42883"), ERR_server_error);
    assert_int_equal(err_code_from_sqlstate("3F000"), ERR_schema_missing);
    assert_int_equal(err_code_from_sqlstate(NULL), ERR_connection_lost);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_reports_and_fails_in_one_line),
        cmocka_unit_test(the_text_stays_one_line),
        cmocka_unit_test(a_long_text_is_cut),
        cmocka_unit_test(wrapping_puts_context_in_front_and_keeps_the_code),
        cmocka_unit_test(an_argument_may_point_into_the_error_itself),
        cmocka_unit_test(errno_is_put_into_words_and_kept),
        cmocka_unit_test(every_code_is_found_again_by_its_sqlstate),
        cmocka_unit_test(names_and_classes_come_from_the_table),
        cmocka_unit_test(unlisted_states_are_classed_by_their_first_two_letters),
    };

    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
