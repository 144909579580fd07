/* SPDX-License-Identifier: PostgreSQL */
/* coordinator/http_api over real sockets: which documents there are, what their headers tell, and
 * what a viewer gets when there is none, when it leaves, and when the coordinator does. */
#include "tests/unit/coordinator_fake_http.h"

#define CELL                                                                                       \
    "{\"now\":\"t1\",\"agents\":[1],\"frameworks\":[2],\"tasks\":[3],\"offers\":[4],\"roles\":[5]" \
    "}"

/* Send the request and wait until the database is asked. */
static void ask_for(const char *path, const char *more, const char *stmt)
{
    client_open(&http_client);
    client_get(&http_client, path, more);
    client_wait_call(&http_client, stmt);
}

static const char *get_answered(const char *path, const char *stmt, const char *document)
{
    ask_for(path, "", stmt);
    fake_answer_one(stmt, "document", document);
    return client_wait(&http_client);
}

/* ---- documents ---- */

static void every_document_has_its_name(void **state)
{
    static const struct {
        const char *path, *body;
    } documents[] = {
        {"/api/v1/cell", CELL},
        {"/api/v1/agents", "{\"now\":\"t1\",\"agents\":[1]}"},
        {"/api/v1/frameworks", "{\"now\":\"t1\",\"frameworks\":[2]}"},
        {"/api/v1/tasks", "{\"now\":\"t1\",\"tasks\":[3]}"},
        {"/api/v1/offers", "{\"now\":\"t1\",\"offers\":[4]}"},
        {"/api/v1/roles", "{\"now\":\"t1\",\"roles\":[5]}"},
    };

    (void)state;
    fake_up("views");
    clock_mono_set(50000);
    assert_string_equal(body_of(get_answered("/api/v1/cell", "cell_snapshot", CELL)), CELL);
    for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
        assert_string_equal(body_of(get(documents[i].path)), documents[i].body);
    assert_string_equal(body_of(get_answered("/api/v1/events", "events_latest", "{\"events\":[]}")),
                        "{\"events\":[]}");
}

static void headers_tell_age_and_who_answers(void **state)
{
    const char *answer;

    (void)state;
    become_leader();
    fake_up("views");
    clock_mono_set(clock_mono_ms());
    ask_for("/api/v1/cell", "", "cell_snapshot");
    clock_mono_set(clock_mono_ms() + 70);
    fake_answer_one("cell_snapshot", "document", CELL);
    answer = client_wait(&http_client);
    assert_int_equal(status_of(answer), 200);
    assert_says(answer, "Content-Type: application/json\r\n");
    assert_says(answer, "Howdah-Age-Ms: 70\r\n");
    assert_says(answer, "Howdah-Stale: false\r\n");
    assert_says(answer, "Howdah-Coordinator: c1\r\n");
    assert_says(answer, "Howdah-Leading: true\r\n");
    assert_says(answer, "ETag: W/\"");
    assert_says(answer, "X-Frame-Options: DENY\r\n");
}

static void an_unchanged_document_costs_a_304(void **state)
{
    char tag[64] = "", more[128];
    const char *answer;

    (void)state;
    fake_up("views");
    clock_mono_set(50000);
    answer = get_answered("/api/v1/cell", "cell_snapshot", CELL);
    assert_int_equal(sscanf(strstr(answer, "ETag: "), "ETag: %63[^\r]", tag), 1);
    snprintf(more, sizeof(more), "If-None-Match: %s\r\n", tag);
    answer = get_with("/api/v1/cell", more);
    assert_int_equal(status_of(answer), 304);
    assert_string_equal(body_of(answer), "");
    assert_says(answer, tag);
    assert_int_equal(status_of(get_with("/api/v1/cell", "If-None-Match: \"other\"\r\n")), 200);
    assert_int_equal((int)root.metrics->http_requests[METRICS_CODE_304], 1);
}

static void while_the_database_is_away_the_last_read_is_marked_stale(void **state)
{
    const char *answer;

    (void)state;
    fake_up("views");
    clock_mono_set(50000);
    (void)get_answered("/api/v1/cell", "cell_snapshot", CELL);
    fake_down("views");
    clock_mono_set(80000);
    answer = get("/api/v1/cell");
    assert_int_equal(status_of(answer), 200);
    assert_says(answer, "Howdah-Stale: true\r\n");
    assert_says(answer, "Howdah-Age-Ms: 30000\r\n");
    assert_says(answer, "Howdah-Leading: false\r\n");
}

