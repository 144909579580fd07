/* SPDX-License-Identifier: PostgreSQL */
/* Requests other than claims, and errors as the library's users see them. */
#include "framework_fake.h"

#include "fw_error.h"

struct world {
    struct event_base *base;
    struct fw_session *session;
    int answers, warnings;
    size_t count;
    char text[256];
    bool known, terminal;
    int exit_code;
};

static void on_warning(struct fw_session *session, const struct fw_error *err, void *arg)
{
    struct world *world = arg;

    (void)session;
    world->warnings++;
    snprintf(world->text, sizeof(world->text), "%s", err->code);
}

static void on_kill(struct fw_session *session, const struct fw_kill_result *results, size_t count,
                    const struct fw_error *err, void *arg)
{
    struct world *world = arg;

    (void)session;
    world->answers++;
    world->count = count;
    if (err != NULL)
        snprintf(world->text, sizeof(world->text), "%s", err->code);
    else if (count > 0)
        world->known = results[count - 1].known;
}

static void on_reconcile(struct fw_session *session, const struct fw_task_status *tasks,
                         size_t count, const struct fw_error *err, void *arg)
{
    struct world *world = arg;

    (void)session;
    assert_null(err);
    world->answers++;
    world->count = count;
    world->terminal = tasks[0].terminal;
    world->exit_code = tasks[0].exit_code;
    snprintf(world->text, sizeof(world->text), "%s %s", tasks[0].task_name, tasks[0].state);
}

static int setup(void **state)
{
    static const struct fw_callbacks callbacks = {.warning = on_warning};
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
    event_base_free(world->base);
    free(world);
    return 0;
}

static const char *const two_ids[] = {FAKE_TASK, FAKE_OFFER_A};

static void a_kill_names_tasks_and_grace(void **state)
{
    struct world *world = *state;

    assert_int_equal(fw_kill(world->session, two_ids, 2, 7, on_kill, world, NULL), 0);
    assert_non_null(strstr(fake_param("kill", 3), FAKE_TASK));
    assert_string_equal(fake_param("kill", 4), "7");
    fake_answer("kill", "task_id|state|known",
                (const char *const[]){FAKE_TASK "|killing|t", FAKE_OFFER_A "|~|f"}, 2);
    assert_int_equal(world->count, 2);
    assert_false(world->known);
}

static void a_kill_without_grace_leaves_it_to_the_task(void **state)
{
    struct world *world = *state;

    fw_kill(world->session, two_ids, 1, -1, NULL, NULL, NULL);
    assert_null(fake_param("kill", 4));
    fake_answer("kill", "task_id|state|known", (const char *const[]){FAKE_TASK "|killing|t"}, 1);
}

static void reconciling_everything_passes_null(void **state)
{
    struct world *world = *state;

    fw_reconcile(world->session, NULL, 0, on_reconcile, world, NULL);
    assert_null(fake_param("reconcile", 3));
    fake_answer(
        "reconcile", "task_id|name|state|reason|message|exit_code|agent_id|agent_name",
        (const char *const[]){FAKE_TASK "|map-1|failed|command_exited|~|9|" FAKE_AGENT "|agent-1"},
        1);
    assert_string_equal(world->text, "map-1 failed");
    assert_true(world->terminal);
    assert_int_equal(world->exit_code, 9);
}

static void demand_is_stated_as_a_list(void **state)
{
    static const struct fw_request requests[] = {
        {.count = 3, .cpus_milli = 250, .mem = 128},
        {.count = 1,
         .disk = 7,
         .gpus = 1,
         .port_count = 2,
         .extra_json = "{\"scalars\": {\"l\": 1}}",
         .constraints_json = "{\"attributes\": {\"zone\": \"a\"}}"},
    };
    struct world *world = *state;

    assert_int_equal(fw_request(world->session, requests, 2, NULL), 0);
    assert_string_equal(
        fake_param("request", 3),
        "[{\"count\":3,\"resources\":{\"cpus\":0.25,\"mem\":128}},"
        "{\"count\":1,\"resources\":{\"disk\":7,\"gpus\":1,\"ports\":2,\"scalars\":{\"l\":1}},"
        "\"constraints\":{\"attributes\":{\"zone\":\"a\"}}}]");
    fake_answer("request", "request", (const char *const[]){""}, 1);
    assert_int_equal(fw_request(world->session, requests, 0, NULL), 0);
    assert_string_equal(fake_param("request", 3), "[]");
    fake_answer("request", "request", (const char *const[]){""}, 1);
    assert_int_equal(fw_request(world->session, NULL, 0, NULL), 0);
    assert_null(fake_param("request", 3));
    fake_answer("request", "request", (const char *const[]){""}, 1);
    assert_int_equal(world->warnings, 0);
}

