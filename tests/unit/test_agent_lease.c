/* SPDX-License-Identifier: PostgreSQL */
/* Until when a task may run: what the file says, when it is read, and what it is not believed. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/common_lease.h"
#include "agent/common_meta.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"

static char dir[64];

static int setup(void **state)
{
    (void)state;
    clock_mono_set(100000);
    snprintf(dir, sizeof(dir), "/tmp/howdah-lease XXXXXX");
    return mkdtemp(dir) == NULL;
}

static int teardown(void **state)
{
    CLEANUP_FREE char *command = mem_printf("rm -rf '%s'", dir);

    (void)state;
    clock_mono_set(-1);
    return system(command);
}

static struct lease lease_of(int64_t stop_ms)
{
    return (struct lease){.dir = dir, .stop_ms = stop_ms};
}

static void keep(int64_t asked_ms)
{
    struct err err = {0};

    assert_int_equal(lease_keep(dir, asked_ms, &err), 0);
}

static void write_other(const char *boot_id, int64_t asked_ms)
{
    CLEANUP_JSON json_t *doc =
        json_pack("{ss sI}", "boot_id", boot_id, "asked_ms", (json_int_t)asked_ms);
    struct err err = {0};

    assert_int_equal(meta_write(dir, LEASE_FILE, doc, 0, &err), 0);
}

static void a_task_that_runs_on_is_never_due(void **state)
{
    struct lease lease = lease_of(0);

    (void)state;
    assert_true(lease_due_ms(&lease) == LEASE_NEVER);
}

static void without_a_lease_a_task_is_due(void **state)
{
    struct lease lease = lease_of(5000);

    (void)state;
    assert_true(lease_due_ms(&lease) <= clock_boot_ms());
}

static void time_counts_from_the_question(void **state)
{
    struct lease lease = lease_of(5000);

    (void)state;
    keep(98000);
    assert_int_equal(lease_due_ms(&lease), 103000);
}

static void a_renewal_is_seen_when_the_known_time_has_come(void **state)
{
    struct lease lease = lease_of(5000);

    (void)state;
    keep(98000);
    assert_int_equal(lease_due_ms(&lease), 103000);
    clock_mono_set(102000);
    keep(101500);
    assert_int_equal(lease_due_ms(&lease), 103000);
    clock_mono_set(103000);
    assert_int_equal(lease_due_ms(&lease), 106500);
    clock_mono_set(106500);
    assert_int_equal(lease_due_ms(&lease), 106500);
}

static void what_cannot_be_read_renews_nothing(void **state)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", dir, LEASE_FILE);
    struct lease lease = lease_of(5000);

    (void)state;
    keep(98000);
    assert_int_equal(lease_due_ms(&lease), 103000);
    clock_mono_set(103000);
    assert_int_equal(truncate(path, 3), 0);
    assert_int_equal(lease_due_ms(&lease), 103000);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(lease_due_ms(&lease), 103000);
}

static void another_boot_and_the_future_are_not_believed(void **state)
{
    struct lease lease = lease_of(5000);

    (void)state;
    write_other("another", 99000);
    assert_true(lease_due_ms(&lease) <= clock_boot_ms());
    keep(100001);
    assert_true(lease_due_ms(&lease) <= clock_boot_ms());
}

static void an_older_answer_takes_nothing_back(void **state)
{
    struct lease lease = lease_of(5000);

    (void)state;
    keep(98000);
    assert_int_equal(lease_due_ms(&lease), 103000);
    clock_mono_set(103000);
    keep(97000);
    assert_int_equal(lease_due_ms(&lease), 103000);
}

static void confirmation_is_asked_for_each_quarter(void **state)
{
    (void)state;
    assert_false(lease_ask(LEASE_NONE, 0));
    assert_true(lease_ask(LEASE_NONE, 8000));
    assert_false(lease_ask(98001, 8000));
    assert_true(lease_ask(98000, 8000));
    assert_false(lease_ask(1, 0));
}

#define LEASE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEASE_TEST(a_task_that_runs_on_is_never_due),
        LEASE_TEST(without_a_lease_a_task_is_due),
        LEASE_TEST(time_counts_from_the_question),
        LEASE_TEST(a_renewal_is_seen_when_the_known_time_has_come),
        LEASE_TEST(what_cannot_be_read_renews_nothing),
        LEASE_TEST(another_boot_and_the_future_are_not_believed),
        LEASE_TEST(an_older_answer_takes_nothing_back),
        LEASE_TEST(confirmation_is_asked_for_each_quarter),
    };

    log_init("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("agent lease", tests, NULL, NULL) != 0;
}
