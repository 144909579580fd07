/* SPDX-License-Identifier: PostgreSQL */
/* The owner of an asynchronous session in the tests of base/db: it counts and keeps what it is
 * told, and waits on its loop for things to happen. */
#ifndef HOWDAH_TEST_DB_OWNER_H
#define HOWDAH_TEST_DB_OWNER_H

#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/loop.h"
#include "base/mem.h"

#define WAIT_MS 60000 /* bound of every wait below, on however busy a machine */

struct owner {
    struct event_base *base;
    struct db *db;
    struct db_config config;
    int ups, downs, notifies, notices, answers;
    struct err down_err; /* the latest */
    char payload[64], notice[64];
    struct err err;                      /* of the latest answer; ERR_none if it was fine */
    char text[64];                       /* first field of the latest answer */
    char order[64];                      /* a letter for each thing that happened */
    const struct db_stmt *call_in_on_up; /* called with "first"; may be NULL */
};

static inline void note(struct owner *owner, char letter)
{
    size_t len = strlen(owner->order);

    if (len + 1 < sizeof owner->order)
        owner->order[len] = letter;
}

static inline void answer_cb(const PGresult *result, const struct err *err, void *arg)
{
    struct owner *owner = arg;

    owner->answers++;
    note(owner, 'a');
    assert_true(!result == !!err);
    if (err) {
        owner->err = *err;
        return;
    }
    err_clear(&owner->err);
    snprintf(owner->text, sizeof owner->text, "%s",
             PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
    note(owner, owner->text[0] ? owner->text[0] : '-');
}

static inline void up_cb(struct db *db, void *arg)
{
    struct owner *owner = arg;

    owner->ups++;
    note(owner, 'u');
    if (owner->call_in_on_up)
        db_call(db, owner->call_in_on_up, (const char *const[]){"first"}, answer_cb, owner);
}

static inline void down_cb(struct db *db, const struct err *err, void *arg)
{
    struct owner *owner = arg;

    assert_false(db_is_up(db));
    owner->downs++;
    owner->down_err = *err;
}

static inline void notify_cb(struct db *db, const char *channel, const char *payload, void *arg)
{
    struct owner *owner = arg;

    (void)db;
    (void)channel;
    owner->notifies++;
    snprintf(owner->payload, sizeof owner->payload, "%s", payload);
}

static inline void notice_cb(struct db *db, const char *sqlstate, const char *text, void *arg)
{
    struct owner *owner = arg;

    (void)db;
    assert_int_equal(strlen(sqlstate), 5);
    owner->notices++;
    snprintf(owner->notice, sizeof owner->notice, "%s", text);
}

static inline void owner_open(struct owner *owner, const char *conninfo)
{
    struct err err;

    owner->base = event_base_new();
    owner->config.conninfo = conninfo;
    owner->config.application_name = "test_db";
    owner->config.on_up = up_cb;
    owner->config.on_down = down_cb;
    owner->config.on_notify = notify_cb;
    owner->config.on_notice = notice_cb;
    owner->config.arg = owner;
    owner->db = db_create(owner->base, &owner->config, &err);
    assert_non_null(owner->db);
}

static inline void owner_close(struct owner *owner)
{
    db_destroy(owner->db);
    event_base_free(owner->base);
}

static inline void nothing_cb(void *arg)
{
    (void)arg;
}

/* Turn the loop until *counter reaches want. */
static inline void wait_for(struct owner *owner, const char *condition, const int *counter,
                            int want)
{
    int64_t end_ms = clock_mono_ms() + WAIT_MS;
    struct timer *tick = timer_create_on(owner->base, nothing_cb, NULL);

    while (*counter < want) {
        if (clock_mono_ms() > end_ms)
            fail_msg("waited %d ms for: %s", WAIT_MS, condition);
        timer_start(tick, 50);
        event_base_loop(owner->base, EVLOOP_ONCE);
    }
    timer_free(tick);
}

static inline void ask(struct owner *owner, const struct db_stmt *stmt, const char *param)
{
    db_call(owner->db, stmt, (const char *const[]){param}, answer_cb, owner);
}

static inline void ask_and_wait(struct owner *owner, const struct db_stmt *stmt, const char *param)
{
    int before = owner->answers;

    ask(owner, stmt, param);
    wait_for(owner, "an answer", &owner->answers, before + 1);
}

#endif
