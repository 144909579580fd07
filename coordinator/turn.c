/* SPDX-License-Identifier: PostgreSQL */
/* The chores of chores.def, one after the other, then a pause whose length pace.h decides.
 *
 * Each chore is one SQL function that takes the leader's epoch and answers how many things it did;
 * it is idempotent, so a chore whose outcome is unknown is simply done again next turn. A chore
 * that fails is logged once per cause, waits a growing time, and the turn goes on with the next
 * one. A stale epoch means that another coordinator leads: step down. Without a database the turn
 * is given up; the next begins when the connection is back. Before each chore the leader asks
 * itself whether it still leads. */
#include "coordinator/turn.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/db.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/row.h"
#include "coordinator/leader.h"
#include "coordinator/metrics.h"
#include "coordinator/pace.h"
#include "coordinator/stmts.h"

#define TURN_MAGIC           0x70a57u
#define CHORE_RETRY_LEAST_MS 250
#define CHORE_RETRY_MOST_MS  10000

struct chore {
    const char *name;
    enum stmt stmt;
    int64_t pause_ms; /* from one start to the next, at least */
};

static const struct chore chores[METRICS_CHORE_COUNT] = {
#define CHORE(stmt_name, pause, counts)                                                            \
    [METRICS_CHORE_##stmt_name] = {#stmt_name, STMT_##stmt_name, pause},
#include "coordinator/chores.def"
#undef CHORE
    [METRICS_CHORE_doorbell_set] = {"doorbell_set", STMT_doorbell_set, 0},
};

struct chore_state {
    int64_t due_ms;        /* monotonic; not before */
    enum err_code failing; /* with this cause, ERR_none = the last run went well */
    int64_t failures;      /* in a row */
    struct backoff backoff;
};

struct turn {
    unsigned magic;
    struct coordinator *root;
    struct db *db;
    struct timer *timer; /* the next turn; armed only between turns of a leader */
    struct pace pace;
    struct chore_state states[METRICS_CHORE_COUNT];
    bool running;     /* a chore's answer is awaited */
    size_t at;        /* index into chores, while running */
    int64_t at_epoch; /* of the lead the chore runs under */
    int64_t at_start_ms;
    int64_t found;    /* by this turn so far */
    bool rang;        /* since the last turn ended */
    bool tell_asleep; /* what the running doorbell_set says */
};

static void turn_step(struct turn *turn);
static void turn_end(struct turn *turn);

static void chore_failed(struct turn *turn, struct chore_state *state, const struct err *err)
{
    const struct chore *chore = &chores[turn->at];

    turn->root->metrics->chore_errors[turn->at]++;
    state->failures++;
    state->due_ms = clock_mono_ms() + backoff_next_ms(&state->backoff);
    if (state->failing != err->code)
        log_err(LOG_LEVEL_WARN, err, "chore failed chore=%s", chore->name);
    state->failing = err->code;
    if (err->code == ERR_epoch_stale && leader_epoch(turn->root->leader) == turn->at_epoch)
        leader_step_down(turn->root->leader, "a chore met a newer epoch");
}

static void chore_went_well(struct turn *turn, struct chore_state *state, int64_t found)
{
    turn->root->metrics->chore_found[turn->at] += (double)found;
    turn->found += found;
    if (state->failing != ERR_none)
        log_info("chore works again chore=%s failures=%" PRId64, chores[turn->at].name,
                 state->failures);
    if (found > 0)
        log_debug("chore done chore=%s found=%" PRId64, chores[turn->at].name, found);
    state->failing = ERR_none;
    state->failures = 0;
    backoff_reset(&state->backoff);
}

/* Book the answer; false when the turn cannot go on. */
static bool chore_answered(struct turn *turn, const PGresult *result, const struct err *err)
{
    struct metrics *metrics = turn->root->metrics;
    struct chore_state *state = &turn->states[turn->at];

    turn->running = false;
    metrics->chore_runs[turn->at]++;
    metrics->chore_seconds[turn->at] += (double)(clock_mono_ms() - turn->at_start_ms) / 1000;
    if (err)
        chore_failed(turn, state, err);
    else
        chore_went_well(turn, state, row_int(result, 0, "found"));
    return leader_epoch(turn->root->leader) == turn->at_epoch && db_is_up(turn->db);
}

/* The lead or the database is gone. Whichever of them comes back last starts the next turn. */
static void turn_give_up(struct turn *turn)
{
    timer_stop(turn->timer);
    if (leader_leads(turn->root->leader))
        timer_start(turn->timer, turn->root->options.turn_ms);
}

static void chore_cb(const PGresult *result, const struct err *err, void *arg)
{
    struct turn *turn = CAST_MAGIC(arg, struct turn, TURN_MAGIC);

    if (!chore_answered(turn, result, err)) {
        turn_give_up(turn);
        return;
    }
    turn->at++;
    turn_step(turn);
}

static void doorbell_cb(const PGresult *result, const struct err *err, void *arg)
{
    struct turn *turn = CAST_MAGIC(arg, struct turn, TURN_MAGIC);
    struct coordinator *root = turn->root;

    if (!chore_answered(turn, result, err)) {
        turn_give_up(turn);
        return;
    }
    if (!err)
        pace_told(&turn->pace, turn->tell_asleep);
    timer_start(turn->timer, !err && turn->tell_asleep ? 0 : root->options.turn_ms);
}

/* Send one chore's statement under the present epoch; second is its second parameter or NULL. */
static void chore_start(struct turn *turn, size_t chore, const char *second, db_reply_f cb)
{
    char epoch[24];

    turn->running = true;
    turn->at = chore;
    turn->at_epoch = leader_epoch(turn->root->leader);
    turn->at_start_ms = clock_mono_ms();
    turn->states[chore].due_ms = turn->at_start_ms + chores[chore].pause_ms;
    snprintf(epoch, sizeof(epoch), "%" PRId64, turn->at_epoch);
    db_call(turn->db, &stmts[chores[chore].stmt], (const char *const[]){epoch, second}, cb, turn);
}

/* The next due chore of this turn, or the turn's end. */
static void turn_step(struct turn *turn)
{
    int64_t now = clock_mono_ms();

    while (turn->at < METRICS_CHORE_doorbell_set && turn->states[turn->at].due_ms > now)
        turn->at++;
    if (turn->at < METRICS_CHORE_doorbell_set)
        chore_start(turn, turn->at, NULL, chore_cb);
    else
        turn_end(turn);
}

static void turn_tell(struct turn *turn, bool asleep)
{
    turn->tell_asleep = asleep;
    chore_start(turn, METRICS_CHORE_doorbell_set, asleep ? "true" : "false", doorbell_cb);
}

static void turn_end(struct turn *turn)
{
    const struct options *options = &turn->root->options;
    enum pace_next next = pace_after_turn(&turn->pace, turn->found, turn->rang);

    turn->rang = false;
    turn->root->metrics->turns++;
    switch (next) {
    case PACE_BUSY: timer_start(turn->timer, options->turn_ms); break;
    case PACE_SLEEP: timer_start(turn->timer, backoff_jitter_ms((uint32_t)options->idle_ms)); break;
    case PACE_DOZE: turn_tell(turn, true); break;
    case PACE_WAKE: turn_tell(turn, false); break;
    }
}

static void turn_begin(struct turn *turn)
{
    if (turn->running || !leader_leads(turn->root->leader) || !db_is_up(turn->db))
        return;
    timer_stop(turn->timer);
    turn->at = 0;
    turn->found = 0;
    turn_step(turn);
}

static void timer_cb(void *arg)
{
    turn_begin(CAST_MAGIC(arg, struct turn, TURN_MAGIC));
}

void turn_leader_changed(struct turn *turn)
{
    if (!turn)
        return;
    if (!leader_leads(turn->root->leader)) {
        timer_stop(turn->timer);
        return;
    }
    pace_reset(&turn->pace);
    turn->rang = true; /* makes the first turn tell the writers that the leader is awake */
    timer_start(turn->timer, 0);
}

static void up_cb(struct db *db, void *arg)
{
    struct turn *turn = CAST_MAGIC(arg, struct turn, TURN_MAGIC);

    (void)db;
    metrics_session_up(turn->root->metrics, METRICS_SESSION_chores);
    /* Rings were missed, and the server may be a fresh primary without a doorbell row. */
    turn_leader_changed(turn);
}

static void down_cb(struct db *db, const struct err *err, void *arg)
{
    struct turn *turn = CAST_MAGIC(arg, struct turn, TURN_MAGIC);

    (void)db;
    metrics_session_down(turn->root->metrics, METRICS_SESSION_chores);
    log_err(LOG_LEVEL_DEBUG, err, "chores' session is down");
}

static void notify_cb(struct db *db, const char *channel, const char *payload, void *arg)
{
    struct turn *turn = CAST_MAGIC(arg, struct turn, TURN_MAGIC);

    (void)db;
    (void)channel;
    (void)payload;
    turn->root->metrics->bells++;
    turn->rang = true;
    if (turn->pace.asleep)
        turn_begin(turn);
}

int turn_create(struct coordinator *root, struct err *err)
{
    static const char *const channels[] = {"howdah_bell", NULL};
    struct turn *turn = mem_alloc(sizeof(*turn));

    turn->magic = TURN_MAGIC;
    turn->root = root;
    turn->timer = timer_create_on(root->base, timer_cb, turn);
    pace_reset(&turn->pace);
    for (size_t i = 0; i < METRICS_CHORE_COUNT; i++)
        turn->states[i].backoff = (struct backoff){
            .min_ms = CHORE_RETRY_LEAST_MS, .max_ms = CHORE_RETRY_MOST_MS, .tries = 0};
    root->turn = turn;
    turn->db = db_create(root->base,
                         &(struct db_config){
                             .conninfo = root->options.db,
                             .application_name = "howdah-coordinator chores",
                             .channels = channels,
                             .connect_timeout_ms = 2000,
                             .want = DB_WANT_WRITABLE,
                             .on_up = up_cb,
                             .on_down = down_cb,
                             .on_notify = notify_cb,
                             .arg = turn,
                         },
                         err);
    if (turn->db)
        return 0;
    turn_destroy(root);
    return err_wrap(err, "option --db");
}

void turn_destroy(struct coordinator *root)
{
    struct turn *turn = root->turn;

    if (!turn)
        return;
    db_destroy(turn->db);
    timer_free(turn->timer);
    free(turn);
    root->turn = NULL;
}
