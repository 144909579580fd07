/* SPDX-License-Identifier: PostgreSQL */
/* How the agent reaches the cell. An implementation embeds struct transport as its first member.
 * At most one call is under way at a time; each ends in its callback within a deadline of the
 * implementation's own, unless destroy comes first. Callbacks run on the loop, never inside the
 * call. */
#ifndef HOWDAH_AGENT_TRANSPORT_H
#define HOWDAH_AGENT_TRANSPORT_H

#include <jansson.h>
#include <stdint.h>

#include "base/cell_mark.h"
#include "base/err.h"
#include "base/uuid.h"

struct transport_identity { /* borrowed for the call */
    const char *name, *host, *boot_id;
    const char *agent_id; /* from an earlier life in this work directory; NULL = none */
    const char *key;      /* that makes a repeated first registration the same one; NULL = none */
    const struct cell_mark *cell; /* what was seen of the cell so far */
    const json_t *resources, *attributes;
};

struct transport_session { /* what registering gave */
    char agent_id[UUID_TEXT_SIZE];
    int64_t epoch;
    struct cell_mark cell;
};

/* session or answer is borrowed for the callback's duration and NULL when err is set (else err is
 * NULL). The callback may start the next call; it may not destroy the transport. */
typedef void (*transport_registered_f)(const struct transport_session *session,
                                       const struct err *err, void *arg);
typedef void (*transport_synced_f)(const json_t *answer, const struct err *err, void *arg);

struct transport;
struct transport_ops {
    void (*register_agent)(struct transport *transport, const struct transport_identity *identity,
                           transport_registered_f done, void *arg);
    /* agent_sync: when done is called without err, all that report says is durable. */
    void (*sync)(struct transport *transport, const struct transport_session *session,
                 const json_t *report, transport_synced_f done, void *arg);
    /* This is not the database that is wanted: leave it and look for another one. Between calls. */
    void (*refuse)(struct transport *transport, const struct err *why);
    void (*destroy)(struct transport *transport);
};

struct transport {
    const struct transport_ops *ops;
};

#endif
