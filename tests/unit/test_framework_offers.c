/* SPDX-License-Identifier: PostgreSQL */
/* Offers: what is reported, when, and what claims and declines do to the list. */
#include "framework_fake.h"

struct world {
    struct event_base *base;
    struct fw_session *session;
    int offer_calls, rescind_calls, claim_calls;
    char seen[512]; /* "+first letters" per offer, "-first letters:reason" per rescind */
    bool decline_all;
};

static void note(struct world *world, const char *sign, const char *id, const char *reason)
{
    size_t len = strlen(world->seen);

    snprintf(world->seen + len, sizeof(world->seen) - len, "%s%.1s%s%s ", sign, id,
             reason != NULL ? ":" : "", reason != NULL ? reason : "");
}

static void on_offers(struct fw_session *session, const struct fw_offer *offers, size_t count,
                      void *arg)
{
    struct world *world = arg;

    world->offer_calls++;
    for (size_t i = 0; i < count; i++) {
        if (world->decline_all)
            assert_int_equal(fw_decline(session, &offers[i].offer_id, 1, 0, NULL), 0);
        note(world, "+", offers[i].offer_id, NULL);
    }
}

static void on_rescinded(struct fw_session *session, const struct fw_rescind *rescinds,
                         size_t count, void *arg)
{
    struct world *world = arg;

    (void)session;
    world->rescind_calls++;
    for (size_t i = 0; i < count; i++)
        note(world, "-", rescinds[i].offer_id, rescinds[i].reason);
}

