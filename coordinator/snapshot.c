/* SPDX-License-Identifier: PostgreSQL */
/* Viewers' reads, shared.
 *
 * A page that polls the whole state once per browser would load the database with every viewer. So
 * there is one read per feed and second at most (rarer where a big cell makes reads slow), made
 * only when somebody asks, on a session of its own with short deadlines; all who ask meanwhile wait
 * for the same answer. Documents are cut out of their feed when first wanted. While the database is
 * away viewers get what was read last, marked stale, and an error only when there is nothing. */
#include "coordinator/snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/row.h"
#include "coordinator/hash.h"
#include "coordinator/metrics.h"
#include "coordinator/stmts.h"

#define SNAPSHOT_MAGIC 0x5a9u
#define FRESH_MS       1000
#define FRESH_PART     5 /* a read that takes t is not repeated for this many t */
#define STALE_MS       5000
#define TAG_SIZE       24

enum feed_kind { FEED_cell, FEED_events, FEED_metrics, FEED_COUNT };

static const enum stmt feed_stmts[FEED_COUNT] = {
    [FEED_cell] = STMT_cell_snapshot,
    [FEED_events] = STMT_events_latest,
    [FEED_metrics] = STMT_metrics,
};

/* A document is a member of its feed's JSON object, or (NULL) the feed's whole text. */
static const struct {
    enum feed_kind feed;
    const char *member;
} documents[SNAPSHOT_DOCUMENT_COUNT] = {
    [SNAPSHOT_cell] = {FEED_cell, NULL},
    [SNAPSHOT_agents] = {FEED_cell, "agents"},
    [SNAPSHOT_frameworks] = {FEED_cell, "frameworks"},
    [SNAPSHOT_tasks] = {FEED_cell, "tasks"},
    [SNAPSHOT_offers] = {FEED_cell, "offers"},
    [SNAPSHOT_roles] = {FEED_cell, "roles"},
    [SNAPSHOT_events] = {FEED_events, NULL},
    [SNAPSHOT_metrics] = {FEED_metrics, NULL},
};

struct waiter {
    enum snapshot_document document;
    snapshot_reply_f reply;
    void *arg;
};

struct feed {
    struct snapshot *snapshot;
    char *text;         /* NULL = never read */
    json_t *json;       /* of text, where it is JSON */
    uint64_t reads;     /* successful ones; a document with another number is out of date */
    int64_t read_ms;    /* monotonic start of the read that text is from */
    int64_t took_ms;    /* the latest read, from call to answer */
    int64_t attempt_ms; /* monotonic start of the latest read */
    bool reading;
    struct err failure; /* of the latest read; ERR_none = it went well */
    struct waiter *waiters;
    size_t waiter_count, waiter_room;
};

struct document {
    char *text; /* NULL while it is the feed's own */
    char tag[TAG_SIZE];
    uint64_t reads; /* the feed's count when it was cut */
};

struct snapshot {
    unsigned magic;
    struct coordinator *root;
    struct db *db;
    struct feed feeds[FEED_COUNT];
    struct document documents[SNAPSHOT_DOCUMENT_COUNT];
};

/* ---- hashing: names, types and values ---- */

static bool member_tells_time(const char *name)
{
    return strcmp(name, "now") == 0 || strcmp(name, "last_seen_s") == 0;
}

static uint64_t hash_json(uint64_t hash, const json_t *json)
{
    int type = json_typeof(json);
    double number;
    size_t i;
    const char *name;
    json_t *value;

    hash = hash_bytes(hash, &type, sizeof(type));
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        json_object_foreach ((json_t *)json, name, value)
            if (!member_tells_time(name))
                hash = hash_json(hash_bytes(hash, name, strlen(name)), value);
        return hash;
    case JSON_ARRAY:
        json_array_foreach (json, i, value)
            hash = hash_json(hash, value);
        return hash;
    case JSON_STRING: return hash_bytes(hash, json_string_value(json), json_string_length(json));
    case JSON_INTEGER:
    case JSON_REAL:
        number = json_number_value(json);
        return hash_bytes(hash, &number, sizeof(number));
    default: return hash;
    }
}

uint64_t snapshot_hash(const json_t *json)
{
    return hash_json(HASH_START, json);
}

/* ---- documents ---- */

