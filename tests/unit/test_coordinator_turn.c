/* SPDX-License-Identifier: PostgreSQL */
/* coordinator/turn and leader together, on a fake database: who leads works through the chores in
 * order, goes on after a failure, stops at the first doubt, and says when it sleeps. */
#include "tests/unit/coordinator_fake_root.h"

static int dones;

static int start(void **state)
{
    dones = 0;
    return root_start(state);
}

/* Answer every chore of one turn, whichever comes, with the same count. */
static void turn_answer(const char *found)
{
    assert_true(loop_until_called());
    while (fake_call_count > 0)
        fake_answer_one(fake_calls[0].stmt->name, "found", found);
}

static void the_schema_is_checked_before_the_lease_is_asked_for(void **state)
{
    (void)state;
    lease_up(SCHEMA_VERSION);
    assert_string_equal(
        fake_said,
        "schema_present() schema_version() leader_acquire(me,c1,60000," SCHEMA_VERSION ") ");
    assert_false(leader_leads(root.leader));
    lease_answer("t", "5");
    assert_true(leader_leads(root.leader));
    assert_int_equal(leader_epoch(root.leader), 5);
}

static void a_schema_of_another_version_is_not_led_until_it_fits(void **state)
{
    (void)state;
    fake_up("lease");
    fake_answer_one("schema_present", "present", "t");
    assert_null(leader_schema_problem(root.leader));
    fake_answer_one("schema_version", "version", "1000000");
    assert_int_equal(stops, 0);
    assert_int_equal(fake_call_count, 0);
    assert_non_null(strstr(leader_schema_problem(root.leader), "version 1000000"));
    assert_false(leader_leads(root.leader));
    assert_true(loop_until_called());
    fake_answer_one("schema_present", "present", "t");
    fake_answer_one("schema_version", "version", SCHEMA_VERSION);
    assert_null(leader_schema_problem(root.leader));
    lease_answer("t", "5");
    assert_true(leader_leads(root.leader));
}

static void a_migration_under_a_leader_ends_its_lead(void **state)
{
    (void)state;
    lease_up(SCHEMA_VERSION);
    root.options.lease_renew_ms = 1;
    lease_answer("t", "5");
    assert_true(leader_leads(root.leader));
    assert_true(loop_until_called());
    fake_fail("leader_acquire", ERR_schema_newer);
    assert_false(leader_leads(root.leader));
    assert_true(loop_until_called());
    fake_answer_one("schema_present", "present", "t");
    fake_answer_one("schema_version", "version", "1000000");
    assert_non_null(strstr(leader_schema_problem(root.leader), "upgrade howdah-coordinator"));
    assert_int_equal(stops, 0);
}

static void a_database_without_a_schema_stops_the_program(void **state)
{
    (void)state;
    fake_up("lease");
    fake_answer_one("schema_present", "present", "f");
    assert_int_equal(stops, 1);
    assert_int_equal(stop_code, COORDINATOR_EXIT_SCHEMA);
}

static void an_unanswered_schema_question_is_asked_again(void **state)
{
    (void)state;
    fake_up("lease");
    fake_fail("schema_present", ERR_deadline_passed);
    assert_int_equal(stops, 0);
    assert_int_equal(fake_call_count, 0);
    for (int i = 0; i < 10 && fake_call_count == 0; i++)
        loop_until_called();
    assert_string_equal(fake_calls[0].stmt->name, "schema_present");
}

static void chores_run_one_by_one_in_the_order_of_the_table(void **state)
{
    static const char wanted[] =
#define CHORE(name, pause, counts) #name "(5) "
#include "coordinator/chores.def"
#undef CHORE
        "doorbell_set(5,false) ";

    (void)state;
    become_leader();
    assert_true(loop_until_called());
    assert_int_equal(fake_call_count, 1);
    turn_answer("0");
    assert_string_equal(fake_said, wanted);
    assert_int_equal((int)root.metrics->turns, 1);
}

static void a_standby_does_no_chores(void **state)
{
    (void)state;
    fake_up("chores");
    lease_up(SCHEMA_VERSION);
    lease_answer("f", "4");
    fake_ring("chores");
    assert_false(loop_until_called());
    assert_string_equal(leader_name(root.leader), "c1");
}

static void a_failed_chore_does_not_end_the_turn(void **state)
{
    (void)state;
    become_leader();
    assert_true(loop_until_called());
    fake_fail("offers_expire", ERR_lock_timeout);
    turn_answer("0");
    assert_non_null(strstr(fake_said,
                           "offers_expire(5) agents_expire(5) tasks_expire(5) frameworks_expire(5) "
                           "maintenance_advance(5) drains_advance(5) offers_make(5)"));
    assert_int_equal((int)root.metrics->chore_errors[METRICS_CHORE_offers_expire], 1);
    assert_true(leader_leads(root.leader));
}

static void a_stale_epoch_ends_the_lead(void **state)
{
    (void)state;
    become_leader();
    assert_true(loop_until_called());
    fake_fail("offers_expire", ERR_epoch_stale);
    assert_false(leader_leads(root.leader));
    assert_int_equal(fake_call_count, 0);
    assert_int_equal(leader_epoch(root.leader), 0);
}

