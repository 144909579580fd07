/* SPDX-License-Identifier: PostgreSQL */
/* cli/cmd_settings: all of them, one of them, and one of them changed. */
#include "cli_fake_cell.h"

#define SETTING_COLUMNS "name|value|default_value|unit|help"

static const char *const rows[] = {"overlap|1|0|frameworks|to how many an agent is offered"};
static char *operands[] = {(char *)"overlap", (char *)"1", NULL};
static const char *text;

static int start(void **state)
{
    (void)state;
    cell_start("settings");
    cell_cli.operands = operands;
    return 0;
}

static void without_a_name_all_are_shown(void **state)
{
    (void)state;
    cell_answers_with("settings", SETTING_COLUMNS, rows, 1);
    assert_int_equal(cell_run(cmd_settings, &text), EXIT_OK);
    assert_string_equal(cell_said, "settings(null) ");
    assert_says(text, "to how many an agent is offered");
}

static void a_value_is_set_first_and_then_shown(void **state)
{
    (void)state;
    cell_cli.operand_count = 2;
    cell_answers_with("setting_set", "void", NULL, 0);
    cell_answers_with("settings", SETTING_COLUMNS, rows, 1);
    assert_int_equal(cell_run(cmd_settings, &text), EXIT_OK);
    assert_string_equal(cell_said, "setting_set(overlap,1) settings(overlap) ");
    assert_says(text, "overlap");
}

static void a_value_that_is_refused_shows_nothing(void **state)
{
    (void)state;
    cell_cli.operand_count = 2;
    cell_fails("setting_set", ERR_value_invalid);
    assert_int_equal(cell_run(cmd_settings, &text), -1);
    assert_int_equal(cell_err.code, ERR_value_invalid);
    assert_string_equal(cell_said, "setting_set(overlap,1) ");
    assert_string_equal(text, "");
}

static void a_name_that_is_none_is_an_error(void **state)
{
    (void)state;
    cell_cli.operand_count = 1;
    cell_answers_with("settings", SETTING_COLUMNS, NULL, 0);
    assert_int_equal(cell_run(cmd_settings, &text), -1);
    assert_int_equal(cell_err.code, ERR_setting_unknown);
    assert_says(cell_err.text, "\"overlap\"");
}

#define SETTINGS_TEST(name) cmocka_unit_test_setup_teardown(name, start, cell_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SETTINGS_TEST(without_a_name_all_are_shown),
        SETTINGS_TEST(a_value_is_set_first_and_then_shown),
        SETTINGS_TEST(a_value_that_is_refused_shows_nothing),
        SETTINGS_TEST(a_name_that_is_none_is_an_error),
    };

    return cmocka_run_group_tests_name("cli/cmd_settings", tests, NULL, NULL);
}
