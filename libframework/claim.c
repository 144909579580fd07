/* SPDX-License-Identifier: PostgreSQL */
/* Claims. The key is made here, once per claim, and travels with every repetition: whatever happens
 * to the connection, the claim is committed at most once and the caller learns which way it went.
 * The offers that it names are held from the call to the answer. */
#include <string.h>

#include "base/mem.h"
#include "base/row.h"
#include "base/uuid.h"
#include "call.h"
#include "check.h"
#include "internal.h"
#include "offers.h"
#include "task_json.h"

/* Per task of a claim, the offer it names (NULL if none). */
struct held {
    bool dry_run; /* nothing is held */
    size_t count;
    char *offer_ids[];
};

static void held_free(void *extra)
{
    struct held *held = extra;

    for (size_t i = 0; i < held->count; i++)
        free(held->offer_ids[i]);
    free(held);
}

static struct held *held_make(struct fw_session *session, const struct fw_claim *claim)
{
    struct held *held = mem_alloc(sizeof(*held) + claim->task_count * sizeof(held->offer_ids[0]));

    held->dry_run = claim->dry_run;
    held->count = claim->task_count;
    for (size_t i = 0; i < claim->task_count; i++) {
        held->offer_ids[i] = mem_strdup(claim->tasks[i].offer_id);
        if (held->offer_ids[i] != NULL && !claim->dry_run)
            offers_hold(session->offers, held->offer_ids[i]);
    }
    return held;
}

/* Refusal reasons: is it a conflict, and does it mean that the offer is no longer there? */
static const struct refusal {
    const char *name;
    bool conflict;
} refusals[] = {
#define CONFLICT                      true
#define CALLER                        false
#define REFUSAL(name, class, meaning) {#name, class},
#include "base/refusals.def"
#undef REFUSAL
#undef CALLER
#undef CONFLICT
};

static bool reason_conflict(const char *reason)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (strcmp(refusals[i].name, reason) == 0)
            return refusals[i].conflict;
    return false;
}

static bool reason_ends_offer(const char *reason)
{
    return strncmp(reason, "offer_", strlen("offer_")) == 0;
}

static struct fw_claim_result result_from(const PGresult *result, int row, const struct held *held)
{
    const char *reason = row_text(result, row, "reason");
    bool committed = row_bool(result, row, "committed");

    return (struct fw_claim_result){
        .name = row_text(result, row, "name"),
        .task_id = row_text(result, row, "task_id"),
        .offer_id = (size_t)row < held->count ? held->offer_ids[row] : NULL,
        .agent_id = row_text(result, row, "agent_id"),
        .committed = committed,
        .replayed = row_bool(result, row, "replayed"),
        .reason = committed ? NULL : reason,
        .conflict = !committed && reason != NULL && reason_conflict(reason),
        .resource = row_text(result, row, "resource"),
        .wanted = row_double(result, row, "wanted"),
        .free = row_double(result, row, "free"),
        .message = row_text(result, row, "message"),
    };
}

static void release_all(struct fw_session *session, const struct held *held,
                        const struct fw_claim_result *results, size_t count)
{
    for (size_t i = 0; i < held->count; i++) {
        bool used = i < count && (results[i].committed || (results[i].reason != NULL &&
                                                           reason_ends_offer(results[i].reason)));

        if (held->offer_ids[i] != NULL && !held->dry_run)
            offers_release(session->offers, held->offer_ids[i], used);
    }
}

static void claim_done(struct call *call, const PGresult *result, const struct err *err)
{
    struct fw_session *session = call_session(call);
    const struct held *held = call_get_extra(call);
    fw_claim_f cb = call_get_cb(call).claim;
    size_t count = err == NULL ? (size_t)PQntuples(result) : 0;
    CLEANUP_FREE struct fw_claim_result *results = mem_alloc((count + 1) * sizeof(*results));
    struct fw_error error;

    for (size_t i = 0; i < count; i++)
        results[i] = result_from(result, (int)i, held);
    release_all(session, held, results, count);
    if (cb == NULL)
        return;
    if (err != NULL)
        fw_error_from(&error, err);
    cb(session, err != NULL ? NULL : results, count, err != NULL ? &error : NULL, call_arg(call));
}

static int claim_check(const struct fw_session *session, const struct fw_claim *claim,
                       struct fw_error *err)
{
    if (session_check_open(session, err) != 0)
        return -1;
    if (claim == NULL)
        return fw_error_input(err, "claim: field \"claim\" is missing");
    if (claim->tasks == NULL)
        return fw_error_input(err, "claim: field \"tasks\" is missing");
    if (check_int("claim", "task_count", (int64_t)claim->task_count, 1, FW_CLAIM_TASKS_MAX, err) ||
        check_int("claim", "mode", claim->mode, FW_CLAIM_ALL, FW_CLAIM_ANY, err) ||
        check_int("claim", "conflict", claim->conflict, FW_CONFLICT_FIT, FW_CONFLICT_VERSION, err))
        return -1;
    if (claim->claim_key != NULL)
        return check_uuid("claim", "claim_key", claim->claim_key, err);
    return 0;
}

int fw_claim(struct fw_session *session, const struct fw_claim *claim, fw_claim_f cb, void *arg,
             struct fw_error *err)
{
    char key[UUID_TEXT_SIZE];
    struct call *call;
    char *tasks;

    if (claim_check(session, claim, err) != 0)
        return -1;
    tasks = tasks_json(claim->tasks, claim->task_count, err);
    if (tasks == NULL)
        return -1;
    uuid_make(key);
    call = call_make(session, STMT_claim, claim_done);
    call_param(call, mem_strdup(claim->claim_key != NULL ? claim->claim_key : key));
    call_param(call, tasks);
    call_param(call, mem_strdup(claim->mode == FW_CLAIM_ALL ? "all" : "any"));
    call_param(call, mem_strdup(claim->conflict == FW_CONFLICT_FIT ? "fit" : "version"));
    call_param(call, mem_strdup(claim->revocable ? "true" : "false"));
    call_param(call, mem_strdup(claim->dry_run ? "true" : "false"));
    call_extra(call, held_make(session, claim), held_free);
    call_cb(call, (union call_cb){.claim = cb}, arg);
    call_send(call);
    return 0;
}
