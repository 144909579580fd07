/* SPDX-License-Identifier: PostgreSQL */
/* One session, one job, one claim at a time.
 *
 * Whenever something changed (offers, a claim's answer, a task's end, a backoff that ran out) the
 * units that are ready are dealt out over the offers at hand and claimed in one go, each on its own
 * merits (mode any). A refusal means that the snapshot was out of date: the unit waits for a better
 * offer and the stale one is given back. When nothing is ready, offers are declined and suppressed,
 * so that others get them.
 *
 * After a failover the cell is asked first which tasks live, and claims wait for the answer.
 * Everything that ends the run goes through run_stop: once, with the reason. */
#include "frameworks/wordcount/scheduler.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/mem.h"
#include "framework.h"
#include "frameworks/wordcount/batch.h"
#include "frameworks/wordcount/job.h"
#include "frameworks/wordcount/state.h"

#define CLAIM_MAX       128   /* units of one claim */
#define TICK_MS         250   /* looks at backoffs and deadline */
#define PROGRESS_MS     2000  /* at most one line of progress in this time */
#define REFUSE_IDLE_MS  30000 /* declining when there is nothing to run */
#define FAILOVER_S      86400 /* how long tasks wait for a restart with the same state file */
#define ORPHAN_S        60    /* the same where there is no state file, so that none can come */
#define STOP_MS         5000  /* for removing a framework that failed */
#define REFUSE_STALE_MS 500   /* declining an offer that turned out stale */

struct scheduler {
    const struct options *options;
    const struct corpus *corpus;
    FILE *progress;
    struct scheduler_totals *totals;
    struct event_base *base;
    struct fw_session *session;
    struct timer *tick;
    struct event *signals[2];
    struct job job;
    bool reconciled;        /* what lives is known: claims may start */
    struct batch *claiming; /* the claim under way; owned */
    bool suppressed;
    int64_t deadline_ms, progress_ms;
    int progress_done; /* units done when progress was last printed */
    bool stopping;
    bool former_gone; /* the framework to fail over to no longer exists: start a new one */
    int outcome;      /* of the run: 0 or -1 with err */
    struct err *err;
};

static void run_end(struct fw_session *session, int64_t count, const struct fw_error *err,
                    void *arg)
{
    struct scheduler *run = arg;

    (void)session;
    (void)count;
    (void)err;
    event_base_loopbreak(run->base);
}

/* Once. Where nobody can take over later (no state file), a failed run takes its tasks with it, as
 * far as that can be done within STOP_MS. */
static void run_stop(struct scheduler *run, enum err_code code, const char *text)
{
    if (run->stopping)
        return;
    run->stopping = true;
    run->outcome = code == ERR_none ? 0 : err_set(run->err, code, "%s", text);
    if (code != ERR_none && run->options->state == NULL &&
        fw_teardown(run->session, run_end, run, NULL) == 0)
        timer_start(run->tick, STOP_MS);
    else
        event_base_loopbreak(run->base);
}

/* ---- claims ---- */

static void schedule(struct scheduler *run);

static void offer_return(struct scheduler *run, const char *offer_id)
{
    fw_decline(run->session, &offer_id, 1, backoff_jitter_ms(REFUSE_STALE_MS), NULL);
}

static void result_apply(struct scheduler *run, struct unit *unit,
                         const struct fw_claim_result *result)
{
    char text[600];

    if (result->committed) {
        run->totals->tasks++;
        job_placed(unit, result->task_id);
        return;
    }
    job_refused(unit, clock_mono_ms());
    if (result->conflict) {
        run->totals->conflicts++;
        offer_return(run, result->offer_id);
        return;
    }
    run->totals->refusals++;
    if (strcmp(result->reason, "name_in_use") == 0) /* the next attempt has another name */
        return;
    snprintf(text, sizeof(text), "task \"%s\" refused: %s: %s", result->name, result->reason,
             result->message != NULL ? result->message : "");
    run_stop(run, ERR_value_invalid, text);
}

