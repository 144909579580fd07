/* SPDX-License-Identifier: PostgreSQL */
/* The session: connect, register, stay registered, end.
 *
 *   CONNECTING → REGISTERING → ACTIVE ⇄ DISCONNECTED      any → ENDED → (destroyed)
 *
 * One connection carries everything, in order. After the first registration the session listens on
 * its channel and then reads what it may have missed: notifications are hints, and a slow jittered
 * poll looks anyway. After a reconnect nothing is registered again, since that would fence nobody
 * but ourselves: a heartbeat asks first which database this is and whether the epoch is still ours
 * (heartbeat.c). Only when the cell was restored from a backup does the session register again.
 * A registration whose answer was lost is repeated with the same key, and is the same one.
 *
 * Errors of class RETRY are answered by trying again with backoff, for ever. All others of the
 * session's own calls end it: the same call with the same identity cannot do better. A login that
 * is refused ends the session only before it was registered; later it counts as an outage. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/row.h"
#include "base/version.h"
#include "call.h"
#include "check.h"
#include "heartbeat.h"
#include "internal.h"
#include "offers.h"
#include "updates.h"

#define POLL_DEFAULT_MS         2000
#define POLL_MIN_MS             50
#define POLL_MAX_MS             3600000
#define POLLS_PER_RESYNC        15
#define FAILOVER_DEFAULT_S      604800
#define FAILOVER_MAX_S          (365 * 86400)
#define REGISTER_BACKOFF_MIN_MS 200
#define REGISTER_BACKOFF_MAX_MS 10000
#define CONNECT_TIMEOUT_MS      5000

static const struct db_stmt stmts[] = {
#define STMT(name, text, params, repeat, try_ms, deadline_ms)                                      \
    [STMT_##name] = {#name, text, params, DB_##repeat, try_ms, deadline_ms},
#include "stmts.def"
#undef STMT
};

const struct db_stmt *session_stmt(enum stmt_id id)
{
    return &stmts[id];
}

void session_call(struct fw_session *session, enum stmt_id id, const char *third,
                  const char *fourth, db_reply_f cb)
{
    char epoch[24];
    const char *const params[] = {session->framework_id, epoch, third, fourth};

    snprintf(epoch, sizeof(epoch), "%lld", (long long)session->epoch);
    if (session->db != NULL)
        db_call(session->db, session_stmt(id), params, cb, session);
}

/* ---- callbacks of the caller ---- */

void session_enter(struct fw_session *session)
{
    session->depth++;
}

bool session_leave(struct fw_session *session)
{
    session->depth--;
    return session->state != SESSION_DESTROYED;
}

void session_warn(struct fw_session *session, const struct fw_error *err)
{
    session_enter(session);
    if (session->callbacks.warning != NULL)
        session->callbacks.warning(session, err, session->arg);
    session_leave(session);
}

/* ---- the end ---- */

static void timers_stop(struct fw_session *session)
{
    timer_stop(session->heartbeat_timer);
    timer_stop(session->poll_timer);
    timer_stop(session->retry_timer);
}

static void session_free(struct fw_session *session)
{
    db_destroy(session->db);
    calls_destroy(session->calls);
    updates_destroy(session->updates);
    offers_destroy(session->offers);
    timer_free(session->heartbeat_timer);
    timer_free(session->poll_timer);
    timer_free(session->retry_timer);
    timer_free(session->reap_timer);
    free(session->name);
    free(session->role);
    free(session->former_id);
    free(session->framework_id);
    session->magic = 0;
    free(session);
}

/* Runs at the loop turn after the session ended or was destroyed, outside of every callback of db.
 */
static void reap_fire(void *arg)
{
    struct fw_session *session = CAST_MAGIC(arg, struct fw_session, SESSION_MAGIC);

    if (session->state == SESSION_ENDED) {
        db_destroy(session->db);
        session->db = NULL;
        calls_fail(session->calls, &session->end);
        if (session->owns_loop)
            event_base_loopbreak(session->base);
    }
    if (session->state == SESSION_DESTROYED)
        session_free(session);
}

void session_end(struct fw_session *session, const struct err *err)
{
    if (session->state >= SESSION_ENDED)
        return;
    session->state = SESSION_ENDED;
    session->end = *err;
    timers_stop(session);
    timer_start(session->reap_timer, 0);
}

