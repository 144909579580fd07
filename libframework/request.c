/* SPDX-License-Identifier: PostgreSQL */
/* The requests other than claims and acknowledgements. Each is: check, make the call, turn its rows
 * into the public struct. None needs to know whether it was repeated. */
#include <stdio.h>

#include "base/array.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/row.h"
#include "call.h"
#include "check.h"
#include "fsm/fsm.h"
#include "internal.h"
#include "offers.h"
#include "request_json.h"
#include "task_json.h"

#define REFUSE_MAX_MS    (365LL * 86400 * 1000)
#define KILL_GRACE_MAX_S 86400
#define REQUESTS_MAX     1000

/* *error filled and returned, or NULL where there is no error. */
static const struct fw_error *error_from(struct fw_error *error, const struct err *err)
{
    if (err == NULL)
        return NULL;
    fw_error_from(error, err);
    return error;
}

/* The done function of requests without callback: a refusal is worth a warning. */
static void quiet_done(struct call *call, const PGresult *result, const struct err *err)
{
    struct fw_session *session = call_session(call);
    struct fw_error error;

    (void)result;
    if (err != NULL && session->state < SESSION_ENDED)
        session_warn(session, error_from(&error, err));
}

/* A uuid[] parameter; NULL for no ids, which the database reads as "all". */
static char *ids_param(const char *const *ids, size_t count)
{
    return ids == NULL ? NULL : array_from_texts(ids, count);
}

static char *seconds_param(int64_t ms)
{
    return mem_printf("%lld.%03lld", (long long)ms / 1000, (long long)ms % 1000);
}

/* ---- offers ---- */

struct declined {
    size_t count;
    char *offer_ids[];
};

static void declined_free(void *extra)
{
    struct declined *declined = extra;

    for (size_t i = 0; i < declined->count; i++)
        free(declined->offer_ids[i]);
    free(declined);
}

static void decline_done(struct call *call, const PGresult *result, const struct err *err)
{
    const struct declined *declined = call_get_extra(call);

    for (size_t i = 0; i < declined->count; i++)
        offers_release(call_session(call)->offers, declined->offer_ids[i], true);
    quiet_done(call, result, err);
}

int fw_decline(struct fw_session *session, const char *const *offer_ids, size_t count,
               int64_t refuse_ms, struct fw_error *err)
{
    struct declined *declined;
    struct call *call;

    if (session_check_open(session, err) != 0 ||
        check_uuids("decline", "offer_ids", offer_ids, count, 0, err) ||
        check_int("decline", "refuse_ms", refuse_ms, 0, REFUSE_MAX_MS, err))
        return -1;
    if (count == 0)
        return 0;
    declined = mem_alloc(sizeof(*declined) + count * sizeof(declined->offer_ids[0]));
    declined->count = count;
    for (size_t i = 0; i < count; i++)
        declined->offer_ids[i] = mem_strdup(offer_ids[i]);
    call = call_make(session, STMT_decline, decline_done);
    call_param(call, array_from_texts(offer_ids, count));
    call_param(call, seconds_param(refuse_ms));
    call_extra(call, declined, declined_free);
    for (size_t i = 0; i < count; i++)
        offers_hold(session->offers, offer_ids[i]);
    call_send(call);
    return 0;
}

static int quiet_send(struct fw_session *session, enum stmt_id id, struct fw_error *err)
{
    if (session_check_open(session, err) != 0)
        return -1;
    call_send(call_make(session, id, quiet_done));
    return 0;
}

int fw_suppress(struct fw_session *session, struct fw_error *err)
{
    if (quiet_send(session, STMT_suppress, err) != 0)
        return -1;
    session->suppressed = true;
    return 0;
}

int fw_revive(struct fw_session *session, struct fw_error *err)
{
    if (quiet_send(session, STMT_revive, err) != 0)
        return -1;
    session->suppressed = false;
    return 0;
}

int fw_filter_set(struct fw_session *session, const char *name, const char *wanted_json,
                  int64_t refuse_ms, struct fw_error *err)
{
    struct call *call;
    CLEANUP_JSON json_t *wanted = NULL;

    if (session_check_open(session, err) != 0 || check_name("filter_set", "name", name, err) ||
        check_int("filter_set", "refuse_ms", refuse_ms, -1, REFUSE_MAX_MS, err))
        return -1;
    wanted = object_parse("filter_set", "wanted_json", wanted_json ? wanted_json : "", err);
    if (wanted == NULL)
        return -1;
    call = call_make(session, STMT_filter_set, quiet_done);
    call_param(call, mem_strdup(name));
    call_param(call, mem_strdup(wanted_json));
    call_param(call, refuse_ms < 0 ? NULL : seconds_param(refuse_ms));
    call_send(call);
    return 0;
}

int fw_filters_clear(struct fw_session *session, const char *const *agent_ids, size_t count,
                     struct fw_error *err)
{
    struct call *call;

    if (session_check_open(session, err) != 0 ||
        check_uuids("filters_clear", "agent_ids", agent_ids, count, 0, err))
        return -1;
    call = call_make(session, STMT_filters_clear, quiet_done);
    call_param(call, ids_param(agent_ids, count));
    call_send(call);
    return 0;
}

