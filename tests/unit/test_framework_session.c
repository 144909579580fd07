/* SPDX-License-Identifier: PostgreSQL */
/* The session's life: registration, reconnects, fencing, destruction. */
#include "framework_fake.h"

#include "base/uuid.h"

#define FAKE_MARK_PRINTED                                                                          \
    "{\"cell_id\":\"" FAKE_CELL "\",\"epoch\":5,\"token\":\"" FAKE_TOKEN                           \
    "\",\"generation\":1,\"timeline\":\"00000002\"}"

struct world {
    struct event_base *base;
    struct fw_session *session;
    int registered, reconnected, disconnected, errors, warnings, claims;
    char code[64], id[40], key[40];
    char *shown; /* the cell's mark in the last registration */
    int restored;
    int64_t restored_epoch;
    int64_t epoch;
    bool destroy_on_error, destroy_on_registered;
};

static void on_registered(struct fw_session *session, const char *id, int64_t epoch, void *arg)
{
    struct world *world = arg;

    world->registered++;
    world->epoch = epoch;
    snprintf(world->id, sizeof(world->id), "%s", id);
    if (world->destroy_on_registered) {
        fw_session_destroy(session);
        world->session = NULL;
    }
}

static void on_disconnected(struct fw_session *session, const struct fw_error *err, void *arg)
{
    struct world *world = arg;

    (void)session;
    world->disconnected++;
    assert_int_equal(err->error_class, FW_ERROR_RETRY);
}

static void on_reconnected(struct fw_session *session, void *arg)
{
    (void)session;
    ((struct world *)arg)->reconnected++;
}

static void on_error(struct fw_session *session, const struct fw_error *err, void *arg)
{
    struct world *world = arg;

    world->errors++;
    snprintf(world->code, sizeof(world->code), "%s", err->code);
    assert_int_equal(err->error_class, FW_ERROR_FATAL);
    if (world->destroy_on_error) {
        fw_session_destroy(session);
        world->session = NULL;
    }
}

static void on_warning(struct fw_session *session, const struct fw_error *err, void *arg)
{
    (void)session;
    (void)err;
    ((struct world *)arg)->warnings++;
}

static void on_restored(struct fw_session *session, int64_t epoch, void *arg)
{
    struct world *world = arg;

    assert_int_equal(fw_session_epoch(session), epoch);
    world->restored++;
    world->restored_epoch = epoch;
}

static const struct fw_callbacks callbacks = {.registered = on_registered,
                                              .disconnected = on_disconnected,
                                              .reconnected = on_reconnected,
                                              .error = on_error,
                                              .warning = on_warning,
                                              .restored = on_restored};

static struct fw_session *create(struct world *world, struct fw_config config)
{
    struct fw_error err;

    if (config.conninfo == NULL)
        config.conninfo = "good";
    if (config.name == NULL)
        config.name = "test";
    world->session = fw_session_create(world->base, &config, &callbacks, world, &err);
    assert_non_null(world->session);
    return world->session;
}

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

    fw_session_destroy(world->session);
    fake_turn(world->base);
    assert_null(fake);
    event_base_free(world->base);
    free(world->shown);
    free(world);
    return 0;
}

static void register_params(struct world *world)
{
    const char *shown = fake_param("register", 6);

    snprintf(world->key, sizeof(world->key), "%s", fake_param("register", 5));
    free(world->shown);
    world->shown = mem_strdup(shown);
}

