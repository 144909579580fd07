/* SPDX-License-Identifier: PostgreSQL */
/* Offers into tasks. The session runs on a database that exists only here; `fake` is its. */
#include "cli_fake_run.h"

#include <jansson.h>

#define ROW(seq, id) seq "|" id "|outstanding|~" FAKE_OFFER_TAIL

/* As fake_run_set_up, but with the session's database as `fake`, registered. */
static int set_up(void **state)
{
    struct fw_config session = {.conninfo = "good", .name = "test"};

    fake_run_set_up(state);
    fw_session_destroy(fake_run.session);
    fake_run.session = fw_session_create(fake_run.base, &session, NULL, NULL, NULL);
    fake_register();
    fake_run.spec = (struct fw_task){.cpus_milli = 500, .mem = 64, .shell = "true"};
    return 0;
}

/* Each offer has 1.5 cpus and 256 MiB: room for three. */
static void offer(const char *const *rows, int count)
{
    fake_notify("offers");
    fake_answer("offers", FAKE_OFFER_COLUMNS, rows, count);
    run_place(&fake_run);
}

static json_t *claimed(void)
{
    const char *text = fake_param("claim", 4);
    json_t *tasks = json_loads(text, 0, NULL);

    assert_true(json_is_array(tasks));
    return tasks;
}

static const char *member(const json_t *tasks, size_t index, const char *name)
{
    return json_string_value(json_object_get(json_array_get(tasks, index), name));
}

/* A claim without an answer would keep what its callback frees. */
static int tear_down(void **state)
{
    if (fake_find("claim"))
        fake_fail("claim", ERR_value_invalid);
    return fake_run_tear_down(state);
}

static void one_offer_takes_as_many_as_fit(void **state)
{
    json_t *tasks;

    (void)state;
    offer((const char *const[]){ROW("1", FAKE_OFFER_A)}, 1);
    tasks = claimed();
    assert_int_equal(json_array_size(tasks), 3);
    assert_string_equal(member(tasks, 0, "name"), "x-1");
    assert_string_equal(member(tasks, 2, "name"), "x-3");
    assert_string_equal(member(tasks, 0, "offer"), FAKE_OFFER_A);
    assert_int_equal(run_count(&fake_run, RUN_CLAIMING), 3);
    json_decref(tasks);
}

static void tasks_are_spread_over_the_offers(void **state)
{
    json_t *tasks;

    (void)state;
    offer((const char *const[]){ROW("1", FAKE_OFFER_A), ROW("2", FAKE_OFFER_B),
                                ROW("3", FAKE_OFFER_C)},
          3);
    tasks = claimed();
    assert_int_equal(json_array_size(tasks), 3);
    assert_string_not_equal(member(tasks, 0, "offer"), member(tasks, 1, "offer"));
    assert_string_not_equal(member(tasks, 1, "offer"), member(tasks, 2, "offer"));
    json_decref(tasks);
}

static void an_offer_without_room_is_declined_for_a_moment(void **state)
{
    (void)state;
    fake_run.spec.cpus_milli = 1501;
    offer((const char *const[]){ROW("1", FAKE_OFFER_A)}, 1);
    assert_null(fake_find("claim"));
    assert_non_null(strstr(fake_param("decline", 3), FAKE_OFFER_A));
    assert_string_equal(fake_param("decline", 4), "1.000");
    assert_int_equal(run_count(&fake_run, RUN_UNPLACED), 3);
}

static void with_all_claimed_no_more_offers_are_asked_for(void **state)
{
    (void)state;
    offer((const char *const[]){ROW("1", FAKE_OFFER_A)}, 1);
    assert_true(fake_run.suppressed);
    assert_non_null(fake_find("suppress"));
}

static void what_was_committed_has_its_id(void **state)
{
    (void)state;
    offer((const char *const[]){ROW("1", FAKE_OFFER_A)}, 1);
    fake_answer("claim", FAKE_CLAIM_COLUMNS,
                (const char *const[]){
                    "0|x-1|" FAKE_TASK "|" FAKE_AGENT "|t|~|~|~|~|~|f",
                    "1|x-2|" FAKE_OFFER_B "|" FAKE_AGENT "|t|~|~|~|~|~|f",
                    "2|x-3|~|~|f|insufficient_resource|cpus|0.5|0.1|not enough|f",
                },
                3);
    assert_int_equal(fake_tasks[0].stage, RUN_PLACED);
    assert_string_equal(fake_tasks[0].task_id, FAKE_TASK);
    assert_int_equal(fake_tasks[1].stage, RUN_PLACED);
    assert_int_equal(fake_tasks[2].stage, RUN_UNPLACED); /* somebody was faster: next time */
    assert_null(fake_tasks[2].task_id);
    assert_false(fake_run.suppressed);
    assert_non_null(fake_find("revive"));
    assert_false(fake_run.stopping);
}