static void the_lead_lost_meanwhile_stops_the_turn_after_the_running_chore(void **state)
{
    (void)state;
    become_leader();
    assert_true(loop_until_called());
    leader_step_down(root.leader, "a test wants it");
    fake_answer_one("offers_expire", "found", "3");
    assert_int_equal(fake_call_count, 0);
    assert_string_equal(fake_said, "offers_expire(5) ");
}

static void a_passed_trust_window_stops_the_turn(void **state)
{
    (void)state;
    become_leader();
    assert_true(loop_until_called());
    clock_mono_set(clock_mono_ms() + 60000);
    fake_answer_one("offers_expire", "found", "3");
    assert_int_equal(fake_call_count, 0);
    assert_false(leader_leads(root.leader));
}

static void a_lost_connection_pauses_the_chores_until_it_is_back(void **state)
{
    (void)state;
    become_leader();
    assert_true(loop_until_called());
    fake_down("chores");
    fake_fail("offers_expire", ERR_connection_lost);
    assert_false(loop_until_called());
    fake_said[0] = '\0';
    fake_up("chores");
    assert_true(loop_until_called());
}

static void an_idle_leader_says_so_and_a_ring_wakes_it(void **state)
{
    (void)state;
    become_leader();
    for (int i = 0; i < 20 && !strstr(fake_said, "doorbell_set(5,true)"); i++)
        turn_answer("0");
    assert_non_null(strstr(fake_said, "doorbell_set(5,true)"));
    turn_answer("0"); /* the look after dozing off */
    assert_false(loop_until_called());
    fake_said[0] = '\0';
    fake_ring("chores");
    turn_answer("0");
    assert_non_null(strstr(fake_said, "doorbell_set(5,false)"));
    assert_int_equal((int)root.metrics->bells, 1);
}

static void done_cb(void *arg)
{
    (void)arg;
    dones++;
}

static void resigning_gives_the_lead_back_and_asks_no_more(void **state)
{
    (void)state;
    become_leader();
    leader_resign(root.leader, done_cb, NULL);
    assert_false(leader_leads(root.leader));
    assert_int_equal(dones, 0);
    fake_answer_one("leader_resign", "resigned", "t");
    assert_int_equal(dones, 1);
    assert_string_equal(fake_said, "leader_resign(me,5) ");
    assert_false(loop_until_called());
}

static void a_standby_leaves_without_asking(void **state)
{
    (void)state;
    leader_resign(root.leader, done_cb, NULL);
    assert_int_equal(dones, 1);
    assert_int_equal(fake_call_count, 0);
}

static void an_unanswered_resignation_does_not_hold_the_program(void **state)
{
    (void)state;
    become_leader();
    leader_resign(root.leader, done_cb, NULL);
    for (int i = 0; i < 3000 && dones == 0; i++) {
        event_base_loop(root.base, EVLOOP_NONBLOCK);
        usleep(1000);
    }
    assert_int_equal(dones, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_schema_is_checked_before_the_lease_is_asked_for, start,
                                        root_stop),
        cmocka_unit_test_setup_teardown(a_schema_of_another_version_is_not_led_until_it_fits, start,
                                        root_stop),
        cmocka_unit_test_setup_teardown(a_migration_under_a_leader_ends_its_lead, start, root_stop),
        cmocka_unit_test_setup_teardown(a_database_without_a_schema_stops_the_program, start,
                                        root_stop),
        cmocka_unit_test_setup_teardown(an_unanswered_schema_question_is_asked_again, start,
                                        root_stop),
        cmocka_unit_test_setup_teardown(chores_run_one_by_one_in_the_order_of_the_table, start,
                                        root_stop),
        cmocka_unit_test_setup_teardown(a_standby_does_no_chores, start, root_stop),
        cmocka_unit_test_setup_teardown(a_failed_chore_does_not_end_the_turn, start, root_stop),
        cmocka_unit_test_setup_teardown(a_stale_epoch_ends_the_lead, start, root_stop),
        cmocka_unit_test_setup_teardown(
            the_lead_lost_meanwhile_stops_the_turn_after_the_running_chore, start, root_stop),
        cmocka_unit_test_setup_teardown(a_passed_trust_window_stops_the_turn, start, root_stop),
        cmocka_unit_test_setup_teardown(a_lost_connection_pauses_the_chores_until_it_is_back, start,
                                        root_stop),
        cmocka_unit_test_setup_teardown(an_idle_leader_says_so_and_a_ring_wakes_it, start,
                                        root_stop),
        cmocka_unit_test_setup_teardown(resigning_gives_the_lead_back_and_asks_no_more, start,
                                        root_stop),
        cmocka_unit_test_setup_teardown(a_standby_leaves_without_asking, start, root_stop),
        cmocka_unit_test_setup_teardown(an_unanswered_resignation_does_not_hold_the_program, start,
                                        root_stop),
    };

    log_init("test", LOG_LEVEL_ERROR + 1);
    return cmocka_run_group_tests_name("coordinator/turn", tests, NULL, NULL);
}
