/* SPDX-License-Identifier: PostgreSQL */
/* howdah-coordinator: runs the cell's chores while it holds the lead, and serves the cell's state
 * over HTTP whether it leads or not. Any number may run, any may die at any time.
 *
 * main() creates the parts in the order of one table, runs the event loop, and destroys them in the
 * reverse order. The first signal to stop gives the lead back, so that a standby leads at once. */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/version.h"
#include "coordinator/coordinator.h"
#include "coordinator/http.h"
#include "coordinator/http_static.h"
#include "coordinator/leader.h"
#include "coordinator/metrics.h"
#include "coordinator/snapshot.h"
#include "coordinator/turn.h"

struct part {
    const char *name;
    int (*create)(struct coordinator *root, struct err *err);
    void (*destroy)(struct coordinator *root);
};

/* HTTP stands before all that needs the database: a taken port shows before anybody connects. */
static const struct part parts[] = {
    {"metrics", metrics_create, metrics_destroy}, {"pages", pages_create, pages_destroy},
    {"http", http_create, http_destroy},          {"snapshot", snapshot_create, snapshot_destroy},
    {"turn", turn_create, turn_destroy},          {"leader", leader_create, leader_destroy},
};
#define PART_COUNT (sizeof(parts) / sizeof(parts[0]))

static const int stop_signals[] = {SIGTERM, SIGINT};
#define SIGNAL_COUNT (sizeof(stop_signals) / sizeof(stop_signals[0]))

static void leave_cb(void *arg)
{
    struct coordinator *root = arg;

    event_base_loopbreak(root->base);
}

static void coordinator_stop(struct coordinator *root, enum coordinator_exit exit_code)
{
    if (root->stopping)
        return;
    root->stopping = true;
    root->exit_code = exit_code;
    leader_resign(root->leader, leave_cb, root);
}

static void signal_cb(int signo, void *arg)
{
    log_info("stopping signal=%s", signo == SIGINT ? "INT" : "TERM");
    coordinator_stop(arg, COORDINATOR_EXIT_OK);
}

static void parts_destroy(struct coordinator *root, size_t count)
{
    while (count > 0)
        parts[--count].destroy(root);
}

static int parts_create(struct coordinator *root, struct err *err)
{
    for (size_t i = 0; i < PART_COUNT; i++) {
        if (parts[i].create(root, err) == 0)
            continue;
        parts_destroy(root, i);
        return -1;
    }
    return 0;
}

static void run(struct coordinator *root)
{
    struct event *signals[SIGNAL_COUNT];

    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        signals[i] = loop_signal(root->base, stop_signals[i], signal_cb, root);
    event_base_dispatch(root->base);
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        event_free(signals[i]);
}

static void coordinator_run(struct coordinator *root)
{
    struct err err = {.code = ERR_none};

    uuid_make(root->id);
    root->base = event_base_new();
    root->exit_code = COORDINATOR_EXIT_FAILED;
    log_info("starting name=%s id=%s version=%s", root->options.name, root->id, HOWDAH_VERSION);
    if (parts_create(root, &err) < 0) {
        log_err(LOG_LEVEL_ERROR, &err, "cannot start");
    } else {
        run(root);
        parts_destroy(root, PART_COUNT);
        log_info("stopped exit_code=%d", root->exit_code);
    }
    event_base_free(root->base);
}

int main(int argc, char **argv)
{
    struct coordinator root = {.stop = coordinator_stop};
    struct err err = {.code = ERR_none};
    enum log_level level = LOG_LEVEL_INFO;
    int loaded = options_load(&root.options, argc, argv, &err);

    if (loaded < 0) {
        fprintf(stderr, "howdah-coordinator: %s\n", err.text);
        return COORDINATOR_EXIT_FAILED;
    }
    if (loaded > 0)
        return COORDINATOR_EXIT_OK;
    if (log_level_parse(root.options.log_level, &level) == 0)
        log_init("coordinator", level);
    signal(SIGPIPE, SIG_IGN);
    coordinator_run(&root);
    options_free(&root.options);
    libevent_global_shutdown();
    return (int)root.exit_code;
}
