/* SPDX-License-Identifier: PostgreSQL */
/* A complete scheduler: runs COUNT copies of a shell command anywhere in the cell, tries again what
 * fails through no fault of its own, and ends when all have finished.
 *
 *   cc scheduler.c $(pkg-config --cflags --libs framework) -o scheduler
 *   ./scheduler "$HOWDAH_DB_FRAMEWORK" 20 'echo hello'
 */
#include <framework.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 100

struct scheduler {
    struct fw_task copy;                   /* what each of them is */
    int wanted, started, finished, failed; /* copies */
    int number;                            /* of the latest task: names differ */
    bool claiming;
};

static void schedule(struct fw_session *session, struct scheduler *scheduler);

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

/* As many copies as fit on the offers at hand, in one claim; each copy stands for itself. */
static void schedule(struct fw_session *session, struct scheduler *scheduler)
{
    struct fw_task tasks[BATCH];
    char names[BATCH][32];
    struct fw_claim claim = {.mode = FW_CLAIM_ANY, .tasks = tasks};
    const struct fw_offer *offers;
    size_t count = scheduler->claiming ? 0 : fw_offers(session, &offers), used = 0;
    size_t missing = (size_t)(scheduler->wanted - scheduler->started);

    for (size_t i = 0; i < count; i++) {
        int64_t room = fw_offer_room(&offers[i], &scheduler->copy);

        for (; room > 0 && used < missing && used < BATCH; room--, used++) {
            snprintf(names[used], sizeof(names[used]), "copy-%d", ++scheduler->number);
            tasks[used] = scheduler->copy;
            tasks[used].name = names[used];
            tasks[used].offer_id = offers[i].offer_id;
        }
    }
    while (missing == 0 && fw_offers(session, &offers) > 0 &&
           fw_decline(session, &offers[0].offer_id, 1, 60000, NULL) == 0)
        continue; /* others may want them */
    claim.task_count = used;
    if (used > 0)
        scheduler->claiming = fw_claim(session, &claim, claim_cb, scheduler, NULL) == 0;
}

static void offers_cb(struct fw_session *session, const struct fw_offer *offers, size_t count,
                      void *arg)
{
    (void)offers, (void)count;
    schedule(session, arg);
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
    if (scheduler->finished + scheduler->failed == scheduler->wanted)
        fw_teardown(session, NULL, NULL, NULL);
}

int main(int argc, char **argv)
{
    struct fw_callbacks callbacks = {.offers = offers_cb, .update = update_cb};
    struct fw_config config = {.name = "example", .auto_acknowledge = true};
    struct scheduler scheduler = {.copy = {.cpus_milli = 100, .mem = 32}};
    struct fw_error err;

    if (argc != 4 || (scheduler.wanted = (int)strtol(argv[2], NULL, 10)) < 1) {
        fprintf(stderr, "usage: scheduler CONNINFO COUNT COMMAND\n");
        return 2;
    }
    config.conninfo = argv[1];
    scheduler.copy.shell = argv[3];
    if (fw_run(NULL, &config, &callbacks, &scheduler, &err) != 0) {
        fprintf(stderr, "%s: %s\n", err.code, err.text);
        return 1;
    }
    return scheduler.finished == scheduler.wanted ? 0 : 1;
}
