/* SPDX-License-Identifier: PostgreSQL */
/* The cell's state for viewers: read at most once a second, however many there are. */
#ifndef HOWDAH_COORDINATOR_SNAPSHOT_H
#define HOWDAH_COORDINATOR_SNAPSHOT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coordinator/coordinator.h"

enum snapshot_document {
    SNAPSHOT_cell,   /* all of cell_snapshot() */
    SNAPSHOT_agents, /* {"now", "agents"} out of it, and likewise: */
    SNAPSHOT_frameworks,
    SNAPSHOT_tasks,
    SNAPSHOT_offers,
    SNAPSHOT_roles,
    SNAPSHOT_events,  /* {"now", "events"}: the latest ones */
    SNAPSHOT_metrics, /* rows of metrics() in Prometheus' text format */
    SNAPSHOT_DOCUMENT_COUNT
};

/* Borrowed for the callback's duration. */
struct snapshot_view {
    const char *text;
    size_t len;
    const char *tag; /* for ETag; equal tags = equal content, ages apart */
    int64_t age_ms;  /* since the read began */
    bool stale;      /* the database did not answer the latest read, or long ago */
};

/* view NULL: nothing was ever read, err tells why. Else err tells why it is stale, or is NULL. */
typedef void (*snapshot_reply_f)(const struct snapshot_view *view, const struct err *err,
                                 void *arg);

struct snapshot;

int snapshot_create(struct coordinator *root, struct err *err) MUST_CHECK;
void snapshot_destroy(struct coordinator *root); /* those who wait get what there is */

/* Runs reply once: before returning when the last read is fresh, else after the next one, at the
 * latest when its short deadline passes. */
void snapshot_get(struct snapshot *snapshot, enum snapshot_document document,
                  snapshot_reply_f reply, void *arg);

/* Hash of a document without the members that only tell time ("now", "last_seen_s"). */
uint64_t snapshot_hash(const json_t *json);

#endif