static void a_session_registers_by_itself_and_listens(void **state)
{
    struct world *world = *state;

    create(world, (struct fw_config){.role = "batch"});
    assert_null(fw_session_framework_id(world->session));
    fake_up();
    fake_answer_count("version", "version", FAKE_VERSION);
    register_params(world);
    assert_string_equal(fake_param("register", 1), "test");
    assert_string_equal(fake_param("register", 2), "batch");
    assert_string_equal(fake_param("register", 3), "604800");
    assert_null(fake_param("register", 4));
    fake_answer("register", FAKE_REGISTER_COLUMNS,
                (const char *const[]){FAKE_ID "|3|the_channel|5|" FAKE_MARK}, 1);
    assert_int_equal(world->registered, 1);
    assert_string_equal(world->id, FAKE_ID);
    assert_int_equal(world->epoch, 3);
    assert_string_equal(fake->listening, "the_channel");
    assert_true(fw_session_connected(world->session));
    assert_string_equal(fake_param("offers", 1), FAKE_ID);
    assert_string_equal(fake_param("offers", 2), "3");
    assert_string_equal(fake_param("offers", 3), "0");
    assert_string_equal(fake_param("updates", 3), "{}");
    assert_string_equal(fake_param("updates", 4), "1000");
    assert_true(uuid_valid(world->key));
    assert_null(world->shown);
}

static void a_framework_id_fails_over_to_it(void **state)
{
    struct world *world = *state;

    create(world, (struct fw_config){.framework_id = FAKE_ID, .failover_timeout_s = 60});
    fake_up();
    fake_answer_count("version", "version", FAKE_VERSION);
    assert_string_equal(fake_param("register", 3), "60");
    assert_string_equal(fake_param("register", 4), FAKE_ID);
    fake_answer("register", FAKE_REGISTER_COLUMNS,
                (const char *const[]){FAKE_ID "|4|the_channel|5|" FAKE_MARK}, 1);
    assert_int_equal(world->epoch, 4);
    assert_null(fake_find("suppress"));
}

static void a_suppressed_start_asks_for_no_offers(void **state)
{
    struct world *world = *state;

    create(world, (struct fw_config){.suppressed = true});
    fake_register();
    assert_non_null(fake_find("suppress"));
}

static void a_registration_that_may_be_repeated_is_repeated(void **state)
{
    struct world *world = *state;

    create(world, (struct fw_config){0});
    fake_up();
    fake_answer_count("version", "version", FAKE_VERSION);
    register_params(world);
    fake_fail("register", ERR_deadline_passed);
    assert_int_equal(world->errors, 0);
    fake_wait_for(world->base, "version");
    fake_answer_count("version", "version", FAKE_VERSION);
    assert_string_equal(fake_param("register", 5), world->key); /* the same one, not a second */
    fake_answer("register", FAKE_REGISTER_COLUMNS,
                (const char *const[]){FAKE_ID "|3|the_channel|5|" FAKE_MARK}, 1);
    assert_int_equal(world->registered, 1);
}

static void a_refused_registration_ends_the_session(void **state)
{
    struct world *world = *state;

    create(world, (struct fw_config){.role = "nobody knows"});
    fake_up();
    fake_answer_count("version", "version", FAKE_VERSION);
    fake_fail("register", ERR_role_unknown);
    assert_int_equal(world->errors, 1);
    assert_string_equal(world->code, "role_unknown");
    fake_turn(world->base);
    assert_null(fake);
}

static void a_wrong_schema_ends_the_session(void **state)
{
    static const struct {
        const char *version, *code;
    } cases[] = {{"0", "schema_older"}, {"1000000", "schema_newer"}};
    struct world *world = *state;

    for (size_t i = 0; i < 2; i++) {
        create(world, (struct fw_config){0});
        fake_up();
        fake_answer_count("version", "version", cases[i].version);
        assert_string_equal(world->code, cases[i].code);
        fw_session_destroy(world->session);
        world->session = NULL;
        fake_turn(world->base);
    }
}

static void a_database_without_schema_is_told_apart(void **state)
{
    struct world *world = *state;

    create(world, (struct fw_config){0});
    fake_up();
    fake_fail("version", ERR_server_error);
    assert_string_equal(world->code, "schema_missing");
}

static void a_refused_login_is_fatal_before_registration_only(void **state)
{
    struct world *world = *state;

    create(world, (struct fw_config){0});
    fake_register();
    fake_down(ERR_auth_failed);
    assert_int_equal(world->errors, 0);
    assert_int_equal(world->disconnected, 1);
    fw_session_destroy(world->session);

    create(world, (struct fw_config){0});
    fake_down(ERR_auth_failed);
    assert_int_equal(world->errors, 1);
    assert_string_equal(world->code, "auth_failed");
}