static void document_cut(struct document *document, const struct feed *feed, const char *member)
{
    const json_t *part = feed->json;
    uint64_t hash;

    free(document->text);
    document->text = NULL;
    if (member) {
        CLEANUP_JSON json_t *whole =
            json_pack("{s:O?, s:O?}", "now", json_object_get(feed->json, "now"), member,
                      json_object_get(feed->json, member));
        document->text = json_print(whole);
        hash = snapshot_hash(whole);
    } else if (part) {
        hash = snapshot_hash(part);
    } else {
        hash = hash_bytes(HASH_START, feed->text, strlen(feed->text));
    }
    snprintf(document->tag, sizeof(document->tag), "%016" PRIx64, hash);
    document->reads = feed->reads;
}

static void waiter_serve(struct snapshot *snapshot, const struct waiter *waiter)
{
    struct feed *feed = &snapshot->feeds[documents[waiter->document].feed];
    struct document *document = &snapshot->documents[waiter->document];
    const struct err *failure = feed->failure.code != ERR_none ? &feed->failure : NULL;
    struct snapshot_view view;

    if (!feed->text) {
        waiter->reply(NULL, failure, waiter->arg);
        return;
    }
    if (document->reads != feed->reads)
        document_cut(document, feed, documents[waiter->document].member);
    view.text = document->text ? document->text : feed->text;
    view.len = strlen(view.text);
    view.tag = document->tag;
    view.age_ms = clock_mono_ms() - feed->read_ms;
    view.stale = failure || view.age_ms > STALE_MS;
    waiter->reply(&view, failure, waiter->arg);
}

/* ---- reading ---- */

static int feed_store(struct feed *feed, enum feed_kind kind, const PGresult *result,
                      struct err *err)
{
    char *text;
    json_t *json = NULL;

    if (kind == FEED_metrics) {
        struct evbuffer *printed = evbuffer_new();

        metrics_print_rows(result, printed);
        evbuffer_add(printed, "", 1);
        text = mem_strdup((const char *)evbuffer_pullup(printed, -1));
        evbuffer_free(printed);
    } else {
        text = mem_strdup(PQntuples(result) == 1 ? row_text(result, 0, "document") : NULL);
        json = text ? json_parse(text, strlen(text), err) : NULL;
        if (!json_is_object(json)) {
            free(text);
            json_decref(json);
            return err_set(err, ERR_server_error, "statement %s: the answer is no JSON object",
                           stmts[feed_stmts[kind]].name);
        }
    }
    free(feed->text);
    json_decref(feed->json);
    feed->text = text;
    feed->json = json;
    feed->reads++;
    feed->read_ms = feed->attempt_ms;
    return 0;
}

static void feed_finish(struct feed *feed, const struct err *err)
{
    struct waiter *waiters = feed->waiters;
    size_t count = feed->waiter_count;

    feed->reading = false;
    feed->took_ms = clock_mono_ms() - feed->attempt_ms;
    if (err && feed->failure.code != err->code)
        log_err(LOG_LEVEL_WARN, err, "viewers get stale data statement=%s",
                stmts[feed_stmts[feed - feed->snapshot->feeds]].name);
    else if (!err && feed->failure.code != ERR_none)
        log_info("viewers get fresh data statement=%s",
                 stmts[feed_stmts[feed - feed->snapshot->feeds]].name);
    feed->failure = err ? *err : (struct err){.code = ERR_none};
    feed->waiters = NULL;
    feed->waiter_count = feed->waiter_room = 0;
    for (size_t i = 0; i < count; i++)
        waiter_serve(feed->snapshot, &waiters[i]);
    free(waiters);
}

static void feed_cb(const PGresult *result, const struct err *err, void *arg)
{
    struct feed *feed = arg;
    struct snapshot *snapshot = CAST_MAGIC(feed->snapshot, struct snapshot, SNAPSHOT_MAGIC);
    enum feed_kind kind = (enum feed_kind)(feed - snapshot->feeds);
    struct err own = {.code = ERR_none};

    if (!err && feed_store(feed, kind, result, &own) < 0)
        err = &own;
    feed_finish(feed, err);
}

