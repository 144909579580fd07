/* SPDX-License-Identifier: PostgreSQL */
/* Why tasks wait: every few seconds the tasks that have no agent yet are compared with what the
 * agents have, and a reason is said when it is another one than before. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/row.h"
#include "cli/run.h"
#include "cli/stmts.h"

#define FIRST_MS 2000
#define AGAIN_MS 3000

/* The kinds of resources that the options of `howdah run` know. */
struct wait_kind {
    const char *name;
    const char *total, *free; /* columns of STMT_cell */
    double wanted;
};

/* The largest value of a column and the agent that has it. */
static double column_max(const PGresult *cell, const char *column, const char **agent)
{
    double most = -1;

    for (int row = 0; row < PQntuples(cell); row++) {
        if (row_double(cell, row, column) > most) {
            most = row_double(cell, row, column);
            *agent = row_text(cell, row, "name");
        }
    }
    return most;
}

static bool reason_is_new(struct run *run, const char *reason)
{
    bool fresh = run->waiting_for != reason;

    run->waiting_for = reason;
    return fresh;
}

/* Says which kind no agent has enough of, in total or at present. false: none is short. */
static bool shortage_say(struct run *run, const PGresult *cell, const struct wait_kind *kind)
{
    const char *agent = "";
    double most = column_max(cell, kind->total, &agent);

    if (kind->wanted > most) {
        if (reason_is_new(run, kind->total))
            run_say(run, "waiting: no agent is large enough: %g %s wanted, the largest has %g (%s)",
                    kind->wanted, kind->name, most, agent);
        return true;
    }
    most = column_max(cell, kind->free, &agent);
    if (kind->wanted <= most)
        return false;
    if (reason_is_new(run, kind->free))
        run_say(run,
                "waiting: %zu of %zu tasks have no room: %g %s wanted, the most that is free is %g "
                "(%s)",
                run_count(run, RUN_UNPLACED), run->task_count, kind->wanted, kind->name, most,
                agent);
    return true;
}

static void reason_say(struct run *run, const PGresult *cell)
{
    const struct wait_kind kinds[] = {
        {"cpus", "cpus", "cpus_free", (double)run->spec.cpus_milli / 1000},
        {"MiB of memory", "mem", "mem_free", (double)run->spec.mem},
        {"MiB of disk", "disk", "disk_free", (double)run->spec.disk},
        {"gpus", "gpus", "gpus_free", (double)run->spec.gpus},
    };

    if (PQntuples(cell) == 0) {
        if (reason_is_new(run, "agents"))
            run_say(run, "waiting: the cell has no active agent");
        return;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (shortage_say(run, cell, &kinds[i]))
            return;
    if (reason_is_new(run, "offers"))
        run_say(run, "waiting for offers: %zu of %zu tasks have no agent yet",
                run_count(run, RUN_UNPLACED), run->task_count);
}

static void cell_read_cb(const PGresult *result, const struct err *err, void *arg)
{
    struct run *run = arg;

    if (!err && run_count(run, RUN_UNPLACED) && !run->stopping && !run->ending)
        reason_say(run, result);
}

static void wait_tick(void *arg)
{
    struct run *run = arg;

    if (run_count(run, RUN_UNPLACED) && !run->stopping && db_is_up(run->db))
        db_call(run->db, &stmts[STMT_cell], NULL, cell_read_cb, run);
    timer_start(run->wait_timer, AGAIN_MS);
}

void run_wait_start(struct run *run)
{
    run->wait_timer = timer_create_on(run->base, wait_tick, run);
    timer_start(run->wait_timer, FIRST_MS);
}
