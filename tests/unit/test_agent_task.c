/* SPDX-License-Identifier: PostgreSQL */
/* agent/task: one task from its start or adoption to its confirmed end, with executors that the
 * test plays: it writes their files, and holds or frees their lock. */
#include "tests/unit/agent_fake_host.h"

#define LAUNCH                                                                                     \
    "{\"task_id\": \"" HOST_TASK "\", \"framework_id\": \"" HOST_FRAMEWORK                         \
    "\", \"name\": \"t\", \"resources\": {\"cpus\": 0.1, \"mem\": 32}, \"revocable\": false, "     \
    "\"user\": null, \"spec\": {\"command\": {\"argv\": [\"true\"]}, \"kill_grace_s\": 7}}"
#define SPEC                                                                                       \
    "{\"launch\": " LAUNCH ", \"context\": {\"isolator\": \"none\", \"cgroup_root\": \"r\"}}"
#define UPDATE(rest) "[{\"task_id\":\"" HOST_TASK "\"," rest "}]"
#define RUNNING      "[\"" HOST_TASK "\"]"

static struct task *task;
static int lock_fd; /* held as by an executor */
static pid_t executor;

static int start(void **state)
{
    task = NULL;
    lock_fd = -1;
    executor = 0;
    return host_start(state);
}

static void lock_take(void)
{
    lock_fd = meta_lock(task_dir(HOST_TASK), &host_err);
    assert_true(lock_fd >= 0);
}

static void lock_free(void)
{
    if (lock_fd >= 0)
        close(lock_fd);
    lock_fd = -1;
}

static int stop(void **state)
{
    task_free(task);
    lock_free();
    if (executor > 0)
        kill(executor, SIGKILL);
    return host_stop(state);
}

static void launch(const char *text)
{
    CLEANUP_JSON json_t *doc = json_parse(text, strlen(text), &host_err);

    assert_non_null(doc);
    task = task_launch(&host, doc);
    assert_non_null(task);
    assert_string_equal(task_id(task), HOST_TASK);
}

/* Launch with an executor that lives until it is killed; its pid is in `executor`. */
/* By the shell alone: one that has waited for a command, as for mv, may have unblocked all signals.
 */
static void launch_sleeping(void)
{
    CLEANUP_FREE char *path = mem_printf("%s/pid", task_dir(HOST_TASK));

    host_executor_is("echo $$ >\"$1/pid\" && exec sleep 1000");
    launch(LAUNCH);
    executor = 0;
    for (int i = 0; i < HOST_TURNS && executor == 0; i++, usleep(1000)) {
        FILE *file = fopen(path, "re");
        if (file == NULL)
            continue;
        if (fscanf(file, "%d\n", &executor) != 1)
            executor = 0;
        fclose(file);
    }
    assert_int_not_equal(executor, 0);
}

static void executor_takes(void)
{
    executor_file(HOST_TASK, executor, proc_start_ticks(executor), proc_boot_id());
}

static bool file_is_there(const char *name)
{
    return meta_exists(task_dir(HOST_TASK), name);
}

static int64_t kill_grace_written(void)
{
    CLEANUP_JSON json_t *doc = NULL;

    assert_int_equal(meta_read(task_dir(HOST_TASK), META_KILL, &doc, &host_err), 0);
    return json_integer_value(json_object_get(doc, "grace_ms"));
}

static bool process_is_there(pid_t pid)
{
    return kill(pid, 0) == 0;
}

/* ---- starting ---- */

static void a_description_that_cannot_be_run_is_an_error_at_once(void **state)
{
    CLEANUP_FREE char *dir = meta_dir(host_dir, HOST_TASK);

    (void)state;
    launch("{\"task_id\": \"" HOST_TASK "\", \"framework_id\": \"" HOST_FRAMEWORK
           "\", \"name\": \"t\", \"resources\": {\"cpus\": 0.1, \"mem\": 32}, \"spec\": {}}");
    assert_int_equal(task_phase(task), PHASE_ENDED);
    assert_true(task_waiting(task));
    assert_reports(task, "\"state\":\"error\",\"reason\":\"task_invalid\"");
    assert_reports(task, "\\\"command\\\"");
    assert_true(task_ended_ms(task) > 0);
    assert_int_equal(host_changes, 1);
    assert_int_equal(access(dir, F_OK), -1);
}

