/* SPDX-License-Identifier: PostgreSQL */
/* Part of agent_life.h: which database the agent listens to, and what it keeps of its cell. */
#ifndef HOWDAH_TESTS_AGENT_LIFE_CELL_H
#define HOWDAH_TESTS_AGENT_LIFE_CELL_H

#include "agent_fake.h"

static bool refused_often(struct world *world, const char *what)
{
    (void)what;
    return world->cell.refusals >= 3;
}

static bool ended_twice(struct world *world, const char *id)
{
    return count_updates(world, id, "finished") == 2;
}

static bool checkpoint_made(const struct world *world, const char *id)
{
    CLEANUP_FREE char *dir = meta_dir(world->options.work_dir, id);

    return access(dir, F_OK) == 0;
}

static void test_a_former_primary_starts_and_kills_nothing(void **state)
{
    struct world *world = *state;
    const char *kept = want_task(world, "{'command': {'argv': ['sleep', '1000']}}");

    run_to_running(world, kept);
    world->cell.mark.epoch--;
    const char *late = want_task(world, "{'command': {'argv': ['true']}}");
    json_array_append_new(world->cell.forget, json_string(kept));
    want_kill(world, kept, 0);
    until(world, refused_often, NULL, "the database is refused again and again");
    assert_false(checkpoint_made(world, late));
    json_array_clear(world->cell.forget);
    json_array_clear(world->cell.kill);
    world->cell.mark.epoch++;
    run_to_end(world, late);
    assert_string_equal(state_of(world, kept), "running");
    assert_int_equal(world->cell.registrations, 1);
}

static void test_who_the_agent_is_outlives_it(void **state)
{
    struct world *world = *state;
    char key[UUID_TEXT_SIZE];

    syncs_pass(world, 1);
    assert_string_equal(world->cell.registered_with, "");
    assert_true(uuid_valid(world->cell.key));
    snprintf(key, sizeof(key), "%s", world->cell.key);
    world->cell.mark.epoch = 6;
    syncs_pass(world, 2);
    agent_vanish(world);
    world->cell.shown.epoch = 0;
    world->cell.register_fail = ERR_connection_lost;
    agent_begin(world);
    while (world->cell.registrations < 2)
        turn(world);
    assert_string_equal(world->cell.key, key);
    assert_string_equal(world->cell.shown.cell_id, FAKE_CELL);
    assert_int_equal(world->cell.shown.epoch, 6);
}

static void test_ends_are_reported_again_after_a_restore(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, "{'command': {'argv': ['true']}}");

    run_to_end(world, id);
    syncs_pass(world, 2);
    world->cell.mark.epoch = 1000;
    world->cell.mark.generation = 2;
    world->cell.fail = ERR_cell_recovered;
    until(world, registered_twice, NULL, "the agent registers again");
    agent_vanish(world); /* before it could report */
    world->cell.fail = ERR_none;
    agent_begin(world);
    until(world, ended_twice, id, "the end is reported once more");
    syncs_pass(world, 2);
    agent_vanish(world);
    agent_begin(world);
    syncs_pass(world, 3);
    assert_int_equal(count_updates(world, id, "finished"), 2);
}

static void test_an_agent_of_another_cell_ends(void **state)
{
    struct world *world = *state;

    syncs_pass(world, 1);
    agent_vanish(world);
    snprintf(world->cell.mark.cell_id, UUID_TEXT_SIZE, "%s", FAKE_FRAMEWORK);
    agent_begin(world);
    until(world, agent_has_ended, NULL, "the agent ends");
    assert_int_equal(agent_ended(world->agent), AGENT_REFUSED);
}

#endif
