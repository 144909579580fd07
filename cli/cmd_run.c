/* SPDX-License-Identifier: PostgreSQL */
/* howdah run [OPTION]... -- COMMAND [ARGUMENT]...
 *
 * A framework for the time of one command: registers, places --count tasks on offers, prints what
 * they write, waits for all of them and is torn down. Everything happens on one event loop. A
 * broken connection is waited out: tasks run on meanwhile. Ctrl-C kills the tasks and waits for
 * their end, but not for ever; a second one does not wait. Should this process die, the cell kills
 * the tasks after --failover-timeout.
 *
 * The exit code is that of the first task, in order of their numbers, that did not end with 0. */
#include <ctype.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cell.h"
#include "cli/output.h"
#include "cli/run.h"

#define TEARDOWN_WAIT_MS 5000
#define STOP_WAIT_MS     30000 /* beyond the grace period: for killed tasks to be seen ended … */
#define AWAY_WAIT_MS     3000  /* … and in all, when the database is away */
#define NAME_MAX_BYTES   100   /* leaves room for "-10000" */

void run_say(const struct run *run, const char *fmt, ...)
{
    va_list args;

    if (run->cli->options.quiet)
        return;
    fputs("howdah run: ", stderr);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
}

/* ---- the end ---- */

static void torn_down_cb(struct fw_session *session, int64_t count, const struct fw_error *err,
                         void *arg)
{
    struct run *run = arg;

    (void)session;
    (void)count;
    (void)err;
    event_base_loopbreak(run->base);
}

static void end_anyway(void *arg)
{
    event_base_loopbreak(((struct run *)arg)->base);
}

static void run_end(struct run *run)
{
    if (run->ending)
        return;
    run->ending = true;
    timer_start(run->end_timer, TEARDOWN_WAIT_MS);
    if (fw_teardown(run->session, torn_down_cb, run, NULL) < 0)
        event_base_loopbreak(run->base);
}

void run_give_up(struct run *run)
{
    run->stopping = run->ending = true;
    run->stop_code = EXIT_TROUBLE;
    event_base_loopbreak(run->base);
}

void run_check_end(struct run *run)
{
    if (run->ended_count == run->task_count && run_logs_done(run))
        run_end(run);
}

void run_task_end(struct run *run, struct run_task *task, int exit_code)
{
    if (task->stage == RUN_ENDED)
        return;
    task->stage = RUN_ENDED;
    task->exit_code = exit_code;
    task->ended_ms = clock_mono_ms();
    run->ended_count++;
    task->logs[0].due_ms = task->logs[0].busy ? task->logs[0].due_ms : 0;
    task->logs[1].due_ms = task->logs[1].busy ? task->logs[1].due_ms : 0;
}

void run_stop(struct run *run, int exit_code)
{
    CLEANUP_FREE const char **ids = mem_alloc((run->task_count + 1) * sizeof *ids);
    size_t count = 0;

    if (run->stopping)
        return;
    run->stopping = true;
    run->stop_code = exit_code;
    for (size_t i = 0; i < run->task_count; i++) {
        struct run_task *task = &run->tasks[i];

        if (task->stage == RUN_UNPLACED)
            run_task_end(run, task, exit_code);
        else if (task->stage == RUN_PLACED)
            ids[count++] = task->task_id;
    }
    if (count)
        (void)fw_kill(run->session, ids, count, -1, NULL, NULL, NULL);
    timer_start(run->end_timer, fw_session_connected(run->session)
                                    ? STOP_WAIT_MS + run->cli->options.kill_grace
                                    : AWAY_WAIT_MS);
    run_check_end(run);
}

/* ---- what arrives ---- */

/* Task names end in "-NUMBER", counted from 1. */
static struct run_task *task_of(struct run *run, const char *name)
{
    const char *dash = strrchr(name, '-');
    unsigned long number = dash ? strtoul(dash + 1, NULL, 10) : 0;

    if (number < 1 || number > run->task_count || strcmp(run->tasks[number - 1].name, name) != 0)
        return NULL;
    return &run->tasks[number - 1];
}

static int exit_code_of(const struct fw_update *update)
{
    if (strcmp(update->state, "finished") == 0)
        return 0;
    if (update->signal > 0)
        return EXIT_SIGNAL + update->signal;
    return update->exit_code > 0 ? update->exit_code : EXIT_TROUBLE;
}

