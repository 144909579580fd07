/* SPDX-License-Identifier: PostgreSQL */
/* The coordinator of coordinator_fake_root.h with its HTTP server on a free port of loopback, and
 * clients that speak to it over real sockets on the same loop. Include it in one file per program.
 */
#ifndef HOWDAH_TESTS_COORDINATOR_FAKE_HTTP_H
#define HOWDAH_TESTS_COORDINATOR_FAKE_HTTP_H

#include "tests/unit/coordinator_fake_root.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

#include "coordinator/http.h"
#include "coordinator/http_static.h"
#include "coordinator/snapshot.h"

#define HTTP_TURNS 20000 /* bound of every wait; about a millisecond each */

struct client {
    int fd;
    size_t len;
    bool over; /* the server closed the connection */
    char got[32768];
};

static struct sockaddr_in http_address;

/* The port stands in a file, as for any other reader. */
static inline void http_find(const char *path)
{
    FILE *file = fopen(path, "re");
    char line[16] = "";

    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    fclose(file);
    http_address = (struct sockaddr_in){.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)strtol(line, NULL, 10)),
                                        .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static inline int http_start_with(void **state, int64_t clients)
{
    char dir[] = "/tmp/howdah-test-http.XXXXXX";
    struct err err = {.code = ERR_none};

    assert_int_equal(root_start(state), 0);
    assert_non_null(mkdtemp(dir));
    root.options.listen = mem_strdup("127.0.0.1");
    root.options.ui_dir = mem_strdup(dir);
    root.options.http_clients = clients;
    root.options.http_port_file = mem_printf("%s/port", dir);
    assert_int_equal(pages_create(&root, &err), 0);
    if (http_create(&root, &err) != 0)
        fail_msg("http_create: %s", err.text);
    assert_int_equal(snapshot_create(&root, &err), 0);
    http_find(root.options.http_port_file);
    unlink(root.options.http_port_file);
    return rmdir(dir);
}

static inline int http_start(void **state)
{
    return http_start_with(state, 16);
}

/* In the order of main.c: those who wait are answered while the rest is gone already. */
static inline int http_stop(void **state)
{
    leader_destroy(&root);
    turn_destroy(&root);
    snapshot_destroy(&root);
    http_destroy(&root);
    pages_destroy(&root);
    free(root.options.listen);
    free(root.options.ui_dir);
    free(root.options.http_port_file);
    return root_stop(state);
}

static inline void client_open(struct client *client)
{
    *client = (struct client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_true(client->fd >= 0);
    assert_int_equal(connect(client->fd, (const struct sockaddr *)(const void *)&http_address,
                             sizeof(http_address)),
                     0);
}

static inline void client_close(struct client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
}

static inline void client_send(struct client *client, const char *text)
{
    assert_int_equal(send(client->fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* GET of path, by a client that wants no second answer; more: further header lines or "". */
static inline void client_get(struct client *client, const char *path, const char *more)
{
    CLEANUP_FREE char *text =
        mem_printf("GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n%s\r\n", path, more);

    client_send(client, text);
}

/* One turn of the loop; takes what the server sent. */
static inline void client_turn(struct client *client)
{
    ssize_t got;

    event_base_loop(root.base, EVLOOP_NONBLOCK);
    got = recv(client->fd, client->got + client->len, sizeof(client->got) - 1 - client->len,
               MSG_DONTWAIT);
    if (got > 0)
        client->len += (size_t)got;
    else if (got == 0 || errno != EAGAIN)
        client->over = true;
    else
        usleep(500);
}

static inline void client_wait_call(struct client *client, const char *stmt)
{
    for (int i = 0; i < HTTP_TURNS; i++) {
        for (size_t call = 0; call < fake_call_count; call++)
            if (strcmp(fake_calls[call].stmt->name, stmt) == 0)
                return;
        client_turn(client);
    }
    fail_msg("statement \"%s\" was not called", stmt);
}

/* Until the server closed: then all that it had to say is there. */
static inline const char *client_wait(struct client *client)
{
    for (int i = 0; i < HTTP_TURNS && !client->over; i++)
        client_turn(client);
    if (!client->over)
        fail_msg("the server did not close the connection; it said \"%s\"", client->got);
    client_close(client);
    return client->got;
}

static struct client http_client;

/* One GET from connect to close. The answer is valid until the next. */
static inline const char *get_with(const char *path, const char *more)
{
    client_open(&http_client);
    client_get(&http_client, path, more);
    return client_wait(&http_client);
}

static inline const char *get(const char *path)
{
    return get_with(path, "");
}

static inline int status_of(const char *answer)
{
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? (int)strtol(answer + 9, NULL, 10) : -1;
}

static inline const char *body_of(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");

    return end ? end + 4 : "(no end of the headers)";
}

static inline void assert_says(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" does not say \"%s\"", text, part);
}

#endif