static void claim_cb(struct fw_session *session, const struct fw_claim_result *results,
                     size_t count, const struct fw_error *err, void *arg)
{
    struct scheduler *run = arg;
    struct batch *batch = run->claiming;

    (void)session;
    run->claiming = NULL;
    run->totals->claims++;
    if (err != NULL)
        run_stop(run, ERR_value_invalid, err->text);
    for (size_t i = 0; err == NULL && i < count && i < batch->count; i++)
        result_apply(run, batch->units[i], &results[i]);
    batch_free(batch);
    schedule(run);
}

static void claim_send(struct scheduler *run, struct batch *batch)
{
    const struct fw_claim claim = {
        .mode = FW_CLAIM_ANY,
        .conflict = FW_CONFLICT_FIT,
        .tasks = batch->tasks,
        .task_count = batch->count,
    };
    struct fw_error err;

    for (size_t i = 0; i < batch->count; i++) {
        batch->units[i]->state = UNIT_CLAIMING;
        batch->units[i]->attempt++;
    }
    run->claiming = batch;
    if (fw_claim(run->session, &claim, claim_cb, run, &err) != 0)
        run_stop(run, ERR_value_invalid, err.text);
}

/* ---- offers wanted and not wanted ---- */

static void offers_give_back(struct scheduler *run)
{
    const struct fw_offer *offers;
    size_t count = fw_offers(run->session, &offers);
    CLEANUP_FREE const char **ids = mem_alloc((count + 1) * sizeof(*ids));

    for (size_t i = 0; i < count; i++)
        ids[i] = offers[i].offer_id;
    fw_decline(run->session, ids, count, REFUSE_IDLE_MS, NULL);
    if (run->suppressed)
        return;
    run->suppressed = true;
    fw_suppress(run->session, NULL);
}

static void offers_want(struct scheduler *run)
{
    if (!run->suppressed)
        return;
    run->suppressed = false;
    fw_revive(run->session, NULL);
    fw_filters_clear(run->session, NULL, 0, NULL);
}

static void teardown_cb(struct fw_session *session, int64_t count, const struct fw_error *err,
                        void *arg)
{
    struct scheduler *run = arg;

    (void)session;
    (void)count;
    run_stop(run, err == NULL ? ERR_none : ERR_server_error, err == NULL ? "" : err->text);
}

static bool anything_waiting(const struct scheduler *run)
{
    for (int i = 0; i < run->job.unit_count - 1; i++)
        if (run->job.units[i].state == UNIT_WAITING)
            return true;
    return run->job.done >= run->job.unit_count - 1;
}

static void schedule(struct scheduler *run)
{
    struct unit *units[BATCH_MAX];
    const struct fw_offer *offers;
    struct batch *batch;
    size_t ready, offer_count;

    if (run->stopping || !run->reconciled || run->claiming != NULL || job_finished(&run->job))
        return;
    ready = job_ready(&run->job, clock_mono_ms(), units, BATCH_MAX);
    if (ready == 0) {
        if (!anything_waiting(run))
            offers_give_back(run);
        return;
    }
    offers_want(run);
    offer_count = fw_offers(run->session, &offers);
    batch = batch_make(run->options, run->corpus, &run->job, units, ready, offers, offer_count);
    if (batch->count > 0)
        claim_send(run, batch);
    else
        batch_free(batch);
}

/* ---- what the session tells ---- */

static void progress_print(struct scheduler *run, bool now)
{
    int64_t at = clock_mono_ms();

    if (run->job.done == run->progress_done || (!now && at < run->progress_ms + PROGRESS_MS))
        return;
    run->progress_done = run->job.done;
    run->progress_ms = at;
    fprintf(run->progress, "wordcount: %d of %d units done, %lld tasks, %lld conflicts\n",
            run->job.done, run->job.unit_count, (long long)run->totals->tasks,
            (long long)run->totals->conflicts);
    fflush(run->progress);
}

static void job_check_end(struct scheduler *run)
{
    progress_print(run, job_finished(&run->job));
    if (job_finished(&run->job) && !run->stopping)
        fw_teardown(run->session, teardown_cb, run, NULL);
}

