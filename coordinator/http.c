/* SPDX-License-Identifier: PostgreSQL */
/* The HTTP server, on evhttp with every limit set: sizes, time, methods, connections.
 *
 * It serves without TLS and without login, so it listens on loopback unless --insecure-http says
 * otherwise, changes nothing, and answers only to names that are its own. Every answer carries the
 * same security headers: the page may load nothing from elsewhere and be framed by nobody. Handlers
 * never block; those that need the database answer when it has, or when its deadline passed. */
#include "coordinator/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "coordinator/http_conns.h"
#include "coordinator/http_routes.h"
#include "coordinator/metrics.h"

#define HTTP_MAGIC   0x4777u
#define HEADERS_MOST 16384
#define BODY_MOST                                                                                  \
    4096 /* a body is of no use; a small one is read so that its sender gets the answer */
#define SILENCE_S 15
#define BACKLOG   128

struct http {
    unsigned magic;
    struct coordinator *root;
    struct evhttp *evhttp;
    struct http_conns *conns;
};

static const struct http_route routes[] = {
    {"/healthz", false, http_status_health},
    {"/metrics", false, http_status_metrics},
    {"/api/", true, http_api_answer},
    {"/", true, http_static_answer},
};

static const struct http_header security_headers[] = {
    {"Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'none'; "
                                "frame-ancestors 'none'; object-src 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {NULL, NULL},
};

const struct http_route *http_route_find(const char *path)
{
    const struct http_route *best = NULL;

    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        size_t len = strlen(routes[i].path);
        bool serves = routes[i].prefix ? strncmp(path, routes[i].path, len) == 0
                                       : strcmp(path, routes[i].path) == 0;

        if (serves && (!best || len > strlen(best->path)))
            best = &routes[i];
    }
    return best;
}

/* ---- which hosts are served ---- */

static bool host_is_address(const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

static bool host_listed(const char *name, const char *names)
{
    size_t len = strlen(name);

    while (names && *names) {
        size_t item = strcspn(names, ",");

        if (item == len && strncasecmp(names, name, len) == 0)
            return true;
        names += item + (names[item] == ',');
    }
    return false;
}

bool http_host_served(const char *host, const char *listen, const char *allowed)
{
    char name[256];
    bool bracketed = host[0] == '[';
    size_t len = bracketed ? strcspn(++host, "]") : strcspn(host, ":");

    if (len == 0 || len >= sizeof(name))
        return false;
    memcpy(name, host, len);
    name[len] = '\0';
    return host_is_address(name) || strcasecmp(name, "localhost") == 0 ||
           strcasecmp(name, listen) == 0 || host_listed(name, allowed);
}

/* ---- answering ---- */

/* If-None-Match holds the tag: "*", or a list of quoted tags, weak ones included. */
static bool tag_known(struct evhttp_request *req, const char *tag)
{
    const char *known = evhttp_find_header(evhttp_request_get_input_headers(req), "If-None-Match");
    char quoted[80];

    if (!known || !tag)
        return false;
    snprintf(quoted, sizeof(quoted), "\"%s\"", tag);
    return strcmp(known, "*") == 0 || strstr(known, quoted) != NULL;
}

static const char *phrase_of(int code)
{
    static const struct {
        int code;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {503, "Service Unavailable"},
    };

    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
        if (phrases[i].code == code)
            return phrases[i].phrase;
    return "Answer";
}

static void add_headers(struct evkeyvalq *out, const struct http_header *headers)
{
    for (; headers && headers->name; headers++)
        evhttp_add_header(out, headers->name, headers->value);
}

void http_reply(struct coordinator *root, struct evhttp_request *req,
                const struct http_answer *answer)
{
    struct evkeyvalq *out = evhttp_request_get_output_headers(req);
    struct evhttp_connection *evcon = evhttp_request_get_connection(req);
    struct evbuffer *body = evbuffer_new();
    int code = answer->code == 200 && tag_known(req, answer->tag) ? 304 : answer->code;
    char text[80];

    add_headers(out, security_headers);
    add_headers(out, answer->headers);
    evhttp_add_header(out, "Cache-Control", answer->cache ? answer->cache : "no-store");
    if (answer->tag) {
        snprintf(text, sizeof(text), "W/\"%s\"", answer->tag);
        evhttp_add_header(out, "ETag", text);
    }
    if (code != 304 && answer->type) {
        evhttp_add_header(out, "Content-Type", answer->type);
        snprintf(text, sizeof(text), "%zu", answer->len);
        evhttp_add_header(out, "Content-Length", text);
        if (evhttp_request_get_command(req) != EVHTTP_REQ_HEAD)
            evbuffer_add(body, answer->body, answer->len);
    }
    metrics_http_answered(root->metrics, code);
    if (evcon)
        http_conns_answering(root->http->conns, evhttp_connection_get_bufferevent(evcon), false);
    evhttp_send_reply(req, code, phrase_of(code), body);
    evbuffer_free(body);
}

void http_error(struct coordinator *root, struct evhttp_request *req, int status, const char *code,
                const char *fmt, ...)
{
    static const struct http_header soon[] = {{"Retry-After", "1"}, {NULL, NULL}};
    static const struct http_header methods[] = {{"Allow", "GET, HEAD"}, {NULL, NULL}};
    char message[1024];
    CLEANUP_FREE char *body = NULL;
    CLEANUP_JSON json_t *json = NULL;
    va_list args;

    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    json = json_pack("{s:{s:s, s:s%}}", "error", "code", code, "message", message, strlen(message));
    if (!json) /* a message cut inside a UTF-8 character */
        json = json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", code);
    body = json_print(json);
    http_reply(root, req,
               &(struct http_answer){
                   .code = status,
                   .type = "application/json",
                   .body = body,
                   .len = strlen(body),
                   .headers = status == 503   ? soon
                              : status == 405 ? methods
                                              : NULL,
               });
}

/* ---- dispatch ---- */

static void closed_cb(struct evhttp_connection *evcon, void *arg)
{
    struct http *http = CAST_MAGIC(arg, struct http, HTTP_MAGIC);

    (void)evcon;
    http_conns_closed(http->conns);
}

/* The decoded path, or NULL when there is none or it holds a NUL. Caller frees. */
static char *request_path(struct evhttp_request *req)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
    const char *raw = uri ? evhttp_uri_get_path(uri) : NULL;
    size_t len = 0;
    char *path = raw ? evhttp_uridecode(raw[0] ? raw : "/", 0, &len) : NULL;

    if (path && strlen(path) == len)
        return path;
    free(path);
    return NULL;
}

