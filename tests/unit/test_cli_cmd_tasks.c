/* SPDX-License-Identifier: PostgreSQL */
/* cli/cmd_tasks: what is asked for which options, and how the answer is shown. */
#include "cli_fake_cell.h"

#include "base/json.h"
#include "fsm/fsm.h"

#define TASK_ROW "task_id|name|framework_name|agent_name|state|cpus|mem|age_s|exit_code|reason"

static const char *const rows[] = {
    FAKE_TASK "|map-1|count|agent-1|running|0.5|64|12|~|~",
    FAKE_AGENT "|map-2|count|agent-2|failed|1|32|7200|7|command_exited",
};
static const char *text;

static int start(void **state)
{
    (void)state;
    cell_start("tasks");
    return 0;
}

static void the_live_ones_are_asked_for_and_shown_in_a_table(void **state)
{
    (void)state;
    cell_answers_with("tasks", TASK_ROW, rows, 2);
    assert_int_equal(cell_run(cmd_tasks, &text), EXIT_OK);
    assert_string_equal(cell_said, "tasks(false,null,null) ");
    assert_says(text, "ID ");
    assert_says(text, "MEM MiB");
    assert_says(text, "map-1");
    assert_says(text, "command_exited");
}

static void no_task_is_said_in_words(void **state)
{
    (void)state;
    cell_answers_with("tasks", TASK_ROW, NULL, 0);
    assert_int_equal(cell_run(cmd_tasks, &text), EXIT_OK);
    assert_says(text, "no tasks");
}

static void as_json_the_rows_are_whole(void **state)
{
    CLEANUP_JSON json_t *json = NULL;

    (void)state;
    cell_cli.options.json = true;
    cell_answers_with("tasks", TASK_ROW, rows, 2);
    assert_int_equal(cell_run(cmd_tasks, &text), EXIT_OK);
    json = json_loads(text, 0, NULL);
    assert_int_equal(json_array_size(json), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(json, 0), "task_id")),
                        FAKE_TASK);
    assert_true(json_is_null(json_object_get(json_array_get(json, 0), "reason")));
}

static void options_become_parameters(void **state)
{
    static const char *const id[] = {FAKE_ID};

    (void)state;
    cell_cli.options.all = true;
    cell_cli.options.state = (char *)"failed";
    cell_cli.options.framework = (char *)"1111";
    cell_answers_with("id_find", "id", id, 1);
    cell_answers_with("tasks", TASK_ROW, NULL, 0);
    assert_int_equal(cell_run(cmd_tasks, &text), EXIT_OK);
    assert_string_equal(cell_said, "id_find(framework,1111) tasks(true," FAKE_ID ",failed) ");
}

static void a_state_that_is_none_is_refused_before_anybody_connects(void **state)
{
    (void)state;
    cell_cli.options.state = (char *)"sleeping";
    assert_int_equal(cell_run(cmd_tasks, &text), -1);
    assert_int_equal(cell_err.code, ERR_input_invalid);
    assert_says(cell_err.text, "option --state, value \"sleeping\": expected one of ");
    for (int i = 0; i < task_state_count; i++)
        assert_says(cell_err.text, task_state_name((enum task_state)i));
    assert_null(cell_cli.conn);
    assert_string_equal(text, "");
}

static void a_framework_that_nobody_knows_is_named(void **state)
{
    (void)state;
    cell_cli.options.framework = (char *)"nobody";
    cell_fails("id_find", ERR_framework_unknown);
    assert_int_equal(cell_run(cmd_tasks, &text), -1);
    assert_says(cell_err.text, "no framework has the name \"nobody\"");
    assert_string_equal(cell_said, "id_find(framework,nobody) ");
}

static void a_cell_that_cannot_be_asked_is_an_error(void **state)
{
    (void)state;
    cell_fails("tasks", ERR_privilege);
    assert_int_equal(cell_run(cmd_tasks, &text), -1);
    assert_int_equal(cell_err.code, ERR_privilege);
    cell_stop(NULL);
    cell_cli.options.db = (char *)"bad";
    assert_int_equal(cell_run(cmd_tasks, &text), -1);
    assert_int_equal(cell_err.code, ERR_connection_failed);
}

#define TASKS_TEST(name) cmocka_unit_test_setup_teardown(name, start, cell_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TASKS_TEST(the_live_ones_are_asked_for_and_shown_in_a_table),
        TASKS_TEST(no_task_is_said_in_words),
        TASKS_TEST(as_json_the_rows_are_whole),
        TASKS_TEST(options_become_parameters),
        TASKS_TEST(a_state_that_is_none_is_refused_before_anybody_connects),
        TASKS_TEST(a_framework_that_nobody_knows_is_named),
        TASKS_TEST(a_cell_that_cannot_be_asked_is_an_error),
    };

    return cmocka_run_group_tests_name("cli/cmd_tasks", tests, NULL, NULL);
}