/* ---- errors ---- */

static void a_name_that_is_none_is_404_and_the_names_are_told(void **state)
{
    static const char *const paths[] = {"/api/",         "/api/v1",       "/api/v1/",
                                        "/api/v1/cells", "/api/v2/cell",  "/api/v1/cell/",
                                        "/api/v1/CELL",  "/api/v1//cell", "/api/v1/metrics"};

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        const char *answer = get(paths[i]);

        if (status_of(answer) != 404)
            fail_msg("%s: %s", paths[i], answer);
        assert_says(body_of(answer), "{\"error\":{\"code\":\"path_unknown\"");
        assert_says(body_of(answer), "cell, agents, frameworks, tasks, offers, roles and events");
        assert_says(body_of(answer), paths[i]);
    }
    assert_int_equal(fake_call_count, 0);
}

static void an_error_is_json_whatever_the_path_holds(void **state)
{
    (void)state;
    assert_string_equal(body_of(get("/api/v1/%ff")),
                        "{\"error\":{\"code\":\"path_unknown\",\"message\":\"path_unknown\"}}");
    assert_says(body_of(get("/api/v1/%22")), "there is no \\\"/api/v1/\\\"\\\"");
    assert_int_equal(status_of(get("/api/v1/cell%00x")), 400);
    assert_says(http_client.got, "\"path_invalid\"");
}

static void without_any_read_the_database_is_blamed(void **state)
{
    const char *answer = get("/api/v1/tasks");

    (void)state;
    assert_int_equal(status_of(answer), 503);
    assert_says(answer, "Retry-After: 1\r\n");
    assert_says(body_of(answer), "{\"error\":{\"code\":\"not_connected\",\"message\":\"the "
                                 "database cannot be read: no connection to the database\"}}");
}

static void a_read_that_failed_says_how(void **state)
{
    const char *answer;

    (void)state;
    fake_up("views");
    ask_for("/api/v1/tasks", "", "cell_snapshot");
    fake_fail("cell_snapshot", ERR_deadline_passed);
    answer = client_wait(&http_client);
    assert_int_equal(status_of(answer), 503);
    assert_says(body_of(answer), "{\"error\":{\"code\":\"deadline_passed\"");
}

/* ---- who leaves ---- */

static void a_viewer_that_left_costs_nothing(void **state)
{
    (void)state;
    fake_up("views");
    ask_for("/api/v1/cell", "", "cell_snapshot");
    client_close(&http_client);
    fake_answer_one("cell_snapshot", "document", CELL);
    for (int i = 0; i < HTTP_TURNS && http_connections(&root) > 0; i++) {
        event_base_loop(root.base, EVLOOP_NONBLOCK);
        usleep(500);
    }
    assert_int_equal(http_connections(&root), 0);
    assert_string_equal(body_of(get("/api/v1/roles")), "{\"now\":\"t1\",\"roles\":[5]}");
}

static void a_viewer_that_waits_may_outlive_the_other_parts(void **state)
{
    (void)state;
    fake_up("views");
    clock_mono_set(50000);
    become_leader();
    (void)get_answered("/api/v1/cell", "cell_snapshot", CELL);
    clock_mono_set(60000);
    ask_for("/api/v1/cell", "", "cell_snapshot");
    leader_destroy(&root);
    turn_destroy(&root);
    snapshot_destroy(&root);
    assert_says(client_wait(&http_client), "Howdah-Leading: false\r\n");
    assert_string_equal(body_of(http_client.got), CELL);
}

#define API_TEST(name) cmocka_unit_test_setup_teardown(name, http_start, http_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        API_TEST(every_document_has_its_name),
        API_TEST(headers_tell_age_and_who_answers),
        API_TEST(an_unchanged_document_costs_a_304),
        API_TEST(while_the_database_is_away_the_last_read_is_marked_stale),
        API_TEST(a_name_that_is_none_is_404_and_the_names_are_told),
        API_TEST(an_error_is_json_whatever_the_path_holds),
        API_TEST(without_any_read_the_database_is_blamed),
        API_TEST(a_read_that_failed_says_how),
        API_TEST(a_viewer_that_left_costs_nothing),
        API_TEST(a_viewer_that_waits_may_outlive_the_other_parts),
    };

    log_init("test", LOG_LEVEL_ERROR + 1);
    return cmocka_run_group_tests_name("coordinator/http_api", tests, NULL, NULL);
}
