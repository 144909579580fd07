/* SPDX-License-Identifier: PostgreSQL */
/* Task updates: order, acknowledgement, the bound on what is outstanding. */
#include "framework_fake.h"

struct world {
    struct event_base *base;
    struct fw_session *session;
    int updates, warnings;
    int64_t ids[2 * FW_UPDATES_MAX];
    bool terminal, acknowledge_in_callback, destroy_in_callback;
    int exit_code, signal;
    char state[32], name[64];
};

static void on_update(struct fw_session *session, const struct fw_update *update, void *arg)
{
    struct world *world = arg;

    world->ids[world->updates++] = update->update_id;
    world->terminal = update->terminal;
    world->exit_code = update->exit_code;
    world->signal = update->signal;
    snprintf(world->state, sizeof(world->state), "%s", update->state);
    snprintf(world->name, sizeof(world->name), "%s", update->task_name);
    if (world->acknowledge_in_callback)
        assert_int_equal(fw_acknowledge(session, update->update_id, NULL), 0);
    if (world->destroy_in_callback) {
        fw_session_destroy(session);
        world->session = NULL;
    }
}

static void on_warning(struct fw_session *session, const struct fw_error *err, void *arg)
{
    (void)session;
    assert_string_equal(err->code, "value_invalid");
    ((struct world *)arg)->warnings++;
}

static void start(struct world *world, bool auto_acknowledge)
{
    static const struct fw_callbacks callbacks = {.update = on_update, .warning = on_warning};
    const struct fw_config config = {
        .conninfo = "good", .name = "test", .auto_acknowledge = auto_acknowledge};

    fw_session_destroy(world->session);
    world->session = fw_session_create(world->base, &config, &callbacks, world, NULL);
    fake_register();
}

