/* SPDX-License-Identifier: PostgreSQL */
/* coordinator/http_status over real sockets: whom /healthz calls healthy, and what /metrics prints
 * with and without a database. */
#include "tests/unit/coordinator_fake_http.h"

/* ---- /healthz ---- */

static void before_the_first_answer_nothing_is_healthy(void **state)
{
    const char *answer = get("/healthz");

    (void)state;
    assert_int_equal(status_of(answer), 503);
    assert_string_equal(body_of(answer),
                        "unhealthy\nthe database has not answered since the start\n");
    assert_says(answer, "Content-Type: text/plain; charset=utf-8\r\n");
    assert_says(answer, "Cache-Control: no-store\r\n");
}

static void a_leader_is_healthy_and_says_its_epoch(void **state)
{
    const char *answer;

    (void)state;
    become_leader();
    answer = get("/healthz");
    assert_int_equal(status_of(answer), 200);
    assert_string_equal(body_of(answer), "ok\nleader, epoch 5\n");
}

static void a_standby_is_healthy_and_says_who_leads(void **state)
{
    const char *answer;

    (void)state;
    lease_up(SCHEMA_VERSION);
    lease_answer_of("f", "4", "c2", "60000");
    answer = get("/healthz");
    assert_int_equal(status_of(answer), 200);
    assert_string_equal(body_of(answer), "ok\nstandby, leader is c2\n");
}

static void a_standby_without_a_leader_says_so(void **state)
{
    (void)state;
    lease_up(SCHEMA_VERSION);
    lease_answer_of("f", "4", NULL, "60000");
    assert_string_equal(body_of(get("/healthz")), "ok\nstandby, leader is nobody yet\n");
}

static void three_seconds_without_an_answer_are_the_limit(void **state)
{
    const char *answer;

    (void)state;
    clock_mono_set(50000);
    lease_up(SCHEMA_VERSION);
    lease_answer("f", "4");
    clock_mono_set(53000);
    assert_int_equal(status_of(get("/healthz")), 200);
    clock_mono_set(53001);
    answer = get("/healthz");
    assert_int_equal(status_of(answer), 503);
    assert_string_equal(body_of(answer), "unhealthy\nthe database has not answered for 3.0 s\n");
}

static void a_schema_of_another_version_is_unhealthy_whatever_was_answered(void **state)
{
    const char *answer;

    (void)state;
    become_leader();
    fake_down("lease");
    lease_up("1000000");
    answer = get("/healthz");
    assert_int_equal(status_of(answer), 503);
    assert_says(body_of(answer), "unhealthy\nthe database's schema is version 1000000");
}

static void a_head_gets_the_headers_only(void **state)
{
    const char *answer;

    (void)state;
    become_leader();
    client_open(&http_client);
    client_send(&http_client,
                "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    answer = client_wait(&http_client);
    assert_int_equal(status_of(answer), 200);
    assert_says(answer, "Content-Length: 19\r\n");
    assert_string_equal(body_of(answer), "");
}

/* ---- /metrics ---- */

static void without_a_database_the_own_figures_are_printed(void **state)
{
    const char *answer = get("/metrics");

    (void)state;
    assert_int_equal(status_of(answer), 200);
    assert_says(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
    assert_says(answer, "\nhowdah_scrape_success 0\n");
    assert_says(answer, "\nhowdah_coordinator_leading 0\n");
    assert_says(answer, "\nhowdah_database_answer_age_seconds -1\n");
    assert_says(answer, "\nhowdah_http_connections 1\n");
    assert_null(strstr(answer, "howdah_claims_total"));
}

static void claims_answer(void)
{
    static const char *const columns[] = {"name", "type", "help", "labels", "value"};
    static const char *const values[] = {"claims_total", "counter", "Claims.", "{}", "3"};

    fake_answer("metrics", 5, columns, values);
}

static void a_leader_prints_its_lead_and_the_cells_figures(void **state)
{
    const char *answer;

    (void)state;
    clock_mono_set(50000);
    become_leader();
    fake_up("views");
    clock_mono_set(51500);
    client_open(&http_client);
    client_get(&http_client, "/metrics", "");
    client_wait_call(&http_client, "metrics");
    assert_int_equal(http_client.len, 0);
    claims_answer();
    answer = client_wait(&http_client);
    assert_says(answer, "\nhowdah_scrape_success 1\n");
    assert_says(answer, "\nhowdah_coordinator_leading 1\n");
    assert_says(answer, "\nhowdah_coordinator_epoch 5\n");
    assert_says(answer, "\nhowdah_database_answer_age_seconds 1.5\n");
    assert_says(answer, "\nhowdah_claims_total 3\n");
}

static void figures_of_another_moment_are_not_printed(void **state)
{
    const char *answer;

    (void)state;
    clock_mono_set(50000);
    fake_up("views");
    client_open(&http_client);
    client_get(&http_client, "/metrics", "");
    client_wait_call(&http_client, "metrics");
    claims_answer();
    assert_says(client_wait(&http_client), "\nhowdah_claims_total 3\n");
    clock_mono_set(60000);
    client_open(&http_client);
    client_get(&http_client, "/metrics", "");
    client_wait_call(&http_client, "metrics");
    fake_fail("metrics", ERR_deadline_passed);
    answer = client_wait(&http_client);
    assert_int_equal(status_of(answer), 200);
    assert_says(answer, "\nhowdah_scrape_success 0\n");
    assert_null(strstr(answer, "howdah_claims_total"));
}

#define STATUS_TEST(name) cmocka_unit_test_setup_teardown(name, http_start, http_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STATUS_TEST(before_the_first_answer_nothing_is_healthy),
        STATUS_TEST(a_leader_is_healthy_and_says_its_epoch),
        STATUS_TEST(a_standby_is_healthy_and_says_who_leads),
        STATUS_TEST(a_standby_without_a_leader_says_so),
        STATUS_TEST(three_seconds_without_an_answer_are_the_limit),
        STATUS_TEST(a_schema_of_another_version_is_unhealthy_whatever_was_answered),
        STATUS_TEST(a_head_gets_the_headers_only),
        STATUS_TEST(without_a_database_the_own_figures_are_printed),
        STATUS_TEST(a_leader_prints_its_lead_and_the_cells_figures),
        STATUS_TEST(figures_of_another_moment_are_not_printed),
    };

    log_init("test", LOG_LEVEL_ERROR + 1);
    return cmocka_run_group_tests_name("coordinator/http_status", tests, NULL, NULL);
}
