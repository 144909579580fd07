/* SPDX-License-Identifier: PostgreSQL */
/* When the agent talks: registration and its failures, the poll's bounds, news, backoff, fencing.
 * The transport here answers what the test has put down, on the loop, as transport.h wants it. */
#include "tests/unit/cmocka_all.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "agent/sync.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"

#define AGENT   "99999999-0000-4000-8000-000000000009"
#define KEY     "77777777-0000-4000-8000-000000000007"
#define CELL    "cccccccc-0000-4000-8000-00000000000c"
#define TOKEN   "eeeeeeee-0000-4000-8000-00000000000e"
#define OTHER   "dddddddd-0000-4000-8000-00000000000d"
#define WAIT_MS 20000

struct world {
    struct transport transport;
    struct event_base *base;
    struct event *reply;
    struct sync *sync;
    transport_registered_f registered_done;
    transport_synced_f synced_done;
    void *done_arg;
    bool registering;
    enum err_code register_fail[4]; /* of the first registrations; then they succeed */
    enum err_code sync_fail;
    bool stale;            /* answers say that a newer report was there */
    struct cell_mark mark; /* of the database that answers */
    struct cell_mark kept, shown;
    int marks, refusals;
    char key[UUID_TEXT_SIZE];
    int next_poll_ms;
    bool moving;   /* what the owner says of each answer */
    char ids[256]; /* agent ids that registrations came with, "-" for none */
    int registers, syncs, registered, answered, refused;
    int64_t synced_ms[64]; /* monotonic, of each sync */
    json_int_t seq;
    enum err_code refusal;
};

/* ---- transport ------------------------------------------------------------------------------ */

static void reply_cb(evutil_socket_t fd, short what, void *arg)
{
    struct world *world = arg;
    struct transport_session session = {.agent_id = AGENT, .epoch = 7, .cell = world->mark};
    enum err_code code = world->sync_fail;
    struct err err = {0};

    (void)fd;
    (void)what;
    if (world->registering)
        code = world->registers <= 4 ? world->register_fail[world->registers - 1] : ERR_none;
    if (code != ERR_none)
        (void)err_set(&err, code, "as the test wants");
    if (world->registering) {
        world->registering = false;
        world->registered_done(code != ERR_none ? NULL : &session, code != ERR_none ? &err : NULL,
                               world->done_arg);
        return;
    }
    CLEANUP_JSON json_t *answer =
        json_pack("{si sb so}", "next_poll_ms", world->next_poll_ms, "stale", world->stale, "cell",
                  cell_mark_json(&world->mark));
    world->synced_done(code != ERR_none ? NULL : answer, code != ERR_none ? &err : NULL,
                       world->done_arg);
}

static void register_op(struct transport *transport, const struct transport_identity *identity,
                        transport_registered_f done, void *arg)
{
    struct world *world = (struct world *)transport;
    size_t used = strlen(world->ids);

    snprintf(world->ids + used, sizeof(world->ids) - used, "%.2s ",
             identity->agent_id != NULL ? identity->agent_id : "-");
    snprintf(world->key, sizeof(world->key), "%s", identity->key);
    world->shown = *identity->cell;
    world->registers++;
    world->registering = true;
    world->registered_done = done;
    world->done_arg = arg;
    event_active(world->reply, EV_TIMEOUT, 0);
}

static void sync_op(struct transport *transport, const struct transport_session *session,
                    const json_t *report, transport_synced_f done, void *arg)
{
    struct world *world = (struct world *)transport;

    assert_int_equal(session->epoch, 7);
    if (world->syncs < 64)
        world->synced_ms[world->syncs] = clock_mono_ms();
    world->syncs++;
    struct err err = {0};
    assert_int_equal(cell_mark_read(&world->shown, json_object_get(report, "cell"), &err), 0);
    world->seq = json_integer_value(json_object_get(report, "seq"));
    world->synced_done = done;
    world->done_arg = arg;
    event_active(world->reply, EV_TIMEOUT, 0);
}

static void refuse_op(struct transport *transport, const struct err *why)
{
    assert_true(why->code == ERR_cell_stale || why->code == ERR_cell_mismatch);
    ((struct world *)transport)->refusals++;
}

static void destroy_op(struct transport *transport)
{
    (void)transport;
}

static const struct transport_ops ops = {register_op, sync_op, refuse_op, destroy_op};

/* ---- owner ---------------------------------------------------------------------------------- */

static void registered_cb(const struct transport_session *session, void *arg)
{
    assert_string_equal(session->agent_id, AGENT);
    ((struct world *)arg)->registered++;
}