static void dispatch(struct coordinator *root, struct evhttp_request *req)
{
    enum evhttp_cmd_type method = evhttp_request_get_command(req);
    const char *host = evhttp_find_header(evhttp_request_get_input_headers(req), "Host");
    CLEANUP_FREE char *path = request_path(req);
    const struct http_route *route = path ? http_route_find(path) : NULL;

    if (host && !http_host_served(host, root->options.listen, root->options.http_hosts))
        http_error(root, req, 403, "host_refused",
                   "this server is not called \"%s\"; --http-hosts lists further names", host);
    else if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD)
        http_error(root, req, 405, "method_refused",
                   "only GET and HEAD are served; changes go through SQL or the howdah command");
    else if (!route)
        http_error(root, req, 400, "path_invalid", "the request's path cannot be understood");
    else
        route->handler(root, req, path);
}

static void request_cb(struct evhttp_request *req, void *arg)
{
    struct http *http = CAST_MAGIC(arg, struct http, HTTP_MAGIC);
    struct evhttp_connection *evcon = evhttp_request_get_connection(req);

    if (evcon) {
        evhttp_connection_set_closecb(evcon, closed_cb, http);
        http_conns_answering(http->conns, evhttp_connection_get_bufferevent(evcon), true);
    }
    dispatch(http->root, req);
}

/* ---- listening ---- */

