/* SPDX-License-Identifier: PostgreSQL */
/* `howdah run` in parts: cmd_run.c (life and end), run_place.c (offers into tasks), run_logs.c (the
 * tasks' output), run_wait.c (why nothing happens), run_away.c (no database). They share struct
 * run.
 */
#ifndef HOWDAH_CLI_RUN_H
#define HOWDAH_CLI_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/db.h"
#include "base/loop.h"
#include "framework.h"

#include "cli/cli.h"
#include "cli/lines.h"

struct run;

/* One stream of one task's output, read in chunks. */
struct run_log {
    struct run *run;
    size_t task;     /* index into run->tasks */
    bool to_stderr;  /* which stream it is, and where it goes */
    bool busy;       /* a request is under way */
    bool done;       /* nothing more will come */
    int64_t offset;  /* bytes read */
    int64_t request; /* 0 = none */
    int64_t due_ms;  /* monotonic: when to ask next */
    struct lines lines;
};

enum run_stage {
    RUN_UNPLACED, /* no agent yet */
    RUN_CLAIMING, /* a claim for it is under way */
    RUN_PLACED,   /* the cell has it */
    RUN_ENDED,    /* in a terminal state, or given up before it was placed */
};

struct run_task {
    char *name;
    char *task_id; /* NULL until placed */
    enum run_stage stage;
    bool started;  /* it was seen running, or ended */
    int exit_code; /* of an ended task: as a shell would give it; EXIT_TROUBLE if it has none */
    int64_t ended_ms;
    struct run_log logs[2]; /* stdout, stderr */
};

struct run {
    const struct cli *cli;
    struct event_base *base;
    struct fw_session *session;
    struct db *db;  /* for logs and for the state of the cell */
    char *conninfo; /* of both */
    struct timer *log_timer, *wait_timer, *away_timer, *end_timer, *timeout_timer;
    struct event *signals[3];
    struct run_task *tasks;
    size_t task_count;
    size_t ended_count;
    size_t log_busy;         /* requests under way */
    struct fw_task spec;     /* of every task; name and offer_id are filled in */
    bool suppressed;         /* no offers wanted at present */
    bool stopping;           /* no further placement; live tasks are being killed */
    bool ending;             /* the teardown is under way */
    int stop_code;           /* exit code when stopping */
    const char *waiting_for; /* what was last said, so that it is said once; static text */
    int64_t away_since_ms;   /* monotonic: when the database went away; 0 = it is there */
    int64_t away_said_ms;    /* … and when that was last said */
    struct err away;         /* why */
};

/* Says something on stderr, unless --quiet. */
void run_say(const struct run *run, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Gives up what is not placed, kills what is; exit_code is what `howdah run` returns in the end. */
void run_stop(struct run *run, int exit_code);

/* Ends at once, whatever still runs. */
void run_give_up(struct run *run);

/* A task has ended, or will never start. */
void run_task_end(struct run *run, struct run_task *task, int exit_code);

/* Call after anything that may have been the last thing to wait for. */
void run_check_end(struct run *run);

/* run_place.c: uses the offers at hand for the tasks without an agent. */
void run_place(struct run *run);
size_t run_count(const struct run *run, enum run_stage stage);

/* run_logs.c */
void run_logs_start(struct run *run);
bool run_logs_done(const struct run *run);
void run_logs_free(struct run_task *task);

/* run_away.c: the database is away, or there again. */
void run_away_start(struct run *run);
void run_away_begin(struct run *run, const char *code, const char *text);
void run_away_end(struct run *run);

/* run_wait.c: says why tasks wait, from time to time. */
void run_wait_start(struct run *run);

#endif
