/* SPDX-License-Identifier: PostgreSQL */
/* An event base of its own runs until the answer is there or the deadline has passed. */
#include "cli/http_get.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdbool.h>

#include "base/mem.h"

#define BODY_MAX (1 << 20)

struct get {
    struct event_base *base;
    const char *base_url, *path;
    char *body;
    int status;  /* 0: no answer */
    bool broken; /* no connection, or it ended before the answer */
};

static void get_done(struct evhttp_request *req, void *arg)
{
    struct get *get = arg;

    get->broken = !req || evhttp_request_get_response_code(req) == 0;
    if (req && (get->status = evhttp_request_get_response_code(req)) == HTTP_OK) {
        struct evbuffer *input = evhttp_request_get_input_buffer(req);
        size_t len = evbuffer_get_length(input);

        get->body = mem_alloc(len + 1);
        evbuffer_copyout(input, get->body, len);
    }
    event_base_loopbreak(get->base);
}

static void get_run(struct get *get, const struct evhttp_uri *uri, uint32_t deadline_ms)
{
    struct timeval deadline = {deadline_ms / 1000, (suseconds_t)(deadline_ms % 1000) * 1000};
    const char *host = evhttp_uri_get_host(uri), *start = evhttp_uri_get_path(uri);
    int port = evhttp_uri_get_port(uri);
    CLEANUP_FREE char *target = mem_printf("%s%s", start ? start : "", get->path);
    struct evhttp_connection *conn =
        evhttp_connection_base_new(get->base, NULL, host, (unsigned short)(port < 0 ? 80 : port));
    struct evhttp_request *req = evhttp_request_new(get_done, get);

    evhttp_connection_set_max_body_size(conn, BODY_MAX);
    evhttp_add_header(evhttp_request_get_output_headers(req), "Host", host);
    evhttp_add_header(evhttp_request_get_output_headers(req), "Connection", "close");
    if (evhttp_make_request(conn, req, EVHTTP_REQ_GET, target) == 0) {
        event_base_loopexit(get->base, &deadline);
        event_base_dispatch(get->base);
    }
    evhttp_connection_free(conn);
}

char *http_get(const char *base, const char *path, uint32_t deadline_ms, struct err *err)
{
    struct get get = {.base_url = base, .path = path};
    struct evhttp_uri *uri = evhttp_uri_parse(base);
    const char *scheme = uri ? evhttp_uri_get_scheme(uri) : NULL;

    if (!scheme || evutil_ascii_strcasecmp(scheme, "http") != 0 || !evhttp_uri_get_host(uri)) {
        err_set(err, ERR_input_invalid, "\"%s\": expected http://HOST[:PORT]", base);
    } else {
        get.base = event_base_new();
        get_run(&get, uri, deadline_ms);
        event_base_free(get.base);
        if (!get.body && get.status)
            err_set(err, ERR_io_failed, "%s%s: HTTP status %d", base, path, get.status);
        else if (!get.body && get.broken)
            err_set(err, ERR_io_failed, "%s%s: no connection, or it broke", base, path);
        else if (!get.body)
            err_set(err, ERR_io_failed, "%s%s: no answer within %u ms", base, path, deadline_ms);
    }
    if (uri)
        evhttp_uri_free(uri);
    return get.body;
}
