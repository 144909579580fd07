/* SPDX-License-Identifier: PostgreSQL */
/* The HTTP server: routes, limits, and the one way to answer a request. Read-only: GET and HEAD. */
#ifndef HOWDAH_COORDINATOR_HTTP_H
#define HOWDAH_COORDINATOR_HTTP_H

#include <event2/http.h>
#include <stdbool.h>
#include <stddef.h>

#include "coordinator/coordinator.h"

struct http;

/* Listens at once and writes the port file; a failure sets root->exit_code. */
int http_create(struct coordinator *root, struct err *err) MUST_CHECK;
void http_destroy(struct coordinator *root);

/* Answers one GET or HEAD request, now or later, exactly once, with http_reply or http_error. path
 * is decoded and borrowed for the call. */
typedef void (*http_handler_f)(struct coordinator *root, struct evhttp_request *req,
                               const char *path);

struct http_route {
    const char *path;
    bool prefix; /* serves everything below path too */
    http_handler_f handler;
};

/* The longest route that serves path; NULL when path does not start with a slash. */
const struct http_route *http_route_find(const char *path);

/* The Host header names this server: an IP address, localhost, the listen address, or one of the
 * comma-separated names in allowed (may be NULL). Anything else is a page elsewhere that had its
 * own name resolved to this address. */
bool http_host_served(const char *host, const char *listen, const char *allowed);

struct http_header {
    const char *name, *value;
};

struct http_answer {
    int code;
    const char *type; /* content type; NULL = no body */
    const void *body; /* copied */
    size_t len;
    const char *tag;   /* bare ETag, NULL = none; a match with If-None-Match makes it 304 */
    const char *cache; /* Cache-Control; NULL = "no-store" */
    const struct http_header *headers; /* further ones, ended by a NULL name; may be NULL */
};

void http_reply(struct coordinator *root, struct evhttp_request *req,
                const struct http_answer *answer);

/* Connections open now. */
size_t http_connections(const struct coordinator *root);

/* {"error":{"code":…,"message":…}} */
void http_error(struct coordinator *root, struct evhttp_request *req, int status, const char *code,
                const char *fmt, ...) PRINTF_LIKE(5, 6);

#endif