static void a_reconnect_keeps_the_registration_and_reads_everything(void **state)
{
    struct world *world = *state;

    create(world, (struct fw_config){0});
    fake_register();
    fake_down(ERR_connection_lost);
    assert_false(fw_session_connected(world->session));
    fake_down(ERR_connection_failed);
    assert_int_equal(world->disconnected, 2);
    fake_up();
    assert_int_equal(world->reconnected, 0);
    assert_false(fw_session_connected(world->session));
    assert_null(fake_find("offers"));
    assert_string_equal(fake_param("heartbeat", 3), FAKE_MARK_PRINTED);
    fake_answer_count("heartbeat", "cell", FAKE_MARK);
    assert_int_equal(world->reconnected, 1);
    assert_int_equal(world->registered, 1);
    assert_null(fake_find("register"));
    assert_string_equal(fake_param("offers", 3), "0");
    assert_non_null(fake_find("updates"));
}

static void a_notification_makes_it_look_at_what_it_names(void **state)
{
    struct world *world = *state;

    create(world, (struct fw_config){0});
    fake_register();
    fake_notify("offers");
    assert_non_null(fake_find("offers"));
    assert_null(fake_find("updates"));
    fake_answer("offers", FAKE_OFFER_COLUMNS, NULL, 0);
    fake_notify("updates");
    assert_null(fake_find("offers"));
    assert_non_null(fake_find("updates"));
}

static void without_notifications_it_looks_anyway(void **state)
{
    struct world *world = *state;

    create(world, (struct fw_config){.poll_ms = 50});
    fake_register();
    assert_null(fake_find("offers"));
    fake_wait_for(world->base, "offers");
    fake_wait_for(world->base, "updates");
}

static void on_claim(struct fw_session *session, const struct fw_claim_result *results,
                     size_t count, const struct fw_error *err, void *arg)
{
    struct world *world = arg;

    (void)session;
    assert_null(results);
    assert_int_equal(count, 0);
    assert_string_equal(err->code, "epoch_stale");
    world->claims++;
}

static void a_fenced_session_reports_it_once_and_calls_nothing_more(void **state)
{
    struct world *world = *state;
    const struct fw_task task = {.name = "t", .agent_id = FAKE_AGENT, .shell = "true"};
    const struct fw_claim claim = {.tasks = &task, .task_count = 1};
    struct fw_error err;

    create(world, (struct fw_config){.poll_ms = 50});
    fake_register();
    assert_int_equal(fw_claim(world->session, &claim, on_claim, world, &err), 0);
    fake_notify("offers");
    fake_fail("offers", ERR_epoch_stale);
    fake_fail("heartbeat", ERR_epoch_stale);
    assert_int_equal(world->errors, 1);
    assert_string_equal(world->code, "epoch_stale");
    assert_int_equal(fw_claim(world->session, &claim, on_claim, world, &err), -1);
    assert_string_equal(err.code, "epoch_stale");
    assert_int_equal(err.error_class, FW_ERROR_FATAL);
    fake_turn(world->base);
    assert_null(fake); /* the connection is closed */
    assert_int_equal(world->claims, 1);
    assert_int_equal(world->errors, 1);
}

/* ---- which database it is ---- */

static void a_heartbeat_keeps_and_shows_the_latest_mark(void **state)
{
    struct world *world = *state;

    create(world, (struct fw_config){0});
    fake_register();
    fake_down(ERR_connection_lost);
    fake_up();
    fake_answer_count("heartbeat", "cell", FAKE_MARK_OF(FAKE_CELL, 6, 1, "00000003"));
    fake_down(ERR_connection_lost);
    fake_up();
    assert_non_null(strstr(fake_param("heartbeat", 3), "\"epoch\":6"));
    assert_non_null(strstr(fake_param("heartbeat", 3), "00000003"));
}

