/* SPDX-License-Identifier: PostgreSQL */
/* A framework upon libframework that claims one task after the other on one agent, as long as it
 * lives, and prints what was acknowledged: "ack SECONDS TASK_ID" for each committed claim, by the
 * monotonic clock, "refused SECONDS CODE" for each other answer. A claim whose answer is unknown is
 * the library's business: it is repeated until it has one.
 *
 *   claimer CONNINFO AGENT_ID PAUSE_MS
 */
#include <event2/event.h>
#include <framework.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct claimer {
    struct event_base *base;
    struct fw_session *session;
    struct event *pause;
    struct timeval pause_time;
    const char *agent_id;
    unsigned long sent;
};

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void claim_cb(struct fw_session *session, const struct fw_claim_result *results,
                     size_t count, const struct fw_error *err, void *arg)
{
    struct claimer *claimer = arg;

    (void)session;
    if (err != NULL)
        printf("refused %.6f %s\n", now(), err->code);
    for (size_t i = 0; i < count; i++)
        printf("%s %.6f %s\n", results[i].committed ? "ack" : "refused", now(),
               results[i].committed ? results[i].task_id : results[i].reason);
    event_add(claimer->pause, &claimer->pause_time);
}

static void claim_send(evutil_socket_t fd, short what, void *arg)
{
    struct claimer *claimer = arg;
    char name[32];
    struct fw_task task = {
        .name = name, .agent_id = claimer->agent_id, .cpus_milli = 1, .shell = "true"};
    const struct fw_claim claim = {.tasks = &task, .task_count = 1};

    (void)fd, (void)what;
    snprintf(name, sizeof(name), "t-%lu", claimer->sent++);
    if (fw_claim(claimer->session, &claim, claim_cb, claimer, NULL) != 0)
        abort();
}

static void registered_cb(struct fw_session *session, const char *id, int64_t epoch, void *arg)
{
    struct claimer *claimer = arg;

    claimer->session = session;
    printf("framework %s %lld\n", id, (long long)epoch);
    claim_send(-1, 0, claimer);
}

static void error_cb(struct fw_session *session, const struct fw_error *err, void *arg)
{
    (void)session;
    printf("error %.6f %s %s\n", now(), err->code, err->text);
    event_base_loopbreak(((struct claimer *)arg)->base);
}

int main(int argc, char **argv)
{
    static struct claimer claimer;
    const struct fw_callbacks callbacks = {.registered = registered_cb, .error = error_cb};
    struct fw_config config = {.name = "claimer", .suppressed = true};
    struct fw_session *session;
    struct fw_error err;

    if (argc != 4)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    config.conninfo = argv[1];
    claimer.agent_id = argv[2];
    claimer.pause_time.tv_usec = strtol(argv[3], NULL, 10) * 1000;
    claimer.base = event_base_new();
    claimer.pause = evtimer_new(claimer.base, claim_send, &claimer);
    session = fw_session_create(claimer.base, &config, &callbacks, &claimer, &err);
    if (session == NULL) {
        fprintf(stderr, "%s\n", err.text);
        return 2;
    }
    event_base_dispatch(claimer.base);
    fw_session_destroy(session);
    return 1;
}
