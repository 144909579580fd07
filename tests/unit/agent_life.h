/* SPDX-License-Identifier: PostgreSQL */
/* Agent and executor together, against a cell that exists only here: tasks run, end, are killed,
 * outlive agents; nothing is lost, nothing runs twice, nothing leaks. Two programs run all of it:
 * test_agent_life with the best isolation of this machine, test_agent_life_bare with none. */
#ifndef HOWDAH_TESTS_AGENT_LIFE_H
#define HOWDAH_TESTS_AGENT_LIFE_H

#include "agent_fake.h"

#include "agent/common_cgroup.h"

static const char *isolation; /* set by main */

static int setup(void **state)
{
    struct world *world = mem_alloc(sizeof(*world));

    world_create(world, isolation);
    agent_begin(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    world_destroy(*state);
    free(*state);
    return 0;
}

static void run_to_end(struct world *world, const char *id)
{
    until(world, has_ended, id, "the task's end is reported");
}

static void run_to_running(struct world *world, const char *id)
{
    until(world, is_running, id, "the task is reported running");
}

static void assert_end(struct world *world, const char *id, const char *state, const char *reason)
{
    assert_string_equal(state_of(world, id), state);
    assert_string_equal(reason_of(world, id), reason);
}

static bool wrote_ready(struct world *world, const char *id)
{
    return strstr(sandbox_text(world, id, "stdout"), "ready") != NULL;
}

/* ---- plain life ----------------------------------------------------------------------------- */

static void test_exit_code_zero_is_finished(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, "{'command': {'argv': ['echo', 'hello']}}");

    run_to_end(world, id);
    assert_end(world, id, "finished", "command_exited");
    assert_int_equal(exit_code_of(world, id), 0);
    assert_int_equal(count_updates(world, id, "running"), 1);
    assert_string_equal(sandbox_text(world, id, "stdout"), "hello\n");
}

static void test_exit_code_is_reported(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, "{'command': {'shell': 'echo bad >&2; exit 37'}}");

    run_to_end(world, id);
    assert_end(world, id, "failed", "command_exited");
    assert_int_equal(exit_code_of(world, id), 37);
    assert_string_equal(sandbox_text(world, id, "stderr"), "bad\n");
}

static void test_signal_is_reported(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, "{'command': {'shell': 'kill -SEGV $$'}}");

    run_to_end(world, id);
    assert_end(world, id, "failed", "command_exited");
    assert_int_equal(exit_code_of(world, id), -1);
    assert_int_equal(json_integer_value(json_object_get(last_update(world, id), "signal")),
                     SIGSEGV);
}

static void test_environment_is_the_tasks_own(void **state)
{
    struct world *world = *state;

    setenv("SECRET_OF_THE_AGENT", "x", 1);
    const char *id = want_task(
        world, "{'command': {'shell': 'env; pwd'}, 'environment': {'COLOUR': 'blue'}, 'resources': "
               "{'cpus': 0.5, 'mem': 64, 'ports': [[31000, 31001], [31005, 31005]], 'sets': "
               "{'gpu': ['0', '1']}}}");
    run_to_end(world, id);
    const char *text = sandbox_text(world, id, "stdout");
    CLEANUP_FREE char *own_id = mem_printf("HOWDAH_TASK_ID=%s\n", id);
    CLEANUP_FREE char *sandbox =
        mem_printf("HOWDAH_SANDBOX=%s/sandboxes/%s\n", world->options.work_dir, id);
    CLEANUP_FREE char *framework = mem_printf("HOWDAH_FRAMEWORK_ID=%s\n", FAKE_FRAMEWORK);
    CLEANUP_FREE char *agent = mem_printf("HOWDAH_AGENT_ID=%s\n", FAKE_AGENT);
    const char *const wanted[] = {own_id,
                                  sandbox,
                                  "COLOUR=blue\n",
                                  "HOWDAH_TASK_NAME=task\n",
                                  framework,
                                  agent,
                                  "HOWDAH_PORTS=31000-31001,31005\n",
                                  "HOWDAH_PORT2=31005\n",
                                  "HOWDAH_CPUS=0.5\n",
                                  "HOWDAH_MEM=64\n",
                                  "HOWDAH_SET_GPU=0,1\n"};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (strstr(text, wanted[i]) == NULL)
            fail_msg("the environment lacks %s in %s", wanted[i], text);
    assert_null(strstr(text, "SECRET_OF_THE_AGENT"));
    assert_non_null(strstr(text, sandbox + strlen("HOWDAH_SANDBOX=")));
}

