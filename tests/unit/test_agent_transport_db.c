/* SPDX-License-Identifier: PostgreSQL */
/* The agent's calls on a database that exists only here. */
#include "framework_fake.h"

#include <jansson.h>

#include "agent/transport_db.h"

#define AGENT_ID FAKE_AGENT
#define CELL                                                                                       \
    "{\"cell_id\": \"5f0e4a52-0000-4000-8000-00000000c001\", \"epoch\": 4, \"generation\": 1, "    \
    "\"timeline\": \"00000001\", \"token\": \"5f0e4a52-0000-4000-8000-00000000c002\"}"

struct world {
    struct event_base *base;
    struct transport *transport;
    json_t *resources, *attributes, *report;
    int registered, synced;
    struct transport_session session;
    enum err_code code; /* of the latest answer */
    char text[768];
    json_int_t next_poll_ms;
};

static int setup(void **state)
{
    struct world *world = mem_alloc(sizeof(*world));
    struct err err;

    world->base = event_base_new();
    world->transport = transport_db_create(world->base, "good", "agent-1", &err);
    world->resources = json_pack("{si}", "cpus", 4);
    world->attributes = json_pack("{ss}", "rack", "r1");
    world->report = json_pack("{s[]}", "running");
    *state = world;
    return world->transport == NULL;
}

static int teardown(void **state)
{
    struct world *world = *state;

    if (world->transport != NULL)
        world->transport->ops->destroy(world->transport);
    json_decref(world->resources);
    json_decref(world->attributes);
    json_decref(world->report);
    event_base_free(world->base);
    free(world);
    return 0;
}

static void note(struct world *world, const struct err *err)
{
    world->code = err != NULL ? err->code : ERR_none;
    snprintf(world->text, sizeof(world->text), "%s", err != NULL ? err->text : "");
}

static void on_registered(const struct transport_session *session, const struct err *err, void *arg)
{
    struct world *world = arg;

    assert_true((session == NULL) == (err != NULL));
    world->registered++;
    if (session != NULL)
        world->session = *session;
    note(world, err);
}

static void on_synced(const json_t *answer, const struct err *err, void *arg)
{
    struct world *world = arg;

    assert_true((answer == NULL) == (err != NULL));
    world->synced++;
    world->next_poll_ms = json_integer_value(json_object_get(answer, "next_poll_ms"));
    note(world, err);
}

static void do_register(struct world *world, const char *agent_id)
{
    static const struct cell_mark nothing;
    const struct transport_identity identity = {.name = "agent-1",
                                                .host = "host",
                                                .boot_id = "boot",
                                                .agent_id = agent_id,
                                                .key = FAKE_TASK,
                                                .cell = &nothing,
                                                .resources = world->resources,
                                                .attributes = world->attributes};

    world->transport->ops->register_agent(world->transport, &identity, on_registered, world);
}

static void do_sync(struct world *world)
{
    const struct transport_session session = {.agent_id = AGENT_ID, .epoch = 9};

    world->transport->ops->sync(world->transport, &session, world->report, on_synced, world);
}

static void sync_answer(const char *text)
{
    fake_answer("agent_sync", "answer", &text, 1);
}

static void the_schema_is_asked_for_first(void **state)
{
    struct world *world = *state;

    do_register(world, NULL);
    assert_null(fake_find("agent_register"));
    fake_answer_count("schema_version", "version", FAKE_VERSION);
    assert_string_equal(fake_param("agent_register", 1), "agent-1");
    assert_string_equal(fake_param("agent_register", 2), "host");
    assert_string_equal(fake_param("agent_register", 3), "{\"cpus\":4}");
    assert_string_equal(fake_param("agent_register", 4), "{\"rack\":\"r1\"}");
    assert_string_equal(fake_param("agent_register", 5), "boot");
    assert_null(fake_param("agent_register", 6));
    assert_string_equal(fake_param("agent_register", 7), FAKE_TASK);
    assert_null(fake_param("agent_register", 8));
    assert_int_equal(world->registered, 0);
}

static void a_registration_gives_id_epoch_and_mark(void **state)
{
    struct world *world = *state;

    do_register(world, AGENT_ID);
    fake_answer_count("schema_version", "version", FAKE_VERSION);
    assert_string_equal(fake_param("agent_register", 6), AGENT_ID);
    fake_answer("agent_register", "agent_id|epoch|cell", (const char *const[]){AGENT_ID "|5|" CELL},
                1);
    assert_int_equal(world->registered, 1);
    assert_int_equal(world->code, ERR_none);
    assert_string_equal(world->session.agent_id, AGENT_ID);
    assert_int_equal(world->session.epoch, 5);
    assert_int_equal(world->session.cell.epoch, 4);
}

