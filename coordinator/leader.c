/* SPDX-License-Identifier: PostgreSQL */
/* The lead, by way of howdah.leader_acquire: one call that acquires or renews the lease by
 * compare-and-set on database time, and tells everybody else who leads and for how long.
 *
 * The calls have a session of their own, so that no slow chore delays a renewal. The holder renews
 * every lease-renew; the others ask at the same pace, and at the moment the lease runs out if that
 * comes sooner. Each new connection is checked for the right schema first, and each question says
 * which one this program was made for. With another version it neither asks nor leads, /healthz
 * says so, and it looks again now and then, since somebody may migrate; with no schema at all the
 * program ends. The holder trusts itself as lease.h says and steps down on any doubt: an answer
 * that says no, a trust window that passed, a chore that met a newer epoch. Failed calls need no
 * handling: either a later one renews in time or the window passes. */
#include "coordinator/leader.h"

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
#include "base/version.h"
#include "coordinator/lease.h"
#include "coordinator/metrics.h"
#include "coordinator/schema.h"
#include "coordinator/stmts.h"
#include "coordinator/turn.h"

#define LEADER_MAGIC       0x1eade801u
#define RESIGN_WAIT_MS     500
#define ASK_AGAIN_LEAST_MS 10

struct leader {
    unsigned magic;
    struct coordinator *root;
    struct db *db;
    struct schema_check schema;
    bool schema_fits; /* on the present connection */
    struct err unfit; /* what is wrong with the schema; ERR_none = nothing known */
    struct backoff schema_backoff;
    struct lease lease;
    bool asking;               /* a leader_acquire is under way */
    int64_t attempt_ms;        /* monotonic; when it was queued */
    int64_t answer_ms;         /* monotonic; of the database's last answer, -1 = never */
    struct timer *ask_timer;   /* next attempt, or next schema check while !schema_fits */
    struct timer *doubt_timer; /* the end of the trust window */
    struct timer *resign_timer;
    bool resigning;
    void (*resign_done)(void *arg);
    void *resign_arg;
    char leader_name[256];
    bool away_logged; /* the database's absence is logged once, with each new cause */
    enum err_code away_code;
};

bool leader_leads(const struct leader *leader)
{
    return leader && lease_trusted(&leader->lease) && !leader->resigning;
}

int64_t leader_epoch(const struct leader *leader)
{
    return leader_leads(leader) ? leader->lease.epoch : 0;
}

const char *leader_name(const struct leader *leader)
{
    return leader->leader_name;
}

int64_t leader_answer_age_ms(const struct leader *leader)
{
    return leader->answer_ms < 0 ? -1 : clock_mono_ms() - leader->answer_ms;
}

const char *leader_schema_problem(const struct leader *leader)
{
    return leader->unfit.code == ERR_none ? NULL : leader->unfit.text;
}

void leader_step_down(struct leader *leader, const char *reason)
{
    if (!leader->lease.held)
        return;
    log_warn("stepping down epoch=%" PRId64 " reason=\"%s\"", leader->lease.epoch, reason);
    lease_drop(&leader->lease);
    timer_stop(leader->doubt_timer);
    turn_leader_changed(leader->root->turn);
}

static void doubt_cb(void *arg)
{
    struct leader *leader = CAST_MAGIC(arg, struct leader, LEADER_MAGIC);

    leader_step_down(leader, "the lease was not renewed in time");
}

static void leader_hear_name(struct leader *leader, const char *name)
{
    if (!name)
        name = "";
    if (strcmp(leader->leader_name, name) == 0)
        return;
    snprintf(leader->leader_name, sizeof(leader->leader_name), "%s", name);
    if (!leader->lease.held && name[0])
        log_info("standing by leader=%s", name);
}

static void leader_granted(struct leader *leader, int64_t epoch)
{
    bool news = !leader->lease.held || leader->lease.epoch != epoch;

    if (!lease_grant(&leader->lease, epoch, leader->attempt_ms,
                     leader->root->options.lease_ttl_ms)) {
        if (!news)
            log_warn("stepping down epoch=%" PRId64 " reason=\"the renewal came too late\"", epoch);
        timer_stop(leader->doubt_timer);
        turn_leader_changed(leader->root->turn);
        return;
    }
    timer_start(leader->doubt_timer, lease_left_ms(&leader->lease));
    if (!news)
        return;
    log_info("leading epoch=%" PRId64, epoch);
    turn_leader_changed(leader->root->turn);
}