static void test_task_runs_as_its_user(void **state)
{
    struct world *world = *state;

    if (geteuid() != 0)
        skip();
    const char *id =
        want_task(world, "{'command': {'shell': 'id -un; id -G; stat -c %U:%a .; grep NoNewPrivs "
                         "/proc/self/status'}, 'user': 'daemon'}");
    run_to_end(world, id);
    assert_string_equal(sandbox_text(world, id, "stdout"),
                        "daemon\n1\ndaemon:750\nNoNewPrivs:\t1\n");
}

static void test_task_without_user_runs_as_nobody(void **state)
{
    struct world *world = *state;

    if (geteuid() != 0)
        skip();
    const char *id = want_task(world, "{'command': {'argv': ['id', '-un']}}");
    run_to_end(world, id);
    assert_string_equal(sandbox_text(world, id, "stdout"), "nobody\n");
}

static void test_no_descriptor_is_inherited(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, "{'command': {'argv': ['ls', '/proc/self/fd']}}");

    run_to_end(world, id);
    assert_string_equal(sandbox_text(world, id, "stdout"), "0\n1\n2\n3\n"); /* 3 is ls' own */
}

static bool usage_came(struct world *world, const char *what)
{
    (void)what;
    return json_array_size(world->cell.usage) > 0;
}

static int64_t usage_cpu_ms(const struct world *world)
{
    return json_integer_value(json_object_get(json_array_get(world->cell.usage, 0), "cpu_ms"));
}

static void test_usage_is_sampled(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, "{'command': {'argv': ['sleep', '60']}}");

    run_to_running(world, id);
    until(world, usage_came, id, "a sample is reported");
    const json_t *sample = json_array_get(world->cell.usage, 0);
    assert_string_equal(json_string_value(json_object_get(sample, "task_id")), id);
    assert_int_equal(json_integer_value(json_object_get(sample, "pids")), 1);
    assert_true(json_integer_value(json_object_get(sample, "mem_bytes")) > 0);
}

/* ---- bad descriptions -------------------------------------------------------------------------
 */

static void test_bad_specs_name_the_field(void **state)
{
    static const struct {
        const char *spec, *state, *reason, *word;
    } cases[] = {
        {"{'command': {'argv': []}}", "error", "task_invalid", "command.argv"},
        {"{'command': {'argv': [1]}}", "error", "task_invalid", "command.argv[0]"},
        {"{'command': {'argv': ['']}}", "error", "task_invalid", "command.argv[0]"},
        {"{'command': {}}", "error", "task_invalid", "command"},
        {"{'command': {'argv': ['ls'], 'shell': 'ls'}}", "error", "task_invalid", "command"},
        {"{}", "error", "task_invalid", "command"},
        {"{'command': {'argv': ['ls']}, 'user': 'no-such-user'}", "error", "task_invalid",
         "no-such-user"},
        {"{'command': {'argv': ['ls']}, 'workdir': '/etc'}", "error", "task_invalid", "workdir"},
        {"{'command': {'argv': ['ls']}, 'workdir': 'not/there'}", "error", "task_invalid",
         "workdir"},
        {"{'command': {'argv': ['ls']}, 'workdir': '../..'}", "error", "task_invalid", "sandbox"},
        {"{'command': {'argv': ['ls']}, 'environment': {'HOWDAH_TASK_ID': 'x'}}", "error",
         "task_invalid", "HOWDAH_TASK_ID"},
        {"{'command': {'argv': ['ls']}, 'kill_grace_s': -1}", "error", "task_invalid",
         "kill_grace_s"},
        {"{'command': {'argv': ['no-such-program']}}", "failed", "launch_failed",
         "value \"no-such-program\": not found in PATH"},
        {"{'command': {'argv': ['/etc/passwd']}}", "failed", "launch_failed",
         "value \"/etc/passwd\": /etc/passwd is not executable"},
    };
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *id = want_task(world, cases[i].spec);
        run_to_end(world, id);
        assert_end(world, id, cases[i].state, cases[i].reason);
        if (strstr(message_of(world, id), cases[i].word) == NULL)
            fail_msg("%s: message \"%s\" lacks \"%s\"", cases[i].spec, message_of(world, id),
                     cases[i].word);
        assert_int_equal(count_updates(world, id, "running"), 0);
    }
}