void session_fail(struct fw_session *session, const struct err *err)
{
    struct fw_error error;

    if (session->state >= SESSION_ENDED)
        return;
    session_end(session, err);
    if (calls_expect(session->calls, err->code))
        return; /* a teardown whose answer was lost */
    session->failed = true;
    fw_error_from(&error, err);
    error.error_class = FW_ERROR_FATAL;
    session_enter(session);
    if (session->callbacks.error != NULL)
        session->callbacks.error(session, &error, session->arg);
    session_leave(session);
}

/* An error that is on no list may pass (somebody works on the database), so it ends nothing; the
 * next poll asks again. */
void session_call_failed(struct fw_session *session, const struct err *err)
{
    struct fw_error error;

    if (err->code == ERR_server_error || err->code == ERR_not_supported) {
        fw_error_from(&error, err);
        session_warn(session, &error);
    } else if (err->code == ERR_epoch_stale) {
        session_verify(session);
    } else if (fw_error_ends_session(err)) {
        session_fail(session, err);
    }
}

/* The session is freed where no code of ours or of db is still running in it. */
void fw_session_destroy(struct fw_session *session)
{
    if (session == NULL || session->state == SESSION_DESTROYED)
        return;
    timers_stop(session);
    session->state = SESSION_DESTROYED;
    if (session->depth > 0)
        timer_start(session->reap_timer, 0);
    else
        session_free(session);
}

int session_check_open(const struct fw_session *session, struct fw_error *err)
{
    struct err inner;

    if (session == NULL)
        return fw_error_input(err, "field \"session\" is missing");
    if (session->state == SESSION_ENDED) {
        fw_error_from(err, &session->end);
        return -1;
    }
    if (session->framework_id == NULL) {
        err_set(&inner, ERR_not_connected, "session: not registered yet");
        return fw_error_from(err, &inner);
    }
    return 0;
}

/* ---- polls ---- */

static void poll_fire(void *arg)
{
    struct fw_session *session = CAST_MAGIC(arg, struct fw_session, SESSION_MAGIC);

    timer_start(session->poll_timer, backoff_jitter_ms((uint32_t)session->poll_ms));
    if (session->state != SESSION_ACTIVE)
        return;
    if (++session->polls >= POLLS_PER_RESYNC) {
        session->polls = 0;
        offers_resync(session->offers);
    }
    offers_poll(session->offers);
    updates_poll(session->updates);
}

/* Read everything: after registration and after each reconnect. */
static void session_catch_up(struct fw_session *session)
{
    session->polls = 0;
    offers_resync(session->offers);
    heartbeat_arm(session);
    poll_fire(session);
}

/* ---- registration ---- */

static void register_send(struct fw_session *session);
static bool session_tell_back(struct fw_session *session);

static void register_failed(struct fw_session *session, const struct err *err)
{
    if (fw_error_ends_session(err))
        session_fail(session, err);
    else
        timer_start(session->retry_timer, backoff_next_ms(&session->backoff));
}

static void tell_registered(struct fw_session *session, bool again)
{
    session_enter(session);
    if (!again && session->callbacks.registered != NULL)
        session->callbacks.registered(session, session->framework_id, session->epoch, session->arg);
    if (again && session->callbacks.restored != NULL)
        session->callbacks.restored(session, session->epoch, session->arg);
    session_leave(session);
}

/* The first registration, or the one that follows a restore of the cell. */
static void session_registered(struct fw_session *session, const PGresult *result)
{
    bool again = session->framework_id != NULL;

    if (session_mark(session, row_text(result, 0, "cell")) != 0) {
        timer_start(session->retry_timer, backoff_next_ms(&session->backoff));
        return;
    }
    if (!again)
        session->framework_id = mem_strdup(row_text(result, 0, "framework_id"));
    session->epoch = row_int(result, 0, "epoch");
    session->heartbeat_s = (int)row_int(result, 0, "heartbeat_s");
    if (session->heartbeat_s < 1)
        session->heartbeat_s = 1;
    session->state = SESSION_ACTIVE;
    backoff_reset(&session->backoff);
    db_listen(session->db, row_text(result, 0, "channel"));
    if (session->suppressed)
        fw_suppress(session, NULL);
    session_catch_up(session);
    if (again && !session_tell_back(session))
        return;
    tell_registered(session, again);
}

