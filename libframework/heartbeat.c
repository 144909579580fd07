/* SPDX-License-Identifier: PostgreSQL */
/* The sign of life, which is also the question which database this is.
 *
 * Each answer carries the cell's mark (base/cell_mark.h). The session shows the highest one it has
 * seen with the next heartbeat, and with one that goes ahead of everything else on each new
 * connection: until that is answered the session counts as disconnected. A former primary, a backup
 * and another cell are refused, by themselves or by the session, before anything else is sent to
 * them. After a restore the session registers again under its id.
 *
 * A call that meets a stale epoch does not tell whether the session was fenced or the cell
 * restored: the heartbeat that follows does. */
#include "heartbeat.h"

#include "base/mem.h"
#include "base/row.h"

static void database_refuse(struct fw_session *session, const struct err *err)
{
    if (session->db != NULL)
        db_refuse(session->db, err);
}

int session_mark(struct fw_session *session, const char *text)
{
    enum cell_news news;
    struct err err = {.code = ERR_none};

    if (cell_mark_take_text(&session->mark, text, &news, &err) == 0)
        return 0;
    database_refuse(session, &err);
    return -1;
}

/* An attempt to come back may go on where the connection is still up. */
static void heartbeat_retry(struct fw_session *session)
{
    if (session->state == SESSION_DISCONNECTED)
        timer_start(session->retry_timer, backoff_next_ms(&session->backoff));
}

static void heartbeat_failed(struct fw_session *session, const struct err *err)
{
    switch (err->code) {
    case ERR_cell_stale:
    case ERR_cell_mismatch: database_refuse(session, err); break;
    case ERR_cell_recovered: session_return(session); break;
    case ERR_server_error:
    case ERR_not_supported:
        session_call_failed(session, err);
        heartbeat_retry(session);
        break;
    default:
        if (fw_error_ends_session(err))
            session_fail(session, err);
        else
            heartbeat_retry(session);
    }
}

static void heartbeat_reply(const PGresult *result, const struct err *err, void *arg)
{
    struct fw_session *session = CAST_MAGIC(arg, struct fw_session, SESSION_MAGIC);

    if (session->state >= SESSION_ENDED)
        return;
    session->heartbeat_in_flight = false;
    if (err != NULL)
        heartbeat_failed(session, err);
    else if (session_mark(session, row_text(result, 0, "cell")) == 0)
        session_back(session);
}

void heartbeat_send(struct fw_session *session)
{
    CLEANUP_FREE char *mark = cell_mark_text(&session->mark);

    session->heartbeat_in_flight = true;
    session_call(session, STMT_heartbeat, mark, NULL, heartbeat_reply);
}

void heartbeat_arm(struct fw_session *session)
{
    timer_start(session->heartbeat_timer, backoff_jitter_ms((uint32_t)session->heartbeat_s * 1000));
}

void heartbeat_fire(void *arg)
{
    struct fw_session *session = CAST_MAGIC(arg, struct fw_session, SESSION_MAGIC);

    heartbeat_arm(session);
    if (!session->heartbeat_in_flight && session->state == SESSION_ACTIVE)
        heartbeat_send(session);
}

void session_verify(struct fw_session *session)
{
    heartbeat_fire(session);
}