static void without_an_executor_the_task_is_dropped(void **state)
{
    (void)state;
    launch(LAUNCH);
    assert_int_equal(task_phase(task), PHASE_ENDED);
    assert_reports(task, "\"state\":\"dropped\",\"reason\":\"launch_failed\"");
    assert_reports(task, host_executor);
    task_free(task);
    for (int i = 0; i < HOST_TURNS && meta_locked(task_dir(HOST_TASK)); i++)
        usleep(1000); /* until the process that could not is gone */
    task = task_adopt(&host, HOST_TASK);
    assert_null(task);
}

static void an_executor_that_took_nothing_failed_to_launch(void **state)
{
    (void)state;
    host_executor_is("exit 0");
    launch(LAUNCH);
    wait_phase(task, PHASE_ENDED);
    assert_reports(task, "\"state\":\"failed\",\"reason\":\"launch_failed\"");
    assert_reports(task, "executor.log");
    assert_true(file_is_there(META_STATUS));
}

static void each_stage_is_told_until_it_is_confirmed(void **state)
{
    (void)state;
    launch_sleeping();
    task_look(task);
    assert_int_equal(task_phase(task), PHASE_LAUNCHING);
    assert_false(task_waiting(task));
    assert_string_equal(report_of(task), "[] " RUNNING);
    executor_takes();
    task_look(task);
    assert_int_equal(task_phase(task), PHASE_STARTING);
    assert_string_equal(report_of(task), UPDATE("\"state\":\"starting\"") " " RUNNING);
    assert_string_equal(report_of(task), UPDATE("\"state\":\"starting\"") " " RUNNING);
    task_report_confirmed(task);
    assert_false(task_waiting(task));
    assert_string_equal(report_of(task), "[] " RUNNING);
    task_file(HOST_TASK, META_RUNNING, "{}");
    task_look(task);
    assert_int_equal(task_phase(task), PHASE_RUNNING);
    assert_string_equal(report_of(task), UPDATE("\"state\":\"running\"") " " RUNNING);
    task_report_confirmed(task);
    task_file(HOST_TASK, META_STATUS, HOST_STATUS);
    task_look(task);
    assert_int_equal(task_phase(task), PHASE_ENDED);
    assert_int_equal(task_ended_ms(task), 2000);
    assert_string_equal(report_of(task),
                        UPDATE("\"state\":\"failed\",\"reason\":\"command_exited\",\"message\":"
                               "\"exit code 7\",\"exit_code\":7") " []");
    assert_false(file_is_there(META_REPORTED));
    task_report_confirmed(task);
    assert_true(file_is_there(META_REPORTED));
    assert_true(task_rests(task));
    assert_int_equal(host_changes, 3);
}

static void what_came_after_the_report_is_not_confirmed_by_it(void **state)
{
    (void)state;
    launch_sleeping();
    executor_takes();
    task_look(task);
    (void)report_of(task);
    task_file(HOST_TASK, META_RUNNING, "{}");
    task_file(HOST_TASK, META_STATUS, HOST_STATUS);
    task_look(task);
    task_report_confirmed(task);
    assert_true(task_waiting(task));
    assert_false(task_rests(task));
    assert_false(file_is_there(META_REPORTED));
    assert_reports(task, "\"state\":\"running\"},{");
    assert_reports(task, "\"state\":\"failed\"");
}

static void only_what_runs_is_measured(void **state)
{
    CLEANUP_JSON json_t *usage = NULL;

    (void)state;
    launch_sleeping();
    executor_takes();
    task_look(task);
    assert_null(task_usage(task));
    task_file(HOST_TASK, META_RUNNING, "{}");
    task_look(task);
    usage = task_usage(task);
    assert_string_equal(json_string_value(json_object_get(usage, "task_id")), HOST_TASK);
    assert_null(json_object_get(usage, "mem_peak_bytes"));
    task_file(HOST_TASK, META_STATUS, HOST_STATUS);
    task_look(task);
    assert_null(task_usage(task));
}

/* ---- killing ---- */

static void a_kill_without_grace_has_the_descriptions(void **state)
{
    (void)state;
    launch_sleeping();
    task_kill(task, -1);
    assert_int_equal(kill_grace_written(), 7000);
}

static void a_second_kill_may_only_shorten(void **state)
{
    (void)state;
    clock_mono_set(1000);
    launch_sleeping();
    task_kill(task, 5000);
    task_kill(task, 6000);
    assert_int_equal(kill_grace_written(), 5000);
    clock_mono_set(3000);
    task_kill(task, 3000);
    assert_int_equal(kill_grace_written(), 5000);
    task_kill(task, 2999);
    assert_int_equal(kill_grace_written(), 2999);
}

