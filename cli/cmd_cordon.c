/* SPDX-License-Identifier: PostgreSQL */
/* howdah cordon, uncordon, drain AGENT...: a transaction for each agent, since the books of one are
 * not locked after the offers of another; then the agents as they are. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/mem.h"
#include "base/row.h"
#include "cli/cell.h"
#include "cli/output.h"

#define WAIT_PAUSE_MS 500

static int agents_print(struct cli *cli, const char *ids, struct err *err)
{
    static const struct output_column columns[] = {
        {"ID", "agent_id", OUTPUT_ID, NULL},
        {"NAME", "name", OUTPUT_TEXT, NULL},
        {"STATE", "condition", OUTPUT_TEXT, NULL},
        {"TASKS", "task_count", OUTPUT_NUMBER, NULL},
        {"DEADLINE", "drain_deadline", OUTPUT_TIME, NULL},
        {"REASON", "cordon_reason", OUTPUT_TEXT, NULL},
    };
    const char *params[] = {ids};
    CLEANUP_RESULT PGresult *result = cell_call(cli, STMT_agents_cordoned, params, err);

    if (!result)
        return -1;
    output_result(cli, result, COLUMNS(columns), "no agents");
    return EXIT_OK;
}

static int agents_change(struct cli *cli, const char *ids, enum stmt stmt, const char *reason,
                         const char *deadline_s, struct err *err)
{
    for (int i = 1; i <= cli->operand_count; i++) {
        CLEANUP_FREE char *place = mem_printf("%d", i);
        const char *params[] = {ids, place, reason, deadline_s};
        CLEANUP_RESULT PGresult *result = cell_call(cli, stmt, params, err);

        if (!result)
            return -1;
    }
    return 0;
}

static char *agents_find(struct cli *cli, struct err *err)
{
    return cell_open(cli, err) < 0 ? NULL : cell_find_ids(cli, "agent", err);
}

static int cordon_change(struct cli *cli, enum stmt stmt, struct err *err)
{
    CLEANUP_FREE char *ids = agents_find(cli, err);

    if (!ids || agents_change(cli, ids, stmt, cli->options.reason, NULL, err) < 0)
        return -1;
    return agents_print(cli, ids, err);
}

int cmd_cordon(struct cli *cli, struct err *err)
{
    return cordon_change(cli, STMT_agent_cordon, err);
}

int cmd_uncordon(struct cli *cli, struct err *err)
{
    return cordon_change(cli, STMT_agent_uncordon, err);
}

/* 1: go on waiting; 0: all are empty; -1 with err. *told: the number of tasks that was said last.
 */
static int drain_look(struct cli *cli, const char *ids, int64_t *told, struct err *err)
{
    const char *params[] = {ids};
    CLEANUP_RESULT PGresult *result = cell_call(cli, STMT_drain_left, params, err);

    if (!result)
        return -1;
    if (row_int(result, 0, "ended") > 0)
        return err_set(err, ERR_agent_unknown,
                       "drain: an agent was uncordoned or removed meanwhile");
    if (row_int(result, 0, "draining") == 0)
        return 0;
    if (*told != row_int(result, 0, "tasks")) {
        *told = row_int(result, 0, "tasks");
        (void)fprintf(stderr, "waiting: %" PRId64 " task%s left\n", *told, *told == 1 ? "" : "s");
    }
    return 1;
}

static int drain_wait(struct cli *cli, const char *ids, struct err *err)
{
    const struct timespec pause = {.tv_nsec = WAIT_PAUSE_MS * 1000000L};
    int64_t told = -1;
    int more;

    while ((more = drain_look(cli, ids, &told, err)) > 0)
        nanosleep(&pause, NULL);
    return more;
}

int cmd_drain(struct cli *cli, struct err *err)
{
    CLEANUP_FREE char *deadline_s = mem_printf("%" PRId64, cli->options.deadline / 1000);
    CLEANUP_FREE char *ids = agents_find(cli, err);

    if (!ids || agents_change(cli, ids, STMT_agent_drain, cli->options.reason, deadline_s, err) < 0)
        return -1;
    if (cli->options.wait && drain_wait(cli, ids, err) < 0)
        return -1;
    return agents_print(cli, ids, err);
}
