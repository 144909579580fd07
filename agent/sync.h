/* SPDX-License-Identifier: PostgreSQL */
/* When the agent talks to the cell: registering, the poll, backoff. What it says is its owner's. */
#ifndef HOWDAH_AGENT_SYNC_H
#define HOWDAH_AGENT_SYNC_H

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/transport.h"
#include "base/err.h"

struct sync;

/* Called on the loop; none may destroy the sync. */
struct sync_owner {
    /* Registered, the first time or anew: everything is to be reported again. */
    void (*registered)(const struct transport_session *session, void *arg);
    json_t *(*report)(void *arg); /* new reference, right before it is sent */
    /* The cell is in a later epoch than was known: keep the mark before anything else is done. In
     * another generation it was restored from a backup: what has ended and was confirmed is to be
     * reported again, too. */
    void (*marked)(const struct cell_mark *cell, void *arg);
    /* The last report is durable; what the cell wants. True: things are moving, sync again soon. */
    bool (*answered)(const json_t *answer, void *arg);
    /* The cell will not have this agent: ERR_epoch_stale when another incarnation took over. No
     * call follows. */
    void (*refused)(const struct err *err, void *arg);
    void *arg;
};

struct sync_config {
    const char *name, *host, *boot_id;
    const char *agent_id;  /* "" = none yet; copied */
    const char *key;       /* of the first registration; NULL = none */
    struct cell_mark cell; /* what earlier lives have seen of it */
    const json_t *resources, *attributes;
    int64_t poll_min_ms, poll_max_ms;
};

/* Takes transport; config's strings and JSON are borrowed for the sync's life. */
struct sync *sync_create(struct event_base *base, struct transport *transport,
                         const struct sync_config *config, const struct sync_owner *owner);
void sync_destroy(struct sync *sync); /* NULL is fine */

void sync_start(struct sync *sync);
void sync_soon(struct sync *sync); /* there is something to tell */
/* Sync at least this often whatever the cell asks for; 0 = no limit. */
void sync_limit(struct sync *sync, int64_t wait_ms);
bool sync_idle(const struct sync *sync); /* registered and no call under way */

#endif