static void an_executor_that_does_not_obey_is_killed(void **state)
{
    (void)state;
    clock_mono_set(1000);
    launch_sleeping(); /* with every signal blocked, as executors begin */
    executor_takes();
    task_look(task);
    task_kill(task, 2000);
    clock_mono_set(1000 + 2000 + 5000 - 1);
    task_look(task);
    assert_true(process_is_there(executor));
    assert_int_equal(task_phase(task), PHASE_STARTING);
    clock_mono_set(1000 + 2000 + 5000);
    task_look(task);
    wait_phase(task, PHASE_ENDED);
    assert_reports(task, "\"state\":\"killed\",\"reason\":\"killed_by_request\"");
}

static void an_ended_task_is_not_killed(void **state)
{
    (void)state;
    task_file(HOST_TASK, META_SPEC, SPEC);
    task_file(HOST_TASK, META_STATUS, HOST_STATUS);
    task = task_adopt(&host, HOST_TASK);
    task_kill(task, 0);
    assert_false(file_is_there(META_KILL));
    assert_reports(task, "\"exit_code\":7");
}

static void a_forgotten_task_dies_and_is_not_told_of(void **state)
{
    (void)state;
    launch_sleeping();
    executor_takes();
    task_look(task);
    task_forget(task);
    assert_int_equal(kill_grace_written(), 0);
    assert_string_equal(report_of(task), "[] []");
    assert_false(task_waiting(task));
    assert_false(task_rests(task));
    assert_int_equal(kill(executor, SIGKILL), 0);
    wait_phase(task, PHASE_ENDED);
    assert_string_equal(report_of(task), "[] []");
    assert_true(task_rests(task));
    task_unconfirm(task);
    assert_true(task_rests(task));
    assert_true(file_is_there(META_REPORTED));
}

/* ---- adopting ---- */

static void adopt(void)
{
    task = task_adopt(&host, HOST_TASK);
    assert_non_null(task);
}

static void a_directory_without_a_trace_of_an_executor_is_no_task(void **state)
{
    (void)state;
    task_file(HOST_TASK, META_SPEC, SPEC);
    task_file(HOST_TASK, META_LOCK, "");
    assert_null(task_adopt(&host, HOST_TASK));
}

static void a_held_lock_is_waited_for(void **state)
{
    (void)state;
    task_file(HOST_TASK, META_SPEC, SPEC);
    lock_take();
    adopt();
    assert_int_equal(task_phase(task), PHASE_LAUNCHING);
    task_look(task);
    assert_int_equal(task_phase(task), PHASE_LAUNCHING);
    executor_file(HOST_TASK, getpid(), proc_start_ticks(getpid()), proc_boot_id());
    task_look(task);
    assert_int_equal(task_phase(task), PHASE_STARTING);
}

static void a_lock_that_is_let_go_without_a_word_is_a_lost_launch(void **state)
{
    (void)state;
    task_file(HOST_TASK, META_SPEC, SPEC);
    lock_take();
    adopt();
    lock_free();
    wait_phase(task, PHASE_ENDED);
    assert_reports(task, "\"reason\":\"launch_failed\"");
}

static void a_dead_executor_is_lost(void **state)
{
    (void)state;
    task_file(HOST_TASK, META_SPEC, SPEC);
    executor_file(HOST_TASK, getpid(), proc_start_ticks(getpid()) + 1, proc_boot_id());
    task_file(HOST_TASK, META_RUNNING, "{}");
    adopt();
    assert_int_equal(task_phase(task), PHASE_ENDED);
    assert_reports(task, "\"state\":\"running\"");
    assert_reports(task, "\"state\":\"failed\",\"reason\":\"executor_lost\"");
    assert_true(file_is_there(META_STATUS));
}

static void an_executor_of_another_boot_is_nobody(void **state)
{
    (void)state;
    task_file(HOST_TASK, META_SPEC, SPEC);
    executor_file(HOST_TASK, getpid(), proc_start_ticks(getpid()), "another");
    adopt();
    assert_int_equal(task_phase(task), PHASE_ENDED);
    assert_reports(task, "\"reason\":\"agent_restarted\"");
}

static void a_kill_that_was_asked_for_is_the_reason(void **state)
{
    (void)state;
    task_file(HOST_TASK, META_SPEC, SPEC);
    executor_file(HOST_TASK, getpid(), proc_start_ticks(getpid()) + 1, proc_boot_id());
    task_file(HOST_TASK, META_KILL, "{\"grace_ms\": 5}");
    adopt();
    assert_reports(task, "\"state\":\"killed\",\"reason\":\"killed_by_request\"");
}

