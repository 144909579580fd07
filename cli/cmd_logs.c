/* SPDX-License-Identifier: PostgreSQL */
/* howdah logs [-f] [--stderr] TASK
 *
 * A task's output lies on its agent's disk. log_request leaves a request in the database, the agent
 * answers it with its next sync, log_fetch picks the chunk up. Without -f the log is read to its
 * present end; with -f until the agent says that no more will ever come. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/row.h"
#include "cli/base64.h"
#include "cli/cell.h"
#include "cli/output.h"

#define CHUNK              65536
#define FETCH_PAUSE_MS     50
#define FOLLOW_PAUSE_MS    500
#define ANSWER_DEADLINE_MS 30000 /* an agent that does not answer for so long is not going to */

static void pause_ms(long ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

static PGresult *chunk_request(struct cli *cli, const char *task_id, const char *stream,
                               int64_t offset, struct err *err)
{
    CLEANUP_FREE char *at = mem_printf("%lld", (long long)offset);
    CLEANUP_FREE char *length = mem_printf("%d", CHUNK);
    const char *params[] = {task_id, stream, at, length};

    return cell_call(cli, STMT_log_request, params, err);
}

/* The answer to one request: waits for the agent. Caller PQclears. */
static PGresult *chunk_fetch(struct cli *cli, const char *task_id, const char *stream,
                             int64_t offset, struct err *err)
{
    CLEANUP_RESULT PGresult *request = chunk_request(cli, task_id, stream, offset, err);
    int64_t deadline = clock_mono_ms() + ANSWER_DEADLINE_MS;

    while (request && clock_mono_ms() < deadline) {
        const char *params[] = {row_text(request, 0, "request_id")};
        PGresult *answer = cell_call(cli, STMT_log_fetch, params, err);

        if (!answer || row_bool(answer, 0, "ready"))
            return answer;
        PQclear(answer);
        pause_ms(FETCH_PAUSE_MS);
    }
    if (request)
        err_set(err, ERR_log_unavailable, "task %s: its agent did not answer within %d s", task_id,
                ANSWER_DEADLINE_MS / 1000);
    return NULL;
}

static bool task_lives(struct cli *cli, const char *task_id)
{
    const char *params[] = {task_id};
    struct err ignored;
    CLEANUP_RESULT PGresult *result = cell_call(cli, STMT_task_state, params, &ignored);

    return result && PQntuples(result) == 1 && row_bool(result, 0, "live");
}

/* Prints one chunk and returns how many bytes it had, or -1. *more: false at the end. A task that
 * has not started yet has no log; -f waits for that. */
static int64_t chunk_print(struct cli *cli, const char *task_id, const PGresult *answer,
                           int64_t offset, bool *more, struct err *err)
{
    const char *error = row_text(answer, 0, "error");
    const char *text = row_text(answer, 0, "data");
    size_t len = 0;
    CLEANUP_FREE char *data = base64_decode(text ? text : "", &len);

    if (error && cli->options.follow && task_lives(cli, task_id))
        return 0;
    if (error)
        return err_set(err, ERR_log_unavailable, "%s", error);
    fwrite(data, 1, len, stdout);
    fflush(stdout);
    *more = offset + (int64_t)len < row_int(answer, 0, "size") ||
            (cli->options.follow && !row_bool(answer, 0, "eof"));
    return (int64_t)len;
}

int cmd_logs(struct cli *cli, struct err *err)
{
    const char *stream = cli->options.stderr_log ? "stderr" : "stdout";
    CLEANUP_FREE char *id = NULL;
    int64_t offset = 0, length;
    bool more = true;

    if (cell_open(cli, err) < 0)
        return -1;
    id = cell_find_id(cli, "task", cli->operands[0], err);
    if (!id)
        return -1;
    while (more) {
        CLEANUP_RESULT PGresult *answer = chunk_fetch(cli, id, stream, offset, err);

        length = answer ? chunk_print(cli, id, answer, offset, &more, err) : -1;
        if (length < 0)
            return -1;
        offset += length;
        if (more && length == 0)
            pause_ms(FOLLOW_PAUSE_MS);
    }
    return EXIT_OK;
}
