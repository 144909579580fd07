/* SPDX-License-Identifier: PostgreSQL */
/* coordinator/lease: how long a holder trusts itself, on the fake clock. */
#include "tests/unit/cmocka_all.h"

#include "base/clock.h"
#include "coordinator/lease.h"

static int clock_back(void **state)
{
    (void)state;
    clock_mono_set(-1);
    return 0;
}

static void a_lease_nobody_granted_is_not_trusted(void **state)
{
    struct lease lease = {.held = false};

    (void)state;
    clock_mono_set(1000);
    assert_false(lease_trusted(&lease));
    assert_int_equal(lease_left_ms(&lease), 0);
}

static void trust_counts_from_the_question_and_ends_a_margin_early(void **state)
{
    struct lease lease = {.held = false};

    (void)state;
    clock_mono_set(10200); /* the answer took 200 ms */
    assert_true(lease_grant(&lease, 7, 10000, 1500));
    assert_int_equal(lease.epoch, 7);
    assert_int_equal(lease_left_ms(&lease), 1500 - 150 - 200);
    clock_mono_set(11349);
    assert_true(lease_trusted(&lease));
    clock_mono_set(11350);
    assert_false(lease_trusted(&lease));
    assert_int_equal(lease_left_ms(&lease), 0);
}

static void an_answer_after_the_window_grants_nothing(void **state)
{
    struct lease lease = {.held = true, .epoch = 3, .trusted_until_ms = 99999};

    (void)state;
    clock_mono_set(11350);
    assert_false(lease_grant(&lease, 7, 10000, 1500));
    assert_false(lease.held);
    assert_false(lease_trusted(&lease));
}

static void a_renewal_moves_the_window(void **state)
{
    struct lease lease = {.held = false};

    (void)state;
    clock_mono_set(10000);
    assert_true(lease_grant(&lease, 7, 10000, 1500));
    clock_mono_set(10410);
    assert_true(lease_grant(&lease, 7, 10400, 1500));
    clock_mono_set(11600);
    assert_true(lease_trusted(&lease));
}

static void a_dropped_lease_keeps_its_epoch_and_no_trust(void **state)
{
    struct lease lease = {.held = false};

    (void)state;
    clock_mono_set(10000);
    assert_true(lease_grant(&lease, 7, 10000, 1500));
    lease_drop(&lease);
    assert_false(lease_trusted(&lease));
    assert_int_equal(lease.epoch, 7);
}

static void short_leases_have_a_margin_too(void **state)
{
    (void)state;
    assert_int_equal(lease_margin_ms(300), 50);
    assert_int_equal(lease_margin_ms(1500), 150);
    assert_int_equal(lease_margin_ms(60000), 6000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_lease_nobody_granted_is_not_trusted, clock_back),
        cmocka_unit_test_teardown(trust_counts_from_the_question_and_ends_a_margin_early,
                                  clock_back),
        cmocka_unit_test_teardown(an_answer_after_the_window_grants_nothing, clock_back),
        cmocka_unit_test_teardown(a_renewal_moves_the_window, clock_back),
        cmocka_unit_test_teardown(a_dropped_lease_keeps_its_epoch_and_no_trust, clock_back),
        cmocka_unit_test(short_leases_have_a_margin_too),
    };

    return cmocka_run_group_tests_name("coordinator/lease", tests, NULL, NULL);
}
