/* SPDX-License-Identifier: PostgreSQL */
/* fw_run keeps the loop, so what happens in it is put onto the loop beforehand. */
#include "framework_fake.h"

#include "base/loop.h"

struct world {
    struct event_base *base;
    struct timer *script;
    int errors, registered, torn_down;
};

static void on_registered(struct fw_session *session, const char *id, int64_t epoch, void *arg)
{
    struct world *world = arg;

    (void)session;
    assert_string_equal(id, FAKE_ID);
    assert_int_equal(epoch, 3);
    world->registered++;
}

static void on_error(struct fw_session *session, const struct fw_error *err, void *arg)
{
    struct world *world = arg;

    (void)session;
    (void)err;
    world->errors++;
}

static void on_torn_down(struct fw_session *session, int64_t count, const struct fw_error *err,
                         void *arg)
{
    struct world *world = arg;

    (void)session;
    (void)err;
    assert_int_equal(count, 7);
    world->torn_down++;
}

static void tear_down_at_once(struct fw_session *session, const char *id, int64_t epoch, void *arg)
{
    on_registered(session, id, epoch, arg);
    assert_int_equal(fw_teardown(session, on_torn_down, arg, NULL), 0);
}

static const struct fw_config config = {.conninfo = "good", .name = "test"};

static int setup(void **state)
{
    struct world *world = mem_alloc(sizeof(*world));

    world->base = event_base_new();
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    assert_null(fake); /* whatever happened, the connection is closed */
    timer_free(world->script);
    event_base_free(world->base);
    free(world);
    return 0;
}

static void later(struct world *world, void (*fire)(void *arg))
{
    world->script = timer_create_on(world->base, fire, world);
    timer_start(world->script, 0);
}

static void register_and_answer_the_teardown(void *arg)
{
    (void)arg;
    fake_register();
    fake_answer_count("teardown", "count", "7");
}

static void a_teardown_ends_the_run_with_success(void **state)
{
    const struct fw_callbacks callbacks = {.registered = tear_down_at_once, .error = on_error};
    struct world *world = *state;
    struct fw_error err = {0};

    later(world, register_and_answer_the_teardown);
    assert_int_equal(fw_run(world->base, &config, &callbacks, world, &err), 0);
    assert_int_equal(world->registered, 1);
    assert_int_equal(world->torn_down, 1);
    assert_int_equal(world->errors, 0);
}

static void register_and_refuse(void *arg)
{
    (void)arg;
    fake_up();
    fake_answer_count("version", "version", FAKE_VERSION);
    fake_fail("register", ERR_role_unknown);
}

static void an_error_ends_the_run_and_is_returned(void **state)
{
    const struct fw_callbacks callbacks = {.error = on_error};
    struct world *world = *state;
    struct fw_error err = {0};

    later(world, register_and_refuse);
    assert_int_equal(fw_run(world->base, &config, &callbacks, world, &err), -1);
    assert_string_equal(err.code, "role_unknown");
    assert_string_equal(err.text, "made up for the test");
    assert_int_equal(world->errors, 1);
}

static void an_error_is_returned_without_callbacks_and_without_a_place_for_it(void **state)
{
    struct world *world = *state;

    later(world, register_and_refuse);
    assert_int_equal(fw_run(world->base, &config, NULL, NULL, NULL), -1);
}

static void break_the_loop(void *arg)
{
    fake_register();
    event_base_loopbreak(((struct world *)arg)->base);
}

static void the_caller_may_break_the_loop(void **state)
{
    const struct fw_callbacks callbacks = {.registered = on_registered};
    struct world *world = *state;
    struct fw_error err = {0};

    later(world, break_the_loop);
    assert_int_equal(fw_run(world->base, &config, &callbacks, world, &err), 0);
    assert_int_equal(world->registered, 1);
}

static void bad_values_are_refused_before_anything_runs(void **state)
{
    struct fw_config bad = config;
    struct world *world = *state;
    struct fw_error err = {0};

    bad.name = "new\nline";
    assert_int_equal(fw_run(world->base, &bad, NULL, NULL, &err), -1);
    assert_string_equal(err.code, "input_invalid");
    assert_non_null(strstr(err.text, "name"));
    bad = config;
    bad.conninfo = "bad";
    assert_int_equal(fw_run(NULL, &bad, NULL, NULL, &err), -1);
    assert_non_null(strstr(err.text, "conninfo"));
    assert_int_equal(fw_run(NULL, NULL, NULL, NULL, &err), -1);
    assert_non_null(strstr(err.text, "config"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_teardown_ends_the_run_with_success, setup, teardown),
        cmocka_unit_test_setup_teardown(an_error_ends_the_run_and_is_returned, setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_error_is_returned_without_callbacks_and_without_a_place_for_it, setup, teardown),
        cmocka_unit_test_setup_teardown(the_caller_may_break_the_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_values_are_refused_before_anything_runs, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
