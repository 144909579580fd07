/* SPDX-License-Identifier: PostgreSQL */
/* libframework/call: from the making of a request to its one outcome, whatever happens to the
 * connection, to the framework and to the session meanwhile. */
#include "tests/unit/framework_fake.h"

#include <unistd.h>

#include "call.h"

struct world {
    struct event_base *base;
    struct fw_session *session;
    int dones, frees, errors;
    bool had_result;    /* of the last outcome */
    enum err_code code; /* of the last outcome */
    bool destroys;      /* the next outcome's callback destroys the session */
    char order[16];     /* d: an outcome, e: the session's error callback */
};

static struct world world;

static void note(char letter)
{
    world.order[strlen(world.order)] = letter;
}

static void on_error(struct fw_session *session, const struct fw_error *err, void *arg)
{
    (void)session;
    (void)err;
    (void)arg;
    world.errors++;
    note('e');
}

static int setup(void **state)
{
    static const struct fw_callbacks callbacks = {.error = on_error};
    const struct fw_config config = {.conninfo = "good", .name = "test"};

    (void)state;
    memset(&world, 0, sizeof(world));
    world.base = event_base_new();
    world.session = fw_session_create(world.base, &config, &callbacks, &world, NULL);
    fake_register();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fw_session_destroy(world.session);
    event_base_free(world.base);
    return 0;
}

static void done_cb(struct call *call, const PGresult *result, const struct err *err)
{
    assert_ptr_equal(call_session(call), world.session);
    assert_ptr_equal(call_arg(call), &world.base);
    assert_ptr_equal(call_get_extra(call), &world.frees);
    world.dones++;
    world.had_result = result != NULL;
    world.code = err != NULL ? err->code : ERR_none;
    note('d');
    if (!world.destroys)
        return;
    fw_session_destroy(world.session);
    world.session = NULL;
}

static void extra_free(void *extra)
{
    assert_ptr_equal(extra, &world.frees);
    world.frees++;
}

static struct call *make(enum stmt_id id)
{
    struct call *call = call_make(world.session, id, done_cb);

    call_cb(call, (union call_cb){.done = NULL}, &world.base);
    call_extra(call, &world.frees, extra_free);
    return call;
}

static void answer(const char *name)
{
    fake_answer_count(name, "count", "1");
}

static void assert_outcome(int dones, enum err_code code)
{
    assert_int_equal(world.dones, dones);
    assert_int_equal(world.frees, dones);
    assert_int_equal(world.code, code);
}

/* ---- sending ---- */

static void the_first_parameters_are_id_and_epoch(void **state)
{
    struct call *call = make(STMT_kill);

    (void)state;
    call_param(call, mem_strdup("{}"));
    call_param(call, NULL);
    assert_null(fake_find("kill"));
    call_send(call);
    assert_string_equal(fake_param("kill", 1), FAKE_ID);
    assert_string_equal(fake_param("kill", 2), "3");
    assert_string_equal(fake_param("kill", 3), "{}");
    assert_null(fake_param("kill", 4));
    assert_false(fake_find("kill")->again);
    answer("kill");
    assert_outcome(1, ERR_none);
    assert_true(world.had_result);
}

static void a_repeated_call_says_so_and_has_the_epoch_of_now(void **state)
{
    struct call *call = make(STMT_acknowledge);

    (void)state;
    call_param(call, mem_strdup("{1,2}"));
    call_send(call);
    world.session->epoch = 9;
    fake_fail("acknowledge", ERR_connection_lost);
    assert_outcome(0, ERR_none);
    fake_wait_for(world.base, "acknowledge");
    assert_true(fake_find("acknowledge")->again);
    assert_string_equal(fake_param("acknowledge", 2), "9");
    assert_string_equal(fake_param("acknowledge", 3), "{1,2}");
    answer("acknowledge");
    assert_outcome(1, ERR_none);
}

static void whatever_may_pass_is_tried_again(void **state)
{
    static const enum err_code codes[] = {ERR_deadline_passed, ERR_deadlock,  ERR_read_only,
                                          ERR_cell_stale,      ERR_disk_full, ERR_epoch_stale};

    (void)state;
    call_send(make(STMT_revive));
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        fake_fail("revive", codes[i]);
        assert_int_equal(world.dones, 0);
        fake_wait_for(world.base, "revive");
    }
    answer("revive");
    assert_outcome(1, ERR_none);
}

static void a_stale_epoch_is_looked_into(void **state)
{
    (void)state;
    assert_null(fake_find("heartbeat"));
    call_send(make(STMT_revive));
    fake_fail("revive", ERR_epoch_stale);
    assert_non_null(fake_find("heartbeat"));
    assert_int_equal(world.errors, 0);
}

/* ---- outcomes ---- */

