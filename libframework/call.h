/* SPDX-License-Identifier: PostgreSQL */
/* Requests of the caller on their way: sent, and sent again until the outcome is known. */
#ifndef HOWDAH_FRAMEWORK_CALL_H
#define HOWDAH_FRAMEWORK_CALL_H

#include "internal.h"

struct call;

/* The outcome, exactly once: err NULL and a result, or an error that is not worth repeating and no
 * result. The call is freed when this returns. Not run when the session is destroyed. */
typedef void (*call_done_f)(struct call *call, const PGresult *result, const struct err *err);

/* The caller's callback and argument; which member is known to the done function. */
union call_cb {
    fw_claim_f claim;
    fw_kill_f kill;
    fw_reconcile_f reconcile;
    fw_done_f done;
};

struct calls *calls_create(struct fw_session *session);
void calls_destroy(struct calls *calls); /* drops open calls without callback; NULL is fine */

/* Whether this error is what an open call wants to bring about, as call_done_code says. */
bool calls_expect(const struct calls *calls, enum err_code code);

/* Every open call's done function runs with err, or as done if it wanted that. */
void calls_fail(struct calls *calls, const struct err *err);

/* A call of this statement; parameters 1 and 2 (framework id and epoch) are filled in. */
struct call *call_make(struct fw_session *session, enum stmt_id id, call_done_f done);

void call_param(struct call *call, char *value); /* the next parameter; takes value; NULL = null */
void call_cb(struct call *call, union call_cb cb, void *arg);
void call_extra(struct call *call, void *extra, void (*extra_free)(void *extra)); /* takes extra */
void call_done_code(struct call *call,
                    enum err_code code); /* this error means that a former try did it */
void call_send(struct call *call);       /* takes call */

struct fw_session *call_session(const struct call *call);
union call_cb call_get_cb(const struct call *call);
void *call_arg(const struct call *call);
void *call_get_extra(const struct call *call);

#endif
