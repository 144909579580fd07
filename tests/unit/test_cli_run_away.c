/* SPDX-License-Identifier: PostgreSQL */
#include "cli_fake_run.h"

#include <sys/stat.h>

static char dir[] = "/tmp/howdah-test-away.XXXXXX";
static const char lost[] = "connection_lost", refused[] = "connection_failed";

static int group_set_up(void **state)
{
    (void)state;
    return mkdtemp(dir) == NULL;
}

static int group_tear_down(void **state)
{
    (void)state;
    return rmdir(dir);
}

static char *env_path(void)
{
    return mem_printf("%s/env", dir);
}

/* The cluster that the run belongs to has this connection string now. */
static void env_write(const char *conninfo)
{
    CLEANUP_FREE char *path = env_path();
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    fprintf(file, "HOWDAH_DB_FRAMEWORK='%s'\n", conninfo);
    fclose(file);
    fake_cli.options.db = NULL;
    fake_cli.options.dir = dir;
}

static void env_remove(void)
{
    CLEANUP_FREE char *path = env_path();

    assert_int_equal(unlink(path), 0);
}

static void check_now(void)
{
    timer_start(fake_run.away_timer, 0);
    fake_turn(fake_run.base);
}

static size_t times_said(const char *part)
{
    size_t count = 0;

    for (const char *at = fake_output(2); (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

static void an_outage_is_said_at_once_and_once(void **state)
{
    (void)state;
    run_away_start(&fake_run);
    run_away_begin(&fake_run, lost, "it broke");
    run_away_begin(&fake_run, lost, "it broke");
    check_now();
    assert_int_equal(times_said("waiting for the database: it broke"), 1);
    assert_false(fake_run.ending);
}

static void another_reason_is_said_again(void **state)
{
    (void)state;
    run_away_start(&fake_run);
    run_away_begin(&fake_run, lost, "it broke");
    run_away_begin(&fake_run, refused, "nobody there");
    assert_int_equal(times_said("waiting for the database"), 2);
}

static void it_is_said_again_each_minute(void **state)
{
    (void)state;
    run_away_start(&fake_run);
    run_away_begin(&fake_run, lost, "it broke");
    for (int minute = 1; minute <= 3; minute++) {
        fake_run.away_said_ms -= 60000;
        check_now();
        check_now();
        assert_int_equal(times_said("still waiting for the database: it broke"), minute);
    }
}

static void it_gives_up_after_the_time_limit(void **state)
{
    (void)state;
    fake_cli.options.away = 5000;
    run_away_start(&fake_run);
    run_away_begin(&fake_run, lost, "it broke");
    fake_run.away_since_ms -= 4000;
    check_now();
    assert_false(fake_run.ending);
    fake_run.away_since_ms -= 1001;
    check_now();
    assert_true(fake_run.ending);
    assert_int_equal(fake_run.stop_code, EXIT_TROUBLE);
    assert_output(2, "giving up: the database has been away for 5 s (--database-timeout)");
    assert_output(2, "it broke");
}

static void the_time_begins_anew_with_each_outage(void **state)
{
    (void)state;
    fake_cli.options.away = 5000;
    run_away_start(&fake_run);
    run_away_begin(&fake_run, lost, "it broke");
    fake_run.away_since_ms -= 4900;
    run_away_end(&fake_run);
    assert_output(2, "connected again");
    run_away_begin(&fake_run, lost, "it broke");
    check_now();
    assert_false(fake_run.ending);
    assert_int_equal(times_said("waiting for the database: it broke"), 2);
}

static void a_cluster_that_was_taken_down_ends_the_run_at_once(void **state)
{
    (void)state;
    env_write("good");
    run_away_start(&fake_run);
    run_away_begin(&fake_run, lost, "it broke");
    check_now();
    assert_false(fake_run.ending);
    env_remove();
    check_now();
    assert_true(fake_run.ending);
    assert_int_equal(fake_run.stop_code, EXIT_TROUBLE);
    assert_output(2, "is gone");
    assert_output(2, dir);
}

static void another_cluster_in_its_place_ends_it_too(void **state)
{
    (void)state;
    env_write("good");
    run_away_start(&fake_run);
    run_away_begin(&fake_run, lost, "it broke");
    env_write("host=/another/socket");
    check_now();
    assert_true(fake_run.ending);
    env_remove();
}

static void a_conninfo_of_ones_own_is_no_cluster_that_could_be_gone(void **state)
{
    (void)state;
    run_away_start(&fake_run);
    run_away_begin(&fake_run, lost, "it broke");
    fake_cli.options.dir = (char *)"/nowhere/at/all";
    check_now();
    assert_false(fake_run.ending);
}

static void quiet_gives_up_without_a_word(void **state)
{
    (void)state;
    fake_cli.options.quiet = true;
    fake_cli.options.away = 1000;
    run_away_start(&fake_run);
    run_away_begin(&fake_run, lost, "it broke");
    fake_run.away_since_ms -= 1000;
    check_now();
    assert_true(fake_run.ending);
    assert_string_equal(fake_output(2), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_TEST(an_outage_is_said_at_once_and_once),
        RUN_TEST(another_reason_is_said_again),
        RUN_TEST(it_is_said_again_each_minute),
        RUN_TEST(it_gives_up_after_the_time_limit),
        RUN_TEST(the_time_begins_anew_with_each_outage),
        RUN_TEST(a_cluster_that_was_taken_down_ends_the_run_at_once),
        RUN_TEST(another_cluster_in_its_place_ends_it_too),
        RUN_TEST(a_conninfo_of_ones_own_is_no_cluster_that_could_be_gone),
        RUN_TEST(quiet_gives_up_without_a_word),
    };

    return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
