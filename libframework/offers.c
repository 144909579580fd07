/* SPDX-License-Identifier: PostgreSQL */
/* Offers: read by cursor, compared by id, handed out once.
 *
 * A poll asks for the offers made or closed since the last change number seen. Change numbers are
 * drawn before their transactions commit, so that one may become visible after a higher one was
 * read; therefore, and after every reconnect, a poll with cursor 0 reads all outstanding offers and
 * the difference to what is known is reported: nothing that was missed stays missed.
 *
 * While a request that names an offer is under way, the offer is held: not listed, and its end is
 * not reported, because the request's own answer tells. All requests and polls travel on one
 * connection in order, so an answer to a poll never tells of a time before the request that was
 * answered last.
 *
 * Memory: entries are sorted by offer id. What is removed stays readable in `dead` until control
 * has been back in the loop, since the caller may still look at it. */
#include "offers.h"

#include <string.h>

#include "base/mem.h"
#include "base/row.h"
#include "call.h"
#include "offer_row.h"

struct entry {
    struct fw_offer offer; /* owns its texts */
    int holds;             /* requests under way that name it */
    bool used;             /* one of them used it up */
    bool gone;             /* no longer outstanding in the database */
    bool seen;             /* in the rows of the present full poll */
};

struct offers {
    struct fw_session *session;
    struct entry *entries; /* sorted by offer_id */
    size_t count;
    struct fw_offer *listed; /* what offers_list gave out last: shallow copies */
    struct fw_offer *dead;   /* removed; freed at the next answer */
    size_t dead_count;
    int64_t cursor;
    bool full; /* the next poll starts from 0 */
    bool in_flight, in_flight_full, again;
};

/* What one answer changed; shallow copies of entries. */
struct changes {
    struct fw_offer *fresh;
    size_t fresh_count;
    struct fw_rescind *rescinds;
    size_t rescind_count;
};

static int entry_compare(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;

    return strcmp(left->offer.offer_id, right->offer.offer_id);
}

static struct entry *entry_find(const struct offers *offers, size_t count, const char *offer_id)
{
    struct entry key = {.offer = {.offer_id = offer_id}};

    if (count == 0)
        return NULL;
    return bsearch(&key, offers->entries, count, sizeof(key), entry_compare);
}

/* Drop the entries that are gone and not held. */
static void entries_sweep(struct offers *offers)
{
    size_t kept = 0;

    for (size_t i = 0; i < offers->count; i++) {
        struct entry *entry = &offers->entries[i];

        if (!entry->gone || entry->holds > 0) {
            offers->entries[kept++] = *entry;
            continue;
        }
        offers->dead = mem_realloc(offers->dead, (offers->dead_count + 1) * sizeof(*offers->dead));
        offers->dead[offers->dead_count++] = entry->offer;
    }
    offers->count = kept;
}

static void dead_free(struct offers *offers)
{
    for (size_t i = 0; i < offers->dead_count; i++)
        offer_row_free(&offers->dead[i]);
    offers->dead_count = 0;
}

struct offers *offers_create(struct fw_session *session)
{
    struct offers *offers = mem_alloc(sizeof(*offers));

    offers->session = session;
    offers->full = true;
    return offers;
}

void offers_destroy(struct offers *offers)
{
    if (offers == NULL)
        return;
    dead_free(offers);
    for (size_t i = 0; i < offers->count; i++)
        offer_row_free(&offers->entries[i].offer);
    free(offers->entries);
    free(offers->listed);
    free(offers->dead);
    free(offers);
}

/* ---- applying an answer ---- */

static void entry_close(struct entry *entry, const char *reason, bool report,
                        struct changes *changes)
{
    if (entry->gone)
        return;
    entry->gone = true;
    if (entry->holds == 0 && report)
        changes->rescinds[changes->rescind_count++] =
            (struct fw_rescind){.offer_id = entry->offer.offer_id, .reason = reason};
}

/* Whether an offer that ended in this state has to be reported: not if the framework did it. */
static bool state_reported(const char *state)
{
    return strcmp(state, "accepted") != 0 && strcmp(state, "declined") != 0;
}

static void fresh_add(struct offers *offers, const PGresult *result, int row)
{
    struct entry entry = {.seen = true};

    if (offer_row_read(&entry.offer, result, row) != 0)
        return;
    offers->entries = mem_realloc(offers->entries, (offers->count + 1) * sizeof(*offers->entries));
    offers->entries[offers->count++] = entry;
}

/* Each offer is in one row of an answer, in its latest state. */
static void row_apply(struct offers *offers, size_t known, const PGresult *result, int row,
                      struct changes *changes)
{
    const char *state = row_text(result, row, "state");
    const char *reason = row_text(result, row, "reason");
    struct entry *entry = entry_find(offers, known, row_text(result, row, "offer_id"));