static void an_end_is_told_once_over_all_agents(void **state)
{
    (void)state;
    task_file(HOST_TASK, META_SPEC, SPEC);
    task_file(HOST_TASK, META_STATUS, HOST_STATUS);
    adopt();
    assert_true(task_waiting(task));
    (void)report_of(task);
    task_report_confirmed(task);
    task_free(task);
    adopt();
    assert_true(task_rests(task));
    assert_string_equal(report_of(task), "[] []");
}

static void an_unconfirmed_end_is_told_again_by_the_next_agent_too(void **state)
{
    (void)state;
    task_file(HOST_TASK, META_SPEC, SPEC);
    task_file(HOST_TASK, META_STATUS, HOST_STATUS);
    task_file(HOST_TASK, META_REPORTED, "");
    adopt();
    task_report_again(task);
    assert_true(task_waiting(task));
    assert_true(file_is_there(META_REPORTED));
    task_unconfirm(task);
    assert_false(file_is_there(META_REPORTED));
    task_free(task);
    adopt();
    assert_true(task_waiting(task));
}

static void a_status_that_cannot_be_read_is_an_end_all_the_same(void **state)
{
    static const char *const texts[] = {"", "{", "[]",
                                        "{\"state\": \"running\", \"reason\": \"\"}"};

    (void)state;
    task_file(HOST_TASK, META_SPEC, SPEC);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        task_file(HOST_TASK, META_STATUS, texts[i]);
        adopt();
        assert_int_equal(task_phase(task), PHASE_ENDED);
        assert_reports(task, "\"reason\":\"executor_lost\"");
        assert_reports(task, "not readable");
        task_free(task);
        task = NULL;
    }
}

static void a_task_is_held_without_a_readable_description(void **state)
{
    (void)state;
    task_file(HOST_TASK, META_SPEC, "{");
    lock_take();
    adopt();
    task_kill(task, -1);
    assert_int_equal(kill_grace_written(), SPEC_KILL_GRACE_DEFAULT_MS);
}

static void a_task_forgotten_before_the_agent_died_stays_forgotten(void **state)
{
    (void)state;
    task_file(HOST_TASK, META_SPEC, SPEC);
    task_file(HOST_TASK, META_REPORTED, "");
    lock_take();
    executor_file(HOST_TASK, getpid(), proc_start_ticks(getpid()), proc_boot_id());
    adopt();
    assert_string_equal(report_of(task), "[] []");
    task_file(HOST_TASK, META_STATUS, HOST_STATUS);
    task_look(task);
    assert_string_equal(report_of(task), "[] []");
    assert_true(task_rests(task));
}

#define TASK_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TASK_TEST(a_description_that_cannot_be_run_is_an_error_at_once),
        TASK_TEST(without_an_executor_the_task_is_dropped),
        TASK_TEST(an_executor_that_took_nothing_failed_to_launch),
        TASK_TEST(each_stage_is_told_until_it_is_confirmed),
        TASK_TEST(what_came_after_the_report_is_not_confirmed_by_it),
        TASK_TEST(only_what_runs_is_measured),
        TASK_TEST(a_kill_without_grace_has_the_descriptions),
        TASK_TEST(a_second_kill_may_only_shorten),
        TASK_TEST(an_executor_that_does_not_obey_is_killed),
        TASK_TEST(an_ended_task_is_not_killed),
        TASK_TEST(a_forgotten_task_dies_and_is_not_told_of),
        TASK_TEST(a_directory_without_a_trace_of_an_executor_is_no_task),
        TASK_TEST(a_held_lock_is_waited_for),
        TASK_TEST(a_lock_that_is_let_go_without_a_word_is_a_lost_launch),
        TASK_TEST(a_dead_executor_is_lost),
        TASK_TEST(an_executor_of_another_boot_is_nobody),
        TASK_TEST(a_kill_that_was_asked_for_is_the_reason),
        TASK_TEST(an_end_is_told_once_over_all_agents),
        TASK_TEST(an_unconfirmed_end_is_told_again_by_the_next_agent_too),
        TASK_TEST(a_status_that_cannot_be_read_is_an_end_all_the_same),
        TASK_TEST(a_task_is_held_without_a_readable_description),
        TASK_TEST(a_task_forgotten_before_the_agent_died_stays_forgotten),
    };

    log_init("test", LOG_LEVEL_ERROR + 1);
    return cmocka_run_group_tests_name("agent/task", tests, NULL, NULL);
}