static void test_a_program_that_cannot_run_has_a_shells_exit_code(void **state)
{
    struct world *world = *state;
    const char *missing = want_task(world, "{'command': {'argv': ['no-such-program']}}");
    const char *plain = want_task(world, "{'command': {'argv': ['/etc/passwd']}}");

    run_to_end(world, missing);
    run_to_end(world, plain);
    assert_int_equal(exit_code_of(world, missing), 127);
    assert_int_equal(exit_code_of(world, plain), 126);
}

/* ---- killing ----------------------------------------------------------------------------------
 */

static void test_kill_sends_sigterm_first(void **state)
{
    struct world *world = *state;
    const char *id = want_task(
        world, "{'command': {'shell': 'trap ^echo bye; exit 0^ TERM; echo ready; while :; do sleep "
               "0.05; done'}}");

    until(world, wrote_ready, id, "the task is ready");
    want_kill(world, id, 30);
    run_to_end(world, id);
    assert_end(world, id, "killed", "killed_by_request");
    assert_int_equal(exit_code_of(world, id), 0);
    assert_non_null(strstr(sandbox_text(world, id, "stdout"), "bye"));
}

static void test_kill_after_grace_takes_everything(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, "{'command': {'shell': 'trap ^^ TERM; (setsid sleep 300 &) ; "
                                      "sleep 300 & echo ready; wait; wait; sleep 300'}}");

    until(world, wrote_ready, id, "the task is ready");
    int64_t before = clock_mono_ms();
    want_kill(world, id, 1);
    run_to_end(world, id);
    assert_end(world, id, "killed", "killed_by_request");
    assert_true(clock_mono_ms() - before >= 900);
    assert_true(is_empty(world, id));
}

static void test_second_kill_shortens_the_grace(void **state)
{
    struct world *world = *state;
    const char *id =
        want_task(world, "{'command': {'shell': 'trap ^^ TERM; echo ready; while :; do "
                         "sleep 0.1; done'}}");

    until(world, wrote_ready, id, "the task is ready");
    want_kill(world, id, 3600);
    syncs_pass(world, 3);
    json_array_clear(world->cell.kill);
    want_kill(world, id, 0);
    run_to_end(world, id);
    assert_end(world, id, "killed", "killed_by_request");
}

static void test_children_do_not_outlive_the_command(void **state)
{
    struct world *world = *state;
    const char *id =
        want_task(world, "{'command': {'shell': 'setsid sleep 300 & setsid sleep 300 & exit 4'}}");

    run_to_end(world, id);
    assert_int_equal(exit_code_of(world, id), 4);
    assert_true(is_empty(world, id));
}

static void test_forgotten_task_dies_silently(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, "{'command': {'argv': ['sleep', '300']}}");

    run_to_running(world, id);
    json_array_append_new(world->cell.forget, json_string(id));
    until(world, is_empty, id, "its processes are gone");
    syncs_pass(world, 5);
    assert_string_equal(state_of(world, id), "running");
    assert_int_equal(json_array_size(world->cell.running), 0);
}

/* ---- deaths of agents and executors -------------------------------------------------------------
 */

static void test_task_outlives_the_agent(void **state)
{
    struct world *world = *state;
    const char *id = want_task(
        world,
        "{'command': {'shell': 'echo ready; while [ ! -e go ]; do sleep 0.02; done; exit 5'}}");

    until(world, wrote_ready, id, "the task is ready");
    run_to_running(world, id);
    agent_vanish(world);
    assert_false(is_empty(world, id));
    agent_begin(world);
    syncs_pass(world, 1);
    assert_string_equal(world->cell.registered_with, FAKE_AGENT);
    CLEANUP_FREE char *touch =
        mem_printf("touch '%s/sandboxes/%s/go'", world->options.work_dir, id);
    assert_int_equal(system(touch), 0);
    run_to_end(world, id);
    assert_end(world, id, "failed", "command_exited");
    assert_int_equal(exit_code_of(world, id), 5);
    assert_string_equal(sandbox_text(world, id, "stdout"), "ready\n");
}