static void a_database_that_is_behind_is_refused(void **state)
{
    static const char *const marks[] = {
        FAKE_MARK_OF(FAKE_CELL, 4, 1, "00000009"), FAKE_MARK_OF(FAKE_CELL, 5, 1, "00000001"),
        FAKE_MARK_OF("dddddddd-0000-4000-8000-00000000000d", 9, 1, "00000009")};
    static const enum err_code codes[] = {ERR_cell_stale, ERR_cell_stale, ERR_cell_mismatch};
    struct world *world = *state;

    create(world, (struct fw_config){0});
    fake_register();
    for (size_t i = 0; i < 3; i++) {
        fake_down(ERR_connection_lost);
        fake_up();
        fake_answer_count("heartbeat", "cell", marks[i]);
        assert_int_equal(fake->refused, codes[i]);
        assert_false(fw_session_connected(world->session));
        assert_null(fake_find("offers"));
    }
    assert_int_equal(world->reconnected, 0);
    assert_int_equal(world->errors, 0);
    fake_down(ERR_cell_stale);
    fake_back();
    assert_int_equal(world->reconnected, 1);
}

static void a_database_that_says_it_is_behind_is_refused(void **state)
{
    struct world *world = *state;

    create(world, (struct fw_config){0});
    fake_register();
    fake_down(ERR_connection_lost);
    fake_up();
    fake_fail("heartbeat", ERR_cell_stale);
    assert_int_equal(fake->refused, ERR_cell_stale);
    assert_int_equal(world->errors, 0);
    assert_false(fw_session_connected(world->session));
}

static void a_failed_look_at_the_database_is_repeated(void **state)
{
    struct world *world = *state;

    create(world, (struct fw_config){0});
    fake_register();
    fake_down(ERR_connection_lost);
    fake_up();
    fake_fail("heartbeat", ERR_lock_timeout);
    assert_null(fake_find("heartbeat"));
    fake_wait_for(world->base, "heartbeat");
    fake_answer_count("heartbeat", "cell", FAKE_MARK);
    assert_true(fw_session_connected(world->session));
}

static void on_late_claim(struct fw_session *session, const struct fw_claim_result *results,
                          size_t count, const struct fw_error *err, void *arg)
{
    (void)session;
    (void)results;
    assert_null(err);
    assert_int_equal(count, 0);
    ((struct world *)arg)->claims++;
}

static void after_a_restore_the_session_registers_again_and_goes_on(void **state)
{
    struct world *world = *state;
    const struct fw_task task = {.name = "t", .agent_id = FAKE_AGENT, .shell = "true"};
    const struct fw_claim claim = {.tasks = &task, .task_count = 1};

    create(world, (struct fw_config){.failover_timeout_s = 60});
    fake_register();
    assert_int_equal(fw_suppress(world->session, NULL), 0);
    fake_answer_count("suppress", "count", "0");
    assert_int_equal(fw_claim(world->session, &claim, on_late_claim, world, NULL), 0);
    fake_fail("claim", ERR_epoch_stale);
    fake_fail("heartbeat", ERR_cell_recovered);
    assert_int_equal(world->errors, 0);
    assert_false(fw_session_connected(world->session));
    fake_answer_count("version", "version", FAKE_VERSION);
    assert_string_equal(fake_param("register", 3), "60");
    assert_string_equal(fake_param("register", 4), FAKE_ID);
    assert_string_equal(fake_param("register", 6), FAKE_MARK_PRINTED);
    fake_answer("register", FAKE_REGISTER_COLUMNS,
                (const char *const[]){FAKE_ID "|1000|howdah_framework_1|5|" FAKE_MARK_OF(
                    FAKE_CELL, 900, 2, "00000001")},
                1);
    assert_int_equal(world->restored, 1);
    assert_int_equal(world->restored_epoch, 1000);
    assert_int_equal(world->registered, 1);
    assert_int_equal(world->reconnected, 0);
    assert_true(fw_session_connected(world->session));
    assert_string_equal(fake_param("offers", 3), "0");
    assert_non_null(fake_find("suppress"));
    fake_wait_for(world->base, "claim");
    assert_string_equal(fake_param("claim", 2), "1000");
    fake_answer("claim", FAKE_CLAIM_COLUMNS, NULL, 0);
    assert_int_equal(world->claims, 1);
}