    if (strcmp(state, "outstanding") != 0) {
        if (entry != NULL)
            entry_close(entry, reason != NULL ? reason : state, state_reported(state), changes);
    } else if (entry != NULL) {
        entry->seen = true;
    } else {
        fresh_add(offers, result, row);
    }
}

static void changes_make(struct offers *offers, const PGresult *result, bool full,
                         struct changes *changes)
{
    size_t known = offers->count;
    int64_t cursor = full ? 0 : offers->cursor;

    changes->rescinds = mem_alloc((known + 1) * sizeof(*changes->rescinds));
    for (size_t i = 0; i < known; i++)
        offers->entries[i].seen = false;
    for (int row = 0; row < PQntuples(result); row++) {
        int64_t change_seq = row_int(result, row, "change_seq");

        row_apply(offers, known, result, row, changes);
        if (change_seq > cursor)
            cursor = change_seq;
    }
    for (size_t i = 0; full && i < known; i++)
        if (!offers->entries[i].seen)
            entry_close(&offers->entries[i], "resync", true, changes);
    offers->cursor = cursor;

    changes->fresh_count = offers->count - known;
    changes->fresh = mem_alloc((changes->fresh_count + 1) * sizeof(*changes->fresh));
    for (size_t i = 0; i < changes->fresh_count; i++)
        changes->fresh[i] = offers->entries[known + i].offer;
    entries_sweep(offers);
    if (offers->count > 0)
        qsort(offers->entries, offers->count, sizeof(*offers->entries), entry_compare);
}

void offers_apply(struct offers *offers, const PGresult *result, bool full)
{
    struct fw_session *session = offers->session;
    struct changes changes = {0};

    dead_free(offers);
    changes_make(offers, result, full, &changes);
    session_enter(session);
    if (changes.rescind_count > 0 && session->callbacks.rescinded != NULL)
        session->callbacks.rescinded(session, changes.rescinds, changes.rescind_count,
                                     session->arg);
    if (changes.fresh_count > 0 && session->callbacks.offers != NULL &&
        session->state != SESSION_DESTROYED)
        session->callbacks.offers(session, changes.fresh, changes.fresh_count, session->arg);
    session_leave(session);
    free(changes.rescinds);
    free(changes.fresh);
}

/* ---- polling ---- */

static void offers_reply(const PGresult *result, const struct err *err, void *arg)
{
    struct fw_session *session = CAST_MAGIC(arg, struct fw_session, SESSION_MAGIC);
    struct offers *offers = session->offers;

    if (session->state >= SESSION_ENDED)
        return;
    offers->in_flight = false;
    if (err != NULL) {
        offers->full = offers->full || offers->in_flight_full;
        session_call_failed(session, err);
        return;
    }
    offers_apply(offers, result, offers->in_flight_full);
    if (offers->again && session->state < SESSION_ENDED) {
        offers->again = false;
        offers_poll(offers);
    }
}

void offers_poll(struct offers *offers)
{
    struct fw_session *session = offers->session;
    char *cursor;

    if (offers->in_flight) {
        offers->again = true;
        return;
    }
    if (offers->full)
        offers->cursor = 0;
    offers->in_flight = true;
    offers->in_flight_full = offers->cursor == 0;
    offers->full = false;
    cursor = mem_printf("%lld", (long long)offers->cursor);
    session_call(session, STMT_offers, cursor, NULL, offers_reply);
    free(cursor);
}

void offers_resync(struct offers *offers)
{
    offers->full = true;
}

/* ---- holding and listing ---- */

void offers_hold(struct offers *offers, const char *offer_id)
{
    struct entry *entry = entry_find(offers, offers->count, offer_id);

    if (entry != NULL)
        entry->holds++;
}

void offers_release(struct offers *offers, const char *offer_id, bool used)
{
    struct entry *entry = entry_find(offers, offers->count, offer_id);

    if (entry == NULL || entry->holds == 0)
        return;
    entry->used = entry->used || used;
    if (--entry->holds == 0 && entry->used)
        entry->gone = true;
    if (entry->holds == 0 && entry->gone)
        entries_sweep(offers);
}

size_t offers_list(struct offers *offers, const struct fw_offer **list)
{
    size_t count = 0;

    offers->listed = mem_realloc(offers->listed, (offers->count + 1) * sizeof(*offers->listed));
    for (size_t i = 0; i < offers->count; i++)
        if (offers->entries[i].holds == 0)
            offers->listed[count++] = offers->entries[i].offer;
    *list = offers->listed;
    return count;
}

size_t fw_offers(const struct fw_session *session, const struct fw_offer **offers)
{
    return offers_list(session->offers, offers);
}