static void test_end_without_agent_is_reported_once(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, "{'command': {'shell': 'echo ready; sleep 0.3; exit 6'}}");

    run_to_running(world, id);
    agent_vanish(world);
    int64_t deadline = clock_mono_ms() + FAKE_WAIT_MS;
    CLEANUP_FREE char *dir = meta_dir(world->options.work_dir, id);
    while (!meta_exists(dir, META_STATUS) && clock_mono_ms() < deadline)
        usleep(10000);
    agent_begin(world);
    run_to_end(world, id);
    assert_int_equal(exit_code_of(world, id), 6);
    agent_vanish(world);
    agent_begin(world);
    syncs_pass(world, 4);
    assert_int_equal(count_updates(world, id, "failed"), 1);
    assert_string_equal(sandbox_text(world, id, "stdout"), "ready\n");
}

static bool kill_asked(struct world *world, const char *id)
{
    CLEANUP_FREE char *dir = meta_dir(world->options.work_dir, id);

    return meta_exists(dir, META_KILL);
}

static void test_kill_asked_of_one_agent_is_seen_through_by_the_next(void **state)
{
    struct world *world = *state;
    const char *id =
        want_task(world, "{'command': {'shell': 'trap ^^ TERM; echo ready; while :; do "
                         "sleep 0.1; done'}}");

    until(world, wrote_ready, id, "the task is ready");
    run_to_running(world, id);
    want_kill(world, id, 1);
    until(world, kill_asked, id, "the kill is on its way");
    agent_vanish(world);
    json_array_clear(world->cell.kill);
    agent_begin(world);
    run_to_end(world, id);
    assert_end(world, id, "killed", "killed_by_request");
}

static void test_lost_executor_leaks_nothing(void **state)
{
    struct world *world = *state;
    const char *id =
        want_task(world, "{'command': {'shell': 'setsid sleep 300 & echo ready; sleep 300'}}");

    until(world, wrote_ready, id, "the task is ready");
    run_to_running(world, id);
    kill(pid_in(world, id, META_EXECUTOR), SIGKILL);
    run_to_end(world, id);
    assert_end(world, id, "failed", "executor_lost");
    assert_true(is_empty(world, id));
}

static void test_executor_lost_without_agent_leaks_nothing(void **state)
{
    struct world *world = *state;
    const char *id =
        want_task(world, "{'command': {'shell': 'setsid sleep 300 & echo ready; sleep 300'}}");

    until(world, wrote_ready, id, "the task is ready");
    run_to_running(world, id);
    agent_vanish(world);
    kill(pid_in(world, id, META_EXECUTOR), SIGKILL);
    agent_begin(world);
    run_to_end(world, id);
    assert_end(world, id, "failed", "executor_lost");
    assert_true(is_empty(world, id));
}

static void test_stopped_executor_cannot_block_a_kill(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, "{'command': {'shell': 'echo ready; exec sleep 300'}}");

    until(world, wrote_ready, id, "the task is ready");
    run_to_running(world, id);
    kill(pid_in(world, id, META_EXECUTOR), SIGSTOP);
    want_kill(world, id, 0);
    run_to_end(world, id);
    assert_end(world, id, "killed", "killed_by_request");
    assert_true(is_empty(world, id));
}

static void test_reboot_is_noticed(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, "{'command': {'argv': ['sleep', '300']}}");
    CLEANUP_FREE char *dir = meta_dir(world->options.work_dir, id);
    CLEANUP_JSON json_t *other = NULL;
    struct err err = {0};

    run_to_running(world, id);
    agent_vanish(world);
    kill(pid_in(world, id, META_EXECUTOR), SIGKILL);
    while (meta_locked(dir))
        usleep(10000);
    assert_int_equal(meta_read(dir, META_EXECUTOR, &other, &err), 0);
    json_object_set_new(other, "boot_id", json_string("00000000-0000-4000-8000-000000000000"));
    assert_int_equal(meta_write(dir, META_EXECUTOR, other, 0, &err), 0);
    agent_begin(world);
    run_to_end(world, id);
    assert_end(world, id, "failed", "agent_restarted");
}

