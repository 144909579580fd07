/* SPDX-License-Identifier: PostgreSQL */
/* Updates: read, handed out, acknowledged.
 *
 * The database keeps every update until it is acknowledged and answers with those that are not in
 * the list of what this session already handed out (`seen`). An update is on that list from before
 * its callback until its acknowledgement is known to have arrived, so that one session hands it out
 * once whatever happens to the connection. The list is bounded: a caller that does not acknowledge
 * gets no more than FW_UPDATES_MAX updates, and more as it acknowledges.
 *
 * Acknowledgements collect until the loop's next turn and then travel as one call; while that call
 * is under way, further ones collect for the next. */
#include "updates.h"

#include <stdio.h>

#include "base/array.h"
#include "base/mem.h"
#include "base/row.h"
#include "call.h"
#include "fsm/fsm.h"

enum handed_state {
    HANDED_OPEN,         /* with the caller */
    HANDED_ACKNOWLEDGED, /* the caller acknowledged it; to be sent */
    HANDED_SENT,         /* the acknowledgement is under way */
};

struct handed {
    int64_t update_id;
    enum handed_state state;
};

struct updates {
    struct fw_session *session;
    struct handed handed[FW_UPDATES_MAX];
    size_t count;
    size_t asked; /* how many the present poll may answer with */
    bool poll_in_flight, poll_again;
    bool send_in_flight;
    struct timer *send_timer;
};

static struct handed *handed_find(struct updates *updates, int64_t update_id)
{
    for (size_t i = 0; i < updates->count; i++)
        if (updates->handed[i].update_id == update_id)
            return &updates->handed[i];
    return NULL;
}

static void handed_remove(struct updates *updates, struct handed *handed)
{
    *handed = updates->handed[--updates->count];
}

/* ---- acknowledging ---- */

static void send_done(struct call *call, const PGresult *result, const struct err *err)
{
    struct fw_session *session = call_session(call);
    struct updates *updates = session->updates;
    bool was_full = updates->count == FW_UPDATES_MAX;
    struct fw_error error;

    (void)result;
    updates->send_in_flight = false;
    for (size_t i = updates->count; i-- > 0;)
        if (updates->handed[i].state == HANDED_SENT)
            handed_remove(updates, &updates->handed[i]);
    if (session->state >= SESSION_ENDED)
        return;
    if (err != NULL) {
        fw_error_from(&error, err);
        session_warn(session, &error);
    }
    timer_start(updates->send_timer, 0);
    if (was_full)
        updates_poll(updates);
}

static void send_fire(void *arg)
{
    struct fw_session *session = CAST_MAGIC(arg, struct fw_session, SESSION_MAGIC);
    struct updates *updates = session->updates;
    int64_t ids[FW_UPDATES_MAX];
    size_t count = 0;
    struct call *call;

    if (updates->send_in_flight || session->state >= SESSION_ENDED)
        return;
    for (size_t i = 0; i < updates->count; i++) {
        if (updates->handed[i].state != HANDED_ACKNOWLEDGED)
            continue;
        updates->handed[i].state = HANDED_SENT;
        ids[count++] = updates->handed[i].update_id;
    }
    if (count == 0)
        return;
    updates->send_in_flight = true;
    call = call_make(session, STMT_acknowledge, send_done);
    call_param(call, array_from_ints(ids, count));
    call_send(call);
}

static struct handed *open_find(struct fw_session *session, int64_t update_id, struct fw_error *err)
{
    struct handed *handed;

    if (session_check_open(session, err) != 0)
        return NULL;
    handed = handed_find(session->updates, update_id);
    if (handed == NULL || handed->state != HANDED_OPEN) {
        fw_error_input(err,
                       "acknowledge: field \"update_id\", value \"%lld\": expected an update "
                       "that was handed out and is not acknowledged",
                       (long long)update_id);
        return NULL;
    }
    return handed;
}

int fw_acknowledge(struct fw_session *session, int64_t update_id, struct fw_error *err)
{
    struct handed *handed = open_find(session, update_id, err);

    if (handed == NULL)
        return -1;
    handed->state = HANDED_ACKNOWLEDGED;
    if (!session->updates->send_in_flight)
        timer_start(session->updates->send_timer, 0);
    return 0;
}