static void a_refusal_that_time_cannot_cure_ends_the_run(void **state)
{
    (void)state;
    fake_run.task_count = 1;
    offer((const char *const[]){ROW("1", FAKE_OFFER_A)}, 1);
    fake_answer("claim", FAKE_CLAIM_COLUMNS,
                (const char *const[]){
                    "0|x-1|~|~|f|not_permitted|~|~|~|user root is not permitted|f",
                },
                1);
    assert_true(fake_run.stopping);
    assert_int_equal(fake_run.stop_code, EXIT_TROUBLE);
    assert_output(2, "x-1 was refused: not_permitted: user root is not permitted");
    assert_int_equal(fake_tasks[0].stage, RUN_ENDED);
    fake_run.task_count = FAKE_RUN_TASKS;
}

static void a_claim_that_is_refused_whole_ends_the_run(void **state)
{
    (void)state;
    offer((const char *const[]){ROW("1", FAKE_OFFER_A)}, 1);
    fake_fail("claim", ERR_value_invalid);
    assert_true(fake_run.stopping);
    assert_output(2, "the claim was refused: made up for the test");
    assert_int_equal(run_count(&fake_run, RUN_ENDED), 3);
}

static void an_update_that_came_before_the_answer_is_kept(void **state)
{
    (void)state;
    fake_run.task_count = 1;
    offer((const char *const[]){ROW("1", FAKE_OFFER_A)}, 1);
    fake_tasks[0].task_id = mem_strdup(FAKE_TASK);
    run_task_end(&fake_run, &fake_tasks[0], 0);
    fake_answer("claim", FAKE_CLAIM_COLUMNS,
                (const char *const[]){"0|x-1|" FAKE_TASK "|" FAKE_AGENT "|t|~|~|~|~|~|f"}, 1);
    assert_int_equal(fake_tasks[0].stage, RUN_ENDED);
    fake_run.task_count = FAKE_RUN_TASKS;
}

static void what_is_committed_while_stopping_is_killed(void **state)
{
    (void)state;
    offer((const char *const[]){ROW("1", FAKE_OFFER_A)}, 1);
    run_stop(&fake_run, 130);
    fake_answer("claim", FAKE_CLAIM_COLUMNS,
                (const char *const[]){
                    "0|x-1|" FAKE_TASK "|" FAKE_AGENT "|t|~|~|~|~|~|f",
                    "1|x-2|~|~|f|insufficient_resource|cpus|0.5|0.1|not enough|f",
                    "2|x-3|~|~|f|insufficient_resource|cpus|0.5|0.1|not enough|f",
                },
                3);
    assert_non_null(strstr(fake_param("kill", 3), FAKE_TASK));
    assert_int_equal(fake_tasks[0].stage, RUN_PLACED); /* until its end is reported */
    assert_int_equal(fake_tasks[1].stage, RUN_ENDED);
    assert_int_equal(fake_tasks[1].exit_code, 130);
}

static void nothing_is_placed_while_stopping(void **state)
{
    (void)state;
    fake_run.stopping = true;
    offer((const char *const[]){ROW("1", FAKE_OFFER_A)}, 1);
    assert_null(fake_find("claim"));
    assert_null(fake_find("decline"));
}

static void a_spec_that_the_library_refuses_ends_the_run(void **state)
{
    (void)state;
    fake_run.spec.shell = NULL; /* neither argv nor shell */
    offer((const char *const[]){ROW("1", FAKE_OFFER_A)}, 1);
    assert_true(fake_run.stopping);
    assert_output(2, "argv");
}

#define PLACE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(one_offer_takes_as_many_as_fit),
        PLACE_TEST(tasks_are_spread_over_the_offers),
        PLACE_TEST(an_offer_without_room_is_declined_for_a_moment),
        PLACE_TEST(with_all_claimed_no_more_offers_are_asked_for),
        PLACE_TEST(what_was_committed_has_its_id),
        PLACE_TEST(a_refusal_that_time_cannot_cure_ends_the_run),
        PLACE_TEST(a_claim_that_is_refused_whole_ends_the_run),
        PLACE_TEST(an_update_that_came_before_the_answer_is_kept),
        PLACE_TEST(what_is_committed_while_stopping_is_killed),
        PLACE_TEST(nothing_is_placed_while_stopping),
        PLACE_TEST(a_spec_that_the_library_refuses_ends_the_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
