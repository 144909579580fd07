/* SPDX-License-Identifier: PostgreSQL */
/* cli/cmd_audit: its exit code is the verdict. */
#include "cli_fake_cell.h"

static const char *const rows[] = {"I1|agent a|cpus 5 of 4", "I4|agent b|mem"};
static const char *text;

static int start(void **state)
{
    (void)state;
    cell_start("audit");
    return 0;
}

static int audit(int count)
{
    cell_answers_with("audit", "invariant|object|detail", rows, count);
    return cell_run(cmd_audit, &text);
}

static void nothing_violated_is_success(void **state)
{
    (void)state;
    assert_int_equal(audit(0), EXIT_OK);
    assert_string_equal(text, "audit: 0 violations\n");
}

static void one_violation_is_a_failure_and_is_shown(void **state)
{
    (void)state;
    assert_int_equal(audit(1), EXIT_FAILED);
    assert_says(text, "cpus 5 of 4");
    assert_says(text, "audit: 1 violation\n");
}

static void several_are_counted(void **state)
{
    (void)state;
    assert_int_equal(audit(2), EXIT_FAILED);
    assert_says(text, "audit: 2 violations\n");
}

static void as_json_there_is_a_list_and_the_same_exit_code(void **state)
{
    (void)state;
    cell_cli.options.json = true;
    assert_int_equal(audit(1), EXIT_FAILED);
    assert_says(text, "\"invariant\": \"I1\"");
    assert_null(strstr(text, "audit:"));
}

static void an_audit_that_failed_found_nothing(void **state)
{
    (void)state;
    cell_fails("audit", ERR_deadline_passed);
    assert_int_equal(cell_run(cmd_audit, &text), -1);
    assert_int_equal(cell_err.code, ERR_deadline_passed);
    assert_string_equal(text, "");
}

#define AUDIT_TEST(name) cmocka_unit_test_setup_teardown(name, start, cell_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AUDIT_TEST(nothing_violated_is_success),
        AUDIT_TEST(one_violation_is_a_failure_and_is_shown),
        AUDIT_TEST(several_are_counted),
        AUDIT_TEST(as_json_there_is_a_list_and_the_same_exit_code),
        AUDIT_TEST(an_audit_that_failed_found_nothing),
    };

    return cmocka_run_group_tests_name("cli/cmd_audit", tests, NULL, NULL);
}