static int setup(void **state)
{
    struct world *world = mem_alloc(sizeof(*world));

    world->base = event_base_new();
    start(world, false);
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

#define ROW(id, state, exit_code)                                                                  \
    id "|" FAKE_TASK "|map-1|" FAKE_AGENT "|agent-1|" state "|~|~|" exit_code "|~"

static void poll_answers(const char *const *rows, int count)
{
    if (fake_find("updates") == NULL)
        fake_notify("updates");
    fake_answer("updates", FAKE_UPDATE_COLUMNS, rows, count);
}

static void two_updates(void)
{
    poll_answers((const char *const[]){ROW("4", "running", "~"), ROW("6", "failed", "3")}, 2);
}

static void updates_are_handed_out_in_order_with_all_their_fields(void **state)
{
    struct world *world = *state;

    two_updates();
    assert_int_equal(world->updates, 2);
    assert_int_equal(world->ids[0], 4);
    assert_int_equal(world->ids[1], 6);
    assert_string_equal(world->state, "failed");
    assert_string_equal(world->name, "map-1");
    assert_true(world->terminal);
    assert_int_equal(world->exit_code, 3);
    assert_int_equal(world->signal, 0);
}

static void a_running_task_has_no_exit_code_and_is_not_terminal(void **state)
{
    struct world *world = *state;

    poll_answers((const char *const[]){ROW("4", "running", "~")}, 1);
    assert_int_equal(world->exit_code, -1);
    assert_false(world->terminal);
}

static void what_was_handed_out_is_named_in_the_next_poll(void **state)
{
    (void)state;
    two_updates();
    fake_notify("updates");
    assert_string_equal(fake_param("updates", 3), "{4,6}");
    assert_string_equal(fake_param("updates", 4), "998");
}

static void an_update_that_comes_again_is_not_handed_out_again(void **state)
{
    struct world *world = *state;

    two_updates();
    two_updates();
    assert_int_equal(world->updates, 2);
}

static void acknowledgements_travel_together_at_the_next_turn(void **state)
{
    struct world *world = *state;

    two_updates();
    assert_int_equal(fw_acknowledge(world->session, 4, NULL), 0);
    assert_int_equal(fw_acknowledge(world->session, 6, NULL), 0);
    assert_null(fake_find("acknowledge"));
    fake_turn(world->base);
    assert_string_equal(fake_param("acknowledge", 3), "{4,6}");
    fake_answer_count("acknowledge", "count", "2");
    fake_turn(world->base);
    assert_null(fake_find("acknowledge"));
    fake_notify("updates");
    assert_string_equal(fake_param("updates", 3), "{}");
}

static void an_update_stays_named_until_its_acknowledgement_arrived(void **state)
{
    struct world *world = *state;

    two_updates();
    fw_acknowledge(world->session, 4, NULL);
    fake_turn(world->base);
    fake_notify("updates");
    assert_string_equal(fake_param("updates", 3), "{4,6}");
    fake_fail("acknowledge", ERR_deadline_passed);
    fake_wait_for(world->base, "acknowledge");
    assert_string_equal(fake_param("acknowledge", 3), "{4}");
    two_updates();
    assert_int_equal(world->updates, 2);
    fake_answer_count("acknowledge", "count", "1");
    fake_notify("updates");
    assert_string_equal(fake_param("updates", 3), "{6}");
}

static void acknowledgements_during_one_under_way_wait_for_it(void **state)
{
    struct world *world = *state;

    two_updates();
    fw_acknowledge(world->session, 6, NULL);
    fake_turn(world->base);
    fw_acknowledge(world->session, 4, NULL);
    fake_turn(world->base);
    assert_string_equal(fake_param("acknowledge", 3), "{6}");
    fake_answer_count("acknowledge", "count", "1");
    fake_turn(world->base);
    assert_string_equal(fake_param("acknowledge", 3), "{4}");
}

static void only_outstanding_updates_can_be_acknowledged(void **state)
{
    struct world *world = *state;
    struct fw_error err;

    two_updates();
    assert_int_equal(fw_acknowledge(world->session, 5, &err), -1);
    assert_non_null(strstr(err.text, "\"5\""));
    assert_int_equal(fw_acknowledge(world->session, 4, NULL), 0);
    assert_int_equal(fw_acknowledge(world->session, 4, &err), -1);
}

static void an_update_acknowledged_elsewhere_is_forgotten(void **state)
{
    struct world *world = *state;

    two_updates();
    assert_int_equal(fw_acknowledged(world->session, 4, NULL), 0);
    fake_turn(world->base);
    assert_null(fake_find("acknowledge"));
    fake_notify("updates");
    assert_string_equal(fake_param("updates", 3), "{6}");
}

static void a_refused_acknowledgement_is_a_warning(void **state)
{
    struct world *world = *state;

    two_updates();
    fw_acknowledge(world->session, 4, NULL);
    fake_turn(world->base);
    fake_fail("acknowledge", ERR_value_invalid);
    assert_int_equal(world->warnings, 1);
}

static void automatic_acknowledgement_follows_the_callback(void **state)
{
    struct world *world = *state;

    start(world, true);
    two_updates();
    fake_turn(world->base);
    assert_string_equal(fake_param("acknowledge", 3), "{4,6}");
}

static void automatic_acknowledgement_leaves_the_callers_own_alone(void **state)
{
    struct world *world = *state;

    start(world, true);
    world->acknowledge_in_callback = true;
    two_updates();
    fake_turn(world->base);
    assert_string_equal(fake_param("acknowledge", 3), "{4,6}");
}

/* Rows of updates first … first + count - 1. */
static void many_updates(int first, int count)
{
    const char **rows = mem_alloc((size_t)count * sizeof(*rows));

    for (int i = 0; i < count; i++)
        rows[i] =
            mem_printf("%d|" FAKE_TASK "|t|" FAKE_AGENT "|agent-1|running|~|~|~|~", first + i);
    poll_answers(rows, count);
    for (int i = 0; i < count; i++)
        free((void *)(uintptr_t)rows[i]);
    free(rows);
}

static void no_more_than_the_bound_are_outstanding(void **state)
{
    struct world *world = *state;

    many_updates(1, FW_UPDATES_MAX);
    assert_int_equal(world->updates, FW_UPDATES_MAX);
    fake_notify("updates");
    assert_null(fake_find("updates")); /* not even asked for */
    assert_int_equal(fw_acknowledge(world->session, 17, NULL), 0);
    fake_turn(world->base);
    fake_answer_count("acknowledge", "count", "1");
    assert_string_equal(fake_param("updates", 4), "1");
    many_updates(FW_UPDATES_MAX + 1, 1);
    assert_int_equal(world->updates, FW_UPDATES_MAX + 1);
}

static void a_full_answer_is_followed_by_another_question(void **state)
{
    struct world *world = *state;

    many_updates(1, FW_UPDATES_MAX - 1);
    assert_null(fake_find("updates"));
    fake_notify("updates");
    many_updates(FW_UPDATES_MAX, 1);
    assert_null(fake_find("updates"));
    assert_int_equal(fw_acknowledged(world->session, 1, NULL), 0);
    assert_non_null(fake_find("updates"));
}

static void a_session_destroyed_in_the_callback_hands_out_no_more(void **state)
{
    struct world *world = *state;

    world->destroy_in_callback = true;
    two_updates();
    assert_int_equal(world->updates, 1);
    fake_turn(world->base);
    assert_null(fake);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(updates_are_handed_out_in_order_with_all_their_fields),
        TEST(a_running_task_has_no_exit_code_and_is_not_terminal),
        TEST(what_was_handed_out_is_named_in_the_next_poll),
        TEST(an_update_that_comes_again_is_not_handed_out_again),
        TEST(acknowledgements_travel_together_at_the_next_turn),
        TEST(an_update_stays_named_until_its_acknowledgement_arrived),
        TEST(acknowledgements_during_one_under_way_wait_for_it),
        TEST(only_outstanding_updates_can_be_acknowledged),
        TEST(an_update_acknowledged_elsewhere_is_forgotten),
        TEST(a_refused_acknowledgement_is_a_warning),
        TEST(automatic_acknowledgement_follows_the_callback),
        TEST(automatic_acknowledgement_leaves_the_callers_own_alone),
        TEST(no_more_than_the_bound_are_outstanding),
        TEST(a_full_answer_is_followed_by_another_question),
        TEST(a_session_destroyed_in_the_callback_hands_out_no_more),
    };

    return cmocka_run_group_tests_name("framework updates", tests, NULL, NULL);
}
