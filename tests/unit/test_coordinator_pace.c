/* SPDX-License-Identifier: PostgreSQL */
/* coordinator/pace: when the leader works, dozes off, sleeps and wakes. */
#include "tests/unit/cmocka_all.h"

#include "coordinator/pace.h"

static struct pace pace_awake(void)
{
    struct pace pace;

    pace_reset(&pace);
    pace_told(&pace, false);
    return pace;
}

static void work_keeps_the_leader_busy(void **state)
{
    struct pace pace = pace_awake();

    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(pace_after_turn(&pace, 1, false), PACE_BUSY);
}

static void quiet_turns_make_it_doze_off(void **state)
{
    struct pace pace = pace_awake();

    (void)state;
    for (int i = 1; i < PACE_QUIET_TURNS; i++)
        assert_int_equal(pace_after_turn(&pace, 0, false), PACE_BUSY);
    assert_int_equal(pace_after_turn(&pace, 0, false), PACE_DOZE);
}

static void a_find_starts_the_count_anew(void **state)
{
    struct pace pace = pace_awake();

    (void)state;
    for (int i = 1; i < PACE_QUIET_TURNS; i++)
        pace_after_turn(&pace, 0, false);
    assert_int_equal(pace_after_turn(&pace, 5, false), PACE_BUSY);
    assert_int_equal(pace_after_turn(&pace, 0, false), PACE_BUSY);
}

static void it_sleeps_only_after_one_more_look(void **state)
{
    struct pace pace = pace_awake();

    (void)state;
    for (int i = 0; i < PACE_QUIET_TURNS; i++)
        pace_after_turn(&pace, 0, false);
    pace_told(&pace, true);
    /* written between the last look and the doorbell row: nobody rang */
    assert_int_equal(pace_after_turn(&pace, 1, false), PACE_WAKE);
    assert_int_equal(pace_after_turn(&pace, 0, false), PACE_SLEEP);
}

static void a_ring_wakes_it_even_if_nothing_is_found(void **state)
{
    struct pace pace;

    (void)state;
    pace_reset(&pace);
    assert_int_equal(pace_after_turn(&pace, 0, true), PACE_WAKE);
    pace_told(&pace, false);
    assert_int_equal(pace_after_turn(&pace, 0, false), PACE_BUSY);
}

static void a_doorbell_that_was_not_set_is_set_again(void **state)
{
    struct pace pace = pace_awake();

    (void)state;
    for (int i = 0; i < PACE_QUIET_TURNS; i++)
        pace_after_turn(&pace, 0, false);
    assert_int_equal(pace_after_turn(&pace, 0, false), PACE_DOZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_keeps_the_leader_busy),
        cmocka_unit_test(quiet_turns_make_it_doze_off),
        cmocka_unit_test(a_find_starts_the_count_anew),
        cmocka_unit_test(it_sleeps_only_after_one_more_look),
        cmocka_unit_test(a_ring_wakes_it_even_if_nothing_is_found),
        cmocka_unit_test(a_doorbell_that_was_not_set_is_set_again),
    };

    return cmocka_run_group_tests_name("coordinator/pace", tests, NULL, NULL);
}