static void a_filter_has_a_name_a_wish_and_a_time(void **state)
{
    static const char wanted[] = "{\"attributes\":{\"zone\":\"a\"}}";
    struct world *world = *state;

    assert_int_equal(fw_filter_set(world->session, "zone", wanted, 1500, NULL), 0);
    assert_string_equal(fake_param("filter_set", 3), "zone");
    assert_string_equal(fake_param("filter_set", 4), wanted);
    assert_string_equal(fake_param("filter_set", 5), "1.500");
    fake_answer("filter_set", "filter_set", (const char *const[]){""}, 1);
    assert_int_equal(fw_filter_set(world->session, "zone", wanted, -1, NULL), 0);
    assert_null(fake_param("filter_set", 5));
    fake_answer("filter_set", "filter_set", (const char *const[]){""}, 1);
    assert_int_equal(world->warnings, 0);
}

static void bad_filters_are_refused_before_they_are_sent(void **state)
{
    static const struct {
        const char *name, *wanted, *field;
        int64_t refuse_ms;
    } rows[] = {
        {NULL, "{}", "\"name\"", 0},           {"", "{}", "\"name\"", 0},
        {"f", NULL, "\"wanted_json\"", 0},     {"f", "[]", "\"wanted_json\"", 0},
        {"f", "{\"a\"", "\"wanted_json\"", 0}, {"f", "{}", "\"refuse_ms\"", -2},
    };
    struct world *world = *state;
    struct fw_error err;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(
            fw_filter_set(world->session, rows[i].name, rows[i].wanted, rows[i].refuse_ms, &err),
            -1);
        assert_non_null(strstr(err.text, rows[i].field));
    }
    assert_int_equal(db_queue_length(fake), 0);
}

static void bad_demand_is_refused_before_it_is_sent(void **state)
{
    static const struct {
        struct fw_request request;
        const char *field;
    } rows[] = {
        {{.count = 0, .mem = 1}, "requests[0].count"},
        {{.count = 1000001, .mem = 1}, "requests[0].count"},
        {{.count = 1, .cpus_milli = -1}, "requests[0].cpus_milli"},
        {{.count = 1, .port_count = 65537}, "requests[0].port_count"},
        {{.count = 1, .mem = 1, .extra_json = "{\"mem\": 1}"}, "requests[0].extra_json"},
        {{.count = 1, .extra_json = "[]"}, "requests[0].extra_json"},
        {{.count = 1, .mem = 1, .constraints_json = "x"}, "requests[0].constraints_json"},
    };
    struct world *world = *state;
    struct fw_error err;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(fw_request(world->session, &rows[i].request, 1, &err), -1);
        assert_int_equal(err.error_class, FW_ERROR_CALLER);
        assert_non_null(strstr(err.text, rows[i].field));
    }
    assert_int_equal(fw_request(world->session, NULL, 1, &err), -1);
    assert_int_equal(fw_request(world->session, &rows[0].request, 1001, &err), -1);
    assert_null(fake_find("request"));
}

static void every_request_is_repeated_until_answered(void **state)
{
    struct world *world = *state;

    fw_kill(world->session, two_ids, 1, -1, on_kill, world, NULL);
    for (int i = 0; i < 3; i++) {
        fake_fail("kill", ERR_connection_lost);
        fake_wait_for(world->base, "kill");
    }
    assert_int_equal(world->answers, 0);
    fake_fail("kill", ERR_not_permitted);
    assert_int_equal(world->answers, 1);
    assert_string_equal(world->text, "not_permitted");
}