static void a_schema_that_does_not_fit_is_said_and_nothing_registered(void **state)
{
    static const struct {
        const char *version;
        enum err_code code;
    } cases[] = {{"0", ERR_schema_older}, {"1", ERR_schema_older}, {"9999", ERR_schema_newer}};
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        do_register(world, NULL);
        fake_answer_count("schema_version", "version", cases[i].version);
        assert_int_equal(world->code, cases[i].code);
        assert_non_null(strstr(world->text, cases[i].version));
        assert_null(fake_find("agent_register"));
    }
    assert_int_equal(world->registered, 3);
}

static void refusals_come_as_they_are(void **state)
{
    struct world *world = *state;

    do_register(world, NULL);
    fake_fail("schema_version", ERR_privilege);
    assert_int_equal(world->code, ERR_privilege);
    do_register(world, NULL);
    fake_answer_count("schema_version", "version", FAKE_VERSION);
    fake_fail("agent_register", ERR_agent_name_taken);
    assert_int_equal(world->code, ERR_agent_name_taken);
    assert_int_equal(world->registered, 2);
}

static void a_registration_without_a_row_is_an_error(void **state)
{
    struct world *world = *state;

    do_register(world, NULL);
    fake_answer_count("schema_version", "version", FAKE_VERSION);
    fake_answer("agent_register", "agent_id|epoch|cell", NULL, 0);
    assert_int_equal(world->code, ERR_server_error);
    assert_non_null(strstr(world->text, "0 rows"));
}

static void a_sync_carries_the_report_and_brings_the_answer(void **state)
{
    struct world *world = *state;

    do_sync(world);
    assert_string_equal(fake_param("agent_sync", 1), AGENT_ID);
    assert_string_equal(fake_param("agent_sync", 2), "9");
    assert_string_equal(fake_param("agent_sync", 3), "{\"running\":[]}");
    sync_answer("{\"next_poll_ms\": 250}");
    assert_int_equal(world->synced, 1);
    assert_int_equal(world->next_poll_ms, 250);
}

static void an_answer_that_is_no_json_is_an_error(void **state)
{
    static const char *const texts[] = {"", "{", "nonsense", "~"};
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        do_sync(world);
        sync_answer(texts[i]);
        assert_int_equal(world->synced, (int)i + 1);
        assert_true(world->code != ERR_none);
        assert_non_null(strstr(world->text, "agent_sync's answer"));
    }
}

static void a_sync_that_failed_may_be_made_again(void **state)
{
    struct world *world = *state;

    do_sync(world);
    fake_fail("agent_sync", ERR_connection_lost);
    assert_int_equal(world->code, ERR_connection_lost);
    do_sync(world);
    sync_answer("{}");
    assert_int_equal(world->code, ERR_none);
    assert_int_equal(world->synced, 2);
}

static void the_connection_says_who_it_is(void **state)
{
    struct world *world = *state;

    assert_string_equal(fake->config.conninfo, "good");
    assert_int_equal(fake->config.want, DB_WANT_WRITABLE);
    fake_up();
    fake_down(ERR_connection_lost);
    fake_down(ERR_connection_failed); /* logged once, survived always */
    fake_up();
    assert_int_equal(world->registered, 0);
}

static void a_conninfo_that_is_none_is_refused(void **state)
{
    struct world *world = *state;
    struct err err;

    world->transport->ops->destroy(world->transport);
    world->transport = NULL;
    assert_null(transport_db_create(world->base, "bad", "agent-1", &err));
    assert_non_null(strstr(err.text, "conninfo"));
}

#define TRANSPORT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRANSPORT_TEST(the_schema_is_asked_for_first),
        TRANSPORT_TEST(a_registration_gives_id_epoch_and_mark),
        TRANSPORT_TEST(a_schema_that_does_not_fit_is_said_and_nothing_registered),
        TRANSPORT_TEST(refusals_come_as_they_are),
        TRANSPORT_TEST(a_registration_without_a_row_is_an_error),
        TRANSPORT_TEST(a_sync_carries_the_report_and_brings_the_answer),
        TRANSPORT_TEST(an_answer_that_is_no_json_is_an_error),
        TRANSPORT_TEST(a_sync_that_failed_may_be_made_again),
        TRANSPORT_TEST(the_connection_says_who_it_is),
        TRANSPORT_TEST(a_conninfo_that_is_none_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