static void marked_cb(const struct cell_mark *cell, void *arg)
{
    struct world *world = arg;

    world->kept = *cell;
    world->marks++;
}

static json_t *report_cb(void *arg)
{
    (void)arg;
    return json_object();
}

static bool answered_cb(const json_t *answer, void *arg)
{
    struct world *world = arg;

    assert_non_null(answer);
    world->answered++;
    return world->moving;
}

static void refused_cb(const struct err *err, void *arg)
{
    struct world *world = arg;

    world->refused++;
    world->refusal = err->code;
}

/* ---- world ---------------------------------------------------------------------------------- */

static void begin(struct world *world, const char *agent_id, int64_t poll_min, int64_t poll_max)
{
    world->sync = sync_create(world->base, &world->transport,
                              &(struct sync_config){.name = "a",
                                                    .host = "h",
                                                    .boot_id = "b",
                                                    .agent_id = agent_id,
                                                    .key = KEY,
                                                    .cell = world->kept,
                                                    .resources = NULL,
                                                    .attributes = NULL,
                                                    .poll_min_ms = poll_min,
                                                    .poll_max_ms = poll_max},
                              &(struct sync_owner){.registered = registered_cb,
                                                   .marked = marked_cb,
                                                   .report = report_cb,
                                                   .answered = answered_cb,
                                                   .refused = refused_cb,
                                                   .arg = world});
    sync_start(world->sync);
}

static void run_ms(struct world *world, int64_t ms)
{
    struct timeval time = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

    event_base_loopexit(world->base, &time);
    event_base_dispatch(world->base);
}

static void until_count(struct world *world, const int *count, int wanted)
{
    int64_t deadline = clock_mono_ms() + WAIT_MS;

    while (*count < wanted) {
        assert_true(clock_mono_ms() < deadline);
        run_ms(world, 2);
    }
}

