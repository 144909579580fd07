/* SPDX-License-Identifier: PostgreSQL */
/* howdah logs [-f] [--stderr] TASK
 *
 * A task's output lies on its agent's disk. log_request leaves a request in the database, the agent
 * answers it with its next sync, log_fetch picks the chunk up. Without -f the log is read to its
 * present end; with -f until the agent says that no more will ever come. With --json each line is
 * an object. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/row.h"
#include "cli/base64.h"
#include "cli/cell.h"
#include "cli/lines.h"

#define CHUNK              65536
#define FETCH_PAUSE_MS     50
#define FOLLOW_PAUSE_MS    500
#define ANSWER_DEADLINE_MS 30000 /* an agent that does not answer for so long is not going to */

static void pause_ms(long ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

/* The log that is being read. */
struct log {
    struct cli *cli;
    char *task_id;
    const char *stream;
    int64_t offset; /* bytes read */
    struct lines lines;
};

static PGresult *chunk_request(struct log *log, struct err *err)
{
    CLEANUP_FREE char *at = mem_printf("%lld", (long long)log->offset);
    CLEANUP_FREE char *length = mem_printf("%d", CHUNK);
    const char *params[] = {log->task_id, log->stream, at, length};

    return cell_call(log->cli, STMT_log_request, params, err);
}

/* The answer to one request: waits for the agent. Caller PQclears. */
static PGresult *chunk_fetch(struct log *log, struct err *err)
{
    CLEANUP_RESULT PGresult *request = chunk_request(log, err);
    int64_t deadline = clock_mono_ms() + ANSWER_DEADLINE_MS;

    while (request && clock_mono_ms() < deadline) {
        const char *params[] = {row_text(request, 0, "request_id")};
        PGresult *answer = cell_call(log->cli, STMT_log_fetch, params, err);

        if (!answer || row_bool(answer, 0, "ready"))
            return answer;
        PQclear(answer);
        pause_ms(FETCH_PAUSE_MS);
    }
    if (request)
        err_set(err, ERR_log_unavailable, "task %s: its agent did not answer within %d s",
                log->task_id, ANSWER_DEADLINE_MS / 1000);
    return NULL;
}

static bool task_lives(struct log *log)
{
    const char *params[] = {log->task_id};
    struct err ignored;
    CLEANUP_RESULT PGresult *result = cell_call(log->cli, STMT_task_state, params, &ignored);

    return result && PQntuples(result) == 1 && row_bool(result, 0, "live");
}

static struct lines_target log_target(const struct log *log)
{
    return (struct lines_target){
        .out = stdout,
        .json = true,
        .task_id = log->task_id,
        .task = NULL,
        .stream = log->stream,
    };
}

/* As it came, or with --json line by line. main looks at stdout's error flag. */
static void bytes_print(struct log *log, const char *data, size_t len)
{
    const struct lines_target target = log_target(log);

    if (log->cli->options.json)
        (void)lines_add(&log->lines, &target, data, len);
    else
        fwrite(data, 1, len, stdout);
    fflush(stdout);
}

/* Prints one chunk and returns how many bytes it had, or -1. *more: false at the end. A task that
 * has not started yet has no log; -f waits for that. */
static int64_t chunk_print(struct log *log, const PGresult *answer, bool *more, struct err *err)
{
    bool follow = log->cli->options.follow;
    const char *error = row_text(answer, 0, "error");
    const char *text = row_text(answer, 0, "data");
    size_t len = 0;
    CLEANUP_FREE char *data = base64_decode(text ? text : "", &len);

    if (error && follow && task_lives(log))
        return 0;
    if (error)
        return err_set(err, ERR_log_unavailable, "%s", error);
    bytes_print(log, data, len);
    log->offset += (int64_t)len;
    *more = log->offset < row_int(answer, 0, "size") || (follow && !row_bool(answer, 0, "eof"));
    return (int64_t)len;
}

static int log_print(struct log *log, struct err *err)
{
    const struct lines_target target = log_target(log);
    bool more = true;

    while (more) {
        CLEANUP_RESULT PGresult *answer = chunk_fetch(log, err);
        int64_t length = answer ? chunk_print(log, answer, &more, err) : -1;

        if (length < 0)
            return -1;
        if (more && length == 0)
            pause_ms(FOLLOW_PAUSE_MS);
    }
    (void)lines_end(&log->lines, &target);
    return EXIT_OK;
}

int cmd_logs(struct cli *cli, struct err *err)
{
    struct log log = {.cli = cli, .stream = cli->options.stderr_log ? "stderr" : "stdout"};
    int rc = -1;

    if (cell_open(cli, err) < 0)
        return -1;
    log.task_id = cell_find_id(cli, "task", cli->operands[0], err);
    if (log.task_id)
        rc = log_print(&log, err);
    lines_free(&log.lines);
    free(log.task_id);
    return rc;
}
