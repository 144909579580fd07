/* SPDX-License-Identifier: PostgreSQL */
#include "cli_fake_run.h"

#define FETCH_COLUMNS "ready|data|size|eof|error"

static void place(int index, bool started)
{
    fake_tasks[index].task_id = mem_printf("id-%d", index + 1);
    fake_tasks[index].stage = RUN_PLACED;
    fake_tasks[index].started = started;
}

static void end(int index)
{
    run_task_end(&fake_run, &fake_tasks[index], 0);
}

/* One request and its answer, of whichever stream's turn it is. */
static void answer(const char *row)
{
    fake_wait_for(fake_run.base, "log_request");
    fake_answer_count("log_request", "request_id", "5");
    fake_wait_for(fake_run.base, "log_fetch");
    assert_string_equal(fake_param("log_fetch", 1), "5");
    fake_answer("log_fetch", FETCH_COLUMNS, &row, 1);
}

static void a_task_that_has_not_started_is_not_asked_for(void **state)
{
    (void)state;
    place(0, false);
    run_logs_start(&fake_run);
    for (int i = 0; i < 5; i++)
        fake_turn(fake_run.base);
    usleep(250000);
    fake_turn(fake_run.base);
    assert_null(fake_find("log_request"));
    assert_false(run_logs_done(&fake_run));
}

static void both_streams_are_asked_for_from_their_begin(void **state)
{
    (void)state;
    place(0, true);
    run_logs_start(&fake_run);
    fake_wait_for(fake_run.base, "log_request");
    assert_string_equal(fake_param("log_request", 1), "id-1");
    assert_string_equal(fake_param("log_request", 2), "stdout");
    assert_string_equal(fake_param("log_request", 3), "0");
    fake_answer_count("log_request", "request_id", "5");
    fake_wait_for(fake_run.base, "log_request");
    assert_string_equal(fake_param("log_request", 2), "stderr");
}

/* "hello\n" and "oops" in base64. */
static void output_goes_to_its_stream(void **state)
{
    (void)state;
    place(0, true);
    end(0);
    run_logs_start(&fake_run);
    answer("t|aGVsbG8K|6|t|~");
    answer("t|b29wcw==|4|t|~");
    assert_string_equal(fake_output(1), "hello\n");
    assert_string_equal(fake_output(2), "oops\n");
    assert_true(run_logs_done(&fake_run));
}

static void a_long_log_is_read_on_from_where_it_ended(void **state)
{
    (void)state;
    place(0, true);
    end(0);
    run_logs_start(&fake_run);
    fake_tasks[0].logs[1].done = true;
    answer("t|aGVsbG8K|9|f|~");
    fake_wait_for(fake_run.base, "log_request");
    assert_string_equal(fake_param("log_request", 3), "6");
    answer("t|YWJj|9|t|~");
    assert_string_equal(fake_output(1), "hello\nabc\n");
    assert_true(run_logs_done(&fake_run));
}

static void an_answer_that_is_not_ready_is_asked_for_again(void **state)
{
    (void)state;
    place(0, true);
    end(0);
    run_logs_start(&fake_run);
    fake_tasks[0].logs[1].done = true;
    answer("f|~|~|~|~");
    fake_wait_for(fake_run.base, "log_fetch");
    fake_answer("log_fetch", FETCH_COLUMNS, (const char *const[]){"t|aGVsbG8K|6|t|~"}, 1);
    assert_string_equal(fake_output(1), "hello\n");
}

static void a_failed_request_is_repeated(void **state)
{
    (void)state;
    place(0, true);
    run_logs_start(&fake_run);
    fake_tasks[0].logs[1].done = true;
    fake_wait_for(fake_run.base, "log_request");
    fake_fail("log_request", ERR_connection_lost);
    assert_int_equal(fake_run.log_busy, 0);
    fake_wait_for(fake_run.base, "log_request");
    fake_answer_count("log_request", "request_id", "6");
    fake_wait_for(fake_run.base, "log_fetch");
    fake_fail("log_fetch", ERR_connection_lost);
    fake_wait_for(fake_run.base, "log_request");
    assert_false(run_logs_done(&fake_run));
}

static void a_task_that_ran_nowhere_has_no_log(void **state)
{
    (void)state;
    place(0, true);
    end(0);
    run_logs_start(&fake_run);
    for (int stream = 0; stream < 2; stream++) {
        fake_wait_for(fake_run.base, "log_request");
        fake_fail("log_request", ERR_log_unavailable);
    }
    assert_true(run_logs_done(&fake_run));
    assert_string_equal(fake_output(1), "");
}

static void an_agent_that_says_an_error_about_an_ended_task_ends_its_log(void **state)
{
    (void)state;
    place(0, true);
    end(0);
    run_logs_start(&fake_run);
    answer("t|~|0|f|the sandbox is gone");
    answer("t|~|0|f|the sandbox is gone");
    assert_true(run_logs_done(&fake_run));
}

static void output_of_an_ended_task_is_not_waited_for_for_ever(void **state)
{
    (void)state;
    place(0, true);
    end(0);
    fake_tasks[0].ended_ms = clock_mono_ms() - 60000;
    run_logs_start(&fake_run);
    for (int turn = 0; turn < 400 && !run_logs_done(&fake_run); turn++) {
        usleep(5000);
        fake_turn(fake_run.base);
    }
    assert_true(run_logs_done(&fake_run));
    assert_output(2, "x-1: the end of its output did not arrive; see howdah logs");
}

static void nobody_reading_stops_the_run(void **state)
{
    (void)state;
    place(0, true);
    place(1, false);
    run_logs_start(&fake_run);
    fflush(stdout);
    assert_non_null(freopen("/dev/full", "w", stdout));
    answer("t|aGVsbG8K|6|f|~");
    clearerr(stdout);
    assert_true(fake_run.stopping);
    assert_int_equal(fake_run.stop_code, EXIT_TROUBLE);
    assert_int_equal(fake_tasks[2].stage, RUN_ENDED); /* it was not placed yet */
}

static void with_json_lines_are_objects_on_standard_output(void **state)
{
    (void)state;
    fake_cli.options.json = true;
    place(0, true);
    end(0);
    run_logs_start(&fake_run);
    answer("t|aGVsbG8K|6|t|~");
    answer("t|b29wcw==|4|t|~");
    assert_string_equal(
        fake_output(1),
        "{\"task_id\":\"id-1\",\"task\":\"x-1\",\"stream\":\"stdout\",\"line\":\"hello\"}\n"
        "{\"task_id\":\"id-1\",\"task\":\"x-1\",\"stream\":\"stderr\",\"line\":\"oops\"}\n");
    assert_string_equal(fake_output(2), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_TEST(a_task_that_has_not_started_is_not_asked_for),
        RUN_TEST(both_streams_are_asked_for_from_their_begin),
        RUN_TEST(output_goes_to_its_stream),
        RUN_TEST(a_long_log_is_read_on_from_where_it_ended),
        RUN_TEST(an_answer_that_is_not_ready_is_asked_for_again),
        RUN_TEST(a_failed_request_is_repeated),
        RUN_TEST(a_task_that_ran_nowhere_has_no_log),
        RUN_TEST(an_agent_that_says_an_error_about_an_ended_task_ends_its_log),
        RUN_TEST(output_of_an_ended_task_is_not_waited_for_for_ever),
        RUN_TEST(with_json_lines_are_objects_on_standard_output),
        RUN_TEST(nobody_reading_stops_the_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
