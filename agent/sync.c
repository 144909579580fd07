/* SPDX-License-Identifier: PostgreSQL */
/* One call at a time, for ever:
 *
 *   registering --ok--> waiting --timer or news--> calling --answer--> waiting
 *        ^                                            |
 *        +-- agent_unknown, cell_recovered ------------+           any -- refused --> stopped
 *
 * The wait is what the cell asks for, with jitter, within poll-min and poll-max. News cut it short
 * at once, but two syncs never start closer than poll-min. While things move (something was
 * launched, killed or reported a moment ago) the next answer likely brings more, so the wait is
 * short for a second. Failures back off with full jitter; the report is made anew for each try, so
 * nothing is lost meanwhile.
 *
 * epoch_stale is final: a newer incarnation holds the tasks now.
 *
 * Which database answers is checked at every answer (base/cell_mark.h). One that is behind what was
 * seen, by its own word (cell_stale) or by ours, is a former primary or a backup: its answer is
 * thrown away, the connection is dropped, that is logged once, and the sync goes on elsewhere. The
 * same goes for another cell's, except that an agent which has just started ends there: its
 * configuration is wrong. After a restore (cell_recovered) the agent registers again. */
#include "agent/sync.h"

#include <stdio.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

#define SYNC_MAGIC     0x5c0a0003u
#define POLL_PRESET_MS 1000
#define MOVING_POLL_MS 100
#define MOVING_FOR_MS  1000
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000

enum sync_state {
    SYNC_REGISTERING, /* a registration is under way or waits for its next try */
    SYNC_WAITING,     /* the timer runs until the next sync */
    SYNC_CALLING,     /* a sync is under way */
    SYNC_STOPPED,     /* refused; nothing more is sent */
};

struct sync {
    unsigned magic;
    enum sync_state state;
    struct transport *transport;
    struct sync_config config;
    struct sync_owner owner;
    struct timer *timer;
    struct transport_session session;
    char agent_id[UUID_TEXT_SIZE]; /* "" = none yet */
    struct cell_mark cell;         /* the latest that was seen */
    enum err_code refusing;        /* why databases are refused now; logged once */
    bool was_registered;
    bool news;               /* sync_soon came while a call was under way */
    int64_t seq;             /* of the last report of this incarnation */
    int64_t called_ms;       /* monotonic, start of the last sync */
    int64_t moving_until_ms; /* monotonic */
    int64_t limit_ms;        /* of the wait; 0 = none */
    struct backoff backoff;
};

static void register_call(struct sync *sync);
static void sync_call(struct sync *sync);

static void timer_cb(void *arg)
{
    struct sync *sync = CAST_MAGIC(arg, struct sync, SYNC_MAGIC);

    if (sync->state == SYNC_REGISTERING)
        register_call(sync);
    else if (sync->state == SYNC_WAITING)
        sync_call(sync);
}

struct sync *sync_create(struct event_base *base, struct transport *transport,
                         const struct sync_config *config, const struct sync_owner *owner)
{
    struct sync *sync = mem_alloc(sizeof(*sync));

    *sync = (struct sync){.magic = SYNC_MAGIC,
                          .transport = transport,
                          .config = *config,
                          .owner = *owner,
                          .backoff = {.min_ms = BACKOFF_MIN_MS, .max_ms = BACKOFF_MAX_MS}};
    snprintf(sync->agent_id, sizeof(sync->agent_id), "%s", config->agent_id);
    sync->cell = config->cell;
    sync->timer = timer_create_on(base, timer_cb, sync);
    return sync;
}

void sync_destroy(struct sync *sync)
{
    if (sync == NULL)
        return;
    sync->transport->ops->destroy(sync->transport);
    timer_free(sync->timer);
    free(sync);
}

void sync_start(struct sync *sync)
{
    timer_start(sync->timer, 0);
}

bool sync_idle(const struct sync *sync)
{
    return sync->state == SYNC_WAITING;
}

static void stop(struct sync *sync, const struct err *err)
{
    sync->state = SYNC_STOPPED;
    sync->owner.refused(err, sync->owner.arg);
}