/* ---- demand ---- */

int fw_request(struct fw_session *session, const struct fw_request *requests, size_t count,
               struct fw_error *err)
{
    struct call *call;
    char *json = NULL;

    if (session_check_open(session, err) != 0 ||
        check_int("request", "count", (int64_t)count, 0, requests == NULL ? 0 : REQUESTS_MAX, err))
        return -1;
    if (requests != NULL) {
        json = requests_json(requests, count, err);
        if (json == NULL)
            return -1;
    }
    call = call_make(session, STMT_request, quiet_done);
    call_param(call, json);
    call_send(call);
    return 0;
}

/* ---- tasks ---- */

static void kill_done(struct call *call, const PGresult *result, const struct err *err)
{
    fw_kill_f cb = call_get_cb(call).kill;
    size_t count = err == NULL ? (size_t)PQntuples(result) : 0;
    CLEANUP_FREE struct fw_kill_result *results = mem_alloc((count + 1) * sizeof(*results));
    struct fw_error error;

    for (size_t i = 0; i < count; i++)
        results[i] = (struct fw_kill_result){
            .task_id = row_text(result, (int)i, "task_id"),
            .state = row_text(result, (int)i, "state"),
            .known = row_bool(result, (int)i, "known"),
        };
    if (cb != NULL)
        cb(call_session(call), err == NULL ? results : NULL, count, error_from(&error, err),
           call_arg(call));
}

int fw_kill(struct fw_session *session, const char *const *task_ids, size_t count, int grace_s,
            fw_kill_f cb, void *arg, struct fw_error *err)
{
    struct call *call;

    if (session_check_open(session, err) != 0 ||
        check_uuids("kill", "task_ids", task_ids, count, 1, err) ||
        check_int("kill", "grace_s", grace_s, -1, KILL_GRACE_MAX_S, err))
        return -1;
    call = call_make(session, STMT_kill, kill_done);
    call_param(call, array_from_texts(task_ids, count));
    call_param(call, grace_s < 0 ? NULL : mem_printf("%d", grace_s));
    call_cb(call, (union call_cb){.kill = cb}, arg);
    call_send(call);
    return 0;
}

static struct fw_task_status status_from(const PGresult *result, int row)
{
    const char *state = row_text(result, row, "state");
    int known = task_state_parse(state);

    return (struct fw_task_status){
        .task_id = row_text(result, row, "task_id"),
        .task_name = row_text(result, row, "name"),
        .state = state,
        .terminal = known != FSM_NONE && task_state_terminal(known),
        .reason = row_text(result, row, "reason"),
        .message = row_text(result, row, "message"),
        .exit_code =
            row_is_null(result, row, "exit_code") ? -1 : (int)row_int(result, row, "exit_code"),
        .agent_id = row_text(result, row, "agent_id"),
        .agent_name = row_text(result, row, "agent_name"),
    };
}

static void reconcile_done(struct call *call, const PGresult *result, const struct err *err)
{
    fw_reconcile_f cb = call_get_cb(call).reconcile;
    size_t count = err == NULL ? (size_t)PQntuples(result) : 0;
    CLEANUP_FREE struct fw_task_status *tasks = mem_alloc((count + 1) * sizeof(*tasks));
    struct fw_error error;

    for (size_t i = 0; i < count; i++)
        tasks[i] = status_from(result, (int)i);
    if (cb != NULL)
        cb(call_session(call), err == NULL ? tasks : NULL, count, error_from(&error, err),
           call_arg(call));
}

int fw_reconcile(struct fw_session *session, const char *const *task_ids, size_t count,
                 fw_reconcile_f cb, void *arg, struct fw_error *err)
{
    struct call *call;

    if (session_check_open(session, err) != 0 ||
        check_uuids("reconcile", "task_ids", task_ids, count, 0, err))
        return -1;
    call = call_make(session, STMT_reconcile, reconcile_done);
    call_param(call, ids_param(task_ids, count));
    call_cb(call, (union call_cb){.reconcile = cb}, arg);
    call_send(call);
    return 0;
}

/* ---- the end ---- */

static void teardown_done(struct call *call, const PGresult *result, const struct err *err)
{
    static const struct err torn_down = {.code = ERR_framework_completed,
                                         .text = "session: the framework was torn down"};
    fw_done_f cb = call_get_cb(call).done;
    struct fw_error error;

    if (err == NULL)
        session_end(call_session(call), &torn_down);
    if (cb != NULL)
        cb(call_session(call), result != NULL ? row_int(result, 0, "count") : 0,
           error_from(&error, err), call_arg(call));
}

int fw_teardown(struct fw_session *session, fw_done_f cb, void *arg, struct fw_error *err)
{
    struct call *call;

    if (session_check_open(session, err) != 0)
        return -1;
    call = call_make(session, STMT_teardown, teardown_done);
    call_done_code(call, ERR_framework_completed);
    call_cb(call, (union call_cb){.done = cb}, arg);
    call_send(call);
    return 0;
}