/* The next attempt keeps the pace from the last one's start; a standby is there when the lease
 * ends. */
static void leader_ask_later(struct leader *leader, int64_t remaining_ms)
{
    int64_t pace = leader->root->options.lease_renew_ms;
    int64_t wait = leader->attempt_ms + pace - clock_mono_ms();

    if (!leader->lease.held && remaining_ms >= 0 && remaining_ms < wait)
        wait = remaining_ms;
    timer_start(leader->ask_timer, wait > ASK_AGAIN_LEAST_MS ? wait : ASK_AGAIN_LEAST_MS);
}

static bool schema_differs(enum err_code code)
{
    return code == ERR_schema_newer || code == ERR_schema_older;
}

static void schema_step_down(struct leader *leader)
{
    leader_step_down(leader, "the schema's version is another one now");
}

/* The schema was migrated under a connection that had been checked: check it anew. */
static void schema_changed(struct leader *leader)
{
    leader->schema_fits = false;
    schema_step_down(leader);
    timer_start(leader->ask_timer, 0);
}

static void acquire_cb(const PGresult *result, const struct err *err, void *arg)
{
    struct leader *leader = CAST_MAGIC(arg, struct leader, LEADER_MAGIC);

    leader->asking = false;
    if (leader->resigning)
        return;
    if (err && schema_differs(err->code)) {
        schema_changed(leader);
        return;
    }
    if (err) {
        log_err(LOG_LEVEL_DEBUG, err, "lease not answered");
        if (err_class_of(err->code) != ERR_RETRY)
            log_err(LOG_LEVEL_WARN, err, "lease refused");
        leader_ask_later(leader, -1);
        return;
    }
    leader->answer_ms = clock_mono_ms();
    if (row_bool(result, 0, "leading"))
        leader_granted(leader, row_int(result, 0, "epoch"));
    else
        leader_step_down(leader, "another coordinator leads");
    leader_hear_name(leader, row_text(result, 0, "leader_name"));
    leader_ask_later(leader, row_int(result, 0, "remaining_ms"));
}

static void leader_ask(struct leader *leader)
{
    char ttl[24], version[16];

    if (leader->asking || leader->resigning)
        return;
    snprintf(ttl, sizeof(ttl), "%" PRId64, leader->root->options.lease_ttl_ms);
    snprintf(version, sizeof(version), "%d", HOWDAH_SCHEMA_VERSION);
    leader->asking = true;
    leader->attempt_ms = clock_mono_ms();
    db_call(leader->db, &stmts[STMT_leader_acquire],
            (const char *const[]){leader->root->id, leader->root->options.name, ttl, version},
            acquire_cb, leader);
}

static void schema_fit(struct leader *leader)
{
    if (leader->unfit.code != ERR_none)
        log_info("the schema fits now");
    err_clear(&leader->unfit);
    leader->schema_fits = true;
    backoff_reset(&leader->schema_backoff);
    leader_ask(leader);
}

/* Logged once for each version that is met. The lead may be from before the connection was lost. */
static void schema_unfit(struct leader *leader, const struct err *err)
{
    if (strcmp(leader->unfit.text, err->text) != 0)
        log_err(LOG_LEVEL_ERROR, err, "not leading here");
    leader->unfit = *err;
    schema_step_down(leader);
    timer_start(leader->ask_timer, backoff_next_ms(&leader->schema_backoff));
}

static void verdict_cb(const struct err *err, void *arg)
{
    struct leader *leader = CAST_MAGIC(arg, struct leader, LEADER_MAGIC);

    if (!err) {
        schema_fit(leader);
    } else if (schema_differs(err->code)) {
        schema_unfit(leader, err);
    } else if (err->code == ERR_schema_missing) {
        log_err(LOG_LEVEL_ERROR, err, "this database cannot be served");
        leader->root->stop(leader->root, COORDINATOR_EXIT_SCHEMA);
    } else {
        uint32_t wait = backoff_next_ms(&leader->schema_backoff);

        log_err(LOG_LEVEL_WARN, err, "schema version not answered, asking again in %" PRIu32 "ms",
                wait);
        timer_start(leader->ask_timer, wait);
    }
}