static void test_checkpoint_that_never_started_is_discarded(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, "{'command': {'shell': 'echo once'}}");
    CLEANUP_FREE char *dir = meta_dir(world->options.work_dir, id);
    CLEANUP_JSON json_t *doc = json_pack("{ss}", "launch", "cut short");
    struct err err = {0};

    agent_vanish(world); /* it had written spec.json and died before the executor started */
    assert_int_equal(meta_mkdirs(dir, 0700, &err), 0);
    assert_int_equal(meta_write(dir, META_SPEC, doc, 0, &err), 0);
    agent_begin(world);
    run_to_end(world, id);
    assert_end(world, id, "finished", "command_exited");
    assert_string_equal(sandbox_text(world, id, "stdout"), "once\n");
}

static bool executor_has_gone(struct world *world, const char *pid)
{
    (void)world;
    return kill((pid_t)strtol(pid, NULL, 10), 0) != 0;
}

static void test_executor_without_directory_gives_up(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, "{'command': {'argv': ['sleep', '300']}}");
    struct proc_group group = {.task_id = id, .own_children = false};
    char pid[32];

    run_to_running(world, id);
    snprintf(pid, sizeof(pid), "%d", (int)pid_in(world, id, META_EXECUTOR));
    agent_vanish(world);
    CLEANUP_FREE char *command = mem_printf("rm -rf '%s/meta'", world->options.work_dir);
    assert_int_equal(system(command), 0);
    assert_int_equal(proc_group_signal(&group, SIGKILL), 1);
    until(world, executor_has_gone, pid, "the executor ends too");
}

static void test_second_agent_is_kept_out_of_the_work_dir(void **state)
{
    struct world *world = *state;
    struct err err = {0};

    assert_null(agent_create(world->base, &world->options,
                             fake_transport_create(world->base, &world->cell), &err));
    assert_int_equal(err.code, ERR_input_invalid);
    assert_non_null(strstr(err.text, "work-dir"));
}

/* ---- the cell's deaths
 * ---------------------------------------------------------------------------- */

static void test_updates_outlast_a_lost_database(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, "{'command': {'shell': 'echo ready; sleep 0.2; exit 7'}}");

    until(world, wrote_ready, id, "the task is ready");
    world->cell.fail = ERR_connection_lost;
    syncs_pass(world, 4);
    world->cell.fail = ERR_none;
    run_to_end(world, id);
    assert_int_equal(exit_code_of(world, id), 7);
    assert_int_equal(count_updates(world, id, "failed"), 1);
    assert_int_equal(world->cell.registrations, 1);
}

static bool answer_was_lost(struct world *world, const char *what)
{
    (void)what;
    return !world->cell.lose_answer;
}

static void test_lost_answer_is_repeated(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, "{'command': {'shell': 'echo ready; sleep 0.2; exit 8'}}");

    until(world, wrote_ready, id, "the task is ready");
    world->cell.lose_answer = true;
    until(world, answer_was_lost, NULL, "an answer is lost");
    run_to_end(world, id);
    assert_int_equal(exit_code_of(world, id), 8);
    assert_string_equal(sandbox_text(world, id, "stdout"), "ready\n");
}

static bool agent_has_ended(struct world *world, const char *what)
{
    (void)what;
    return agent_ended(world->agent) != AGENT_NOT_ENDED;
}

static void test_fenced_agent_leaves_tasks_alone(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, "{'command': {'shell': 'echo ready; exec sleep 300'}}");

    until(world, wrote_ready, id, "the task is ready");
    world->cell.fail = ERR_epoch_stale;
    until(world, agent_has_ended, NULL, "the agent gives up");
    assert_int_equal(agent_ended(world->agent), AGENT_FENCED);
    assert_false(is_empty(world, id));
}

static bool registered_twice(struct world *world, const char *what)
{
    (void)what;
    return world->cell.registrations >= 2;
}