static int64_t at_least(int64_t ms, int64_t least)
{
    return ms > least ? ms : least;
}

/* ---- which database this is ---------------------------------------------------------------- */

static bool wrong_database(const struct err *err)
{
    return err->code == ERR_cell_stale || err->code == ERR_cell_mismatch;
}

/* Not this one; the next try may find the right one. */
static void database_refuse(struct sync *sync, const struct err *err)
{
    if (sync->refusing != err->code)
        log_err(LOG_LEVEL_WARN, err, "this database is refused, nothing is done on its word");
    sync->refusing = err->code;
    sync->transport->ops->refuse(sync->transport, err);
}

/* Log a failed call, except that databases which are refused are logged by database_refuse. */
static void failure_log(struct sync *sync, const struct err *err, const char *what, uint32_t wait)
{
    if (wrong_database(err))
        database_refuse(sync, err);
    else
        log_err(LOG_LEVEL_WARN, err, "%s, trying again wait_ms=%u", what, wait);
}

/* The answer's mark against the latest one; a later one is kept by the owner first. */
static int mark_check(struct sync *sync, const struct cell_mark *seen, enum cell_news *news,
                      struct err *err)
{
    if (cell_mark_take(&sync->cell, seen, news, err) != 0)
        return -1;
    if (*news != CELL_SAME)
        sync->owner.marked(&sync->cell, sync->owner.arg);
    if (sync->refusing != ERR_none)
        log_info("this database is the cell's cell_epoch=%lld", (long long)sync->cell.epoch);
    sync->refusing = ERR_none;
    return 0;
}

/* ---- registering -------------------------------------------------------------------------- */

/* Whether trying again can help. A wrong configuration at the first start cannot; a name that is
 * still held by a crashed agent, a schema that is being migrated or a password that is being
 * changed can. */
static bool registration_hopeless(const struct sync *sync, const struct err *err)
{
    return err->code == ERR_epoch_stale ||
           (!sync->was_registered && err_class_of(err->code) == ERR_CALLER &&
            err->code != ERR_agent_name_taken && err->code != ERR_agent_unknown);
}

static void register_failed(struct sync *sync, const struct err *err)
{
    uint32_t wait = backoff_next_ms(&sync->backoff);

    if (registration_hopeless(sync, err)) {
        stop(sync, err);
        return;
    }
    if (err->code == ERR_agent_unknown && sync->agent_id[0] != '\0') {
        log_warn("the cell does not know this agent's id, asking for a new one agent=%s",
                 sync->agent_id);
        sync->agent_id[0] = '\0';
    }
    failure_log(sync, err, "cannot register", wait);
    timer_start(sync->timer, wait);
}

static void register_done(struct sync *sync, const struct transport_session *session,
                          bool recovered)
{
    if (recovered)
        log_warn("the cell was restored from a backup: all that is known here is reported again");
    sync->session = *session;
    sync->seq = 0;
    sync->was_registered = true;
    snprintf(sync->agent_id, sizeof(sync->agent_id), "%s", session->agent_id);
    backoff_reset(&sync->backoff);
    sync->state = SYNC_WAITING;
    sync->owner.registered(session, sync->owner.arg);
    timer_start(sync->timer, 0);
}

static void registered_cb(const struct transport_session *session, const struct err *err, void *arg)
{
    struct sync *sync = CAST_MAGIC(arg, struct sync, SYNC_MAGIC);
    enum cell_news news = CELL_SAME;
    struct err wrong = {0};

    if (err == NULL && mark_check(sync, &session->cell, &news, &wrong) != 0)
        err = &wrong;
    if (err != NULL)
        register_failed(sync, err);
    else
        register_done(sync, session, news == CELL_RECOVERED);
}

static void register_call(struct sync *sync)
{
    struct transport_identity identity = {
        .name = sync->config.name,
        .host = sync->config.host,
        .boot_id = sync->config.boot_id,
        .agent_id = sync->agent_id[0] != '\0' ? sync->agent_id : NULL,
        .key = sync->config.key,
        .cell = &sync->cell,
        .resources = sync->config.resources,
        .attributes = sync->config.attributes,
    };

    sync->transport->ops->register_agent(sync->transport, &identity, registered_cb, sync);
}

