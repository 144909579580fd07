/* SPDX-License-Identifier: PostgreSQL */
/* Claims as calls: their parameters, their repetition, their results. What they do to offers is in
 * test_framework_offers.c, how tasks become JSON in test_framework_task_json.c. */
#include "framework_fake.h"

struct world {
    struct event_base *base;
    struct fw_session *session;
    int answers, errors;
    size_t count;
    struct fw_claim_result results[4]; /* texts copied below */
    char reasons[4][32], code[32];
    bool destroy_in_callback;
};

static void on_claim(struct fw_session *session, const struct fw_claim_result *results,
                     size_t count, const struct fw_error *err, void *arg)
{
    struct world *world = arg;

    world->answers++;
    world->count = count;
    if (err != NULL) {
        assert_null(results);
        snprintf(world->code, sizeof(world->code), "%s", err->code);
    }
    for (size_t i = 0; i < count && i < 4; i++) {
        world->results[i] = results[i];
        snprintf(world->reasons[i], 32, "%s", results[i].reason != NULL ? results[i].reason : "");
    }
    if (world->destroy_in_callback) {
        fw_session_destroy(session);
        world->session = NULL;
    }
}

static void on_error(struct fw_session *session, const struct fw_error *err, void *arg)
{
    (void)session;
    (void)err;
    ((struct world *)arg)->errors++;
}

static int setup(void **state)
{
    static const struct fw_callbacks callbacks = {.error = on_error};
    const struct fw_config config = {.conninfo = "good", .name = "test"};
    struct world *world = mem_alloc(sizeof(*world));

    world->base = event_base_new();
    world->session = fw_session_create(world->base, &config, &callbacks, world, NULL);
    fake_register();
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    fw_session_destroy(world->session);
    fake_turn(world->base);
    event_base_free(world->base);
    free(world);
    return 0;
}

static const struct fw_task tasks[2] = {
    {.name = "a", .agent_id = FAKE_AGENT, .cpus_milli = 100, .shell = "true"},
    {.name = "b", .agent_id = FAKE_AGENT, .cpus_milli = 100, .shell = "true"},
};
static const struct fw_claim gang = {.tasks = tasks, .task_count = 2};

static void a_claim_carries_its_rules(void **state)
{
    struct world *world = *state;
    const struct fw_claim claim = {.mode = FW_CLAIM_ANY,
                                   .conflict = FW_CONFLICT_VERSION,
                                   .revocable = true,
                                   .tasks = tasks,
                                   .task_count = 1};

    assert_int_equal(fw_claim(world->session, &claim, on_claim, world, NULL), 0);
    assert_string_equal(fake_param("claim", 1), FAKE_ID);
    assert_string_equal(fake_param("claim", 2), "3");
    assert_int_equal(strlen(fake_param("claim", 3)), 36);
    assert_non_null(strstr(fake_param("claim", 4), "\"name\":\"a\""));
    assert_string_equal(fake_param("claim", 5), "any");
    assert_string_equal(fake_param("claim", 6), "version");
    assert_string_equal(fake_param("claim", 7), "true");
    assert_string_equal(fake_param("claim", 8), "false");
}

static void a_claim_is_repeated_with_its_key_until_the_outcome_is_known(void **state)
{
    static const enum err_code codes[] = {ERR_deadline_passed, ERR_connection_lost, ERR_deadlock,
                                          ERR_try_again};
    struct world *world = *state;
    char key[64];

    fw_claim(world->session, &gang, on_claim, world, NULL);
    snprintf(key, sizeof(key), "%s", fake_param("claim", 3));
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        fake_fail("claim", codes[i]);
        assert_int_equal(world->answers, 0);
        fake_wait_for(world->base, "claim");
        assert_string_equal(fake_param("claim", 3), key);
    }
    fake_answer("claim", FAKE_CLAIM_COLUMNS,
                (const char *const[]){"1|a|" FAKE_TASK "|" FAKE_AGENT "|t|~|~|~|~|~|t",
                                      "2|b|" FAKE_TASK "|" FAKE_AGENT "|t|~|~|~|~|~|t"},
                2);
    assert_int_equal(world->answers, 1);
    assert_int_equal(world->count, 2);
    assert_true(world->results[0].committed);
    assert_true(world->results[0].replayed);
}

static void two_claims_have_different_keys(void **state)
{
    struct world *world = *state;
    char key[64];

    fw_claim(world->session, &gang, on_claim, world, NULL);
    snprintf(key, sizeof(key), "%s", fake_param("claim", 3));
    fake_fail("claim", ERR_value_invalid);
    fw_claim(world->session, &gang, on_claim, world, NULL);
    assert_string_not_equal(fake_param("claim", 3), key);
}

