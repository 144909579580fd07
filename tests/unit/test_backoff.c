/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include "base/backoff.h"

static void waits_stay_between_their_bounds(void **state)
{
    struct backoff backoff = {.min_ms = 50, .max_ms = 3000};

    (void)state;
    for (uint32_t n = 0; n < 200; n++) {
        uint32_t limit = n < 6 ? 50u << n : 3000;
        uint32_t wait = backoff_next_ms(&backoff);

        assert_in_range(wait, 50, limit);
    }
    assert_int_equal(backoff.tries, 200);
}

static void waits_are_spread(void **state)
{
    struct backoff backoff = {.min_ms = 0, .max_ms = 1000000, .tries = 31};
    uint32_t low = UINT32_MAX, high = 0;

    (void)state;
    backoff.min_ms = 1;
    for (int i = 0; i < 1000; i++) {
        uint32_t wait = backoff_next_ms(&backoff);

        low = wait < low ? wait : low;
        high = wait > high ? wait : high;
    }
    assert_true(low < 100000);
    assert_true(high > 900000);
}

static void reset_starts_over(void **state)
{
    struct backoff backoff = {.min_ms = 10, .max_ms = 10000, .tries = 9};

    (void)state;
    backoff_reset(&backoff);
    assert_int_equal(backoff_next_ms(&backoff), 10);
}

static void extreme_bounds_do_not_overflow(void **state)
{
    struct backoff wide = {.min_ms = UINT32_MAX, .max_ms = UINT32_MAX, .tries = UINT32_MAX};
    struct backoff turned = {.min_ms = 500, .max_ms = 100};

    (void)state;
    assert_int_equal(backoff_next_ms(&wide), UINT32_MAX);
    assert_int_equal(wide.tries, UINT32_MAX);
    assert_int_equal(backoff_next_ms(&turned), 500);
}

static void jitter_stays_within_a_quarter(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_in_range(backoff_jitter_ms(2000), 1500, 2500);
    assert_int_equal(backoff_jitter_ms(0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_stay_between_their_bounds),
        cmocka_unit_test(waits_are_spread),
        cmocka_unit_test(reset_starts_over),
        cmocka_unit_test(extreme_bounds_do_not_overflow),
        cmocka_unit_test(jitter_stays_within_a_quarter),
    };

    return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
