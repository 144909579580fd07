/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include "framework.h"

static const struct fw_port_range ranges[] = {{31000, 31004}, {32000, 32000}};
static const struct fw_offer offer = {
    .cpus_milli = 4000,
    .mem = 1024,
    .disk = 100,
    .gpus = 2,
    .ports = ranges,
    .port_range_count = 2,
};

static void the_scarcest_kind_decides(void **state)
{
    static const struct {
        struct fw_task task;
        int64_t room;
    } cases[] = {
        {{.cpus_milli = 1000}, 4},
        {{.cpus_milli = 1001}, 3},
        {{.cpus_milli = 4000}, 1},
        {{.cpus_milli = 4001}, 0},
        {{.cpus_milli = 1, .mem = 100}, 10},
        {{.cpus_milli = 1000, .mem = 1024}, 1},
        {{.mem = 1025}, 0},
        {{.disk = 33}, 3},
        {{.gpus = 1}, 2},
        {{.gpus = 3}, 0},
        {{.port_count = 1}, 6},
        {{.port_count = 4}, 1},
        {{.port_count = 7}, 0},
        {{.cpus_milli = FW_CPUS_MILLI_MAX, .mem = FW_RESOURCE_MAX}, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(fw_offer_room(&offer, &cases[i].task), cases[i].room);
}

static void a_task_that_needs_nothing_fits_as_often_as_a_claim_allows(void **state)
{
    static const struct fw_task nothing = {.name = "nothing"};
    static const struct fw_task tiny = {.cpus_milli = 1};
    static const struct fw_offer huge = {.cpus_milli = INT64_MAX};

    (void)state;
    assert_int_equal(fw_offer_room(&offer, &nothing), FW_CLAIM_TASKS_MAX);
    assert_int_equal(fw_offer_room(&huge, &tiny), FW_CLAIM_TASKS_MAX);
}

static void ports_by_number_are_there_once(void **state)
{
    const struct fw_task task = {.cpus_milli = 100, .ports = ranges, .port_range_count = 1};

    (void)state;
    assert_int_equal(fw_offer_room(&offer, &task), 1);
}

static void an_offer_of_less_than_nothing_has_no_room(void **state)
{
    static const struct fw_offer lent = {.cpus_milli = -500, .mem = 64};
    static const struct fw_task task = {.cpus_milli = 100, .mem = 32};

    (void)state;
    assert_int_equal(fw_offer_room(&lent, &task), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_scarcest_kind_decides),
        cmocka_unit_test(a_task_that_needs_nothing_fits_as_often_as_a_claim_allows),
        cmocka_unit_test(ports_by_number_are_there_once),
        cmocka_unit_test(an_offer_of_less_than_nothing_has_no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