int fw_acknowledged(struct fw_session *session, int64_t update_id, struct fw_error *err)
{
    struct handed *handed = open_find(session, update_id, err);
    bool was_full = session->updates->count == FW_UPDATES_MAX;

    if (handed == NULL)
        return -1;
    handed_remove(session->updates, handed);
    if (was_full)
        updates_poll(session->updates);
    return 0;
}

/* ---- handing out ---- */

static struct fw_update update_from(const PGresult *result, int row)
{
    const char *state = row_text(result, row, "state");
    int known = task_state_parse(state);

    return (struct fw_update){
        .update_id = row_int(result, row, "update_id"),
        .task_id = row_text(result, row, "task_id"),
        .task_name = row_text(result, row, "task_name"),
        .agent_id = row_text(result, row, "agent_id"),
        .agent_name = row_text(result, row, "agent_name"),
        .state = state,
        .terminal = known != FSM_NONE && task_state_terminal(known),
        .reason = row_text(result, row, "reason"),
        .message = row_text(result, row, "message"),
        .exit_code =
            row_is_null(result, row, "exit_code") ? -1 : (int)row_int(result, row, "exit_code"),
        .signal = (int)row_int(result, row, "signal"),
    };
}

/* False when the session must not be touched any more. */
static bool update_hand_out(struct updates *updates, const struct fw_update *update)
{
    struct fw_session *session = updates->session;
    struct handed *handed;

    updates->handed[updates->count++] =
        (struct handed){.update_id = update->update_id, .state = HANDED_OPEN};
    session_enter(session);
    if (session->callbacks.update != NULL)
        session->callbacks.update(session, update, session->arg);
    if (!session_leave(session) || session->state == SESSION_ENDED)
        return false;
    handed = handed_find(updates, update->update_id);
    if (session->auto_acknowledge && handed != NULL && handed->state == HANDED_OPEN)
        fw_acknowledge(session, update->update_id, NULL);
    return true;
}

void updates_apply(struct updates *updates, const PGresult *result)
{
    for (int row = 0; row < PQntuples(result) && updates->count < FW_UPDATES_MAX; row++) {
        struct fw_update update = update_from(result, row);

        if (handed_find(updates, update.update_id) == NULL && !update_hand_out(updates, &update))
            return;
    }
}

static void updates_reply(const PGresult *result, const struct err *err, void *arg)
{
    struct fw_session *session = CAST_MAGIC(arg, struct fw_session, SESSION_MAGIC);
    struct updates *updates = session->updates;

    if (session->state >= SESSION_ENDED)
        return;
    updates->poll_in_flight = false;
    if (err != NULL) {
        session_call_failed(session, err);
        return;
    }
    if ((size_t)PQntuples(result) >= updates->asked)
        updates->poll_again = true;
    updates_apply(updates, result);
    if (updates->poll_again && session->state < SESSION_ENDED)
        updates_poll(updates);
}

void updates_poll(struct updates *updates)
{
    int64_t seen[FW_UPDATES_MAX];
    char *array, *limit;

    if (updates->poll_in_flight) {
        updates->poll_again = true;
        return;
    }
    updates->poll_again = false;
    if (updates->count == FW_UPDATES_MAX)
        return;
    for (size_t i = 0; i < updates->count; i++)
        seen[i] = updates->handed[i].update_id;
    updates->asked = FW_UPDATES_MAX - updates->count;
    updates->poll_in_flight = true;
    array = array_from_ints(seen, updates->count);
    limit = mem_printf("%zu", updates->asked);
    session_call(updates->session, STMT_updates, array, limit, updates_reply);
    free(array);
    free(limit);
}

struct updates *updates_create(struct fw_session *session)
{
    struct updates *updates = mem_alloc(sizeof(*updates));

    updates->session = session;
    updates->send_timer = timer_create_on(session->base, send_fire, session);
    return updates;
}

void updates_destroy(struct updates *updates)
{
    if (updates == NULL)
        return;
    timer_free(updates->send_timer);
    free(updates);
}