static void a_framework_that_the_backup_does_not_know_has_ended(void **state)
{
    struct world *world = *state;

    create(world, (struct fw_config){0});
    fake_register();
    fake_down(ERR_connection_lost);
    fake_up();
    fake_fail("heartbeat", ERR_cell_recovered);
    fake_answer_count("version", "version", FAKE_VERSION);
    fake_fail("register", ERR_framework_unknown);
    assert_int_equal(world->errors, 1);
    assert_string_equal(world->code, "framework_unknown");
}

static void a_key_of_the_callers_is_used(void **state)
{
    struct world *world = *state;
    struct fw_error err;
    const struct fw_config bad = {.conninfo = "good", .name = "x", .register_key = "no uuid"};

    assert_null(fw_session_create(world->base, &bad, &callbacks, world, &err));
    assert_non_null(strstr(err.text, "register_key"));
    create(world, (struct fw_config){.register_key = FAKE_CELL});
    fake_up();
    fake_answer_count("version", "version", FAKE_VERSION);
    assert_string_equal(fake_param("register", 5), FAKE_CELL);
}

static void a_poll_that_fails_strangely_is_a_warning_and_asked_again(void **state)
{
    struct world *world = *state;

    create(world, (struct fw_config){.poll_ms = 50});
    fake_register();
    fake_notify("offers");
    fake_fail("offers", ERR_server_error);
    assert_int_equal(world->errors, 0);
    assert_int_equal(world->warnings, 1);
    fake_wait_for(world->base, "offers");
}

static void a_session_may_be_destroyed_in_its_own_callback(void **state)
{
    struct world *world = *state;

    world->destroy_on_error = true;
    create(world, (struct fw_config){0});
    fake_register();
    fake_notify("updates");
    fake_fail("updates", ERR_framework_completed);
    fake_turn(world->base);
    assert_null(fake);

    world->destroy_on_registered = true;
    create(world, (struct fw_config){0});
    fake_up();
    fake_answer_count("version", "version", FAKE_VERSION);
    fake_answer("register", FAKE_REGISTER_COLUMNS,
                (const char *const[]){FAKE_ID "|3|the_channel|5|" FAKE_MARK}, 1);
    fake_turn(world->base);
    assert_null(fake);
}

static void requests_before_registration_are_refused(void **state)
{
    struct world *world = *state;
    struct fw_error err;

    create(world, (struct fw_config){0});
    assert_int_equal(fw_suppress(world->session, &err), -1);
    assert_string_equal(err.code, "not_connected");
    assert_int_equal(err.error_class, FW_ERROR_RETRY);
}

static void bad_configuration_is_refused_by_name(void **state)
{
    static const struct {
        struct fw_config config;
        const char *field;
    } cases[] = {
        {{.name = "x"}, "\"conninfo\""},
        {{.conninfo = "good"}, "\"name\""},
        {{.conninfo = "good", .name = ""}, "\"name\""},
        {{.conninfo = "good", .name = "a\nb"}, "\"name\""},
        {{.conninfo = "good", .name = "\xff\xfe"}, "\"name\""},
        {{.conninfo = "good", .name = " x"}, "\"name\""},
        {{.conninfo = "good", .name = "x", .role = ""}, "\"role\""},
        {{.conninfo = "good", .name = "x", .framework_id = "7"}, "\"framework_id\""},
        {{.conninfo = "good", .name = "x", .failover_timeout_s = -1}, "\"failover_timeout_s\""},
        {{.conninfo = "good", .name = "x", .poll_ms = -1}, "\"poll_ms\""},
        {{.conninfo = "good", .name = "x", .poll_ms = 1}, "\"poll_ms\""},
        {{.conninfo = "bad", .name = "x"}, "conninfo"},
    };
    struct world *world = *state;
    struct fw_error err;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_null(fw_session_create(world->base, &cases[i].config, NULL, NULL, &err));
        assert_int_equal(err.error_class, FW_ERROR_CALLER);
        assert_non_null(strstr(err.text, cases[i].field));
    }
    assert_null(fw_session_create(world->base, NULL, NULL, NULL, &err));
    assert_null(fw_session_create(NULL, &cases[0].config, NULL, NULL, NULL));
}

