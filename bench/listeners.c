/* SPDX-License-Identifier: PostgreSQL */
/* Sessions of base/db with one channel and one timer each. A heartbeat that fails is sent again
 * with the next one; connections come back by themselves. */
#include "bench/listeners.h"

#include "base/db.h"
#include "base/loop.h"
#include "base/mem.h"
#include "bench/stmts.h"

struct listener {
    struct listeners *all;
    const struct workload_framework *framework; /* borrowed */
    struct db *db;
    struct timer *timer; /* the next heartbeat */
};

struct listeners {
    uint64_t notified;
    int count;
    struct listener each[];
};

static void notify_cb(struct db *db, const char *channel, const char *payload, void *arg)
{
    struct listener *listener = arg;

    (void)db;
    (void)channel;
    (void)payload;
    listener->all->notified++;
}

static void heartbeat_cb(void *arg)
{
    struct listener *listener = arg;
    const char *params[] = {listener->framework->id, listener->framework->epoch};

    if (db_queue_length(listener->db) == 0)
        db_call(listener->db, &stmts[STMT_heartbeat], params, NULL, NULL);
    timer_start(listener->timer, listener->framework->heartbeat_ms);
}

static int listener_open(struct listener *listener, struct event_base *base, const char *conninfo,
                         struct err *err)
{
    const char *channels[] = {listener->framework->channel, NULL};
    struct db_config config = {
        .conninfo = conninfo,
        .application_name = "claim_bench listener",
        .channels = channels,
        .on_notify = notify_cb,
        .arg = listener,
    };

    listener->db = db_create(base, &config, err);
    if (!listener->db)
        return -1;
    listener->timer = timer_create_on(base, heartbeat_cb, listener);
    timer_start(listener->timer, 0);
    return 0;
}

struct listeners *listeners_open(struct event_base *base, const char *conninfo,
                                 const struct workload_framework *frameworks, int count,
                                 struct err *err)
{
    struct listeners *listeners =
        mem_alloc(sizeof(*listeners) + (size_t)count * sizeof(listeners->each[0]));

    listeners->count = count;
    for (int i = 0; i < count; i++) {
        listeners->each[i].all = listeners;
        listeners->each[i].framework = &frameworks[i];
        if (listener_open(&listeners->each[i], base, conninfo, err) < 0) {
            listeners_close(listeners);
            return NULL;
        }
    }
    return listeners;
}

void listeners_close(struct listeners *listeners)
{
    if (!listeners)
        return;
    for (int i = 0; i < listeners->count; i++) {
        timer_free(listeners->each[i].timer);
        db_destroy(listeners->each[i].db);
    }
    free(listeners);
}

uint64_t listeners_notified(const struct listeners *listeners)
{
    return listeners->notified;
}
