/* SPDX-License-Identifier: PostgreSQL */
/* The database is away. Tasks run on meanwhile, so `howdah run` waits, says so at once and then
 * each minute, and gives up after --database-timeout. A development cluster that was taken down
 * does not come back as what it was: its env file is gone, or names another socket. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cell.h"
#include "cli/run.h"

#define CHECK_MS 1000
#define SAY_MS   60000

static bool cluster_is_gone(const struct run *run)
{
    struct err err;
    CLEANUP_FREE char *conninfo = cell_conninfo(run->cli, &err);

    return !conninfo || strcmp(conninfo, run->conninfo) != 0;
}

static void away_say(struct run *run, int64_t now, const char *how)
{
    run_say(run, "%s for the database: %s", how, run->away.text);
    run->away_said_ms = now;
}

static void away_check(struct run *run)
{
    int64_t now = clock_mono_ms(), away_ms = now - run->away_since_ms;

    if (cluster_is_gone(run)) {
        run_say(run, "the cluster in \"%s\" is gone", run->cli->options.dir);
        run_give_up(run);
    } else if (away_ms >= run->cli->options.away) {
        run_say(run,
                "giving up: the database has been away for %lld s (--database-timeout); once it is "
                "back the cell kills the tasks after --failover-timeout: %s",
                (long long)away_ms / 1000, run->away.text);
        run_give_up(run);
    } else if (now - run->away_said_ms >= SAY_MS) {
        away_say(run, now, "still waiting");
    }
}

static void away_tick(void *arg)
{
    struct run *run = arg;

    away_check(run);
    timer_start(run->away_timer, CHECK_MS);
}

void run_away_start(struct run *run)
{
    run->away_timer = timer_create_on(run->base, away_tick, run);
}

void run_away_begin(struct run *run, const char *code, const char *text)
{
    int64_t now = clock_mono_ms();
    bool fresh = run->waiting_for != code;

    (void)err_set(&run->away, ERR_connection_failed, "%s", text);
    run->waiting_for = code;
    if (run->away_since_ms == 0) {
        run->away_since_ms = now;
        timer_start(run->away_timer, CHECK_MS);
    }
    if (fresh)
        away_say(run, now, "waiting");
}

void run_away_end(struct run *run)
{
    run->waiting_for = NULL;
    run->away_since_ms = 0;
    timer_stop(run->away_timer);
    run_say(run, "connected again");
}