static bool running_twice(struct world *world, const char *id)
{
    return count_updates(world, id, "running") >= 2;
}

static void test_forgotten_agent_registers_anew(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, "{'command': {'shell': 'echo ready; exec sleep 300'}}");

    run_to_running(world, id);
    world->cell.fail = ERR_agent_unknown;
    until(world, registered_twice, NULL, "it registers again");
    world->cell.fail = ERR_none;
    until(world, running_twice, id, "it tells the new cell what runs");
}

#include "agent_life_cell.h"
#include "agent_life_lease.h"

static void test_refused_declaration_ends_the_agent(void **state)
{
    struct world *world = *state;

    agent_vanish(world);
    world->cell.register_fail = ERR_value_invalid;
    agent_begin(world);
    until(world, agent_has_ended, NULL, "the agent gives up");
    assert_int_equal(agent_ended(world->agent), AGENT_REFUSED);
}

static void test_stop_with_kill_ends_and_reports_all(void **state)
{
    struct world *world = *state;
    const char *one = want_task(world, "{'command': {'shell': 'echo ready; exec sleep 300'}}");
    const char *two = want_task(
        world, "{'command': {'shell': 'trap ^^ TERM; echo ready; while :; do sleep 0.1; done'}}");

    until(world, wrote_ready, one, "the first is ready");
    until(world, wrote_ready, two, "the second is ready");
    world->options.exit_grace_ms = 300;
    agent_stop(world->agent, true);
    until(world, agent_has_ended, NULL, "the agent stops");
    assert_end(world, one, "killed", "killed_by_request");
    assert_end(world, two, "killed", "killed_by_request");
    assert_true(is_empty(world, one) && is_empty(world, two));
}

/* ---- logs and leftovers
 * --------------------------------------------------------------------------- */

static bool log_answered(struct world *world, const char *what)
{
    (void)what;
    return json_array_size(world->cell.log_replies) > 0;
}

static const json_t *log_ask(struct world *world, const char *id, const char *stream, int offset)
{
    json_array_clear(world->cell.log_replies);
    json_array_append_new(world->cell.logs,
                          json_pack("{si ss ss si si}", "request_id", 42, "task_id", id, "stream",
                                    stream, "offset", offset, "length", 65536));
    until(world, log_answered, id, "the log request is answered");
    return json_array_get(world->cell.log_replies, 0);
}

static void test_logs_are_read_in_pieces(void **state)
{
    struct world *world = *state;
    const char *id = want_task(world, "{'command': {'shell': 'printf abcdef'}}");

    run_to_end(world, id);
    const json_t *reply = log_ask(world, id, "stdout", 2);
    assert_int_equal(json_integer_value(json_object_get(reply, "request_id")), 42);
    assert_string_equal(json_string_value(json_object_get(reply, "data")), "Y2RlZg==");
    assert_int_equal(json_integer_value(json_object_get(reply, "size")), 6);
    assert_true(json_is_true(json_object_get(reply, "eof")));
}

static void test_log_that_is_a_link_is_not_followed(void **state)
{
    struct world *world = *state;
    const char *id = want_task(
        world,
        "{'command': {'shell': 'rm stdout stderr; ln -s /etc/passwd stdout; mkdir stderr'}}");

    run_to_end(world, id);
    assert_non_null(json_object_get(log_ask(world, id, "stdout", 0), "error"));
    assert_non_null(json_object_get(log_ask(world, id, "stderr", 0), "error"));
    assert_non_null(json_object_get(log_ask(world, FAKE_CELL, "stdout", 0), "error"));
}

static bool work_dir_is_clean(struct world *world, const char *id)
{
    CLEANUP_FREE char *command =
        mem_printf("test -z \"$(find '%s' -name '*%s*')\"", world->options.work_dir, id);

    return system(command) == 0;
}

static void test_old_sandboxes_are_removed(void **state)
{
    struct world *world = *state;

    world->options.gc_delay_ms = 0;
    const char *id = want_task(
        world,
        "{'command': {'shell': 'mkdir -p a/b/c; touch a/b/c/d; ln -s / a/root; chmod 0 a/b'}}");
    run_to_end(world, id);
    until(world, work_dir_is_clean, id, "sandbox and checkpoint are gone");
    assert_int_equal(access("/etc/passwd", F_OK), 0);
}

