/* SPDX-License-Identifier: PostgreSQL */
/* A framework that writes down what it was told, for t2105 to compare with the books: CLAIMS claims
 * of two tasks each, straight onto one agent, a few under way at a time, while somebody keeps
 * cutting its connection. Lines on stdout: "task ID" for each task committed by a callback
 * ("replayed" if that was a repeated answer), "update ID STATE" for each update handed out, "again
 * ID" for an update handed out twice, "cut" for each lost connection, "end" when every claim was
 * answered, every task has ended and every update is acknowledged.
 *
 *   framework_claims CONNINFO AGENT_ID CLAIMS
 */
#include <event2/event.h>
#include <framework.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNDER_WAY   8
#define UPDATES_MAX 100000

struct probe {
    struct event_base *base;
    const char *agent_id;
    int wanted, sent, answered, committed, ended;
    int64_t updates[UPDATES_MAX];
    int update_count;
    bool asking; /* whether everything is acknowledged */
};

static void claims_send(struct fw_session *session, struct probe *probe);

static void end_if_done(struct fw_session *session, struct probe *probe);

/* What has ended is listed until its updates are acknowledged. */
static void reconcile_cb(struct fw_session *session, const struct fw_task_status *tasks,
                         size_t count, const struct fw_error *err, void *arg)
{
    struct probe *probe = arg;

    (void)tasks;
    probe->asking = false;
    if (err != NULL || count > 0) {
        end_if_done(session, probe);
        return;
    }
    puts("end");
    event_base_loopbreak(probe->base);
}

static void end_if_done(struct fw_session *session, struct probe *probe)
{
    if (probe->asking || probe->answered < probe->wanted || probe->ended < probe->committed)
        return;
    probe->asking = fw_reconcile(session, NULL, 0, reconcile_cb, probe, NULL) == 0;
}

static void claim_cb(struct fw_session *session, const struct fw_claim_result *results,
                     size_t count, const struct fw_error *err, void *arg)
{
    struct probe *probe = arg;

    probe->answered++;
    if (err != NULL)
        printf("refused %s\n", err->text);
    for (size_t i = 0; i < count; i++) {
        if (results[i].committed)
            printf("task %s\n%s", results[i].task_id, results[i].replayed ? "replayed\n" : "");
        else
            printf("refused %s\n", results[i].reason);
        probe->committed += results[i].committed;
    }
    claims_send(session, probe);
    end_if_done(session, probe);
}

static void claims_send(struct fw_session *session, struct probe *probe)
{
    char names[2][32];

    while (probe->sent < probe->wanted && probe->sent - probe->answered < UNDER_WAY) {
        struct fw_task tasks[2] = {0};
        const struct fw_claim claim = {.tasks = tasks, .task_count = 2};

        for (int i = 0; i < 2; i++) {
            snprintf(names[i], sizeof(names[i]), "t-%d-%d", probe->sent, i);
            tasks[i] = (struct fw_task){.name = names[i],
                                        .agent_id = probe->agent_id,
                                        .cpus_milli = 1,
                                        .mem = 4,
                                        .shell = "true"};
        }
        probe->sent++;
        if (fw_claim(session, &claim, claim_cb, probe, NULL) != 0)
            abort();
    }
}

static void registered_cb(struct fw_session *session, const char *id, int64_t epoch, void *arg)
{
    printf("framework %s %lld\n", id, (long long)epoch);
    claims_send(session, arg);
}

static void update_cb(struct fw_session *session, const struct fw_update *update, void *arg)
{
    struct probe *probe = arg;

    for (int i = 0; i < probe->update_count; i++)
        if (probe->updates[i] == update->update_id)
            printf("again %lld\n", (long long)update->update_id);
    if (probe->update_count < UPDATES_MAX)
        probe->updates[probe->update_count++] = update->update_id;
    printf("update %s %s\n", update->task_id, update->state);
    probe->ended += update->terminal;
    fw_acknowledge(session, update->update_id, NULL);
    end_if_done(session, probe);
}

static void disconnected_cb(struct fw_session *session, const struct fw_error *err, void *arg)
{
    (void)session, (void)err, (void)arg;
    puts("cut");
}

static void error_cb(struct fw_session *session, const struct fw_error *err, void *arg)
{
    (void)session;
    printf("error %s %s\n", err->code, err->text);
    event_base_loopbreak(((struct probe *)arg)->base);
}

int main(int argc, char **argv)
{
    static struct probe probe;
    const struct fw_callbacks callbacks = {.registered = registered_cb,
                                           .update = update_cb,
                                           .disconnected = disconnected_cb,
                                           .error = error_cb};
    struct fw_config config = {.name = "claims", .suppressed = true};
    struct fw_session *session;
    struct fw_error err;

    if (argc != 4)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    config.conninfo = argv[1];
    probe.agent_id = argv[2];
    probe.wanted = (int)strtol(argv[3], NULL, 10);
    probe.base = event_base_new();
    session = fw_session_create(probe.base, &config, &callbacks, &probe, &err);
    if (session == NULL)
        return 2;
    event_base_dispatch(probe.base);
    fw_session_destroy(session);
    event_base_free(probe.base);
    return 0;
}
