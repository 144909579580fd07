/* SPDX-License-Identifier: PostgreSQL */
/* coordinator/http_conns in the server that uses it: connections are counted, newcomers wait when
 * all are in use, and who dawdles over a request is closed, but nobody who waits for an answer. */
#include "tests/unit/coordinator_fake_http.h"

#define SLOW_MS 20000

static struct client clients[3];

static int start_with_two(void **state)
{
    memset(clients, 0, sizeof(clients));
    for (size_t i = 0; i < 3; i++)
        clients[i].fd = -1;
    return http_start_with(state, 2);
}

static int stop(void **state)
{
    for (size_t i = 0; i < 3; i++)
        client_close(&clients[i]);
    return http_stop(state);
}

/* Turn the loop until that many connections are open. */
static void wait_connections(size_t count)
{
    for (int i = 0; i < HTTP_TURNS && http_connections(&root) != count; i++) {
        event_base_loop(root.base, EVLOOP_NONBLOCK);
        usleep(500);
    }
    assert_int_equal(http_connections(&root), count);
}

/* Connections are looked at when one closes: open and close one. */
static void sweep(size_t left)
{
    client_open(&clients[2]);
    wait_connections(left + 1);
    client_close(&clients[2]);
    for (int i = 0; i < HTTP_TURNS && http_connections(&root) > left; i++) {
        event_base_loop(root.base, EVLOOP_NONBLOCK);
        usleep(500);
    }
}

static void client_says(struct client *client, const char *text)
{
    client_send(client, text);
    for (int i = 0; i < 20; i++)
        client_turn(client);
}

static void each_connection_counts_until_it_is_closed(void **state)
{
    (void)state;
    assert_int_equal(http_connections(&root), 0);
    client_open(&clients[0]);
    wait_connections(1);
    client_open(&clients[1]);
    wait_connections(2);
    client_close(&clients[0]);
    wait_connections(1);
    client_close(&clients[1]);
    wait_connections(0);
}

static void a_newcomer_waits_until_a_connection_is_free(void **state)
{
    (void)state;
    client_open(&clients[0]);
    client_open(&clients[1]);
    wait_connections(2);
    assert_int_equal((int)root.metrics->http_full, 1);
    client_open(&clients[2]);
    client_get(&clients[2], "/healthz", "");
    for (int i = 0; i < 100; i++)
        client_turn(&clients[2]);
    assert_int_equal(clients[2].len, 0);
    assert_int_equal(http_connections(&root), 2);
    client_close(&clients[1]);
    assert_int_equal(status_of(client_wait(&clients[2])), 503);
    assert_int_equal((int)root.metrics->http_full, 2);
}

static void the_last_connection_may_be_used_like_any_other(void **state)
{
    (void)state;
    client_open(&clients[0]);
    client_open(&clients[1]);
    wait_connections(2);
    client_get(&clients[1], "/healthz", "");
    assert_int_equal(status_of(client_wait(&clients[1])), 503);
    wait_connections(1);
}

static void who_dawdles_over_a_request_is_closed(void **state)
{
    (void)state;
    clock_mono_set(50000);
    client_open(&clients[0]);
    wait_connections(1);
    client_says(&clients[0], "GET /healthz HT");
    clock_mono_set(50000 + SLOW_MS - 1);
    sweep(1);
    assert_int_equal((int)root.metrics->http_slow, 0);
    assert_false(clients[0].over);
    clock_mono_set(50000 + SLOW_MS);
    sweep(0);
    assert_int_equal((int)root.metrics->http_slow, 1);
    (void)client_wait(&clients[0]);
    wait_connections(0);
}

static void who_waits_for_the_database_is_not_slow(void **state)
{
    (void)state;
    clock_mono_set(50000);
    fake_up("views");
    client_open(&clients[0]);
    client_get(&clients[0], "/api/v1/cell", "");
    client_wait_call(&clients[0], "cell_snapshot");
    clock_mono_set(50000 + 2 * SLOW_MS);
    sweep(1);
    assert_int_equal((int)root.metrics->http_slow, 0);
    fake_answer_one("cell_snapshot", "document", "{}");
    assert_int_equal(status_of(client_wait(&clients[0])), 200);
}

static void time_counts_anew_from_each_answer(void **state)
{
    (void)state;
    clock_mono_set(50000);
    client_open(&clients[0]);
    wait_connections(1);
    clock_mono_set(50000 + SLOW_MS - 1);
    client_send(&clients[0], "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    for (int i = 0; i < HTTP_TURNS && clients[0].len == 0; i++)
        client_turn(&clients[0]);
    assert_int_equal(status_of(clients[0].got), 503);
    clock_mono_set(50000 + 2 * SLOW_MS - 2);
    sweep(1);
    assert_int_equal((int)root.metrics->http_slow, 0);
    clock_mono_set(50000 + 2 * SLOW_MS - 1);
    sweep(0);
    assert_int_equal((int)root.metrics->http_slow, 1);
    (void)client_wait(&clients[0]);
}

static void open_connections_end_with_the_server(void **state)
{
    (void)state;
    client_open(&clients[0]);
    client_open(&clients[1]);
    wait_connections(2);
    http_destroy(&root);
    (void)client_wait(&clients[0]);
    (void)client_wait(&clients[1]);
}

#define CONNS_TEST(name) cmocka_unit_test_setup_teardown(name, start_with_two, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONNS_TEST(each_connection_counts_until_it_is_closed),
        CONNS_TEST(a_newcomer_waits_until_a_connection_is_free),
        CONNS_TEST(the_last_connection_may_be_used_like_any_other),
        CONNS_TEST(who_dawdles_over_a_request_is_closed),
        CONNS_TEST(who_waits_for_the_database_is_not_slow),
        CONNS_TEST(time_counts_anew_from_each_answer),
        CONNS_TEST(open_connections_end_with_the_server),
    };

    log_init("test", LOG_LEVEL_ERROR + 1);
    return cmocka_run_group_tests_name("coordinator/http_conns", tests, NULL, NULL);
}