/* ---- limits
 * --------------------------------------------------------------------------------------- */

static bool limits_enforced(struct world *world)
{
    CLEANUP_FREE char *root = mem_printf("%s/%s", world->options.cgroup_root, world->name);
    const struct isolator_ops *chosen;
    struct err err = {0};
    char why[1024];

    return isolator_choose(world->options.isolation, root, &chosen, why, sizeof(why), &err) == 0 &&
           chosen != &isolator_none;
}

static void test_memory_limit_is_enforced_and_named(void **state)
{
    struct world *world = *state;

    if (!limits_enforced(world))
        skip();
    const char *hog = want_task(
        world,
        "{'command': {'argv': ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=200M', 'count=1']}, "
        "'resources': {'cpus': 0.1, 'mem': 40}}");
    run_to_end(world, hog);
    assert_end(world, hog, "failed", "memory_limit");
    assert_non_null(strstr(message_of(world, hog), "40 MiB"));
}

/* v2 kills the whole group; v1 only the process that asked for too much. */
static void test_command_may_outlive_its_greedy_child_on_v1_only(void **state)
{
    struct world *world = *state;

    if (!limits_enforced(world))
        skip();
    const char *id = want_task(
        world, "{'command': {'shell': 'dd if=/dev/zero of=/dev/null bs=200M count=1; exit 0'}, "
               "'resources': {'cpus': 0.1, 'mem': 40}}");
    run_to_end(world, id);
    if (strcmp(state_of(world, id), "finished") != 0)
        assert_end(world, id, "failed", "memory_limit");
}

static void test_process_limit_is_enforced(void **state)
{
    struct world *world = *state;

    if (!limits_enforced(world))
        skip();
    agent_vanish(world);
    world->options.task_pids = 8;
    agent_begin(world);
    const char *id = want_task(
        world,
        "{'command': {'shell': 'i=0; while [ $i -lt 20 ]; do sleep 5 & i=$((i+1)); done; wait'}}");
    run_to_end(world, id);
    assert_string_equal(state_of(world, id), "failed");
    assert_non_null(strstr(sandbox_text(world, id, "stderr"), "ork"));
}

/* A control file of a task's group, by its name in v2 and v1; -1 when there is none. */
static int64_t group_value(struct world *world, const char *id, const char *v2, const char *v1)
{
    static const char *const tops[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/cpu",
                                       "/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids"};

    for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
        CLEANUP_FREE char *dir =
            mem_printf("%s/%s/%s/%s", tops[i], world->options.cgroup_root, world->name, id);
        if (cgroup_file_exists(dir, v2))
            return cgroup_file_int(dir, v2);
        if (cgroup_file_exists(dir, v1))
            return cgroup_file_int(dir, v1);
    }
    return -1;
}

static void test_limits_are_written_as_asked(void **state)
{
    struct world *world = *state;

    if (!limits_enforced(world))
        skip();
    const char *id = want_task(world, "{'command': {'argv': ['sleep', '300']}, 'resources': "
                                      "{'cpus': 2.5, 'mem': 100}}");
    run_to_running(world, id);
    int64_t weight = group_value(world, id, "cpu.weight", "cpu.shares");
    assert_true(weight == 250 || weight == 2560);
    assert_int_equal(group_value(world, id, "memory.max", "memory.limit_in_bytes"), 100 << 20);
    assert_int_equal(group_value(world, id, "pids.max", "pids.max"), world->options.task_pids);
}

static void test_ceiling_holds_on_an_idle_machine(void **state)
{
    struct world *world = *state;

    if (!limits_enforced(world))
        skip();
    agent_vanish(world);
    world->options.cpu_ceiling = true;
    agent_begin(world);
    const char *id = want_task(world, "{'command': {'shell': 'while :; do :; done'}, 'resources': "
                                      "{'cpus': 0.1, 'mem': 32}}");
    run_to_running(world, id);
    assert_int_equal(group_value(world, id, "cpu.max", "cpu.cfs_quota_us"), 10000);
    until(world, usage_came, id, "a sample is reported");
    int64_t first = usage_cpu_ms(world), start = clock_mono_ms();
    while (clock_mono_ms() - start < 1000)
        turn(world);
    int64_t used = usage_cpu_ms(world) - first;
    if (used > 500)
        fail_msg("used %lld ms of CPU in about a second, allowed 100", (long long)used);
}