static void register_reply(const PGresult *result, const struct err *err, void *arg)
{
    struct fw_session *session = CAST_MAGIC(arg, struct fw_session, SESSION_MAGIC);

    if (session->state >= SESSION_ENDED)
        return;
    if (err != NULL)
        register_failed(session, err);
    else
        session_registered(session, result);
}

static void version_reply(const PGresult *result, const struct err *err, void *arg)
{
    struct fw_session *session = CAST_MAGIC(arg, struct fw_session, SESSION_MAGIC);
    char timeout[16];
    CLEANUP_FREE char *mark = cell_mark_text(&session->mark);
    const char *id = session->framework_id ? session->framework_id : session->former_id;
    const char *const params[] = {session->name, session->role, timeout, id, session->key, mark};
    struct err mine;
    int64_t version;

    if (session->state >= SESSION_ENDED)
        return;
    if (err != NULL) {
        mine = *err;
        if (err->code == ERR_server_error)
            mine.code = ERR_schema_missing; /* the function that any schema has is not there */
        register_failed(session, &mine);
        return;
    }
    version = row_int(result, 0, "version");
    if (version != HOWDAH_SCHEMA_VERSION) {
        err_set(&mine, version > HOWDAH_SCHEMA_VERSION ? ERR_schema_newer : ERR_schema_older,
                "session: the database has schema version %lld, this library needs %d",
                (long long)version, HOWDAH_SCHEMA_VERSION);
        register_failed(session, &mine);
        return;
    }
    snprintf(timeout, sizeof(timeout), "%d", session->failover_timeout_s);
    db_call(session->db, session_stmt(STMT_register), params, register_reply, session);
}

static void register_send(struct fw_session *session)
{
    session->state = SESSION_REGISTERING;
    db_call(session->db, session_stmt(STMT_version), NULL, version_reply, session);
}

static void retry_fire(void *arg)
{
    struct fw_session *session = CAST_MAGIC(arg, struct fw_session, SESSION_MAGIC);

    if (session->state != SESSION_DISCONNECTED)
        register_send(session);
    else if (db_is_up(session->db))
        heartbeat_send(session);
}

void session_return(struct fw_session *session)
{
    if (session->state == SESSION_REGISTERING)
        return;
    timer_stop(session->retry_timer);
    register_send(session);
}

/* ---- the connection ---- */

/* The caller was told that the connection was lost: tell that it is back. False if that destroyed
 * the session. */
static bool session_tell_back(struct fw_session *session)
{
    if (!session->told_down)
        return true;
    session->told_down = false;
    session_enter(session);
    if (session->callbacks.reconnected != NULL)
        session->callbacks.reconnected(session, session->arg);
    return session_leave(session);
}

void session_back(struct fw_session *session)
{
    if (session->state != SESSION_DISCONNECTED)
        return;
    session->state = SESSION_ACTIVE;
    backoff_reset(&session->backoff);
    session_catch_up(session);
    (void)session_tell_back(session);
}

static void session_up(struct db *db, void *arg)
{
    struct fw_session *session = CAST_MAGIC(arg, struct fw_session, SESSION_MAGIC);

    (void)db;
    if (session->state == SESSION_CONNECTING)
        register_send(session);
    if (session->state == SESSION_DISCONNECTED)
        heartbeat_send(session);
}

static void session_down(struct db *db, const struct err *err, void *arg)
{
    struct fw_session *session = CAST_MAGIC(arg, struct fw_session, SESSION_MAGIC);
    struct fw_error error;

    (void)db;
    if (session->state >= SESSION_ENDED)
        return;
    if (session->framework_id == NULL && err_class_of(err->code) == ERR_FATAL) {
        session_fail(session, err);
        return;
    }
    if (session->state == SESSION_ACTIVE)
        session->state = SESSION_DISCONNECTED;
    session->told_down = true;
    fw_error_from(&error, err);
    error.error_class = FW_ERROR_RETRY;
    session_enter(session);
    if (session->callbacks.disconnected != NULL)
        session->callbacks.disconnected(session, &error, session->arg);
    session_leave(session);
}