/* Another attempt finished the unit while its latest task still runs. */
static void task_spare(struct scheduler *run, const struct unit *unit, const char *task_id)
{
    const char *spare = unit->task_id;

    if (spare[0] != '\0' && strcmp(spare, task_id) != 0)
        fw_kill(run->session, &spare, 1, -1, NULL, NULL, NULL);
}

static void task_state(struct scheduler *run, const char *task_id, const char *task_name,
                       const char *state, bool terminal, const char *reason, const char *message)
{
    int attempt;
    struct unit *unit = task_name != NULL ? job_find(&run->job, task_name, &attempt) : NULL;
    char text[600];

    if (unit == NULL)
        return;
    switch (job_task_state(&run->job, unit, attempt, task_id, state, terminal, clock_mono_ms(),
                           (int)run->options->tries)) {
    case JOB_NOTHING: break;
    case JOB_DONE: task_spare(run, unit, task_id); break;
    case JOB_RETRY:
        run->totals->retries++;
        fprintf(run->progress, "wordcount: %s is %s (%s), trying again\n", task_name, state,
                message != NULL  ? message
                : reason != NULL ? reason
                                 : "no reason given");
        break;
    case JOB_HOPELESS:
        snprintf(text, sizeof(text), "task \"%s\" is %s: %s (see howdah logs --stderr %s)",
                 task_name, state,
                 message != NULL  ? message
                 : reason != NULL ? reason
                                  : "",
                 task_id);
        run_stop(run, ERR_value_invalid, text);
    }
}

static void update_cb(struct fw_session *session, const struct fw_update *update, void *arg)
{
    struct scheduler *run = arg;

    task_state(run, update->task_id, update->task_name, update->state, update->terminal,
               update->reason, update->message);
    fw_acknowledge(session, update->update_id, NULL);
    job_check_end(run);
    schedule(run);
}

static void reconcile_cb(struct fw_session *session, const struct fw_task_status *tasks,
                         size_t count, const struct fw_error *err, void *arg)
{
    struct scheduler *run = arg;

    (void)session;
    if (err != NULL) {
        run_stop(run, ERR_server_error, err->text);
        return;
    }
    for (size_t i = 0; i < count; i++)
        task_state(run, tasks[i].task_id, tasks[i].task_name, tasks[i].state, tasks[i].terminal,
                   tasks[i].reason, tasks[i].message);
    run->reconciled = true;
    job_check_end(run);
    schedule(run);
}

static void registered_cb(struct fw_session *session, const char *framework_id, int64_t epoch,
                          void *arg)
{
    struct scheduler *run = arg;
    struct err err;

    fprintf(run->progress, "wordcount: framework %s, epoch %lld\n", framework_id, (long long)epoch);
    snprintf(run->totals->framework_id, sizeof(run->totals->framework_id), "%s", framework_id);
    if (run->options->state != NULL && state_write(run->options->state, framework_id, &err) != 0) {
        run_stop(run, err.code, err.text);
        return;
    }
    fw_reconcile(session, NULL, 0, reconcile_cb, run, NULL);
}

static void offers_cb(struct fw_session *session, const struct fw_offer *offers, size_t count,
                      void *arg)
{
    struct scheduler *run = arg;

    (void)session;
    (void)offers;
    run->totals->offers += (int64_t)count;
    schedule(run);
}

static void rescinded_cb(struct fw_session *session, const struct fw_rescind *rescinds,
                         size_t count, void *arg)
{
    struct scheduler *run = arg;

    (void)session;
    (void)rescinds;
    run->totals->rescinds += (int64_t)count;
}

static void disconnected_cb(struct fw_session *session, const struct fw_error *err, void *arg)
{
    struct scheduler *run = arg;

    (void)session;
    fprintf(run->progress, "wordcount: no connection: %s\n", err->text);
}

static void reconnected_cb(struct fw_session *session, void *arg)
{
    struct scheduler *run = arg;

    (void)session;
    fprintf(run->progress, "wordcount: connected again\n");
}