static void ask_cb(void *arg)
{
    struct leader *leader = CAST_MAGIC(arg, struct leader, LEADER_MAGIC);

    if (leader->schema_fits)
        leader_ask(leader);
    else if (db_is_up(leader->db))
        schema_check_start(&leader->schema, leader->db, verdict_cb, leader);
}

static void up_cb(struct db *db, void *arg)
{
    struct leader *leader = CAST_MAGIC(arg, struct leader, LEADER_MAGIC);

    metrics_session_up(leader->root->metrics, METRICS_SESSION_lease);
    if (leader->away_logged)
        log_info("database is back");
    leader->away_logged = false;
    leader->schema_fits = false;
    timer_stop(leader->ask_timer);
    schema_check_start(&leader->schema, db, verdict_cb, leader);
}

static void down_cb(struct db *db, const struct err *err, void *arg)
{
    struct leader *leader = CAST_MAGIC(arg, struct leader, LEADER_MAGIC);

    (void)db;
    metrics_session_down(leader->root->metrics, METRICS_SESSION_lease);
    if (leader->away_logged && leader->away_code == err->code)
        return;
    leader->away_logged = true;
    leader->away_code = err->code;
    log_err(LOG_LEVEL_WARN, err, "database is away, trying again");
}

int leader_create(struct coordinator *root, struct err *err)
{
    struct leader *leader = mem_alloc(sizeof(*leader));

    leader->magic = LEADER_MAGIC;
    leader->root = root;
    leader->answer_ms = -1;
    leader->schema_backoff = (struct backoff){.min_ms = 200, .max_ms = 10000, .tries = 0};
    leader->ask_timer = timer_create_on(root->base, ask_cb, leader);
    leader->doubt_timer = timer_create_on(root->base, doubt_cb, leader);
    root->leader = leader;
    leader->db = db_create(root->base,
                           &(struct db_config){
                               .conninfo = root->options.db,
                               .application_name = "howdah-coordinator lease",
                               .connect_timeout_ms = 2000,
                               .want = DB_WANT_WRITABLE,
                               .on_up = up_cb,
                               .on_down = down_cb,
                               .arg = leader,
                           },
                           err);
    if (leader->db)
        return 0;
    leader_destroy(root);
    return err_wrap(err, "option --db");
}

void leader_destroy(struct coordinator *root)
{
    struct leader *leader = root->leader;

    if (!leader)
        return;
    db_destroy(leader->db);
    timer_free(leader->ask_timer);
    timer_free(leader->doubt_timer);
    timer_free(leader->resign_timer);
    free(leader);
    root->leader = NULL;
}

static void resign_end(struct leader *leader)
{
    void (*done)(void *arg) = leader->resign_done;

    timer_stop(leader->resign_timer);
    leader->resign_done = NULL;
    if (done)
        done(leader->resign_arg);
}

static void resign_wait_cb(void *arg)
{
    struct leader *leader = CAST_MAGIC(arg, struct leader, LEADER_MAGIC);

    log_warn("no answer to the resignation, the lease runs out by itself");
    resign_end(leader);
}

static void resign_cb(const PGresult *result, const struct err *err, void *arg)
{
    struct leader *leader = CAST_MAGIC(arg, struct leader, LEADER_MAGIC);

    if (err)
        log_err(LOG_LEVEL_WARN, err, "resignation failed, the lease runs out by itself");
    else if (row_bool(result, 0, "resigned"))
        log_info("resigned epoch=%" PRId64, leader->lease.epoch);
    resign_end(leader);
}

void leader_resign(struct leader *leader, void (*done)(void *arg), void *arg)
{
    bool led = leader->lease.held;
    char epoch[24];

    leader->resigning = true;
    leader->resign_done = done;
    leader->resign_arg = arg;
    timer_stop(leader->ask_timer);
    timer_stop(leader->doubt_timer);
    lease_drop(&leader->lease);
    turn_leader_changed(leader->root->turn);
    leader->resign_timer = timer_create_on(leader->root->base, resign_wait_cb, leader);
    if (!led || !db_is_up(leader->db)) {
        resign_end(leader);
        return;
    }
    snprintf(epoch, sizeof(epoch), "%" PRId64, leader->lease.epoch);
    timer_start(leader->resign_timer, RESIGN_WAIT_MS);
    db_call(leader->db, &stmts[STMT_leader_resign], (const char *const[]){leader->root->id, epoch},
            resign_cb, leader);
}