static int setup(void **state)
{
    struct world *world = mem_alloc(sizeof(*world));

    world->transport.ops = &ops;
    world->base = event_base_new();
    world->reply = event_new(world->base, -1, 0, reply_cb, world);
    world->next_poll_ms = 20;
    world->mark = (struct cell_mark){
        .cell_id = CELL, .token = TOKEN, .epoch = 5, .generation = 1, .timeline = "00000002"};
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    sync_destroy(world->sync);
    event_free(world->reply);
    event_base_free(world->base);
    free(world);
    return 0;
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void test_registers_once_then_polls(void **state)
{
    struct world *world = *state;

    begin(world, "", 10, 1000);
    until_count(world, &world->answered, 5);
    assert_int_equal(world->registered, 1);
    assert_string_equal(world->ids, "- ");
    assert_int_equal(world->seq, world->syncs);
}

static void test_former_id_is_shown(void **state)
{
    struct world *world = *state;

    begin(world, AGENT, 10, 1000);
    until_count(world, &world->registered, 1);
    assert_string_equal(world->ids, "99 ");
}

static void test_failed_registration_is_tried_again(void **state)
{
    struct world *world = *state;

    world->register_fail[0] = ERR_connection_lost;
    world->register_fail[1] = ERR_schema_missing;
    world->register_fail[2] = ERR_agent_name_taken;
    begin(world, "", 10, 1000);
    until_count(world, &world->registered, 1);
    assert_int_equal(world->registers, 4);
    assert_int_equal(world->refused, 0);
}

static void test_unknown_id_is_dropped(void **state)
{
    struct world *world = *state;

    world->register_fail[0] = ERR_agent_unknown;
    begin(world, AGENT, 10, 1000);
    until_count(world, &world->registered, 1);
    assert_string_equal(world->ids, "99 - ");
}

static void test_wrong_declaration_is_final(void **state)
{
    struct world *world = *state;

    world->register_fail[0] = ERR_value_invalid;
    begin(world, "", 10, 1000);
    until_count(world, &world->refused, 1);
    run_ms(world, 300);
    assert_int_equal(world->registers, 1);
    assert_int_equal(world->refusal, ERR_value_invalid);
}

static void test_poll_keeps_its_bounds(void **state)
{
    static const struct {
        int next_poll_ms;
        int64_t poll_min, poll_max, least, most;
    } rows[] = {
        {0, 40, 1000, 29, 400},      /* the cell wants it at once, poll-min says 40 */
        {1000000, 10, 60, 44, 5000}, /* the cell wants it late, poll-max says 60 */
        {80, 10, 1000, 59, 5000},    /* what the cell wants, jittered */
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world *world = *state;
        world->next_poll_ms = rows[i].next_poll_ms;
        world->syncs = 0;
        begin(world, "", rows[i].poll_min, rows[i].poll_max);
        until_count(world, &world->syncs, 3);
        int64_t gap = world->synced_ms[2] - world->synced_ms[1];
        if (gap < rows[i].least || gap > rows[i].most)
            fail_msg("row %zu: %lld ms between two syncs", i, (long long)gap);
        sync_destroy(world->sync);
        world->sync = NULL;
    }
}

static void test_news_cut_the_wait_short(void **state)
{
    struct world *world = *state;

    world->next_poll_ms = 100000;
    begin(world, "", 30, 100000);
    until_count(world, &world->answered, 1);
    run_ms(world, 50);
    assert_int_equal(world->syncs, 1);
    int64_t before = clock_mono_ms();
    sync_soon(world->sync);
    until_count(world, &world->answered, 2);
    assert_true(clock_mono_ms() - before < 5000);
    sync_soon(world->sync);
    sync_soon(world->sync);
    until_count(world, &world->answered, 3);
    assert_true(world->synced_ms[2] - world->synced_ms[1] >= 29); /* never closer than poll-min */
}

static void test_while_things_move_polls_are_short(void **state)
{
    struct world *world = *state;

    world->next_poll_ms = 100000;
    world->moving = true;
    begin(world, "", 10, 100000);
    until_count(world, &world->answered, 4);
    world->moving = false;
    assert_true(world->synced_ms[3] - world->synced_ms[2] < 5000);
}

static void test_failed_sync_backs_off_and_goes_on(void **state)
{
    struct world *world = *state;

    begin(world, "", 10, 1000);
    until_count(world, &world->answered, 1);
    world->sync_fail = ERR_deadline_passed;
    int before = world->syncs;
    run_ms(world, 1000);
    sync_soon(world->sync);                   /* does not hurry a call that backs off */
    assert_true(world->syncs - before <= 11); /* 100 ms at least, each */
    int answered = world->answered;
    world->sync_fail = ERR_none;
    until_count(world, &world->answered, answered + 1);
    assert_int_equal(world->registers, 1);
}

static void test_unknown_agent_registers_anew(void **state)
{
    struct world *world = *state;

    begin(world, "", 10, 1000);
    until_count(world, &world->answered, 1);
    world->sync_fail = ERR_agent_unknown;
    until_count(world, &world->registered, 2);
    world->sync_fail = ERR_none;
    until_count(world, &world->answered, 2);
    assert_string_equal(world->ids, "- 99 ");
}

static void test_stale_epoch_is_final(void **state)
{
    struct world *world = *state;

    begin(world, "", 10, 1000);
    until_count(world, &world->answered, 1);
    world->sync_fail = ERR_epoch_stale;
    until_count(world, &world->refused, 1);
    int syncs = world->syncs;
    sync_soon(world->sync);
    run_ms(world, 300);
    assert_int_equal(world->syncs, syncs);
    assert_int_equal(world->refusal, ERR_epoch_stale);
}

static void test_overtaken_report_does_not_count_as_delivered(void **state)
{
    struct world *world = *state;

    world->stale = true;
    begin(world, "", 10, 1000);
    until_count(world, &world->syncs, 3);
    assert_int_equal(world->answered, 0);
    world->stale = false;
    until_count(world, &world->answered, 1);
}

static void test_what_is_seen_of_the_cell_is_kept_and_shown(void **state)
{
    struct world *world = *state;

    begin(world, "", 10, 1000);
    until_count(world, &world->answered, 2);
    assert_string_equal(world->key, KEY);
    assert_int_equal(world->marks, 1);
    assert_int_equal(world->kept.epoch, 5);
    assert_int_equal(world->shown.epoch, 5);
    world->mark.epoch = 6;
    int answered = world->answered;
    until_count(world, &world->answered, answered + 2);
    assert_int_equal(world->marks, 2);
    assert_int_equal(world->kept.epoch, 6);
    assert_int_equal(world->shown.epoch, 6);
}

/* The answer of a former primary reaches the agent although it was shown a later mark. */
static void answer_is_thrown_away(struct world *world, struct cell_mark left_behind)
{
    struct cell_mark right = world->mark;

    begin(world, "", 10, 1000);
    until_count(world, &world->answered, 1);
    world->mark = left_behind;
    until_count(world, &world->refusals, 1);
    int answered = world->answered;
    until_count(world, &world->refusals, 3);
    assert_int_equal(world->answered, answered);
    assert_int_equal(world->kept.epoch, right.epoch);
    assert_string_equal(world->kept.timeline, right.timeline);
    assert_int_equal(world->refused, 0);
    world->mark = right;
    until_count(world, &world->answered, answered + 1);
    assert_int_equal(world->registered, 1);
}

static void test_an_answer_of_an_older_epoch_is_thrown_away(void **state)
{
    struct world *world = *state;
    struct cell_mark older = world->mark;

    older.epoch = 4;
    snprintf(older.timeline, sizeof(older.timeline), "0000000F");
    answer_is_thrown_away(world, older);
}

static void test_an_answer_of_an_older_timeline_is_thrown_away(void **state)
{
    struct world *world = *state;
    struct cell_mark older = world->mark;

    snprintf(older.timeline, sizeof(older.timeline), "00000001");
    answer_is_thrown_away(world, older);
}

static void test_an_answer_of_another_history_is_thrown_away(void **state)
{
    struct world *world = *state;
    struct cell_mark other = world->mark;

    snprintf(other.token, sizeof(other.token), "%s", OTHER);
    answer_is_thrown_away(world, other);
}

static void test_an_answer_of_another_cell_is_thrown_away(void **state)
{
    struct world *world = *state;
    struct cell_mark other = world->mark;

    other.epoch = 9;
    snprintf(other.cell_id, sizeof(other.cell_id), "%s", OTHER);
    answer_is_thrown_away(world, other);
}

static void test_a_database_that_says_it_is_behind_is_left(void **state)
{
    struct world *world = *state;

    begin(world, "", 10, 1000);
    until_count(world, &world->answered, 1);
    world->sync_fail = ERR_cell_stale;
    until_count(world, &world->refusals, 2);
    world->sync_fail = ERR_none;
    until_count(world, &world->answered, 2);
    assert_int_equal(world->registered, 1);
    assert_int_equal(world->refused, 0);
}

static void test_an_agent_of_another_cell_does_not_start(void **state)
{
    struct world *world = *state;

    world->register_fail[0] = ERR_cell_mismatch;
    begin(world, AGENT, 10, 1000);
    until_count(world, &world->refused, 1);
    assert_int_equal(world->refusal, ERR_cell_mismatch);
}

static void test_a_database_of_another_cell_is_refused_by_who_knows_its_own(void **state)
{
    struct world *world = *state;

    world->kept = world->mark;
    snprintf(world->kept.cell_id, sizeof(world->kept.cell_id), "%s", OTHER);
    begin(world, AGENT, 10, 1000);
    until_count(world, &world->refused, 1);
    assert_int_equal(world->refusal, ERR_cell_mismatch);
    assert_int_equal(world->registered, 0);
}

static void test_after_a_restore_the_agent_registers_again(void **state)
{
    struct world *world = *state;

    begin(world, "", 10, 1000);
    until_count(world, &world->answered, 1);
    world->mark.epoch = 1000;
    world->mark.generation = 2;
    world->sync_fail = ERR_cell_recovered;
    until_count(world, &world->registered, 2);
    world->sync_fail = ERR_none;
    until_count(world, &world->answered, 2);
    assert_string_equal(world->ids, "- 99 ");
    assert_int_equal(world->kept.generation, 2);
}

#define SYNC_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SYNC_TEST(test_registers_once_then_polls),
        SYNC_TEST(test_former_id_is_shown),
        SYNC_TEST(test_failed_registration_is_tried_again),
        SYNC_TEST(test_unknown_id_is_dropped),
        SYNC_TEST(test_wrong_declaration_is_final),
        SYNC_TEST(test_poll_keeps_its_bounds),
        SYNC_TEST(test_news_cut_the_wait_short),
        SYNC_TEST(test_while_things_move_polls_are_short),
        SYNC_TEST(test_failed_sync_backs_off_and_goes_on),
        SYNC_TEST(test_unknown_agent_registers_anew),
        SYNC_TEST(test_stale_epoch_is_final),
        SYNC_TEST(test_overtaken_report_does_not_count_as_delivered),
        SYNC_TEST(test_what_is_seen_of_the_cell_is_kept_and_shown),
        SYNC_TEST(test_an_answer_of_an_older_epoch_is_thrown_away),
        SYNC_TEST(test_an_answer_of_an_older_timeline_is_thrown_away),
        SYNC_TEST(test_an_answer_of_another_history_is_thrown_away),
        SYNC_TEST(test_an_answer_of_another_cell_is_thrown_away),
        SYNC_TEST(test_a_database_that_says_it_is_behind_is_left),
        SYNC_TEST(test_an_agent_of_another_cell_does_not_start),
        SYNC_TEST(test_a_database_of_another_cell_is_refused_by_who_knows_its_own),
        SYNC_TEST(test_after_a_restore_the_agent_registers_again),
    };

    log_init("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