static void session_notified(struct db *db, const char *channel, const char *payload, void *arg)
{
    struct fw_session *session = CAST_MAGIC(arg, struct fw_session, SESSION_MAGIC);

    (void)db;
    (void)channel;
    if (session->state != SESSION_ACTIVE)
        return;
    if (strcmp(payload, "updates") != 0)
        offers_poll(session->offers);
    if (strcmp(payload, "offers") != 0)
        updates_poll(session->updates);
}

/* ---- creation ---- */

static int config_check(const struct fw_config *config, struct fw_error *err)
{
    if (config == NULL)
        return fw_error_input(err, "session: field \"config\" is missing");
    if (check_text("session", "conninfo", config->conninfo, err) ||
        check_name("session", "name", config->name, err))
        return -1;
    if (config->role != NULL && check_name("session", "role", config->role, err))
        return -1;
    if (config->framework_id != NULL &&
        check_uuid("session", "framework_id", config->framework_id, err))
        return -1;
    if (config->register_key != NULL &&
        check_uuid("session", "register_key", config->register_key, err))
        return -1;
    if (config->poll_ms != 0 &&
        check_int("session", "poll_ms", config->poll_ms, POLL_MIN_MS, POLL_MAX_MS, err))
        return -1;
    return check_int("session", "failover_timeout_s", config->failover_timeout_s, 0, FAILOVER_MAX_S,
                     err);
}

static void config_copy(struct fw_session *session, const struct fw_config *config)
{
    session->name = mem_strdup(config->name);
    session->role = mem_strdup(config->role != NULL ? config->role : "default");
    session->former_id = mem_strdup(config->framework_id);
    session->failover_timeout_s =
        config->failover_timeout_s != 0 ? config->failover_timeout_s : FAILOVER_DEFAULT_S;
    session->poll_ms = config->poll_ms != 0 ? config->poll_ms : POLL_DEFAULT_MS;
    session->suppressed = config->suppressed;
    session->auto_acknowledge = config->auto_acknowledge;
    if (config->register_key != NULL)
        snprintf(session->key, sizeof(session->key), "%s", config->register_key);
    else
        uuid_make(session->key);
}

static struct db *session_connect(struct fw_session *session, const char *conninfo, struct err *err)
{
    char application_name[64];
    const struct db_config config = {
        .conninfo = conninfo,
        .application_name = application_name,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .want = DB_WANT_WRITABLE,
        .on_up = session_up,
        .on_down = session_down,
        .on_notify = session_notified,
        .arg = session,
    };

    snprintf(application_name, sizeof(application_name), "framework %s", session->name);
    return db_create(session->base, &config, err);
}

struct fw_session *fw_session_create(struct event_base *base, const struct fw_config *config,
                                     const struct fw_callbacks *callbacks, void *arg,
                                     struct fw_error *err)
{
    struct fw_session *session;
    struct err inner;

    if (base == NULL) {
        fw_error_input(err, "session: field \"base\" is missing");
        return NULL;
    }
    if (config_check(config, err) != 0)
        return NULL;
    session = mem_alloc(sizeof(*session));
    session->magic = SESSION_MAGIC;
    session->base = base;
    session->arg = arg;
    if (callbacks != NULL)
        session->callbacks = *callbacks;
    session->backoff =
        (struct backoff){.min_ms = REGISTER_BACKOFF_MIN_MS, .max_ms = REGISTER_BACKOFF_MAX_MS};
    config_copy(session, config);
    session->heartbeat_timer = timer_create_on(base, heartbeat_fire, session);
    session->poll_timer = timer_create_on(base, poll_fire, session);
    session->retry_timer = timer_create_on(base, retry_fire, session);
    session->reap_timer = timer_create_on(base, reap_fire, session);
    session->offers = offers_create(session);
    session->updates = updates_create(session);
    session->calls = calls_create(session);
    session->db = session_connect(session, config->conninfo, &inner);
    if (session->db != NULL)
        return session;
    fw_error_from(err, &inner);
    session_free(session);
    return NULL;
}

const char *fw_session_framework_id(const struct fw_session *session)
{
    return session->framework_id;
}

int64_t fw_session_epoch(const struct fw_session *session)
{
    return session->epoch;
}

bool fw_session_connected(const struct fw_session *session)
{
    return session->state == SESSION_ACTIVE;
}
