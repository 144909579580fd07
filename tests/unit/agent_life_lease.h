/* SPDX-License-Identifier: PostgreSQL */
/* Part of agent_life.h: tasks that are stopped when the cell is out of reach. */
#ifndef HOWDAH_TESTS_AGENT_LIFE_LEASE_H
#define HOWDAH_TESTS_AGENT_LIFE_LEASE_H

#include "agent_fake.h"

#define STOPS "{'command': {'argv': ['sleep', '1000']}, 'stop_unreachable_s': 1}"

static bool has_status(struct world *world, const char *id)
{
    CLEANUP_FREE char *dir = meta_dir(world->options.work_dir, id);

    return meta_exists(dir, META_STATUS);
}

static bool confirmed_often(struct world *world, const char *what)
{
    (void)what;
    return world->cell.confirmed >= 12; /* more than two seconds: at most each quarter of one */
}

static void test_contact_lets_a_task_run_on(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, STOPS);

    run_to_running(world, id);
    until(world, confirmed_often, NULL, "the cell confirms again and again");
    assert_string_equal(state_of(world, id), "running");
    assert_false(has_status(world, id));
}

static void test_plain_tasks_need_no_confirmation(void **state)
{
    struct world *world = *state;

    run_to_running(world, want_task(world, "{'command': {'argv': ['sleep', '1000']}}"));
    syncs_pass(world, 5);
    assert_int_equal(world->cell.confirmed, 0);
}

static void test_lost_contact_stops_the_task(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, STOPS);
    const char *plain = want_task(world, "{'command': {'argv': ['sleep', '1000']}}");

    run_to_running(world, id);
    run_to_running(world, plain);
    world->cell.fail = ERR_connection_lost;
    until(world, has_status, id, "the executor stops the task");
    world->cell.fail = ERR_none;
    run_to_end(world, id);
    assert_end(world, id, "killed", "stopped_unreachable");
    assert_string_equal(state_of(world, plain), "running");
}

static void test_unconfirmed_answers_are_no_contact(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, STOPS);

    run_to_running(world, id);
    world->cell.unconfirmed = true;
    run_to_end(world, id);
    assert_end(world, id, "killed", "stopped_unreachable");
}

static void test_the_executor_alone_stops_the_task(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, STOPS);

    run_to_running(world, id);
    agent_vanish(world);
    until(world, has_status, id, "the executor stops the task");
    agent_begin(world);
    run_to_end(world, id);
    assert_end(world, id, "killed", "stopped_unreachable");
}

static void test_a_stopped_executor_is_no_way_out(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, "{'command': {'argv': ['sleep', '1000']}, 'kill_grace_s': 0, "
                                      "'stop_unreachable_s': 1}");

    run_to_running(world, id);
    kill(pid_in(world, id, META_EXECUTOR), SIGSTOP);
    world->cell.unconfirmed = true;
    run_to_end(world, id);
    assert_end(world, id, "failed", "executor_lost");
    assert_true(is_empty(world, id));
}

static void test_an_adopted_task_keeps_its_lease(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, STOPS);

    run_to_running(world, id);
    agent_vanish(world);
    agent_begin(world);
    world->cell.confirmed = 0;
    until(world, confirmed_often, NULL, "the next agent asks for confirmation");
    assert_false(has_status(world, id));
}

static void test_what_nobody_confirmed_is_not_started(void **state)
{
    struct world *world = *state;

    world->cell.unconfirmed = true;
    const char *id = want_task(world, STOPS);
    run_to_end(world, id);
    assert_end(world, id, "killed", "stopped_unreachable");
    assert_int_equal(count_updates(world, id, "running"), 0);
}

#endif
