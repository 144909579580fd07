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

/* What a caller does about a state, and the code it gets: written out, not read from the tables. */
static void every_state_that_can_occur_has_its_class(void **state)
{
    static const struct {
        const char *sqlstate;
        enum err_code code;
        enum err_class class;
    } rows[] = {
        {"08000", ERR_connection_lost, ERR_RETRY},    {"08001", ERR_connection_failed, ERR_RETRY},
        {"08003", ERR_connection_lost, ERR_RETRY},    {"08006", ERR_connection_lost, ERR_RETRY},
        {"08P01", ERR_connection_lost, ERR_RETRY},    {"0A000", ERR_not_supported, ERR_FATAL},
        {"22P02", ERR_value_invalid, ERR_CALLER},     {"22003", ERR_value_invalid, ERR_CALLER},
        {"23505", ERR_unique_violation, ERR_RETRY},   {"23514", ERR_server_error, ERR_FATAL},
        {"25006", ERR_read_only, ERR_RETRY},          {"25P03", ERR_connection_lost, ERR_RETRY},
        {"28000", ERR_auth_refused, ERR_FATAL},       {"28P01", ERR_auth_failed, ERR_FATAL},
        {"3D000", ERR_database_missing, ERR_FATAL},   {"3F000", ERR_schema_missing, ERR_FATAL},
        {"40001", ERR_serialization, ERR_RETRY},      {"40002", ERR_try_again, ERR_RETRY},
        {"40003", ERR_try_again, ERR_RETRY},          {"40P01", ERR_deadlock, ERR_RETRY},
        {"42501", ERR_privilege, ERR_FATAL},          {"42883", ERR_server_error, ERR_FATAL},
        {"53000", ERR_try_again, ERR_RETRY},          {"53100", ERR_disk_full, ERR_RETRY},
        {"53200", ERR_try_again, ERR_RETRY},          {"53300", ERR_too_many_clients, ERR_RETRY},
        {"53400", ERR_try_again, ERR_RETRY},          {"55000", ERR_try_again, ERR_RETRY},
        {"55006", ERR_try_again, ERR_RETRY},          {"55P03", ERR_lock_timeout, ERR_RETRY},
        {"57000", ERR_try_again, ERR_RETRY},          {"57014", ERR_statement_timeout, ERR_RETRY},
        {"57P01", ERR_admin_shutdown, ERR_RETRY},     {"57P02", ERR_crash_shutdown, ERR_RETRY},
        {"57P03", ERR_cannot_connect_now, ERR_RETRY}, {"57P04", ERR_database_missing, ERR_FATAL},
        {"57P05", ERR_connection_lost, ERR_RETRY},    {"58030", ERR_try_again, ERR_RETRY},
        {"72000", ERR_try_again, ERR_RETRY},          {"P0001", ERR_server_error, ERR_FATAL},
        {"XX000", ERR_server_error, ERR_FATAL},       {NULL, ERR_connection_lost, ERR_RETRY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum err_code code = err_code_from_sqlstate(rows[i].sqlstate);

        if (code != rows[i].code || err_class_of(code) != rows[i].class)
            fail_msg("%s: is %s", rows[i].sqlstate, err_code_name(code));
    }
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
        cmocka_unit_test(every_state_that_can_occur_has_its_class),
    };

    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
