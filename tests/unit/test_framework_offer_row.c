/* SPDX-License-Identifier: PostgreSQL */
/* libframework/offer_row: what of a row becomes an offer, and which rows are none. */
#include "tests/unit/framework_fake.h"

#include "offer_row.h"

#define ROW_HEAD          FAKE_OFFER_A "|" FAKE_AGENT "|agent-1|host-1|5|"
#define ROW_OF(resources) ROW_HEAD resources "|{}|30000"

static const char columns[] =
    "offer_id|agent_id|agent_name|host|agent_version|resources|attributes|expires_in_ms";

static struct fw_offer offer;

static int row_read(const char *row)
{
    PGresult *result = fake_rows(columns, &row, 1);
    int rc = offer_row_read(&offer, result, 0);

    PQclear(result);
    return rc;
}

static int release(void **state)
{
    (void)state;
    offer_row_free(&offer);
    return 0;
}

static void every_column_has_its_place(void **state)
{
    (void)state;
    assert_int_equal(row_read(FAKE_OFFER_A
                              "|" FAKE_AGENT
                              "|agent-1|host-1|12|{\"cpus\": 1.5, \"mem\": 256, \"disk\": "
                              "1000, \"gpus\": 2, \"ports\": [[31000, 31001], [31005, "
                              "31005]]}|{\"rack\": \"r1\"}|2500"),
                     0);
    assert_string_equal(offer.offer_id, FAKE_OFFER_A);
    assert_string_equal(offer.agent_id, FAKE_AGENT);
    assert_string_equal(offer.agent_name, "agent-1");
    assert_string_equal(offer.host, "host-1");
    assert_int_equal(offer.agent_version, 12);
    assert_int_equal(offer.cpus_milli, 1500);
    assert_int_equal(offer.mem, 256);
    assert_int_equal(offer.disk, 1000);
    assert_int_equal(offer.gpus, 2);
    assert_int_equal(offer.port_range_count, 2);
    assert_int_equal(offer.ports[0].first, 31000);
    assert_int_equal(offer.ports[0].last, 31001);
    assert_int_equal(offer.ports[1].last, 31005);
    assert_string_equal(offer.attributes_json, "{\"rack\": \"r1\"}");
    assert_int_equal(offer.expires_in_ms, 2500);
}

static void what_is_null_is_empty(void **state)
{
    (void)state;
    assert_int_equal(row_read(FAKE_OFFER_A "|~|~|~|~|~|~|~"), 0);
    assert_string_equal(offer.agent_id, "");
    assert_string_equal(offer.agent_name, "");
    assert_string_equal(offer.host, "");
    assert_string_equal(offer.resources_json, "{}");
    assert_string_equal(offer.attributes_json, "{}");
    assert_int_equal(offer.agent_version, 0);
    assert_int_equal(offer.cpus_milli + offer.mem + offer.disk + offer.gpus, 0);
    assert_int_equal(offer.port_range_count, 0);
    assert_int_equal(offer.expires_in_ms, -1);
}

static void the_asked_for_row_is_read(void **state)
{
    const char *const rows[] = {ROW_OF("{\"mem\": 1}"), ROW_OF("{\"mem\": 2}")};
    PGresult *result = fake_rows(columns, rows, 2);

    (void)state;
    assert_int_equal(offer_row_read(&offer, result, 1), 0);
    PQclear(result);
    assert_int_equal(offer.mem, 2);
}

static void cpus_are_whole_thousandths(void **state)
{
    static const struct {
        const char *row;
        int64_t milli;
    } rows[] = {
        {ROW_OF("{\"cpus\": 0}"), 0},
        {ROW_OF("{\"cpus\": 0.001}"), 1},
        {ROW_OF("{\"cpus\": 0.029}"), 29},
        {ROW_OF("{\"cpus\": 1.005}"), 1005},
        {ROW_OF("{\"cpus\": 64}"), 64000},
        {ROW_OF("{\"cpus\": 1.1e1}"), 11000},
        {ROW_OF("{\"cpus\": 9999.999}"), 9999999},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(row_read(rows[i].row), 0);
        assert_int_equal(offer.cpus_milli, rows[i].milli);
        offer_row_free(&offer);
    }
}

static void resources_of_a_newer_kind_are_left_to_their_text(void **state)
{
    (void)state;
    assert_int_equal(row_read(ROW_OF("{\"mem\": 1, \"scalars\": {\"lic\": 2}, \"moon\": []}")), 0);
    assert_int_equal(offer.mem, 1);
    assert_non_null(strstr(offer.resources_json, "\"moon\""));
}

static void what_cannot_be_understood_is_no_offer_and_owns_nothing(void **state)
{
    static const char *const rows[] = {
        ROW_OF("{"),
        ROW_OF("[]"),
        ROW_OF("7"),
        ROW_OF("{\"cpus\": \"1.5\"}"),
        ROW_OF("{\"cpus\": -0.5}"),
        ROW_OF("{\"cpus\": 1e300}"),
        ROW_OF("{\"mem\": [1]}"),
        ROW_OF("{\"mem\": -1}"),
        ROW_OF("{\"disk\": true}"),
        ROW_OF("{\"gpus\": {}}"),
        ROW_OF("{\"ports\": {\"31000\": 1}}"),
        ROW_OF("{\"ports\": \"31000-31001\"}"),
        ROW_OF("{\"ports\": [31000]}"),
        ROW_OF("{\"ports\": [[31000]]}"),
        ROW_OF("{\"ports\": [[31000, 31001, 31002]]}"),
        ROW_OF("{\"ports\": [[31000, 31001], [\"a\", \"b\"]]}"),
        ROW_OF("{\"ports\": [[31000, 65536]]}"),
        ROW_OF("{\"ports\": [[-1, 31000]]}"),
        ROW_OF("{\"ports\": [[4294998296, 31000]]}"),
        ROW_OF("{\"ports\": [[31000.5, 31001]]}"),
    };
    static const struct fw_offer nothing;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (row_read(rows[i]) == 0)
            fail_msg("%s is an offer", rows[i]);
        assert_memory_equal(&offer, &nothing, sizeof(offer));
    }
}

#define ROW_TEST(name) cmocka_unit_test_teardown(name, release)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW_TEST(every_column_has_its_place),
        ROW_TEST(what_is_null_is_empty),
        ROW_TEST(the_asked_for_row_is_read),
        ROW_TEST(cpus_are_whole_thousandths),
        ROW_TEST(resources_of_a_newer_kind_are_left_to_their_text),
        ROW_TEST(what_cannot_be_understood_is_no_offer_and_owns_nothing),
    };

    return cmocka_run_group_tests_name("libframework/offer_row", tests, NULL, NULL);
}
