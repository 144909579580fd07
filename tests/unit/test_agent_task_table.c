/* SPDX-License-Identifier: PostgreSQL */
/* agent/task_table: found by id, visited while they live, put apart when they rest. */
#include "tests/unit/agent_fake_host.h"

#include "agent/task_table.h"
#include "base/uuid.h"

#define MANY 300 /* enough that some share a bucket */

static struct task_table *table;

static int start(void **state)
{
    host_start(state);
    table = task_table_create();
    return 0;
}

static int stop(void **state)
{
    task_table_destroy(table);
    return host_stop(state);
}

static const char *id_of(int number)
{
    static char id[UUID_TEXT_SIZE];

    snprintf(id, sizeof(id), "%08x-0000-4000-8000-%012x", (unsigned)number,
             (unsigned)number * 77777u);
    return id;
}

/* An ended task, confirmed or not. */
static struct task *add(int number, bool confirmed)
{
    struct task *task;

    task_file(id_of(number), META_SPEC, "{}");
    task_file(id_of(number), META_STATUS, HOST_STATUS);
    if (confirmed)
        task_file(id_of(number), META_REPORTED, "");
    task = task_adopt(&host, id_of(number));
    assert_non_null(task);
    task_table_add(table, task);
    return task;
}

static struct task *find(int number)
{
    return task_table_find(table, id_of(number));
}

static void visit_cb(struct task *task, void *arg)
{
    char *seen = arg;

    snprintf(seen + strlen(seen), 256 - strlen(seen), "%ld ", strtol(task_id(task), NULL, 16));
}

static void assert_active(const char *wanted)
{
    char seen[256] = "";

    task_table_active(table, visit_cb, seen);
    assert_string_equal(seen, wanted);
}

static bool all_cb(struct task *task, void *arg)
{
    (void)task;
    (*(int *)arg)++;
    return true;
}

static bool even_cb(struct task *task, void *arg)
{
    (void)arg;
    return strtol(task_id(task), NULL, 16) % 2 == 0;
}

static void each_is_found_by_its_id_alone(void **state)
{
    struct task *tasks[MANY];
    int asked = 0;

    (void)state;
    assert_null(find(1));
    for (int i = 0; i < MANY; i++)
        tasks[i] = add(i, true);
    for (int i = 0; i < MANY; i++)
        assert_ptr_equal(find(i), tasks[i]);
    assert_null(find(MANY));
    task_table_settle(table);
    assert_int_equal(task_table_sweep(table, MANY, even_cb, NULL), MANY / 2);
    for (int i = 0; i < MANY; i++)
        assert_ptr_equal(find(i), i % 2 == 0 ? NULL : tasks[i]);
    assert_int_equal(task_table_sweep(table, SIZE_MAX, all_cb, &asked), MANY / 2);
    assert_int_equal(asked, MANY / 2);
}

static void those_that_rest_are_put_apart(void **state)
{
    (void)state;
    add(1, false);
    add(2, true);
    add(3, false);
    assert_active("1 2 3 ");
    task_table_settle(table);
    assert_active("1 3 ");
    assert_non_null(find(2));
    task_table_settle(table);
    assert_active("1 3 ");
}

static void who_is_woken_is_visited_again(void **state)
{
    (void)state;
    add(1, true);
    add(2, true);
    task_table_settle(table);
    assert_active("");
    task_table_wake(table, find(1));
    task_table_wake(table, find(2));
    task_table_wake(table, find(1)); /* keeps its place */
    assert_active("1 2 ");
}

static void unconfirmed_ends_are_all_visited_again_but_the_forgotten(void **state)
{
    (void)state;
    add(1, true);
    task_forget(add(2, true));
    add(3, true);
    task_table_settle(table);
    add(4, false);
    task_table_unconfirm(table);
    assert_active("4 1 3 ");
    assert_true(task_waiting(find(1)));
    assert_true(task_rests(find(2)));
}

static void a_sweep_takes_at_most_what_it_may_and_none_that_is_active(void **state)
{
    int asked = 0;

    (void)state;
    for (int i = 0; i < 5; i++)
        add(i, true);
    add(9, false);
    task_table_settle(table);
    assert_int_equal(task_table_sweep(table, 0, all_cb, &asked), 0);
    assert_int_equal(asked, 0);
    assert_int_equal(task_table_sweep(table, 2, all_cb, &asked), 2);
    assert_int_equal(asked, 2);
    assert_null(find(0));
    assert_null(find(1));
    assert_non_null(find(2));
    assert_int_equal(task_table_sweep(table, 100, all_cb, &asked), 3);
    assert_non_null(find(9));
    assert_active("9 ");
}

static void an_id_is_free_again_after_its_sweep(void **state)
{
    int asked = 0;
    struct task *second;

    (void)state;
    add(1, true);
    task_table_settle(table);
    assert_int_equal(task_table_sweep(table, 1, all_cb, &asked), 1);
    second = add(1, true);
    assert_ptr_equal(find(1), second);
}

static void only_those_that_have_not_ended_are_live(void **state)
{
    int lock;

    (void)state;
    add(1, false);
    add(2, true);
    assert_int_equal(task_table_live(table), 0);
    lock = meta_lock(task_dir(id_of(3)), &host_err);
    task_table_add(table, task_adopt(&host, id_of(3)));
    assert_int_equal(task_table_live(table), 1);
    task_table_settle(table);
    assert_active("1 3 ");
    close(lock);
}

#define TABLE_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TABLE_TEST(each_is_found_by_its_id_alone),
        TABLE_TEST(those_that_rest_are_put_apart),
        TABLE_TEST(who_is_woken_is_visited_again),
        TABLE_TEST(unconfirmed_ends_are_all_visited_again_but_the_forgotten),
        TABLE_TEST(a_sweep_takes_at_most_what_it_may_and_none_that_is_active),
        TABLE_TEST(an_id_is_free_again_after_its_sweep),
        TABLE_TEST(only_those_that_have_not_ended_are_live),
    };

    log_init("test", LOG_LEVEL_ERROR + 1);
    return cmocka_run_group_tests_name("agent/task_table", tests, NULL, NULL);
}