static int setup(void **state)
{
    static const struct fw_callbacks callbacks = {.offers = on_offers, .rescinded = on_rescinded};
    struct world *world = mem_alloc(sizeof(*world));
    const struct fw_config config = {.conninfo = "good", .name = "test"};

    world->base = event_base_new();
    world->session = fw_session_create(world->base, &config, &callbacks, world, NULL);
    assert_non_null(world->session);
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

/* Answer the next poll with these rows. */
static void poll_answers(const char *const *rows, int count)
{
    if (fake_find("offers") == NULL)
        fake_notify("offers");
    fake_answer("offers", FAKE_OFFER_COLUMNS, rows, count);
}

/* The outstanding ones, as first letters. */
static const char *listed(const struct world *world)
{
    static char text[64];
    const struct fw_offer *offers;
    size_t count = fw_offers(world->session, &offers);

    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        snprintf(text + i, sizeof(text) - i, "%.1s", offers[i].offer_id);
    return text;
}

#define ROW(seq, id, state, reason) seq "|" id "|" state "|" reason FAKE_OFFER_TAIL

static void two_offers(void)
{
    poll_answers((const char *const[]){ROW("7", FAKE_OFFER_B, "outstanding", "~"),
                                       ROW("8", FAKE_OFFER_A, "outstanding", "~")},
                 2);
}

static void an_offer_is_reported_once_with_all_its_fields(void **state)
{
    struct world *world = *state;
    const struct fw_offer *offers;

    two_offers();
    assert_string_equal(world->seen, "+b +a ");
    assert_int_equal(fw_offers(world->session, &offers), 2);
    assert_string_equal(offers[0].offer_id, FAKE_OFFER_A);
    assert_string_equal(offers[0].agent_id, FAKE_AGENT);
    assert_string_equal(offers[0].agent_name, "agent-1");
    assert_string_equal(offers[0].host, "localhost");
    assert_int_equal(offers[0].agent_version, 5);
    assert_int_equal(offers[0].cpus_milli, 1500);
    assert_int_equal(offers[0].mem, 256);
    assert_int_equal(offers[0].disk, 0);
    assert_int_equal(offers[0].port_range_count, 1);
    assert_int_equal(offers[0].ports[0].first, 31000);
    assert_int_equal(offers[0].ports[0].last, 31009);
    assert_string_equal(offers[0].attributes_json, "{\"rack\": \"r1\"}");
    assert_int_equal(offers[0].expires_in_ms, 30000);
    two_offers();
    assert_int_equal(world->offer_calls, 1);
}

static void the_cursor_moves_on_with_what_was_seen(void **state)
{
    (void)state;
    two_offers();
    fake_notify("offers");
    assert_string_equal(fake_param("offers", 3), "8");
}

static void an_offer_that_ends_is_reported_with_its_reason(void **state)
{
    struct world *world = *state;

    two_offers();
    poll_answers((const char *const[]){ROW("9", FAKE_OFFER_A, "rescinded", "agent_lost"),
                                       ROW("10", FAKE_OFFER_B, "expired", "~"),
                                       ROW("11", FAKE_OFFER_C, "expired", "~")},
                 3);
    assert_string_equal(world->seen, "+b +a -a:agent_lost -b:expired ");
    assert_string_equal(listed(world), "");
}

static void what_the_framework_answered_itself_is_not_reported(void **state)
{
    struct world *world = *state;

    two_offers();
    poll_answers((const char *const[]){ROW("9", FAKE_OFFER_A, "accepted", "~"),
                                       ROW("10", FAKE_OFFER_B, "declined", "~")},
                 2);
    assert_int_equal(world->rescind_calls, 0);
    assert_string_equal(listed(world), "");
}

static void after_a_reconnect_the_differences_are_reported(void **state)
{
    struct world *world = *state;

    two_offers();
    fake_down(ERR_connection_lost);
    fake_back();
    assert_string_equal(fake_param("offers", 3), "0");
    poll_answers((const char *const[]){ROW("8", FAKE_OFFER_A, "outstanding", "~"),
                                       ROW("12", FAKE_OFFER_C, "outstanding", "~")},
                 2);
    assert_string_equal(world->seen, "+b +a -b:resync +c ");
    assert_string_equal(listed(world), "ac");
}

static void a_reconnect_that_finds_nothing_ends_all_offers(void **state)
{
    struct world *world = *state;

    two_offers();
    fake_down(ERR_connection_lost);
    fake_back();
    poll_answers(NULL, 0);
    assert_string_equal(world->seen, "+b +a -a:resync -b:resync ");
    fake_notify("offers");
    assert_string_equal(fake_param("offers", 3), "0");
}

static void a_failed_poll_is_asked_again_in_full(void **state)
{
    (void)state;
    two_offers();
    fake_down(ERR_connection_lost);
    fake_back();
    fake_fail("offers", ERR_deadline_passed);
    fake_notify("offers");
    assert_string_equal(fake_param("offers", 3), "0");
}

static void hints_during_a_poll_lead_to_one_more(void **state)
{
    (void)state;
    fake_notify("offers");
    fake_notify("offers");
    fake_notify("offers");
    fake_answer("offers", FAKE_OFFER_COLUMNS, NULL, 0);
    assert_non_null(fake_find("offers"));
    fake_answer("offers", FAKE_OFFER_COLUMNS, NULL, 0);
    assert_null(fake_find("offers"));
}

static void an_offer_that_cannot_be_understood_is_left_out(void **state)
{
    struct world *world = *state;

    poll_answers((const char *const[]){"7|" FAKE_OFFER_A "|outstanding|~|" FAKE_AGENT
                                       "|agent-1|localhost|5|{\"ports\": [[1]]}|{}|~",
                                       ROW("8", FAKE_OFFER_B, "outstanding", "~")},
                 2);
    assert_string_equal(world->seen, "+b ");
}

static void a_declined_offer_is_gone_at_once_and_stays_gone(void **state)
{
    struct world *world = *state;
    const char *id = FAKE_OFFER_A;

    two_offers();
    assert_int_equal(fw_decline(world->session, &id, 1, 1500, NULL), 0);
    assert_string_equal(fake_param("decline", 3), "{\"" FAKE_OFFER_A "\"}");
    assert_string_equal(fake_param("decline", 4), "1.500");
    assert_string_equal(listed(world), "b");
    fake_down(ERR_connection_lost);
    fake_back();
    two_offers(); /* read before the decline is executed */
    assert_string_equal(listed(world), "b");
    fake_answer_count("decline", "count", "1");
    assert_string_equal(listed(world), "b");
    assert_string_equal(world->seen, "+b +a ");
    assert_int_equal(world->rescind_calls, 0);
}

static void offers_may_be_declined_while_they_are_handed_out(void **state)
{
    struct world *world = *state;

    world->decline_all = true;
    two_offers();
    assert_string_equal(world->seen, "+b +a ");
    assert_string_equal(listed(world), "");
    fake_answer_count("decline", "count", "1");
    fake_answer_count("decline", "count", "1");
}

static void on_claim(struct fw_session *session, const struct fw_claim_result *results,
                     size_t count, const struct fw_error *err, void *arg)
{
    struct world *world = arg;

    (void)session;
    (void)results;
    (void)count;
    (void)err;
    world->claim_calls++;
}

static void claim_on_a(struct world *world, bool dry_run)
{
    const struct fw_task task = {.name = "t", .offer_id = FAKE_OFFER_A, .shell = "true"};
    const struct fw_claim claim = {.tasks = &task, .task_count = 1, .dry_run = dry_run};

    assert_int_equal(fw_claim(world->session, &claim, on_claim, world, NULL), 0);
}

static void a_committed_claim_uses_the_offer_up(void **state)
{
    struct world *world = *state;

    two_offers();
    claim_on_a(world, false);
    assert_string_equal(listed(world), "b");
    fake_answer("claim", FAKE_CLAIM_COLUMNS,
                (const char *const[]){"1|t|" FAKE_TASK "|" FAKE_AGENT "|t|~|~|~|~|~|f"}, 1);
    assert_string_equal(listed(world), "b");
    poll_answers((const char *const[]){ROW("9", FAKE_OFFER_A, "accepted", "~")}, 1);
    assert_int_equal(world->rescind_calls, 0);
}

static void an_offer_comes_back_when_its_claim_is_refused_for_lack_of_room(void **state)
{
    struct world *world = *state;

    two_offers();
    claim_on_a(world, false);
    fake_answer("claim", FAKE_CLAIM_COLUMNS,
                (const char *const[]){"1|t|~|" FAKE_AGENT
                                      "|f|insufficient_resource|cpus|2|1.5|too little|f"},
                1);
    assert_string_equal(listed(world), "ab");
}

static void an_offer_that_the_claim_found_closed_does_not_come_back(void **state)
{
    struct world *world = *state;

    two_offers();
    claim_on_a(world, false);
    fake_answer("claim", FAKE_CLAIM_COLUMNS,
                (const char *const[]){"1|t|~|~|f|offer_expired|~|~|~|too late|f"}, 1);
    assert_string_equal(listed(world), "b");
}

static void the_end_of_an_offer_in_a_claim_is_told_by_the_claim_only(void **state)
{
    struct world *world = *state;

    two_offers();
    claim_on_a(world, false);
    poll_answers((const char *const[]){ROW("9", FAKE_OFFER_A, "rescinded", "agent_lost")}, 1);
    assert_int_equal(world->rescind_calls, 0);
    fake_answer("claim", FAKE_CLAIM_COLUMNS,
                (const char *const[]){"1|t|~|~|f|agent_closed|~|~|~|closed|f"}, 1);
    assert_string_equal(listed(world), "b");
    assert_int_equal(world->claim_calls, 1);
}

static void a_failed_claim_gives_its_offers_back(void **state)
{
    struct world *world = *state;

    two_offers();
    claim_on_a(world, false);
    fake_fail("claim", ERR_not_permitted);
    assert_string_equal(listed(world), "ab");
}

static void two_claims_on_one_offer_release_it_with_the_second_answer(void **state)
{
    struct world *world = *state;

    two_offers();
    claim_on_a(world, false);
    claim_on_a(world, false);
    fake_answer("claim", FAKE_CLAIM_COLUMNS,
                (const char *const[]){"1|t|~|~|f|name_in_use|~|~|~|taken|f"}, 1);
    assert_string_equal(listed(world), "b");
    fake_answer("claim", FAKE_CLAIM_COLUMNS,
                (const char *const[]){"1|t|~|~|f|name_in_use|~|~|~|taken|f"}, 1);
    assert_string_equal(listed(world), "ab");
}

static void a_dry_run_leaves_the_offers_alone(void **state)
{
    struct world *world = *state;

    two_offers();
    claim_on_a(world, true);
    assert_string_equal(fake_param("claim", 8), "true");
    assert_string_equal(listed(world), "ab");
    fake_answer("claim", FAKE_CLAIM_COLUMNS,
                (const char *const[]){"1|t|~|" FAKE_AGENT "|t|~|~|~|~|~|f"}, 1);
    assert_string_equal(listed(world), "ab");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_offer_is_reported_once_with_all_its_fields),
        TEST(the_cursor_moves_on_with_what_was_seen),
        TEST(an_offer_that_ends_is_reported_with_its_reason),
        TEST(what_the_framework_answered_itself_is_not_reported),
        TEST(after_a_reconnect_the_differences_are_reported),
        TEST(a_reconnect_that_finds_nothing_ends_all_offers),
        TEST(a_failed_poll_is_asked_again_in_full),
        TEST(hints_during_a_poll_lead_to_one_more),
        TEST(an_offer_that_cannot_be_understood_is_left_out),
        TEST(a_declined_offer_is_gone_at_once_and_stays_gone),
        TEST(offers_may_be_declined_while_they_are_handed_out),
        TEST(a_committed_claim_uses_the_offer_up),
        TEST(an_offer_comes_back_when_its_claim_is_refused_for_lack_of_room),
        TEST(an_offer_that_the_claim_found_closed_does_not_come_back),
        TEST(the_end_of_an_offer_in_a_claim_is_told_by_the_claim_only),
        TEST(a_failed_claim_gives_its_offers_back),
        TEST(two_claims_on_one_offer_release_it_with_the_second_answer),
        TEST(a_dry_run_leaves_the_offers_alone),
    };

    return cmocka_run_group_tests_name("framework offers", tests, NULL, NULL);
}
