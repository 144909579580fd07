/* SPDX-License-Identifier: PostgreSQL */
/* A session from its creation to its end, for programs that do nothing besides. */
#include <event2/event.h>

#include "internal.h"

static int run_on(struct event_base *base, const struct fw_config *config,
                  const struct fw_callbacks *callbacks, void *arg, struct fw_error *err)
{
    struct fw_session *session = fw_session_create(base, config, callbacks, arg, err);
    int rc = 0;

    if (session == NULL)
        return -1;
    session->owns_loop = true;
    event_base_dispatch(base);
    if (session->failed)
        rc = fw_error_from(err, &session->end);
    fw_session_destroy(session);
    return rc;
}

int fw_run(struct event_base *base, const struct fw_config *config,
           const struct fw_callbacks *callbacks, void *arg, struct fw_error *err)
{
    struct event_base *own = base == NULL ? event_base_new() : NULL;
    int rc;

    if (base == NULL && own == NULL)
        return fw_error_input(err, "run: no event loop can be made");
    rc = run_on(own != NULL ? own : base, config, callbacks, arg, err);
    if (own != NULL)
        event_base_free(own);
    return rc;
}