static void feed_wait(struct feed *feed, struct waiter waiter)
{
    if (feed->waiter_count == feed->waiter_room) {
        feed->waiter_room = feed->waiter_room ? feed->waiter_room * 2 : 8;
        feed->waiters = mem_realloc(feed->waiters, feed->waiter_room * sizeof(*feed->waiters));
    }
    feed->waiters[feed->waiter_count++] = waiter;
}

/* The latest read is recent enough to answer from, whether it went well or not. */
static bool feed_fresh(const struct feed *feed)
{
    int64_t keep_ms = feed->took_ms * FRESH_PART > FRESH_MS ? feed->took_ms * FRESH_PART : FRESH_MS;

    return (feed->text || feed->failure.code != ERR_none) &&
           clock_mono_ms() - feed->attempt_ms < keep_ms;
}

void snapshot_get(struct snapshot *snapshot, enum snapshot_document document,
                  snapshot_reply_f reply, void *arg)
{
    struct feed *feed = &snapshot->feeds[documents[document].feed];
    struct waiter waiter = {.document = document, .reply = reply, .arg = arg};

    if (feed->reading) {
        feed_wait(feed, waiter);
        return;
    }
    if (!feed_fresh(feed) && db_is_up(snapshot->db)) {
        feed->reading = true;
        feed->attempt_ms = clock_mono_ms();
        feed_wait(feed, waiter);
        db_call(snapshot->db, &stmts[feed_stmts[documents[document].feed]], NULL, feed_cb, feed);
        return;
    }
    if (!db_is_up(snapshot->db) && feed->failure.code == ERR_none)
        (void)err_set(&feed->failure, ERR_not_connected, "no connection to the database");
    waiter_serve(snapshot, &waiter);
}

/* ---- life ---- */

static void up_cb(struct db *db, void *arg)
{
    struct snapshot *snapshot = CAST_MAGIC(arg, struct snapshot, SNAPSHOT_MAGIC);

    (void)db;
    metrics_session_up(snapshot->root->metrics, METRICS_SESSION_views);
    for (size_t i = 0; i < FEED_COUNT; i++)
        if (!snapshot->feeds[i].reading)
            snapshot->feeds[i].attempt_ms = INT64_MIN / 2; /* read anew when somebody asks */
}

static void down_cb(struct db *db, const struct err *err, void *arg)
{
    struct snapshot *snapshot = CAST_MAGIC(arg, struct snapshot, SNAPSHOT_MAGIC);

    (void)db;
    metrics_session_down(snapshot->root->metrics, METRICS_SESSION_views);
    log_err(LOG_LEVEL_DEBUG, err, "viewers' session is down");
}

int snapshot_create(struct coordinator *root, struct err *err)
{
    struct snapshot *snapshot = mem_alloc(sizeof(*snapshot));

    snapshot->magic = SNAPSHOT_MAGIC;
    snapshot->root = root;
    for (size_t i = 0; i < FEED_COUNT; i++)
        snapshot->feeds[i].snapshot = snapshot;
    root->snapshot = snapshot;
    snapshot->db = db_create(root->base,
                             &(struct db_config){
                                 .conninfo = root->options.db,
                                 .application_name = "howdah-coordinator views",
                                 .connect_timeout_ms = 2000,
                                 /* a standby cannot read the unlogged heartbeats */
                                 .want = DB_WANT_WRITABLE,
                                 .on_up = up_cb,
                                 .on_down = down_cb,
                                 .arg = snapshot,
                             },
                             err);
    if (snapshot->db)
        return 0;
    snapshot_destroy(root);
    return err_wrap(err, "option --db");
}

void snapshot_destroy(struct coordinator *root)
{
    struct snapshot *snapshot = root->snapshot;

    if (!snapshot)
        return;
    db_destroy(snapshot->db);
    for (size_t i = 0; i < FEED_COUNT; i++) {
        if (snapshot->feeds[i].waiter_count > 0)
            feed_finish(&snapshot->feeds[i],
                        &(struct err){.code = ERR_not_connected, .text = "the coordinator stops"});
        free(snapshot->feeds[i].text);
        json_decref(snapshot->feeds[i].json);
    }
    for (size_t i = 0; i < SNAPSHOT_DOCUMENT_COUNT; i++)
        free(snapshot->documents[i].text);
    free(snapshot);
    root->snapshot = NULL;
}