static void on_torn_down(struct fw_session *session, int64_t count, const struct fw_error *err,
                         void *arg)
{
    (void)session;
    assert_null(err);
    *(int64_t *)arg = count;
}

static void a_teardown_ends_the_session_without_error(void **state)
{
    struct world *world = *state;
    int64_t killed = -1;

    create(world, (struct fw_config){0});
    fake_register();
    assert_int_equal(fw_teardown(world->session, on_torn_down, &killed, NULL), 0);
    fake_answer_count("teardown", "count", "4");
    assert_int_equal(killed, 4);
    assert_int_equal(world->errors, 0);
    assert_int_equal(fw_revive(world->session, NULL), -1);
    fake_turn(world->base);
    assert_null(fake);
}

static void a_teardown_whose_answer_was_lost_counts_as_done(void **state)
{
    struct world *world = *state;
    int64_t killed = -1;

    create(world, (struct fw_config){0});
    fake_register();
    fw_teardown(world->session, on_torn_down, &killed, NULL);
    fake_fail("teardown", ERR_deadline_passed);
    fake_wait_for(world->base, "teardown");
    fake_fail("teardown", ERR_framework_completed);
    assert_int_equal(killed, 0);
    assert_int_equal(world->errors, 0);
}

/* On the way back the heartbeat goes first, and hears what the teardown has done. */
static void a_teardown_that_a_heartbeat_tells_of_counts_as_done(void **state)
{
    struct world *world = *state;
    int64_t killed = -1;

    create(world, (struct fw_config){0});
    fake_register();
    fw_teardown(world->session, on_torn_down, &killed, NULL);
    fake_down(ERR_connection_lost);
    fake_up();
    fake_fail("heartbeat", ERR_framework_completed);
    fake_turn(world->base);
    assert_int_equal(killed, 0);
    assert_int_equal(world->errors, 0);
    assert_int_equal(fw_revive(world->session, NULL), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_session_registers_by_itself_and_listens),
        TEST(a_framework_id_fails_over_to_it),
        TEST(a_suppressed_start_asks_for_no_offers),
        TEST(a_registration_that_may_be_repeated_is_repeated),
        TEST(a_refused_registration_ends_the_session),
        TEST(a_wrong_schema_ends_the_session),
        TEST(a_database_without_schema_is_told_apart),
        TEST(a_refused_login_is_fatal_before_registration_only),
        TEST(a_reconnect_keeps_the_registration_and_reads_everything),
        TEST(a_notification_makes_it_look_at_what_it_names),
        TEST(without_notifications_it_looks_anyway),
        TEST(a_fenced_session_reports_it_once_and_calls_nothing_more),
        TEST(a_heartbeat_keeps_and_shows_the_latest_mark),
        TEST(a_database_that_is_behind_is_refused),
        TEST(a_database_that_says_it_is_behind_is_refused),
        TEST(a_failed_look_at_the_database_is_repeated),
        TEST(after_a_restore_the_session_registers_again_and_goes_on),
        TEST(a_framework_that_the_backup_does_not_know_has_ended),
        TEST(a_key_of_the_callers_is_used),
        TEST(a_poll_that_fails_strangely_is_a_warning_and_asked_again),
        TEST(a_session_may_be_destroyed_in_its_own_callback),
        TEST(requests_before_registration_are_refused),
        TEST(bad_configuration_is_refused_by_name),
        TEST(a_teardown_ends_the_session_without_error),
        TEST(a_teardown_whose_answer_was_lost_counts_as_done),
        TEST(a_teardown_that_a_heartbeat_tells_of_counts_as_done),
    };

    return cmocka_run_group_tests_name("framework session", tests, NULL, NULL);
}
