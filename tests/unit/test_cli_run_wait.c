/* SPDX-License-Identifier: PostgreSQL */
#include "cli_fake_run.h"

#define CELL_COLUMNS "agent_id|name|cpus|cpus_free|mem|mem_free|disk|disk_free|gpus|gpus_free"
#define SMALL        "a|small|4|1|1000|900|100|100|0|0"
#define LARGE        "b|large|8|0.5|4000|100|50|50|2|0"

/* The cell is looked at, and has these agents. */
static void look(const char *const *rows, int count)
{
    timer_start(fake_run.wait_timer, 0);
    fake_wait_for(fake_run.base, "cell");
    fake_answer("cell", CELL_COLUMNS, rows, count);
}

static void look_at_both(void)
{
    look((const char *const[]){SMALL, LARGE}, 2);
}

static void start(int64_t cpus_milli, int64_t mem, int64_t disk, int64_t gpus)
{
    fake_run.spec =
        (struct fw_task){.cpus_milli = cpus_milli, .mem = mem, .disk = disk, .gpus = gpus};
    run_wait_start(&fake_run);
}

static size_t lines_said(void)
{
    size_t count = 0;

    for (const char *at = fake_output(2); (at = strchr(at, '\n')) != NULL; at++)
        count++;
    return count;
}

static void a_cell_without_agents_is_said(void **state)
{
    (void)state;
    start(100, 1, 0, 0);
    look(NULL, 0);
    assert_output(2, "howdah run: waiting: the cell has no active agent\n");
}

static void what_no_agent_could_ever_hold_is_said(void **state)
{
    static const struct {
        int64_t cpus, mem, disk, gpus;
        const char *said;
    } cases[] = {
        {9000, 1, 0, 0, "no agent is large enough: 9 cpus wanted, the largest has 8 (large)"},
        {100, 4001, 0, 0, "4001 MiB of memory wanted, the largest has 4000 (large)"},
        {100, 1, 101, 0, "101 MiB of disk wanted, the largest has 100 (small)"},
        {100, 1, 0, 3, "3 gpus wanted, the largest has 2 (large)"},
    };

    (void)state;
    run_wait_start(&fake_run);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fake_run.spec = (struct fw_task){.cpus_milli = cases[i].cpus,
                                         .mem = cases[i].mem,
                                         .disk = cases[i].disk,
                                         .gpus = cases[i].gpus};
        look_at_both();
        assert_output(2, cases[i].said);
    }
}

static void what_is_in_use_now_is_told_from_what_is_never_there(void **state)
{
    (void)state;
    start(2500, 1, 0, 0);
    look_at_both();
    assert_output(2,
                  "3 of 3 tasks have no room: 2.5 cpus wanted, the most that is free is 1 (small)");
}

static void with_room_for_all_offers_are_waited_for(void **state)
{
    (void)state;
    start(100, 1, 0, 0);
    fake_tasks[0].stage = RUN_PLACED;
    look_at_both();
    assert_output(2, "waiting for offers: 2 of 3 tasks have no agent yet");
}

static void the_same_reason_is_said_once(void **state)
{
    (void)state;
    start(9000, 1, 0, 0);
    look_at_both();
    look_at_both();
    look_at_both();
    assert_int_equal(lines_said(), 1);
    look(NULL, 0);
    look_at_both();
    assert_int_equal(lines_said(), 3);
}

static void nothing_is_asked_when_nothing_waits(void **state)
{
    (void)state;
    start(100, 1, 0, 0);
    for (int i = 0; i < FAKE_RUN_TASKS; i++)
        fake_tasks[i].stage = RUN_PLACED;
    timer_start(fake_run.wait_timer, 0);
    fake_turn(fake_run.base);
    assert_null(fake_find("cell"));
}

static void nothing_is_asked_of_a_database_that_is_away(void **state)
{
    (void)state;
    start(100, 1, 0, 0);
    fake->up = false;
    timer_start(fake_run.wait_timer, 0);
    fake_turn(fake_run.base);
    assert_null(fake_find("cell"));
}

static void a_look_that_fails_says_nothing(void **state)
{
    (void)state;
    start(9000, 1, 0, 0);
    timer_start(fake_run.wait_timer, 0);
    fake_wait_for(fake_run.base, "cell");
    fake_fail("cell", ERR_connection_lost);
    assert_string_equal(fake_output(2), "");
    look_at_both(); /* and is repeated */
    assert_output(2, "no agent is large enough");
}

static void a_run_that_stops_gives_no_reasons(void **state)
{
    (void)state;
    start(9000, 1, 0, 0);
    timer_start(fake_run.wait_timer, 0);
    fake_wait_for(fake_run.base, "cell");
    fake_run.stopping = true;
    fake_answer("cell", CELL_COLUMNS, NULL, 0);
    assert_string_equal(fake_output(2), "");
}

static void quiet_says_nothing(void **state)
{
    (void)state;
    fake_cli.options.quiet = true;
    start(9000, 1, 0, 0);
    look_at_both();
    assert_string_equal(fake_output(2), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_TEST(a_cell_without_agents_is_said),
        RUN_TEST(what_no_agent_could_ever_hold_is_said),
        RUN_TEST(what_is_in_use_now_is_told_from_what_is_never_there),
        RUN_TEST(with_room_for_all_offers_are_waited_for),
        RUN_TEST(the_same_reason_is_said_once),
        RUN_TEST(nothing_is_asked_when_nothing_waits),
        RUN_TEST(nothing_is_asked_of_a_database_that_is_away),
        RUN_TEST(a_look_that_fails_says_nothing),
        RUN_TEST(a_run_that_stops_gives_no_reasons),
        RUN_TEST(quiet_says_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
