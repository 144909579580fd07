/* SPDX-License-Identifier: PostgreSQL */
/* cli/cmd_roles: what is checked here, what the cell is asked to change, and that the roles are
 * shown only after a change that was made. */
#include "cli_fake_cell.h"

#define ROLE_COLUMNS                                                                               \
    "name|weight|framework_count|task_count|cpus|mem|weighted_share|guarantee|limits"

static const char *const rows[] = {"batch|2|1|3|0.5|64|0.25|{\"cpus\": 4}|~"};
static const char *text;
static char *operands[] = {(char *)"batch", (char *)"2", NULL};

static int start(void **state)
{
    (void)state;
    cell_start("roles");
    operands[1] = (char *)"2";
    cell_cli.operands = operands;
    cell_answers_with("roles", ROLE_COLUMNS, rows, 1);
    return 0;
}

static void roles_are_a_table(void **state)
{
    (void)state;
    assert_int_equal(cell_run(cmd_roles, &text), EXIT_OK);
    assert_string_equal(cell_said, "roles() ");
    assert_says(text, "SHARE/WEIGHT");
    assert_says(text, "batch");
    assert_says(text, "cpus=4");
}

static void a_weight_is_set_and_the_roles_are_shown(void **state)
{
    static const char *const weights[] = {"2", "0.5", "1e3", "+1", ".5", "1000000"};

    (void)state;
    cell_answers_with("role_set", "void", NULL, 0);
    for (size_t i = 0; i < sizeof(weights) / sizeof(weights[0]); i++) {
        char wanted[64];

        operands[1] = (char *)(uintptr_t)weights[i];
        cell_said[0] = '\0';
        assert_int_equal(cell_run(cmd_role_set, &text), EXIT_OK);
        snprintf(wanted, sizeof(wanted), "role_set(batch,%s) roles() ", weights[i]);
        assert_string_equal(cell_said, wanted);
        assert_says(text, "batch");
        cell_stop(NULL);
    }
}

static void what_is_no_number_is_refused_before_anybody_connects(void **state)
{
    static const char *const weights[] = {"",    "x",  "1x", "nan", "inf", "0x10", "1e999",
                                          "1,5", " 1", "1 ", "--1", "e",   "1e",   "."};

    (void)state;
    for (size_t i = 0; i < sizeof(weights) / sizeof(weights[0]); i++) {
        char wanted[64];

        operands[1] = (char *)(uintptr_t)weights[i];
        if (cell_run(cmd_role_set, &text) != -1)
            fail_msg("\"%s\" is a weight", weights[i]);
        snprintf(wanted, sizeof(wanted), "field \"weight\", value \"%s\": expected", weights[i]);
        assert_says(cell_err.text, wanted);
        assert_int_equal(cell_err.code, ERR_input_invalid);
        assert_null(cell_cli.conn);
    }
}

static void after_a_refusal_no_roles_are_shown(void **state)
{
    (void)state;
    cell_fails("role_delete", ERR_role_in_use);
    assert_int_equal(cell_run(cmd_role_delete, &text), -1);
    assert_int_equal(cell_err.code, ERR_role_in_use);
    assert_string_equal(cell_said, "role_delete(batch) ");
    assert_string_equal(text, "");
}

static void a_quota_needs_one_side_and_passes_both(void **state)
{
    (void)state;
    assert_int_equal(cell_run(cmd_quota_set, &text), -1);
    assert_says(cell_err.text, "expected --guarantee, --limit or both");
    cell_cli.options.limit = (char *)"cpus=much";
    assert_int_equal(cell_run(cmd_quota_set, &text), -1);
    assert_says(cell_err.text, "limit");
    assert_says(cell_err.text, "much");
    assert_null(cell_cli.conn);
    cell_answers_with("quota_set", "void", NULL, 0);
    cell_cli.options.limit = (char *)"mem=8192";
    cell_cli.options.force = true;
    assert_int_equal(cell_run(cmd_quota_set, &text), EXIT_OK);
    assert_string_equal(cell_said, "quota_set(batch,null,{\"mem\": 8192},true) roles() ");
}

#define ROLES_TEST(name) cmocka_unit_test_setup_teardown(name, start, cell_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROLES_TEST(roles_are_a_table),
        ROLES_TEST(a_weight_is_set_and_the_roles_are_shown),
        ROLES_TEST(what_is_no_number_is_refused_before_anybody_connects),
        ROLES_TEST(after_a_refusal_no_roles_are_shown),
        ROLES_TEST(a_quota_needs_one_side_and_passes_both),
    };

    return cmocka_run_group_tests_name("cli/cmd_roles", tests, NULL, NULL);
}
