/* SPDX-License-Identifier: PostgreSQL */
/* A complete scheduler: runs COUNT copies of a shell command anywhere in the cell, tries again what
 * fails through no fault of its own, and ends when all have finished.
 *
 *   cc scheduler.c $(pkg-config --cflags --libs framework libevent) -o scheduler
 *   ./scheduler "$HOWDAH_DB_FRAMEWORK" 20 'echo hello'
 */
#include <event2/event.h>
#include <framework.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 100

struct scheduler {
    struct event_base *base;
    const char *command;
    int wanted, started, finished, failed; /* copies */
    int number;                            /* of the latest task: names differ */
    bool claiming;
};

static void claim_cb(struct fw_session *session, const struct fw_claim_result *results,
                     size_t count, const struct fw_error *err, void *arg);

/* As many copies as fit on the offers at hand, in one claim; each copy stands for itself. */
static void schedule(struct fw_session *session, struct scheduler *scheduler)
{
    struct fw_task tasks[BATCH];
    char names[BATCH][32];
    struct fw_claim claim = {.mode = FW_CLAIM_ANY, .tasks = tasks};
    const struct fw_offer *offers;
    size_t count = scheduler->claiming ? 0 : fw_offers(session, &offers);
    int missing = scheduler->wanted - scheduler->started;

    for (size_t i = 0; i < count; i++) {
        int64_t cpus = offers[i].cpus_milli, mem = offers[i].mem;

        for (; cpus >= 100 && mem >= 32 && missing > 0 && claim.task_count < BATCH; missing--) {
            snprintf(names[claim.task_count], sizeof(names[0]), "copy-%d", ++scheduler->number);
            tasks[claim.task_count] = (struct fw_task){.name = names[claim.task_count],
                                                       .offer_id = offers[i].offer_id,
                                                       .cpus_milli = 100,
                                                       .mem = 32,
                                                       .shell = scheduler->command};
            claim.task_count++, cpus -= 100, mem -= 32;
        }
        if (scheduler->wanted == scheduler->started)
            fw_decline(session, &offers[i].offer_id, 1, 60000, NULL);
    }
    if (claim.task_count > 0)
        scheduler->claiming = fw_claim(session, &claim, claim_cb, scheduler, NULL) == 0;
}

static void claim_cb(struct fw_session *session, const struct fw_claim_result *results,
                     size_t count, const struct fw_error *err, void *arg)
{
    struct scheduler *scheduler = arg;

    scheduler->claiming = false;
    if (err != NULL)
        fprintf(stderr, "claim: %s\n", err->text);
    for (size_t i = 0; i < count; i++) {
        scheduler->started += results[i].committed;
        if (!results[i].committed) /* somebody was faster: ask for a fresh offer */
            fw_decline(session, &results[i].offer_id, 1, 0, NULL);
    }
    schedule(session, scheduler);
}

static void offers_cb(struct fw_session *session, const struct fw_offer *offers, size_t count,
                      void *arg)
{
    (void)offers, (void)count;
    schedule(session, arg);
}

static void teardown_cb(struct fw_session *session, int64_t count, const struct fw_error *err,
                        void *arg)
{
    struct scheduler *scheduler = arg;

    (void)session, (void)count, (void)err;
    event_base_loopbreak(scheduler->base);
}

static void update_cb(struct fw_session *session, const struct fw_update *update, void *arg)
{
    struct scheduler *scheduler = arg;

    printf("%s is %s on %s\n", update->task_name, update->state, update->agent_name);
    if (strcmp(update->state, "finished") == 0)
        scheduler->finished++;
    else if (strcmp(update->state, "failed") == 0 || strcmp(update->state, "error") == 0)
        scheduler->failed++;
    else if (update->terminal && scheduler->started-- > 0) /* killed, lost …: once more */
        fw_filters_clear(session, NULL, 0, NULL);
    fw_acknowledge(session, update->update_id, NULL);
    if (scheduler->finished + scheduler->failed == scheduler->wanted)
        fw_teardown(session, teardown_cb, scheduler, NULL);
}

static void error_cb(struct fw_session *session, const struct fw_error *err, void *arg)
{
    (void)session;
    fprintf(stderr, "%s: %s\n", err->code, err->text);
    event_base_loopbreak(((struct scheduler *)arg)->base);
}

int main(int argc, char **argv)
{
    struct fw_callbacks callbacks = {.offers = offers_cb, .update = update_cb, .error = error_cb};
    struct scheduler scheduler = {.base = event_base_new()};
    struct fw_config config = {.name = "example"};
    struct fw_session *session;
    struct fw_error err;

    if (argc != 4 || argv[1][0] == '\0' ||
        (scheduler.wanted = (int)strtol(argv[2], NULL, 10)) < 1) {
        fprintf(stderr, "usage: scheduler CONNINFO COUNT COMMAND\n");
        return 2;
    }
    config.conninfo = argv[1];
    scheduler.command = argv[3];
    session = fw_session_create(scheduler.base, &config, &callbacks, &scheduler, &err);
    if (session == NULL) {
        fprintf(stderr, "%s\n", err.text);
        return 2;
    }
    event_base_dispatch(scheduler.base);
    fw_session_destroy(session);
    event_base_free(scheduler.base);
    return scheduler.finished == scheduler.wanted ? 0 : 1;
}
