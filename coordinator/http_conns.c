/* SPDX-License-Identifier: PostgreSQL */
/* evhttp counts no connections and has no limit of its own for a client that sends one byte at a
 * time. It does make its bufferevents through a factory, so each is entered in a table here, with a
 * reference that keeps its memory valid. When evhttp is done with one it shuts the socket and
 * clears the callbacks, which a sweep notices; only then is the descriptor closed. With the table
 * full, the listener rests and newcomers wait in the kernel's backlog. */
#include "coordinator/http_conns.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

#define CONNS_MAGIC 0xc0115u
#define SWEEP_MS    1000
#define SLOW_MS     20000 /* more than evhttp's own time for a silent client */

struct conn {
    struct bufferevent *bev;
    int64_t since_ms; /* monotonic; connected, or last answered */
    bool answering;
};

struct http_conns {
    unsigned magic;
    struct evconnlistener *listener;
    struct metrics *metrics;
    struct timer *sweep;
    struct conn *table;
    size_t count, most;
};

static bool conn_over(const struct conn *conn)
{
    bufferevent_event_cb event_cb = NULL;

    bufferevent_getcb(conn->bev, NULL, NULL, &event_cb, NULL);
    return event_cb == NULL;
}

static void conn_hurry(struct http_conns *conns, struct conn *conn, int64_t now_ms)
{
    if (conn->answering || now_ms - conn->since_ms < SLOW_MS)
        return;
    conns->metrics->http_slow++;
    conn->since_ms = now_ms;
    bufferevent_trigger_event(conn->bev, BEV_EVENT_TIMEOUT | BEV_EVENT_READING,
                              BEV_OPT_DEFER_CALLBACKS);
}

static void sweep_cb(void *arg)
{
    struct http_conns *conns = CAST_MAGIC(arg, struct http_conns, CONNS_MAGIC);
    int64_t now_ms = clock_mono_ms();

    for (size_t i = 0; i < conns->count;) {
        if (conn_over(&conns->table[i])) {
            bufferevent_decref(conns->table[i].bev);
            conns->table[i] = conns->table[--conns->count];
            continue;
        }
        conn_hurry(conns, &conns->table[i], now_ms);
        i++;
    }
    if (conns->listener && conns->count < conns->most)
        evconnlistener_enable(conns->listener);
    if (conns->count > 0)
        timer_start(conns->sweep, SWEEP_MS);
}

struct bufferevent *http_conns_bev_cb(struct event_base *base, void *arg)
{
    struct http_conns *conns = CAST_MAGIC(arg, struct http_conns, CONNS_MAGIC);
    struct bufferevent *bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);

    if (!bev || conns->count == conns->most)
        return bev;
    bufferevent_incref(bev);
    conns->table[conns->count++] = (struct conn){.bev = bev, .since_ms = clock_mono_ms()};
    if (!timer_armed(conns->sweep))
        timer_start(conns->sweep, SWEEP_MS);
    if (conns->count == conns->most) {
        conns->metrics->http_full++;
        log_debug("all http connections are in use most=%zu", conns->most);
        evconnlistener_disable(conns->listener);
    }
    return bev;
}

void http_conns_answering(struct http_conns *conns, struct bufferevent *bev, bool answering)
{
    for (size_t i = 0; i < conns->count; i++) {
        if (conns->table[i].bev != bev)
            continue;
        conns->table[i].answering = answering;
        conns->table[i].since_ms = clock_mono_ms();
    }
}

void http_conns_closed(struct http_conns *conns)
{
    timer_start(conns->sweep, 0);
}

size_t http_conns_count(const struct http_conns *conns)
{
    return conns->count;
}

struct http_conns *http_conns_create(struct event_base *base, struct evconnlistener *listener,
                                     size_t most, struct metrics *metrics)
{
    struct http_conns *conns = mem_alloc(sizeof(*conns));

    conns->magic = CONNS_MAGIC;
    conns->listener = listener;
    conns->metrics = metrics;
    conns->most = most;
    conns->table = mem_alloc(most * sizeof(*conns->table));
    conns->sweep = timer_create_on(base, sweep_cb, conns);
    return conns;
}

void http_conns_forget_listener(struct http_conns *conns)
{
    conns->listener = NULL;
}

void http_conns_destroy(struct http_conns *conns)
{
    if (!conns)
        return;
    for (size_t i = 0; i < conns->count; i++)
        bufferevent_decref(conns->table[i].bev);
    timer_free(conns->sweep);
    free(conns->table);
    free(conns);
}