#define LIFE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest life_tests[] = {
    LIFE_TEST(test_exit_code_zero_is_finished),
    LIFE_TEST(test_exit_code_is_reported),
    LIFE_TEST(test_signal_is_reported),
    LIFE_TEST(test_environment_is_the_tasks_own),
    LIFE_TEST(test_task_runs_as_its_user),
    LIFE_TEST(test_task_without_user_runs_as_nobody),
    LIFE_TEST(test_no_descriptor_is_inherited),
    LIFE_TEST(test_usage_is_sampled),
    LIFE_TEST(test_bad_specs_name_the_field),
    LIFE_TEST(test_a_program_that_cannot_run_has_a_shells_exit_code),
    LIFE_TEST(test_kill_sends_sigterm_first),
    LIFE_TEST(test_kill_after_grace_takes_everything),
    LIFE_TEST(test_second_kill_shortens_the_grace),
    LIFE_TEST(test_children_do_not_outlive_the_command),
    LIFE_TEST(test_forgotten_task_dies_silently),
    LIFE_TEST(test_task_outlives_the_agent),
    LIFE_TEST(test_end_without_agent_is_reported_once),
    LIFE_TEST(test_kill_asked_of_one_agent_is_seen_through_by_the_next),
    LIFE_TEST(test_lost_executor_leaks_nothing),
    LIFE_TEST(test_executor_lost_without_agent_leaks_nothing),
    LIFE_TEST(test_stopped_executor_cannot_block_a_kill),
    LIFE_TEST(test_reboot_is_noticed),
    LIFE_TEST(test_checkpoint_that_never_started_is_discarded),
    LIFE_TEST(test_executor_without_directory_gives_up),
    LIFE_TEST(test_second_agent_is_kept_out_of_the_work_dir),
    LIFE_TEST(test_updates_outlast_a_lost_database),
    LIFE_TEST(test_lost_answer_is_repeated),
    LIFE_TEST(test_fenced_agent_leaves_tasks_alone),
    LIFE_TEST(test_forgotten_agent_registers_anew),
    LIFE_TEST(test_a_former_primary_starts_and_kills_nothing),
    LIFE_TEST(test_who_the_agent_is_outlives_it),
    LIFE_TEST(test_ends_are_reported_again_after_a_restore),
    LIFE_TEST(test_an_agent_of_another_cell_ends),
    LIFE_TEST(test_contact_lets_a_task_run_on),
    LIFE_TEST(test_plain_tasks_need_no_confirmation),
    LIFE_TEST(test_lost_contact_stops_the_task),
    LIFE_TEST(test_unconfirmed_answers_are_no_contact),
    LIFE_TEST(test_the_executor_alone_stops_the_task),
    LIFE_TEST(test_a_stopped_executor_is_no_way_out),
    LIFE_TEST(test_an_adopted_task_keeps_its_lease),
    LIFE_TEST(test_what_nobody_confirmed_is_not_started),
    LIFE_TEST(test_refused_declaration_ends_the_agent),
    LIFE_TEST(test_stop_with_kill_ends_and_reports_all),
    LIFE_TEST(test_logs_are_read_in_pieces),
    LIFE_TEST(test_log_that_is_a_link_is_not_followed),
    LIFE_TEST(test_old_sandboxes_are_removed),
    LIFE_TEST(test_memory_limit_is_enforced_and_named),
    LIFE_TEST(test_command_may_outlive_its_greedy_child_on_v1_only),
    LIFE_TEST(test_process_limit_is_enforced),
    LIFE_TEST(test_limits_are_written_as_asked),
    LIFE_TEST(test_ceiling_holds_on_an_idle_machine),
};

static int life_run(const char *name, const char *driver)
{
    log_init("test", LOG_LEVEL_ERROR);
    isolation = driver;
    return cmocka_run_group_tests_name(name, life_tests, NULL, NULL) != 0;
}

#endif
