/* SPDX-License-Identifier: PostgreSQL */
/* The tasks' output as it comes.
 *
 * Each stream is read chunk after chunk: log_request asks, log_fetch is repeated until the agent
 * has answered. A running task is asked once a second, an ended one until its agent says that no
 * more will come. Lines are printed whole, so that the output of many tasks does not mix within a
 * line. An agent that is lost cannot answer: what an ended task wrote is waited for no longer than
 * ENDED_WAIT_MS after the last news of it. */
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/row.h"
#include "cli/base64.h"
#include "cli/run.h"
#include "cli/stmts.h"

#define TICK_MS       100
#define LIVE_PAUSE_MS 1000
#define ENDED_WAIT_MS 15000
#define BUSY_MAX      64 /* requests under way at the same time */
#define CHUNK         "65536"

static struct run_task *log_task(const struct run_log *log)
{
    return &log->run->tasks[log->task];
}

static struct lines_target log_target(const struct run_log *log)
{
    const struct run_task *task = log_task(log);
    bool json = log->run->cli->options.json;

    return (struct lines_target){
        .out = log->to_stderr && !json ? stderr : stdout,
        .json = json,
        .task_id = task->task_id,
        .task = task->name,
        .stream = log->to_stderr ? "stderr" : "stdout",
    };
}

static void log_take(struct run_log *log, const char *data, size_t len)
{
    const struct lines_target target = log_target(log);

    if (!lines_add(&log->lines, &target, data, len) && !log->run->stopping)
        run_stop(log->run, EXIT_TROUBLE); /* nobody reads any more */
}

static void log_end(struct run_log *log)
{
    const struct lines_target target = log_target(log);

    (void)lines_end(&log->lines, &target); /* main looks at stdout's error flag */
    log->done = true;
}

static void log_release(struct run_log *log, int64_t pause_ms)
{
    log->busy = false;
    log->request = 0;
    log->run->log_busy--;
    log->due_ms = clock_mono_ms() + pause_ms;
    run_check_end(log->run);
}

/* One chunk has come. */
static void log_answered(struct run_log *log, const PGresult *result)
{
    const struct run_task *task = log_task(log);
    const char *text = row_text(result, 0, "data");
    size_t len = 0;
    CLEANUP_FREE char *data = base64_decode(text ? text : "", &len);
    bool error = !row_is_null(result, 0, "error");
    bool more = log->offset + (int64_t)len < row_int(result, 0, "size");

    log->offset += (int64_t)len;
    log_take(log, data, len);
    if (!more && (row_bool(result, 0, "eof") || (error && task->stage == RUN_ENDED)))
        log_end(log);
    log_release(log, more ? 0 : task->stage == RUN_ENDED ? TICK_MS : LIVE_PAUSE_MS);
}

static void log_fetched_cb(const PGresult *result, const struct err *err, void *arg)
{
    struct run_log *log = arg;

    if (err)
        log_release(log, LIVE_PAUSE_MS);
    else if (row_bool(result, 0, "ready"))
        log_answered(log, result);
    else
        log->due_ms = clock_mono_ms() + TICK_MS;
}

static void log_requested_cb(const PGresult *result, const struct err *err, void *arg)
{
    struct run_log *log = arg;

    if (err && err->code == ERR_log_unavailable && log_task(log)->stage == RUN_ENDED)
        log_end(log); /* it never ran anywhere */
    if (err) {
        log_release(log, LIVE_PAUSE_MS);
        return;
    }
    log->request = row_int(result, 0, "request_id");
    log->due_ms = clock_mono_ms() + TICK_MS;
}

static void log_request(struct run_log *log)
{
    CLEANUP_FREE char *offset = mem_printf("%lld", (long long)log->offset);
    const char *params[] = {log_task(log)->task_id, log->to_stderr ? "stderr" : "stdout", offset,
                            CHUNK};

    log->busy = true;
    log->run->log_busy++;
    log->due_ms = INT64_MAX;
    db_call(log->run->db, &stmts[STMT_log_request], params, log_requested_cb, log);
}

static void log_fetch(struct run_log *log)
{
    CLEANUP_FREE char *request = mem_printf("%lld", (long long)log->request);
    const char *params[] = {request};

    log->due_ms = INT64_MAX;
    db_call(log->run->db, &stmts[STMT_log_fetch], params, log_fetched_cb, log);
}

static void log_step(struct run_log *log, int64_t now)
{
    const struct run_task *task = log_task(log);

    if (log->done || !task->task_id || !task->started)
        return;
    if (task->stage == RUN_ENDED && now > task->ended_ms + ENDED_WAIT_MS && !log->busy) {
        run_say(log->run, "%s: the end of its output did not arrive; see howdah logs", task->name);
        log_end(log);
        run_check_end(log->run);
    } else if (log->due_ms > now) {
        return;
    } else if (log->busy && task->stage == RUN_ENDED && now > task->ended_ms + ENDED_WAIT_MS) {
        log_release(log, 0);
    } else if (log->busy) {
        log_fetch(log);
    } else if (log->run->log_busy < BUSY_MAX) {
        log_request(log);
    }
}

static void tick(void *arg)
{
    struct run *run = arg;
    int64_t now = clock_mono_ms();

    for (size_t i = 0; i < run->task_count && !run->ending; i++)
        for (int stream = 0; stream < 2; stream++)
            log_step(&run->tasks[i].logs[stream], now);
    if (!run->ending)
        timer_start(run->log_timer, TICK_MS);
}

void run_logs_start(struct run *run)
{
    for (size_t i = 0; i < run->task_count; i++)
        for (int stream = 0; stream < 2; stream++)
            run->tasks[i].logs[stream] =
                (struct run_log){.run = run, .task = i, .to_stderr = stream == 1};
    run->log_timer = timer_create_on(run->base, tick, run);
    timer_start(run->log_timer, TICK_MS);
}

bool run_logs_done(const struct run *run)
{
    for (size_t i = 0; i < run->task_count; i++)
        if (run->tasks[i].task_id && !(run->tasks[i].logs[0].done && run->tasks[i].logs[1].done))
            return false;
    return true;
}

void run_logs_free(struct run_task *task)
{
    lines_free(&task->logs[0].lines);
    lines_free(&task->logs[1].lines);
}
