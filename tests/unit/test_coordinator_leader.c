/* SPDX-License-Identifier: PostgreSQL */
/* coordinator/leader: when it asks for the lease, what it believes after each kind of answer, and
 * how it leaves. What the lead does with its time is test_coordinator_turn's. */
#include "tests/unit/coordinator_fake_root.h"

static int dones;

static int start(void **state)
{
    dones = 0;
    return root_start(state);
}

static void done_cb(void *arg)
{
    (void)arg;
    dones++;
}

static int calls_of(const char *stmt)
{
    int count = 0;

    for (size_t i = 0; i < fake_call_count; i++)
        count += strcmp(fake_calls[i].stmt->name, stmt) == 0;
    return count;
}

/* ---- asking ---- */

static void one_question_at_a_time_is_under_way(void **state)
{
    (void)state;
    lease_up(SCHEMA_VERSION);
    fake_down("lease");
    lease_up(SCHEMA_VERSION);
    assert_int_equal(calls_of("leader_acquire"), 1);
}

static void a_holder_keeps_its_pace_whatever_is_left_of_the_lease(void **state)
{
    (void)state;
    lease_up(SCHEMA_VERSION);
    lease_answer_of("t", "5", "c1", "0");
    assert_false(loop_until_called());
}

static void a_standby_asks_at_the_moment_the_lease_runs_out(void **state)
{
    (void)state;
    lease_up(SCHEMA_VERSION);
    lease_answer_of("f", "4", "c2", "20");
    assert_int_equal(fake_call_count, 0);
    assert_true(loop_until_called());
    assert_string_equal(fake_calls[0].stmt->name, "leader_acquire");
}

static void a_standby_of_a_long_lease_keeps_the_pace(void **state)
{
    (void)state;
    root.options.lease_renew_ms = 1;
    lease_up(SCHEMA_VERSION);
    lease_answer_of("f", "4", "c2", "60000");
    assert_true(loop_until_called());
}

static void a_question_that_failed_is_asked_again_and_costs_no_lead(void **state)
{
    static const enum err_code codes[] = {ERR_deadline_passed, ERR_connection_lost,
                                          ERR_server_error};

    (void)state;
    root.options.lease_renew_ms = 1;
    lease_up(SCHEMA_VERSION);
    lease_answer("t", "5");
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        assert_true(loop_until_called());
        fake_fail("leader_acquire", codes[i]);
        assert_true(leader_leads(root.leader));
    }
    assert_true(loop_until_called());
}

/* ---- believing ---- */

static void nobody_leads_before_the_first_answer(void **state)
{
    (void)state;
    assert_false(leader_leads(root.leader));
    assert_int_equal(leader_epoch(root.leader), 0);
    assert_string_equal(leader_name(root.leader), "");
    assert_int_equal(leader_answer_age_ms(root.leader), -1);
    assert_null(leader_schema_problem(root.leader));
}

static void an_answer_that_says_no_ends_the_lead_and_names_who_has_it(void **state)
{
    (void)state;
    become_leader();
    root.options.lease_renew_ms = 1;
    fake_down("lease");
    lease_up(SCHEMA_VERSION);
    lease_answer_of("f", "6", "c2", "60000");
    assert_false(leader_leads(root.leader));
    assert_int_equal(leader_epoch(root.leader), 0);
    assert_string_equal(leader_name(root.leader), "c2");
}

static void a_lease_without_a_holder_has_no_name(void **state)
{
    (void)state;
    root.options.lease_renew_ms = 1;
    lease_up(SCHEMA_VERSION);
    lease_answer_of("f", "4", "c2", "0");
    assert_true(loop_until_called());
    lease_answer_of("f", "4", NULL, "0");
    assert_string_equal(leader_name(root.leader), "");
}

static void a_lead_won_anew_has_the_new_epoch(void **state)
{
    (void)state;
    become_leader();
    fake_down("lease");
    lease_up(SCHEMA_VERSION);
    lease_answer("t", "7");
    assert_int_equal(leader_epoch(root.leader), 7);
}

static void an_answer_that_took_as_long_as_the_lease_is_no_lead(void **state)
{
    (void)state;
    clock_mono_set(1000);
    lease_up(SCHEMA_VERSION);
    clock_mono_set(1000 + root.options.lease_ttl_ms);
    lease_answer("t", "5");
    assert_false(leader_leads(root.leader));
    leader_resign(root.leader, done_cb, NULL);
    assert_int_equal(calls_of("leader_resign"), 0);
}

static void a_renewal_that_came_too_late_ends_the_lead(void **state)
{
    (void)state;
    clock_mono_set(1000);
    become_leader();
    fake_down("lease");
    lease_up(SCHEMA_VERSION);
    clock_mono_set(1000 + root.options.lease_ttl_ms);
    lease_answer("t", "5");
    assert_false(leader_leads(root.leader));
    clock_mono_set(1000);
    assert_false(leader_leads(root.leader));
}

static void a_lead_that_nobody_renews_is_dropped_when_its_time_is_over(void **state)
{
    (void)state;
    clock_mono_set(1000);           /* stands still: only the timer can end it */
    root.options.lease_ttl_ms = 60; /* 10 ms of trust */
    become_leader();
    assert_true(leader_leads(root.leader));
    for (int i = 0; i < 5000 && leader_leads(root.leader); i++) {
        event_base_loop(root.base, EVLOOP_NONBLOCK);
        usleep(1000);
    }
    assert_false(leader_leads(root.leader));
}

