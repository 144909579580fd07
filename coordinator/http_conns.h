/* SPDX-License-Identifier: PostgreSQL */
/* How many connections HTTP serves at once, and how long one may take to send its request. */
#ifndef HOWDAH_COORDINATOR_HTTP_CONNS_H
#define HOWDAH_COORDINATOR_HTTP_CONNS_H

#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdbool.h>
#include <stddef.h>

#include "coordinator/metrics.h"

struct http_conns;

/* listener is borrowed until http_conns_forget_listener. metrics is borrowed. */
struct http_conns *http_conns_create(struct event_base *base, struct evconnlistener *listener,
                                     size_t most, struct metrics *metrics);
void http_conns_forget_listener(struct http_conns *conns);
void http_conns_destroy(struct http_conns *conns); /* NULL is fine */

/* evhttp's factory of bufferevents; arg is the struct http_conns. */
struct bufferevent *http_conns_bev_cb(struct event_base *base, void *arg);

/* From a request's arrival to its answer a connection is not slow, whatever the database takes. */
void http_conns_answering(struct http_conns *conns, struct bufferevent *bev, bool answering);
void http_conns_closed(struct http_conns *conns); /* one of them was closed: look which */

size_t http_conns_count(const struct http_conns *conns);

#endif