static void an_error_of_the_request_is_its_outcome_and_nobody_elses(void **state)
{
    (void)state;
    call_send(make(STMT_revive));
    fake_fail("revive", ERR_value_invalid);
    assert_outcome(1, ERR_value_invalid);
    assert_false(world.had_result);
    assert_int_equal(world.errors, 0);
    assert_int_equal(world.session->state, SESSION_ACTIVE);
}

static void the_error_that_was_wanted_counts_as_done(void **state)
{
    struct call *call = make(STMT_teardown);

    (void)state;
    call_done_code(call, ERR_framework_completed);
    assert_true(calls_expect(world.session->calls, ERR_framework_completed));
    assert_false(calls_expect(world.session->calls, ERR_framework_unknown));
    assert_false(calls_expect(world.session->calls, ERR_none));
    call_send(call);
    fake_fail("teardown", ERR_framework_completed);
    assert_outcome(1, ERR_none);
    assert_false(world.had_result);
    assert_int_equal(world.errors, 0);
    assert_false(calls_expect(world.session->calls, ERR_framework_completed));
}

static void a_framework_that_is_gone_ends_the_session_and_all_calls(void **state)
{
    static const enum err_code codes[] = {ERR_framework_completed, ERR_framework_unknown};

    for (size_t i = 0; i < 2; i++) {
        if (i > 0) {
            teardown(state);
            setup(state);
        }
        call_send(make(STMT_revive));
        call_send(make(STMT_suppress));
        fake_fail("revive", codes[i]);
        assert_string_equal(world.order, "ed");
        fake_turn(world.base);
        assert_outcome(2, codes[i]);
        assert_int_equal(world.errors, 1);
        assert_int_equal(world.session->state, SESSION_ENDED);
        assert_null(fake);
    }
}

static void a_call_between_two_tries_ends_with_the_session(void **state)
{
    (void)state;
    call_send(make(STMT_suppress));
    fake_fail("suppress", ERR_connection_lost);
    call_send(make(STMT_revive));
    fake_fail("revive", ERR_framework_completed);
    fake_turn(world.base);
    assert_outcome(2, ERR_framework_completed);
    for (int i = 0; i < 20; i++) { /* its timer is gone with it */
        usleep(5000);
        fake_turn(world.base);
    }
    assert_outcome(2, ERR_framework_completed);
}

static void after_the_end_nothing_is_tried_again(void **state)
{
    const struct err err = {.code = ERR_framework_completed, .text = "made up for the test"};

    (void)state;
    call_send(make(STMT_suppress));
    session_end(world.session, &err);
    fake_fail("suppress", ERR_connection_lost);
    assert_outcome(1, ERR_connection_lost);
    fake_turn(world.base);
    assert_outcome(1, ERR_connection_lost);
}

/* ---- the session goes ---- */

static void calls_of_a_destroyed_session_have_no_outcome(void **state)
{
    (void)state;
    call_send(make(STMT_suppress));
    call_send(make(STMT_revive));
    fake_fail("revive", ERR_connection_lost);
    fw_session_destroy(world.session);
    world.session = NULL;
    fake_turn(world.base);
    assert_int_equal(world.dones, 0);
    assert_int_equal(world.frees, 2);
}

static void an_outcome_may_destroy_the_session(void **state)
{
    (void)state;
    world.destroys = true;
    call_send(make(STMT_suppress));
    call_send(make(STMT_revive));
    answer("revive");
    fake_turn(world.base);
    assert_int_equal(world.dones, 1);
    assert_int_equal(world.frees, 2);
    assert_null(fake);
}

static void the_outcome_of_an_end_may_destroy_the_session(void **state)
{
    const struct err err = {.code = ERR_framework_completed, .text = "made up for the test"};

    (void)state;
    world.destroys = true;
    call_send(make(STMT_suppress));
    call_send(make(STMT_revive));
    session_end(world.session, &err);
    fake_turn(world.base);
    assert_int_equal(world.dones, 1);
    assert_int_equal(world.frees, 2);
    assert_int_equal(world.code, ERR_framework_completed);
}

#define CALL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CALL_TEST(the_first_parameters_are_id_and_epoch),
        CALL_TEST(a_repeated_call_says_so_and_has_the_epoch_of_now),
        CALL_TEST(whatever_may_pass_is_tried_again),
        CALL_TEST(a_stale_epoch_is_looked_into),
        CALL_TEST(an_error_of_the_request_is_its_outcome_and_nobody_elses),
        CALL_TEST(the_error_that_was_wanted_counts_as_done),
        CALL_TEST(a_framework_that_is_gone_ends_the_session_and_all_calls),
        CALL_TEST(a_call_between_two_tries_ends_with_the_session),
        CALL_TEST(after_the_end_nothing_is_tried_again),
        CALL_TEST(calls_of_a_destroyed_session_have_no_outcome),
        CALL_TEST(an_outcome_may_destroy_the_session),
        CALL_TEST(the_outcome_of_an_end_may_destroy_the_session),
    };

    return cmocka_run_group_tests_name("libframework/call", tests, NULL, NULL);
}
