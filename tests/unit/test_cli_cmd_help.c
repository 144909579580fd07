/* SPDX-License-Identifier: PostgreSQL */
/* cli/cmd_help: every command is listed, one is explained, neither needs a cell. */
#include "cli_fake_cell.h"

#include "base/json.h"

static char *operands[] = {NULL, NULL};
static const char *text;

static int start(void **state)
{
    (void)state;
    cell_start("help");
    cell_cli.options.db = (char *)"bad";
    cell_cli.operands = operands;
    return 0;
}

static void every_command_is_listed_with_its_summary(void **state)
{
    (void)state;
    assert_int_equal(cell_run(cmd_help, &text), EXIT_OK);
    for (size_t i = 0; i < VERB_COUNT; i++) {
        assert_says(text, verbs[i].word);
        assert_says(text, verbs[i].summary);
    }
}

static void each_command_is_explained(void **state)
{
    (void)state;
    cell_cli.operand_count = 1;
    for (size_t i = 0; i < VERB_COUNT; i++) {
        operands[0] = (char *)(uintptr_t)verbs[i].word;
        assert_int_equal(cell_run(cmd_help, &text), EXIT_OK);
        assert_says(text, verbs[i].example);
    }
}

static void as_json_it_is_for_programs(void **state)
{
    CLEANUP_JSON json_t *list = NULL, *one = NULL;

    (void)state;
    cell_cli.options.json = true;
    assert_int_equal(cell_run(cmd_help, &text), EXIT_OK);
    list = json_loads(text, 0, NULL);
    assert_int_equal(json_array_size(list), VERB_COUNT);
    cell_cli.operand_count = 1;
    operands[0] = (char *)"kill";
    assert_int_equal(cell_run(cmd_help, &text), EXIT_OK);
    one = json_loads(text, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(one, "command")), "kill");
    assert_true(json_array_size(json_object_get(one, "options")) > 0);
}

static void a_command_that_is_none_is_named(void **state)
{
    (void)state;
    cell_cli.operand_count = 1;
    operands[0] = (char *)"fly";
    assert_int_equal(cell_run(cmd_help, &text), -1);
    assert_int_equal(cell_err.code, ERR_input_invalid);
    assert_says(cell_err.text, "no command is called \"fly\"");
    assert_string_equal(text, "");
}

#define HELP_TEST(name) cmocka_unit_test_setup_teardown(name, start, cell_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HELP_TEST(every_command_is_listed_with_its_summary),
        HELP_TEST(each_command_is_explained),
        HELP_TEST(as_json_it_is_for_programs),
        HELP_TEST(a_command_that_is_none_is_named),
    };

    return cmocka_run_group_tests_name("cli/cmd_help", tests, NULL, NULL);
}