static bool address_is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 ==
               127;
    if (address->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(
            &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
    return false;
}

static struct evconnlistener *listener_open(struct coordinator *root, const struct addrinfo *at,
                                            struct err *err)
{
    const struct options *options = &root->options;
    struct evconnlistener *listener;

    if (!options->insecure_http && !address_is_loopback(at->ai_addr)) {
        (void)err_set(
            err, ERR_input_invalid,
            "option --listen, value \"%s\": HTTP has neither TLS nor login, so it stays on "
            "loopback (127.0.0.1, ::1) unless --insecure-http is given",
            options->listen);
        return NULL;
    }
    listener = evconnlistener_new_bind(
        root->base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
        BACKLOG, at->ai_addr, (int)at->ai_addrlen);
    if (listener)
        return listener;
    root->exit_code = COORDINATOR_EXIT_PORT;
    (void)err_set(err, errno == EADDRINUSE ? ERR_port_taken : ERR_io_failed,
                  "cannot listen on %s port %" PRId64
                  ": %s; --listen and --port choose another, --port 0 takes a free one",
                  options->listen, options->port, strerror(errno));
    return NULL;
}

static struct evconnlistener *listener_create(struct coordinator *root, struct err *err)
{
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
                                   .ai_socktype = SOCK_STREAM};
    const char *listen = root->options.listen;
    struct addrinfo *found = NULL;
    struct evconnlistener *listener;
    char port[24];

    snprintf(port, sizeof(port), "%" PRId64, root->options.port);
    if (!listen || !listen[0] ||
        getaddrinfo(strcmp(listen, "localhost") == 0 ? "127.0.0.1" : listen, port, &hints,
                    &found)) {
        (void)err_set(err, ERR_input_invalid,
                      "option --listen, value \"%s\": expected an IPv4 or IPv6 address",
                      listen ? listen : "");
        return NULL;
    }
    listener = listener_open(root, found, err);
    freeaddrinfo(found);
    return listener;
}

/* The port in use, as text; "0" if the system does not tell. */
static void listener_port(struct evconnlistener *listener, char port[NI_MAXSERV])
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);

    if (getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&address, &len) < 0 ||
        getnameinfo((struct sockaddr *)&address, len, NULL, 0, port, NI_MAXSERV,
                    NI_NUMERICHOST | NI_NUMERICSERV))
        snprintf(port, NI_MAXSERV, "0");
}

/* Written beside and renamed, so that a reader sees the whole number or no file. */
static int port_file_write(const char *path, const char *port, struct err *err)
{
    CLEANUP_FREE char *draft = mem_printf("%s.new", path);
    CLEANUP_FD int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (fd < 0 || dprintf(fd, "%s\n", port) < 0 || rename(draft, path) < 0)
        return err_set_errno(err, ERR_io_failed, "option --http-port-file, value \"%s\"", path);
    return 0;
}

static int http_open(struct http *http, struct err *err)
{
    struct coordinator *root = http->root;
    struct evconnlistener *listener = listener_create(root, err);
    char port[NI_MAXSERV];

    if (!listener)
        return -1;
    http->conns =
        http_conns_create(root->base, listener, (size_t)root->options.http_clients, root->metrics);
    evhttp_set_bevcb(http->evhttp, http_conns_bev_cb, http->conns);
    evhttp_bind_listener(http->evhttp, listener);
    listener_port(listener, port);
    if (root->options.http_port_file && root->options.http_port_file[0] &&
        port_file_write(root->options.http_port_file, port, err) < 0)
        return -1;
    log_write(root->options.insecure_http ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
              "serving http address=%s port=%s not_enforced=\"tls, login\" reach=%s",
              root->options.listen, port, root->options.insecure_http ? "any" : "loopback");
    return 0;
}

int http_create(struct coordinator *root, struct err *err)
{
    struct http *http = mem_alloc(sizeof(*http));

    http->magic = HTTP_MAGIC;
    http->root = root;
    http->evhttp = evhttp_new(root->base);
    root->http = http;
    evhttp_set_max_headers_size(http->evhttp, HEADERS_MOST);
    evhttp_set_max_body_size(http->evhttp, BODY_MOST);
    evhttp_set_timeout(http->evhttp, SILENCE_S);
    /* the refused ones too, so that they get an answer that says why */
    evhttp_set_allowed_methods(http->evhttp, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
                                                 EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
                                                 EVHTTP_REQ_PATCH | EVHTTP_REQ_OPTIONS);
    evhttp_set_gencb(http->evhttp, request_cb, http);
    if (http_open(http, err) == 0)
        return 0;
    http_destroy(root);
    return -1;
}

void http_destroy(struct coordinator *root)
{
    struct http *http = root->http;

    if (!http)
        return;
    if (http->conns)
        http_conns_forget_listener(http->conns);
    evhttp_free(http->evhttp);
    http_conns_destroy(http->conns);
    free(http);
    root->http = NULL;
}

size_t http_connections(const struct coordinator *root)
{
    return http_conns_count(root->http->conns);
}
