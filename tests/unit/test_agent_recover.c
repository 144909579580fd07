/* SPDX-License-Identifier: PostgreSQL */
/* agent/recover: what of an earlier agent's directories is taken over, thrown away, left alone. */
#include "tests/unit/agent_fake_host.h"

#include "agent/recover.h"

#define FRESH    "aaaaaaaa-0000-4000-8000-000000000001"
#define ENDED    "bbbbbbbb-0000-4000-8000-000000000002"
#define REPORTED "cccccccc-0000-4000-8000-000000000003"
#define LIVE     "dddddddd-0000-4000-8000-000000000004"
#define SPEC     "{\"launch\": {\"spec\": {}}}"

static struct task_table *table;
static struct sandbox_bin *bin;
static struct recover_counts counts;

static int start(void **state)
{
    host_start(state);
    table = task_table_create();
    bin = sandbox_bin_create(host_dir);
    err_clear(&host_err);
    return 0;
}

static int stop(void **state)
{
    task_table_destroy(table);
    sandbox_bin_destroy(bin);
    return host_stop(state);
}

static bool checkpoint_is_there(const char *id)
{
    CLEANUP_FREE char *dir = meta_dir(host_dir, id);

    return access(dir, F_OK) == 0;
}

static void visit_cb(struct task *task, void *arg)
{
    char *seen = arg;

    seen[strlen(seen)] = task_id(task)[0];
}

static void nothing_left_is_nothing_recovered(void **state)
{
    CLEANUP_FREE char *tasks = mem_printf("%s/meta/tasks", host_dir);

    (void)state;
    assert_int_equal(meta_mkdirs(tasks, 0700, &host_err), 0);
    assert_int_equal(recover_tasks(&host, table, bin, &counts, &host_err), 0);
    assert_int_equal(counts.running + counts.ended + counts.discarded, 0);
}

static void each_directory_is_what_its_files_say(void **state)
{
    char seen[8] = "";
    int lock;

    (void)state;
    task_file(FRESH, META_SPEC, SPEC);
    task_file(ENDED, META_SPEC, SPEC);
    task_file(ENDED, META_STATUS, HOST_STATUS);
    task_file(REPORTED, META_SPEC, SPEC);
    task_file(REPORTED, META_STATUS, HOST_STATUS);
    task_file(REPORTED, META_REPORTED, "");
    task_file(LIVE, META_SPEC, SPEC);
    lock = meta_lock(task_dir(LIVE), &host_err);
    assert_int_equal(recover_tasks(&host, table, bin, &counts, &host_err), 0);
    assert_int_equal(counts.running, 1);
    assert_int_equal(counts.ended, 1);
    assert_int_equal(counts.discarded, 1);
    assert_null(task_table_find(table, FRESH));
    assert_false(checkpoint_is_there(FRESH));
    assert_int_equal(task_phase(task_table_find(table, ENDED)), PHASE_ENDED);
    assert_int_equal(task_phase(task_table_find(table, LIVE)), PHASE_LAUNCHING);
    assert_true(task_rests(task_table_find(table, REPORTED)));
    assert_int_equal(task_table_live(table), 1);
    task_table_active(table, visit_cb, seen);
    assert_int_equal(strlen(seen), 2);
    assert_non_null(strchr(seen, 'b'));
    assert_non_null(strchr(seen, 'd'));
    close(lock);
}

static void what_is_no_task_is_left_alone(void **state)
{
    static const char *const names[] = {"lost+found", "7777", "x" HOST_TASK, ".hidden"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        task_file(names[i], META_SPEC, SPEC);
    assert_int_equal(recover_tasks(&host, table, bin, &counts, &host_err), 0);
    assert_int_equal(counts.running + counts.ended + counts.discarded, 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_true(checkpoint_is_there(names[i]));
}

static void tasks_that_cannot_be_seen_are_not_taken_for_none(void **state)
{
    CLEANUP_FREE char *tasks = mem_printf("%s/meta/tasks", host_dir);
    FILE *file;

    (void)state;
    assert_int_equal(recover_tasks(&host, table, bin, &counts, &host_err), -1);
    assert_int_equal(host_err.code, ERR_io_failed);
    assert_non_null(strstr(host_err.text, tasks));
    file = fopen(tasks, "we");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(recover_tasks(&host, table, bin, &counts, &host_err), -1);
    assert_non_null(strstr(host_err.text, "Not a directory"));
}

#define RECOVER_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RECOVER_TEST(nothing_left_is_nothing_recovered),
        RECOVER_TEST(each_directory_is_what_its_files_say),
        RECOVER_TEST(what_is_no_task_is_left_alone),
        RECOVER_TEST(tasks_that_cannot_be_seen_are_not_taken_for_none),
    };

    log_init("test", LOG_LEVEL_ERROR + 1);
    return cmocka_run_group_tests_name("agent/recover", tests, NULL, NULL);
}