static void failure_say(struct run *run, const struct run_task *task,
                        const struct fw_update *update)
{
    const char *detail = update->message ? update->message : update->reason;

    if (task->exit_code == 0 || run->stopping)
        return;
    run_say(run, "%s %s on %s%s%s", task->name, update->state,
            update->agent_name ? update->agent_name : "-", detail ? ": " : "",
            detail ? detail : "");
}

/* With --json: an object when a task has ended. */
static void end_print_json(const struct fw_update *update)
{
    json_t *exit_code = update->exit_code < 0 ? json_null() : json_integer(update->exit_code);
    json_t *signo = update->signal > 0 ? json_integer(update->signal) : json_null();
    const char *message = update->message ? update->message : "";

    (void)output_json_line(stdout, json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:o, s:o, s:o}",
                                             "task_id", update->task_id, "task", update->task_name,
                                             "state", update->state, "reason", update->reason,
                                             "agent", update->agent_name, "message",
                                             output_text_json(message, strlen(message)),
                                             "exit_code", exit_code, "signal", signo));
}

static void on_update(struct fw_session *session, const struct fw_update *update, void *arg)
{
    struct run *run = arg;
    struct run_task *task = task_of(run, update->task_name);

    (void)session;
    if (!task || task->stage == RUN_ENDED)
        return;
    if (!task->task_id)
        task->task_id = mem_strdup(update->task_id);
    if (task->stage != RUN_PLACED)
        task->stage = RUN_PLACED;
    task->started |= strcmp(update->state, "running") == 0 || update->terminal;
    if (!update->terminal)
        return;
    if (run->cli->options.json)
        end_print_json(update);
    run_task_end(run, task, exit_code_of(update));
    failure_say(run, task, update);
    run_check_end(run);
}

static void on_offers(struct fw_session *session, const struct fw_offer *offers, size_t count,
                      void *arg)
{
    (void)session;
    (void)offers;
    (void)count;
    run_place(arg);
}

static void on_disconnected(struct fw_session *session, const struct fw_error *err, void *arg)
{
    (void)session;
    run_away_begin(arg, err->code, err->text);
}

static void on_reconnected(struct fw_session *session, void *arg)
{
    (void)session;
    run_away_end(arg);
}

static void on_error(struct fw_session *session, const struct fw_error *err, void *arg)
{
    struct run *run = arg;

    (void)session;
    run_say(run, "%s", err->text);
    run_give_up(run);
}

static void on_warning(struct fw_session *session, const struct fw_error *err, void *arg)
{
    (void)session;
    run_say(arg, "%s", err->text);
}

static void on_signal(int signo, void *arg)
{
    struct run *run = arg;

    if (run->stopping) {
        run_end(run);
        timer_start(run->end_timer, 1000);
        return;
    }
    run_say(run, "killing %zu tasks; once more to leave without waiting for their end",
            run_count(run, RUN_PLACED));
    run_stop(run, EXIT_SIGNAL + signo);
}

static void on_timeout(void *arg)
{
    struct run *run = arg;

    if (run->stopping)
        return;
    run_say(run, "the timeout has passed: killing %zu tasks", run_count(run, RUN_PLACED));
    run_stop(run, EXIT_TIMEOUT);
}

/* ---- setting up ---- */

static int cpus_parse(const char *text, int64_t *milli, struct err *err)
{
    size_t whole = strspn(text, "0123456789");
    size_t part = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
    double cpus = strtod(text, NULL);

    if (whole + part == 0 || whole > 7 || part > 3 ||
        text[whole + (text[whole] == '.') + part] != '\0' || cpus < 0.001 || cpus > 1000000)
        return err_set(
            err, ERR_input_invalid,
            "option --cpus, value \"%s\": expected a number from 0.001 to 1000000 with up "
            "to three decimals",
            text);
    *milli = (int64_t)(cpus * 1000 + 0.5);
    return 0;
}

static int environment_check(char *const *list, struct err *err)
{
    for (; list && *list; list++)
        if ((*list)[0] == '=' || !strchr(*list, '='))
            return err_set(err, ERR_input_invalid,
                           "option --env, value \"%s\": expected NAME=VALUE", *list);
    return 0;
}

static int spec_make(struct run *run, struct err *err)
{
    const struct options *options = &run->cli->options;

    if (cpus_parse(options->cpus, &run->spec.cpus_milli, err) < 0 ||
        environment_check(options->env, err) < 0)
        return -1;
    run->spec.mem = options->mem;
    run->spec.disk = options->disk;
    run->spec.gpus = options->gpus;
    run->spec.argv = (const char *const *)run->cli->operands;
    run->spec.environment = (const char *const *)options->env;
    run->spec.user = options->user;
    run->spec.kill_grace_s = (int)(options->kill_grace / 1000);
    run->spec.stop_unreachable_s = (int)(options->stop_unreachable / 1000);
    return 0;
}

