/* SPDX-License-Identifier: PostgreSQL */
/* base/loop and base/clock. */
#include "tests/unit/cmocka_all.h"

#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"

struct probe {
    struct event_base *base;
    struct timer *timer;
    int fired, again, signo;
};

static void count_cb(void *arg)
{
    struct probe *probe = arg;

    probe->fired++;
    if (probe->again-- > 0)
        timer_start(probe->timer, 1);
}

static void free_cb(void *arg)
{
    struct probe *probe = arg;

    probe->fired++;
    timer_free(probe->timer);
    probe->timer = NULL;
}

static void signal_cb(int signo, void *arg)
{
    struct probe *probe = arg;

    probe->signo = signo;
    event_base_loopbreak(probe->base);
}

static int set_up(void **state)
{
    static struct probe probe;

    probe = (struct probe){.base = event_base_new()};
    *state = &probe;
    return 0;
}

static int tear_down(void **state)
{
    struct probe *probe = *state;

    timer_free(probe->timer);
    event_base_free(probe->base);
    return 0;
}

static void a_timer_fires_once_and_not_early(void **state)
{
    struct probe *probe = *state;
    int64_t start_ms = clock_mono_ms();

    probe->timer = timer_create_on(probe->base, count_cb, probe);
    assert_false(timer_armed(probe->timer));
    timer_start(probe->timer, 30);
    assert_true(timer_armed(probe->timer));
    event_base_dispatch(probe->base);
    assert_int_equal(probe->fired, 1);
    assert_true(clock_mono_ms() - start_ms >= 29);
    assert_false(timer_armed(probe->timer));
}

static void a_timer_may_re_arm_itself(void **state)
{
    struct probe *probe = *state;

    probe->again = 3;
    probe->timer = timer_create_on(probe->base, count_cb, probe);
    timer_start(probe->timer, 0);
    event_base_dispatch(probe->base);
    assert_int_equal(probe->fired, 4);
}

static void a_timer_may_free_itself(void **state)
{
    struct probe *probe = *state;

    probe->timer = timer_create_on(probe->base, free_cb, probe);
    timer_start(probe->timer, -5);
    event_base_dispatch(probe->base);
    assert_int_equal(probe->fired, 1);
    assert_null(probe->timer);
}

static void a_stopped_timer_does_not_fire(void **state)
{
    struct probe *probe = *state;

    probe->timer = timer_create_on(probe->base, count_cb, probe);
    timer_start(probe->timer, 1);
    timer_stop(probe->timer);
    event_base_dispatch(probe->base);
    assert_int_equal(probe->fired, 0);
}

static void starting_again_moves_the_time(void **state)
{
    struct probe *probe = *state;
    int64_t start_ms = clock_mono_ms();

    probe->timer = timer_create_on(probe->base, count_cb, probe);
    timer_start(probe->timer, 60000);
    timer_start(probe->timer, 1);
    event_base_dispatch(probe->base);
    assert_int_equal(probe->fired, 1);
    assert_true(clock_mono_ms() - start_ms < 30000);
}

static void a_signal_reaches_its_callback(void **state)
{
    struct probe *probe = *state;
    struct event *event = loop_signal(probe->base, SIGUSR1, signal_cb, probe);

    kill(getpid(), SIGUSR1);
    event_base_dispatch(probe->base);
    assert_int_equal(probe->signo, SIGUSR1);
    event_free(event);
}

static void the_clock_can_be_frozen(void **state)
{
    int64_t before_ms = clock_mono_ms();

    (void)state;
    clock_mono_set(5000);
    assert_int_equal(clock_mono_ms(), 5000);
    clock_mono_set(6000);
    assert_int_equal(clock_mono_ms(), 6000);
    clock_mono_set(-1);
    assert_true(clock_mono_ms() >= before_ms);
    assert_true(clock_wall_ms() > INT64_C(1700000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_timer_fires_once_and_not_early, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_timer_may_re_arm_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_timer_may_free_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stopped_timer_does_not_fire, set_up, tear_down),
        cmocka_unit_test_setup_teardown(starting_again_moves_the_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_signal_reaches_its_callback, set_up, tear_down),
        cmocka_unit_test(the_clock_can_be_frozen),
    };

    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