static void refused_requests_without_callback_are_warnings(void **state)
{
    struct world *world = *state;

    fw_suppress(world->session, NULL);
    fake_fail("suppress", ERR_not_permitted);
    assert_int_equal(world->warnings, 1);
    assert_string_equal(world->text, "not_permitted");
    fw_filters_clear(world->session, NULL, 0, NULL);
    assert_null(fake_param("filters_clear", 3));
    fake_answer_count("filters_clear", "count", "2");
    assert_int_equal(world->warnings, 1);
}

static void declining_nothing_sends_nothing(void **state)
{
    struct world *world = *state;

    assert_int_equal(fw_decline(world->session, NULL, 0, 0, NULL), 0);
    assert_null(fake_find("decline"));
}

static void bad_requests_are_refused_before_anything_is_sent(void **state)
{
    static const char *const bad_id[] = {"7"}, *const no_id[] = {NULL};
    struct world *world = *state;
    struct fw_error err;

    assert_int_equal(fw_kill(world->session, bad_id, 1, -1, NULL, NULL, &err), -1);
    assert_non_null(strstr(err.text, "\"task_ids\", value \"7\""));
    assert_int_equal(fw_kill(world->session, no_id, 1, -1, NULL, NULL, &err), -1);
    assert_int_equal(fw_kill(world->session, NULL, 1, -1, NULL, NULL, &err), -1);
    assert_int_equal(fw_kill(world->session, two_ids, 0, -1, NULL, NULL, &err), -1);
    assert_int_equal(fw_kill(world->session, two_ids, 2, -2, NULL, NULL, &err), -1);
    assert_non_null(strstr(err.text, "\"grace_s\""));
    assert_int_equal(fw_kill(world->session, two_ids, SIZE_MAX, -1, NULL, NULL, &err), -1);
    assert_int_equal(fw_decline(world->session, two_ids, 2, -1, &err), -1);
    assert_non_null(strstr(err.text, "\"refuse_ms\""));
    assert_int_equal(fw_decline(world->session, bad_id, 1, 0, &err), -1);
    assert_int_equal(fw_reconcile(world->session, bad_id, 1, NULL, NULL, &err), -1);
    assert_int_equal(fw_filters_clear(world->session, bad_id, 1, &err), -1);
    assert_non_null(strstr(err.text, "\"agent_ids\""));
    assert_int_equal(db_queue_length(fake), 0);
}

static void errors_keep_class_code_and_text(void **state)
{
    static const struct {
        enum err_code code;
        enum fw_error_class error_class;
        const char *name, *class_name;
    } cases[] = {
        {ERR_value_invalid, FW_ERROR_CALLER, "value_invalid", "caller"},
        {ERR_try_again, FW_ERROR_RETRY, "try_again", "retry"},
        {ERR_connection_lost, FW_ERROR_RETRY, "connection_lost", "retry"},
        {ERR_epoch_stale, FW_ERROR_FATAL, "epoch_stale", "fatal"},
    };
    struct fw_error error;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        err_set(&err, cases[i].code, "field \"x\", value \"%zu\"", i);
        assert_int_equal(fw_error_from(&error, &err), -1);
        assert_int_equal(error.error_class, cases[i].error_class);
        assert_string_equal(error.code, cases[i].name);
        assert_string_equal(error.text, err.text);
        assert_string_equal(fw_error_class_name(error.error_class), cases[i].class_name);
    }
    assert_int_equal(fw_error_from(NULL, &err), -1);
    assert_string_equal(fw_error_class_name(FW_ERROR_NONE), "none");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_kill_names_tasks_and_grace),
        TEST(a_kill_without_grace_leaves_it_to_the_task),
        TEST(reconciling_everything_passes_null),
        TEST(demand_is_stated_as_a_list),
        TEST(a_filter_has_a_name_a_wish_and_a_time),
        TEST(bad_filters_are_refused_before_they_are_sent),
        TEST(bad_demand_is_refused_before_it_is_sent),
        TEST(every_request_is_repeated_until_answered),
        TEST(refused_requests_without_callback_are_warnings),
        TEST(declining_nothing_sends_nothing),
        TEST(bad_requests_are_refused_before_anything_is_sent),
        TEST(errors_keep_class_code_and_text),
    };

    return cmocka_run_group_tests_name("framework requests", tests, NULL, NULL);
}