static void the_caller_may_bring_the_key(void **state)
{
    struct world *world = *state;
    const struct fw_claim claim = {.tasks = tasks, .task_count = 1, .claim_key = FAKE_TASK};

    fw_claim(world->session, &claim, NULL, NULL, NULL);
    assert_string_equal(fake_param("claim", 3), FAKE_TASK);
    fake_answer("claim", FAKE_CLAIM_COLUMNS, NULL, 0); /* nobody wants to know: fine */
}

static void refusals_tell_reason_numbers_and_kind(void **state)
{
    struct world *world = *state;

    fw_claim(world->session, &gang, on_claim, world, NULL);
    fake_answer("claim", FAKE_CLAIM_COLUMNS,
                (const char *const[]){"1|a|~|" FAKE_AGENT
                                      "|f|insufficient_resource|cpus|0.1|0.05|too little|f",
                                      "2|b|~|" FAKE_AGENT "|f|task_invalid|~|~|~|bad|f"},
                2);
    assert_false(world->results[0].committed);
    assert_string_equal(world->reasons[0], "insufficient_resource");
    assert_true(world->results[0].conflict);
    assert_true(world->results[0].wanted > 0.099 && world->results[0].wanted < 0.101);
    assert_true(world->results[0].free > 0.049 && world->results[0].free < 0.051);
    assert_string_equal(world->reasons[1], "task_invalid");
    assert_false(world->results[1].conflict);
}

static void an_error_of_the_claim_alone_leaves_the_session_running(void **state)
{
    struct world *world = *state;

    fw_claim(world->session, &gang, on_claim, world, NULL);
    fake_fail("claim", ERR_server_error);
    assert_int_equal(world->answers, 1);
    assert_string_equal(world->code, "server_error");
    assert_int_equal(world->errors, 0);
    assert_true(fw_session_connected(world->session));
}

static void a_stale_epoch_ends_the_session_and_the_claim(void **state)
{
    struct world *world = *state;

    fw_claim(world->session, &gang, on_claim, world, NULL);
    fake_fail("claim", ERR_epoch_stale);
    assert_int_equal(world->errors, 0); /* the cell may have been restored: ask */
    fake_fail("heartbeat", ERR_epoch_stale);
    assert_int_equal(world->errors, 1);
    fake_turn(world->base);
    assert_int_equal(world->answers, 1);
    assert_string_equal(world->code, "epoch_stale");
}

static void the_callback_may_destroy_the_session(void **state)
{
    struct world *world = *state;

    world->destroy_in_callback = true;
    fw_claim(world->session, &gang, on_claim, world, NULL);
    fw_claim(world->session, &gang, on_claim, world, NULL);
    fake_fail("claim", ERR_value_invalid);
    fake_turn(world->base);
    assert_int_equal(world->answers, 1);
    assert_null(fake);
}

static void bad_claims_are_refused_before_anything_is_sent(void **state)
{
    const struct {
        struct fw_claim claim;
        const char *field;
    } cases[] = {
        {{.task_count = 1}, "\"tasks\""},
        {{.tasks = tasks}, "\"task_count\""},
        {{.tasks = tasks, .task_count = FW_CLAIM_TASKS_MAX + 1}, "\"task_count\""},
        {{.tasks = tasks, .task_count = 1, .mode = (enum fw_claim_mode)7}, "\"mode\""},
        {{.tasks = tasks, .task_count = 1, .conflict = (enum fw_conflict)7}, "\"conflict\""},
        {{.tasks = tasks, .task_count = 1, .claim_key = "k"}, "\"claim_key\""},
    };
    struct world *world = *state;
    struct fw_error err;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(fw_claim(world->session, &cases[i].claim, on_claim, world, &err), -1);
        assert_int_equal(err.error_class, FW_ERROR_CALLER);
        assert_non_null(strstr(err.text, cases[i].field));
    }
    assert_int_equal(fw_claim(world->session, NULL, on_claim, world, NULL), -1);
    assert_int_equal(fw_claim(NULL, &gang, on_claim, world, &err), -1);
    assert_null(fake_find("claim"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests_[] = {
        TEST(a_claim_carries_its_rules),
        TEST(a_claim_is_repeated_with_its_key_until_the_outcome_is_known),
        TEST(two_claims_have_different_keys),
        TEST(the_caller_may_bring_the_key),
        TEST(refusals_tell_reason_numbers_and_kind),
        TEST(an_error_of_the_claim_alone_leaves_the_session_running),
        TEST(a_stale_epoch_ends_the_session_and_the_claim),
        TEST(the_callback_may_destroy_the_session),
        TEST(bad_claims_are_refused_before_anything_is_sent),
    };

    return cmocka_run_group_tests_name("framework claim", tests_, NULL, NULL);
}
