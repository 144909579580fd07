/* SPDX-License-Identifier: PostgreSQL */
/* cli/cmd_kill: names become ids, the grace whole seconds, and nobody is killed by half a list. */
#include "cli_fake_cell.h"

static const char *const id[] = {FAKE_TASK};
static const char *const rows[] = {FAKE_TASK "|killing|t"};
static char *operands[] = {(char *)"map-1", (char *)"7777"};
static const char *text;

static int start(void **state)
{
    (void)state;
    cell_start("kill");
    cell_cli.operands = operands;
    cell_cli.operand_count = 2;
    return 0;
}

static void each_name_is_looked_up_and_all_are_killed_at_once(void **state)
{
    (void)state;
    cell_answers_with("id_find", "id", id, 1);
    cell_answers_with("operator_kill", "task_id|state|known", rows, 1);
    assert_int_equal(cell_run(cmd_kill, &text), EXIT_OK);
    assert_says(cell_said, "id_find(task,map-1) id_find(task,7777) operator_kill({");
    assert_says(cell_said, ",null) ");
    assert_says(text, "killing");
}

static void the_grace_is_passed_in_seconds(void **state)
{
    (void)state;
    cell_cli.options.kill_grace = 90000;
    cell_answers_with("id_find", "id", id, 1);
    cell_answers_with("operator_kill", "task_id|state|known", rows, 1);
    assert_int_equal(cell_run(cmd_kill, &text), EXIT_OK);
    assert_says(cell_said, ",90) ");
}

static void a_name_that_nobody_has_kills_nobody(void **state)
{
    (void)state;
    cell_fails("id_find", ERR_task_unknown);
    assert_int_equal(cell_run(cmd_kill, &text), -1);
    assert_says(cell_err.text, "no task has the name \"map-1\"");
    assert_null(strstr(cell_said, "operator_kill"));
    assert_string_equal(text, "");
}

static void a_refused_kill_is_the_commands_error(void **state)
{
    (void)state;
    cell_answers_with("id_find", "id", id, 1);
    cell_fails("operator_kill", ERR_not_permitted);
    assert_int_equal(cell_run(cmd_kill, &text), -1);
    assert_int_equal(cell_err.code, ERR_not_permitted);
    assert_string_equal(text, "");
}

#define KILL_TEST(name) cmocka_unit_test_setup_teardown(name, start, cell_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KILL_TEST(each_name_is_looked_up_and_all_are_killed_at_once),
        KILL_TEST(the_grace_is_passed_in_seconds),
        KILL_TEST(a_name_that_nobody_has_kills_nobody),
        KILL_TEST(a_refused_kill_is_the_commands_error),
    };

    return cmocka_run_group_tests_name("cli/cmd_kill", tests, NULL, NULL);
}
