/* SPDX-License-Identifier: PostgreSQL */
/* One request from its making to its outcome.
 *
 * db repeats a call whose connection broke until the statement's deadline; beyond that, and after
 * every other error of class RETRY, the call waits here with jittered backoff and goes again, with
 * the same parameters, for as long as the session lives. That is safe because every statement of
 * stmts.def may run twice. A stale epoch is looked into (heartbeat.c): if the session was fenced,
 * it ends; if the cell was restored, the request goes again in the new epoch. Other errors that say
 * that the framework is no longer this session's end the session; all others are the request's own
 * and only its callback hears of them. */
#include "call.h"

#include <stdio.h>
#include <sys/queue.h>

#include "base/mem.h"

#define CALL_MAGIC          0x46574341u
#define CALL_BACKOFF_MIN_MS 50
#define CALL_BACKOFF_MAX_MS 5000

struct call {
    unsigned magic;
    struct fw_session *session;
    const struct db_stmt *stmt;
    char *params[DB_PARAMS_MAX]; /* owned */
    int param_count;
    call_done_f done;
    union call_cb cb;
    void *arg;
    void *extra; /* owned, freed by extra_free */
    void (*extra_free)(void *extra);
    enum err_code done_code; /* ERR_none if there is none */
    struct backoff backoff;
    bool repeated;       /* a try has failed, and its outcome may be unknown */
    struct timer *timer; /* runs between two tries */
    LIST_ENTRY(call) links;
};

struct calls {
    struct fw_session *session;
    LIST_HEAD(, call) open;
};

static void call_free(struct call *call)
{
    LIST_REMOVE(call, links);
    for (int i = 0; i < call->param_count; i++)
        free(call->params[i]);
    if (call->extra_free != NULL)
        call->extra_free(call->extra);
    timer_free(call->timer);
    call->magic = 0;
    free(call);
}

static void call_finish(struct call *call, const PGresult *result, const struct err *err)
{
    struct fw_session *session = call->session;

    session_enter(session);
    call->done(call, result, err);
    call_free(call);
    session_leave(session);
}

/* Parameter 2 of every request: it may have changed since the last try. */
static char *epoch_text(const struct fw_session *session)
{
    return mem_printf("%lld", (long long)session->epoch);
}

static bool error_ends_session(enum err_code code)
{
    return code == ERR_framework_completed || code == ERR_framework_unknown;
}

static void call_reply(const PGresult *result, const struct err *err, void *arg)
{
    struct call *call = CAST_MAGIC(arg, struct call, CALL_MAGIC);
    struct fw_session *session = call->session;

    if (session->state == SESSION_DESTROYED)
        return;
    if (err != NULL && call->done_code != ERR_none && err->code == call->done_code) {
        call_finish(call, NULL, NULL);
        return;
    }
    if (err != NULL && session->state != SESSION_ENDED) {
        if (err->code == ERR_epoch_stale)
            session_verify(session);
        if (err_class_of(err->code) == ERR_RETRY || err->code == ERR_epoch_stale) {
            call->repeated = true;
            timer_start(call->timer, backoff_next_ms(&call->backoff));
            return;
        }
        if (error_ends_session(err->code))
            session_fail(session, err);
        if (session->state == SESSION_DESTROYED)
            return;
    }
    call_finish(call, result, err);
}

static void call_try(void *arg)
{
    struct call *call = CAST_MAGIC(arg, struct call, CALL_MAGIC);
    const char *const *params = (const char *const *)call->params;

    free(call->params[1]);
    call->params[1] = epoch_text(call->session);
    if (call->session->db == NULL)
        return;
    if (call->repeated)
        db_call_again(call->session->db, call->stmt, params, call_reply, call);
    else
        db_call(call->session->db, call->stmt, params, call_reply, call);
}

struct calls *calls_create(struct fw_session *session)
{
    struct calls *calls = mem_alloc(sizeof(*calls));

    calls->session = session;
    LIST_INIT(&calls->open);
    return calls;
}

void calls_destroy(struct calls *calls)
{
    if (calls == NULL)
        return;
    while (!LIST_EMPTY(&calls->open))
        call_free(LIST_FIRST(&calls->open));
    free(calls);
}

bool calls_expect(const struct calls *calls, enum err_code code)
{
    const struct call *call;

    LIST_FOREACH(call, &calls->open, links)
    {
        if (call->done_code != ERR_none && call->done_code == code)
            return true;
    }
    return false;
}

void calls_fail(struct calls *calls, const struct err *err)
{
    while (!LIST_EMPTY(&calls->open) && calls->session->state != SESSION_DESTROYED) {
        struct call *call = LIST_FIRST(&calls->open);

        call_finish(call, NULL, call->done_code == err->code ? NULL : err);
    }
}

struct call *call_make(struct fw_session *session, enum stmt_id id, call_done_f done)
{
    struct call *call = mem_alloc(sizeof(*call));

    call->magic = CALL_MAGIC;
    call->session = session;
    call->stmt = session_stmt(id);
    call->done = done;
    call->backoff = (struct backoff){.min_ms = CALL_BACKOFF_MIN_MS, .max_ms = CALL_BACKOFF_MAX_MS};
    call->timer = timer_create_on(session->base, call_try, call);
    LIST_INSERT_HEAD(&session->calls->open, call, links);
    call_param(call, mem_strdup(session->framework_id));
    call_param(call, epoch_text(session));
    return call;
}

void call_param(struct call *call, char *value)
{
    if (call->param_count == DB_PARAMS_MAX)
        abort();
    call->params[call->param_count++] = value;
}

void call_cb(struct call *call, union call_cb cb, void *arg)
{
    call->cb = cb;
    call->arg = arg;
}

void call_extra(struct call *call, void *extra, void (*extra_free)(void *extra))
{
    call->extra = extra;
    call->extra_free = extra_free;
}

void call_done_code(struct call *call, enum err_code code)
{
    call->done_code = code;
}

void call_send(struct call *call)
{
    call_try(call);
}

struct fw_session *call_session(const struct call *call)
{
    return call->session;
}

union call_cb call_get_cb(const struct call *call)
{
    return call->cb;
}

void *call_arg(const struct call *call)
{
    return call->arg;
}

void *call_get_extra(const struct call *call)
{
    return call->extra;
}