/* ---- syncing ------------------------------------------------------------------------------ */

static int64_t poll_wait(const struct sync *sync, const json_t *answer)
{
    struct err err = {0};
    int64_t wait = POLL_PRESET_MS;

    if (json_get_int(answer, "next_poll_ms", false, 0, INT32_MAX, &wait, &err) != 0)
        log_err(LOG_LEVEL_WARN, &err, "agent_sync's answer");
    wait = wait > sync->config.poll_max_ms ? sync->config.poll_max_ms : wait;
    wait = backoff_jitter_ms((uint32_t)at_least(wait, sync->config.poll_min_ms));
    if (clock_mono_ms() < sync->moving_until_ms && wait > MOVING_POLL_MS)
        wait = MOVING_POLL_MS;
    if (sync->limit_ms > 0 && wait > sync->limit_ms)
        wait = sync->limit_ms;
    return at_least(wait, sync->config.poll_min_ms);
}

/* The earliest time for a sync that has something to tell. */
static int64_t news_wait(const struct sync *sync)
{
    return at_least(sync->called_ms + sync->config.poll_min_ms - clock_mono_ms(), 0);
}

static void sync_failed(struct sync *sync, const struct err *err)
{
    uint32_t wait = backoff_next_ms(&sync->backoff);

    if (err->code == ERR_epoch_stale) {
        stop(sync, err);
        return;
    }
    sync->state = err->code == ERR_agent_unknown || err->code == ERR_cell_recovered
                      ? SYNC_REGISTERING
                      : SYNC_WAITING;
    failure_log(sync, err, "sync failed", wait);
    timer_start(sync->timer, wait);
}

/* Whether the answer comes from the cell as it is now. */
static int answer_check(struct sync *sync, const json_t *answer, struct err *err)
{
    struct cell_mark seen;
    enum cell_news news;

    if (cell_mark_read(&seen, json_object_get(answer, "cell"), err) != 0)
        return err_wrap(err, "agent_sync's answer");
    return mark_check(sync, &seen, &news, err);
}

/* A newer report overtook this one; what it said was not taken. */
static bool answer_stale(const json_t *answer)
{
    return json_is_true(json_object_get(answer, "stale"));
}

static void synced_cb(const json_t *answer, const struct err *err, void *arg)
{
    struct sync *sync = CAST_MAGIC(arg, struct sync, SYNC_MAGIC);
    struct err wrong = {0};

    if (err == NULL && answer_check(sync, answer, &wrong) != 0)
        err = &wrong;
    if (err != NULL) {
        sync_failed(sync, err);
        return;
    }
    backoff_reset(&sync->backoff);
    sync->state = SYNC_WAITING;
    if (answer_stale(answer))
        log_warn("the cell had a newer report already seq=%lld", (long long)sync->seq);
    else if (sync->owner.answered(answer, sync->owner.arg))
        sync->moving_until_ms = clock_mono_ms() + MOVING_FOR_MS;
    timer_start(sync->timer, sync->news ? news_wait(sync) : poll_wait(sync, answer));
}

static void sync_call(struct sync *sync)
{
    CLEANUP_JSON json_t *report = sync->owner.report(sync->owner.arg);

    json_object_set_new(report, "seq", json_integer(++sync->seq));
    json_object_set_new(report, "cell", cell_mark_json(&sync->cell));
    sync->state = SYNC_CALLING;
    sync->news = false;
    sync->called_ms = clock_mono_ms();
    sync->transport->ops->sync(sync->transport, &sync->session, report, synced_cb, sync);
}

void sync_limit(struct sync *sync, int64_t wait_ms)
{
    sync->limit_ms = wait_ms;
}

/* While a failed call backs off, news do not hurry it. */
void sync_soon(struct sync *sync)
{
    if (sync->state == SYNC_WAITING && sync->backoff.tries == 0 && !sync->news)
        timer_start(sync->timer, news_wait(sync));
    sync->news = true;
}