static void the_age_counts_from_the_last_answer_and_no_failure(void **state)
{
    (void)state;
    clock_mono_set(5000);
    root.options.lease_renew_ms = 1;
    lease_up(SCHEMA_VERSION);
    lease_answer("f", "4");
    clock_mono_set(6500);
    assert_int_equal(leader_answer_age_ms(root.leader), 1500);
    assert_true(loop_until_called());
    fake_fail("leader_acquire", ERR_deadline_passed);
    assert_int_equal(leader_answer_age_ms(root.leader), 1500);
}

static void a_doubt_without_a_lead_is_nothing(void **state)
{
    (void)state;
    leader_step_down(root.leader, "a test wants it");
    lease_up(SCHEMA_VERSION);
    lease_answer("t", "5");
    assert_true(leader_leads(root.leader));
}

/* ---- the schema ---- */

static void a_schema_migrated_behind_a_lost_connection_ends_the_lead(void **state)
{
    (void)state;
    become_leader();
    fake_down("lease");
    assert_true(leader_leads(root.leader));
    lease_up("1000000");
    assert_false(leader_leads(root.leader));
    assert_int_equal(calls_of("leader_acquire"), 0);
    assert_non_null(strstr(leader_schema_problem(root.leader), "version 1000000"));
}

static void an_older_schema_is_told_to_be_migrated(void **state)
{
    (void)state;
    lease_up("1");
    assert_int_equal(stops, 0);
    assert_non_null(strstr(leader_schema_problem(root.leader), "run howdah migrate"));
}

/* ---- leaving ---- */

static void a_leader_without_a_database_leaves_at_once(void **state)
{
    (void)state;
    become_leader();
    fake_down("lease");
    leader_resign(root.leader, done_cb, NULL);
    assert_int_equal(dones, 1);
    assert_int_equal(calls_of("leader_resign"), 0);
    assert_false(leader_leads(root.leader));
}

static void a_refused_resignation_is_the_end_as_well(void **state)
{
    (void)state;
    become_leader();
    leader_resign(root.leader, done_cb, NULL);
    fake_fail("leader_resign", ERR_connection_lost);
    assert_int_equal(dones, 1);
}

static void who_left_is_told_once_even_if_the_answer_comes_late(void **state)
{
    (void)state;
    become_leader();
    leader_resign(root.leader, done_cb, NULL);
    for (int i = 0; i < 5000 && dones == 0; i++) {
        event_base_loop(root.base, EVLOOP_NONBLOCK);
        usleep(1000);
    }
    fake_answer_one("leader_resign", "resigned", "t");
    assert_int_equal(dones, 1);
}

static void a_grant_that_meets_a_resignation_makes_no_leader(void **state)
{
    (void)state;
    lease_up(SCHEMA_VERSION);
    leader_resign(root.leader, done_cb, NULL);
    lease_answer("t", "5");
    assert_false(leader_leads(root.leader));
    assert_int_equal(leader_epoch(root.leader), 0);
    assert_false(loop_until_called());
}

static void a_connection_that_comes_back_while_leaving_asks_for_no_lease(void **state)
{
    (void)state;
    become_leader();
    leader_resign(root.leader, done_cb, NULL);
    fake_down("lease");
    lease_up(SCHEMA_VERSION);
    assert_int_equal(calls_of("leader_acquire"), 0);
}

#define LEADER_TEST(name) cmocka_unit_test_setup_teardown(name, start, root_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEADER_TEST(one_question_at_a_time_is_under_way),
        LEADER_TEST(a_holder_keeps_its_pace_whatever_is_left_of_the_lease),
        LEADER_TEST(a_standby_asks_at_the_moment_the_lease_runs_out),
        LEADER_TEST(a_standby_of_a_long_lease_keeps_the_pace),
        LEADER_TEST(a_question_that_failed_is_asked_again_and_costs_no_lead),
        LEADER_TEST(nobody_leads_before_the_first_answer),
        LEADER_TEST(an_answer_that_says_no_ends_the_lead_and_names_who_has_it),
        LEADER_TEST(a_lease_without_a_holder_has_no_name),
        LEADER_TEST(a_lead_won_anew_has_the_new_epoch),
        LEADER_TEST(an_answer_that_took_as_long_as_the_lease_is_no_lead),
        LEADER_TEST(a_renewal_that_came_too_late_ends_the_lead),
        LEADER_TEST(a_lead_that_nobody_renews_is_dropped_when_its_time_is_over),
        LEADER_TEST(the_age_counts_from_the_last_answer_and_no_failure),
        LEADER_TEST(a_doubt_without_a_lead_is_nothing),
        LEADER_TEST(a_schema_migrated_behind_a_lost_connection_ends_the_lead),
        LEADER_TEST(an_older_schema_is_told_to_be_migrated),
        LEADER_TEST(a_leader_without_a_database_leaves_at_once),
        LEADER_TEST(a_refused_resignation_is_the_end_as_well),
        LEADER_TEST(who_left_is_told_once_even_if_the_answer_comes_late),
        LEADER_TEST(a_grant_that_meets_a_resignation_makes_no_leader),
        LEADER_TEST(a_connection_that_comes_back_while_leaving_asks_for_no_lease),
    };

    log_init("test", LOG_LEVEL_ERROR + 1);
    return cmocka_run_group_tests_name("coordinator/leader", tests, NULL, NULL);
}