/* --name, or the last part of the command's name without what a name may not hold. */
static char *name_make(const struct cli *cli)
{
    const char *command = cli->operands[0], *slash = strrchr(command, '/');
    char *name = mem_strndup(cli->options.name   ? cli->options.name
                             : slash && slash[1] ? slash + 1
                                                 : command,
                             NAME_MAX_BYTES);

    for (char *c = name; !cli->options.name && *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
            *c = '_';
    return name;
}

static void tasks_make(struct run *run, const char *name)
{
    run->task_count = (size_t)run->cli->options.count;
    run->tasks = mem_alloc(run->task_count * sizeof *run->tasks);
    for (size_t i = 0; i < run->task_count; i++)
        run->tasks[i].name = mem_printf("%s-%zu", name, i + 1);
}

static int connections_make(struct run *run, const char *name, struct err *err)
{
    static const struct fw_callbacks callbacks = {
        .registered = NULL,
        .offers = on_offers,
        .rescinded = NULL,
        .update = on_update,
        .disconnected = on_disconnected,
        .reconnected = on_reconnected,
        .error = on_error,
        .warning = on_warning,
    };
    const struct fw_config config = {
        .conninfo = run->conninfo,
        .name = name,
        .role = run->cli->options.role,
        .failover_timeout_s = (int)(run->cli->options.failover / 1000),
        .auto_acknowledge = true,
        .poll_ms = 500,
    };
    const struct db_config db_config = {
        .conninfo = run->conninfo,
        .application_name = "howdah run",
        .want = DB_WANT_WRITABLE,
    };
    struct fw_error fw_err;

    run->session = fw_session_create(run->base, &config, &callbacks, run, &fw_err);
    if (!run->session)
        return err_set(err, ERR_input_invalid, "%s", fw_err.text);
    run->db = db_create(run->base, &db_config, err);
    return run->db ? 0 : -1;
}

static void signals_make(struct run *run)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        run->signals[i] = loop_signal(run->base, numbers[i], on_signal, run);
}

static int run_create(struct run *run, struct err *err)
{
    CLEANUP_FREE char *name = name_make(run->cli);

    if (spec_make(run, err) < 0)
        return -1;
    run->base = event_base_new();
    if (!run->base)
        return err_set(err, ERR_io_failed, "no event loop can be made");
    tasks_make(run, name);
    signals_make(run);
    run_logs_start(run);
    run_wait_start(run);
    run_away_start(run);
    run->end_timer = timer_create_on(run->base, end_anyway, run);
    run->timeout_timer = timer_create_on(run->base, on_timeout, run);
    if (run->cli->options.timeout)
        timer_start(run->timeout_timer, run->cli->options.timeout);
    return connections_make(run, name, err);
}

static void run_destroy(struct run *run)
{
    fw_session_destroy(run->session);
    db_destroy(run->db);
    timer_free(run->log_timer);
    timer_free(run->wait_timer);
    timer_free(run->away_timer);
    timer_free(run->end_timer);
    timer_free(run->timeout_timer);
    for (size_t i = 0; i < sizeof run->signals / sizeof run->signals[0]; i++)
        if (run->signals[i])
            event_free(run->signals[i]);
    for (size_t i = 0; i < run->task_count; i++) {
        free(run->tasks[i].name);
        free(run->tasks[i].task_id);
        run_logs_free(&run->tasks[i]);
    }
    free(run->tasks);
    free(run->conninfo);
    if (run->base)
        event_base_free(run->base);
}

static int run_result(const struct run *run)
{
    if (run->stopping)
        return run->stop_code;
    for (size_t i = 0; i < run->task_count; i++)
        if (run->tasks[i].exit_code != 0)
            return run->tasks[i].exit_code;
    return EXIT_OK;
}

int cmd_run(struct cli *cli, struct err *err)
{
    struct run run = {.cli = cli};
    int rc;

    /* One blocking connection first: no cluster, a wrong password or schema are said at once. */
    if (cell_open(cli, err) < 0)
        return -1;
    PQfinish(cli->conn);
    cli->conn = NULL;
    run.conninfo = cell_conninfo(cli, err);
    rc = run.conninfo ? run_create(&run, err) : -1;
    if (rc == 0) {
        event_base_dispatch(run.base);
        rc = run_result(&run);
    }
    run_destroy(&run);
    return rc;
}