static void error_cb(struct fw_session *session, const struct fw_error *err, void *arg)
{
    struct scheduler *run = arg;

    run->former_gone = fw_session_framework_id(session) == NULL &&
                       (strcmp(err->code, "framework_completed") == 0 ||
                        strcmp(err->code, "framework_unknown") == 0);
    run_stop(run, strcmp(err->code, "epoch_stale") == 0 ? ERR_epoch_stale : ERR_server_error,
             err->text);
}

static void warning_cb(struct fw_session *session, const struct fw_error *err, void *arg)
{
    struct scheduler *run = arg;

    (void)session;
    fprintf(run->progress, "wordcount: %s\n", err->text);
}

static const struct fw_callbacks callbacks = {
    .registered = registered_cb,
    .offers = offers_cb,
    .rescinded = rescinded_cb,
    .update = update_cb,
    .disconnected = disconnected_cb,
    .reconnected = reconnected_cb,
    .error = error_cb,
    .warning = warning_cb,
};

/* ---- the run ---- */

static void tick_fire(void *arg)
{
    struct scheduler *run = arg;

    if (run->stopping) {
        event_base_loopbreak(run->base);
        return;
    }
    if (clock_mono_ms() >= run->deadline_ms)
        run_stop(run, ERR_deadline_passed, "the time given with --timeout has passed");
    progress_print(run, false);
    schedule(run);
    if (!run->stopping)
        timer_start(run->tick, TICK_MS);
}

static void signal_caught(int signo, void *arg)
{
    (void)signo;
    run_stop(arg, ERR_try_again, "stopped by a signal");
}

static int run_start(struct scheduler *run, struct err *err)
{
    CLEANUP_FREE char *framework_id = NULL;
    struct fw_error error;

    if (run->options->state != NULL && state_read(run->options->state, &framework_id, err) != 0)
        return -1;
    job_init(&run->job, run->corpus);
    run->session = fw_session_create(
        run->base,
        &(struct fw_config){
            .conninfo = run->options->db,
            .name = run->options->name,
            .role = run->options->role,
            .failover_timeout_s = run->options->state != NULL ? FAILOVER_S : ORPHAN_S,
            .framework_id = framework_id,
        },
        &callbacks, run, &error);
    if (run->session == NULL)
        return err_set(err, ERR_input_invalid, "%s", error.text);
    run->deadline_ms = clock_mono_ms() + run->options->timeout;
    run->tick = timer_create_on(run->base, tick_fire, run);
    timer_start(run->tick, TICK_MS);
    run->signals[0] = loop_signal(run->base, SIGINT, signal_caught, run);
    run->signals[1] = loop_signal(run->base, SIGTERM, signal_caught, run);
    return 0;
}

static void run_free(struct scheduler *run)
{
    fw_session_destroy(run->session);
    batch_free(run->claiming);
    job_free(&run->job);
    timer_free(run->tick);
    for (size_t i = 0; i < 2; i++)
        if (run->signals[i] != NULL)
            event_free(run->signals[i]);
    event_base_free(run->base);
}

static int run_once(struct scheduler *run, struct err *err)
{
    err_set(err, ERR_server_error, "the event loop ended");
    run->base = event_base_new();
    if (run->base == NULL)
        return err_set(err, ERR_io_failed, "no event loop");
    if (run_start(run, err) == 0)
        event_base_dispatch(run->base);
    run_free(run);
    return run->outcome;
}

int scheduler_run(const struct options *options, const struct corpus *corpus, FILE *progress,
                  struct scheduler_totals *totals, struct err *err)
{
    const struct scheduler fresh = {.options = options,
                                    .corpus = corpus,
                                    .progress = progress,
                                    .totals = totals,
                                    .outcome = -1,
                                    .err = err};
    struct scheduler run = fresh;
    int outcome;

    memset(totals, 0, sizeof(*totals));
    outcome = run_once(&run, err);
    if (outcome != 0 && run.former_gone) {
        fprintf(progress, "wordcount: the former framework is gone, starting a new one\n");
        unlink(options->state);
        run = fresh;
        outcome = run_once(&run, err);
    }
    if (outcome == 0 && options->state != NULL)
        unlink(options->state);
    return outcome;
}
