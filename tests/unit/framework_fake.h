/* SPDX-License-Identifier: PostgreSQL */
/* A database that exists only in the test: this header defines base/db.h's session functions, so
 * that libframework runs against them instead of PostgreSQL. Calls are written down; the test looks
 * at them and answers. Included by one .c file of a test program. */
#ifndef HOWDAH_TESTS_FRAMEWORK_FAKE_H
#define HOWDAH_TESTS_FRAMEWORK_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "base/db.h"
#include "base/mem.h"
#include "base/version.h"
#include "framework.h"

#define FAKE_TEXT(value)   #value
#define FAKE_NUMBER(value) FAKE_TEXT(value)
#define FAKE_VERSION       FAKE_NUMBER(HOWDAH_SCHEMA_VERSION)
#define FAKE_ID            "11111111-1111-4111-8111-111111111111"
#define FAKE_OFFER_A       "aaaaaaaa-0000-4000-8000-000000000001"
#define FAKE_OFFER_B       "bbbbbbbb-0000-4000-8000-000000000002"
#define FAKE_OFFER_C       "cccccccc-0000-4000-8000-000000000003"
#define FAKE_AGENT         "99999999-0000-4000-8000-000000000009"
#define FAKE_TASK          "77777777-0000-4000-8000-000000000007"

struct fake_call {
    const struct db_stmt *stmt;
    char *params[DB_PARAMS_MAX];
    bool again; /* by db_call_again */
    db_reply_f cb;
    void *arg;
    struct fake_call *next;
};

struct db {
    struct db_config config;
    bool up;
    char listening[128];
    enum err_code refused; /* what the owner refused this server for, last */
    struct fake_call *first;
};

static struct db *fake; /* the one that exists now */

/* ---- base/db.h ---- */

struct db *db_create(struct event_base *base, const struct db_config *config, struct err *err)
{
    (void)base;
    if (strcmp(config->conninfo, "bad") == 0) {
        err_set(err, ERR_input_invalid, "conninfo: cannot be parsed");
        return NULL;
    }
    fake = mem_alloc(sizeof(*fake));
    fake->config = *config;
    return fake;
}

static void fake_call_free(struct fake_call *call)
{
    for (int i = 0; i < call->stmt->param_count; i++)
        free(call->params[i]);
    free(call);
}

void db_destroy(struct db *db)
{
    if (db == NULL)
        return;
    while (db->first != NULL) {
        struct fake_call *call = db->first;

        db->first = call->next;
        fake_call_free(call);
    }
    free(db);
    fake = NULL;
}

static void fake_call_add(struct db *db, const struct db_stmt *stmt, const char *const *params,
                          db_reply_f cb, void *arg, bool again)
{
    struct fake_call *call = mem_alloc(sizeof(*call));
    struct fake_call **last = &db->first;

    call->stmt = stmt;
    call->again = again;
    call->cb = cb;
    call->arg = arg;
    for (int i = 0; i < stmt->param_count; i++)
        call->params[i] = mem_strdup(params[i]);
    while (*last != NULL)
        last = &(*last)->next;
    *last = call;
}

void db_call(struct db *db, const struct db_stmt *stmt, const char *const *params, db_reply_f cb,
             void *arg)
{
    fake_call_add(db, stmt, params, cb, arg, false);
}

void db_call_again(struct db *db, const struct db_stmt *stmt, const char *const *params,
                   db_reply_f cb, void *arg)
{
    fake_call_add(db, stmt, params, cb, arg, true);
}

void db_listen(struct db *db, const char *channel)
{
    snprintf(db->listening, sizeof(db->listening), "%s", channel);
}

void db_refuse(struct db *db, const struct err *err)
{
    db->refused = err->code;
}

bool db_is_up(const struct db *db)
{
    return db->up;
}

int db_queue_length(const struct db *db)
{
    int count = 0;

    for (const struct fake_call *call = db->first; call != NULL; call = call->next)
        count++;
    return count;
}

/* ---- what a test does with it ---- */

static inline struct fake_call *fake_find(const char *name)
{
    struct fake_call *call = fake != NULL ? fake->first : NULL;

    while (call != NULL && strcmp(call->stmt->name, name) != 0)
        call = call->next;
    return call;
}

static inline const char *fake_param(const char *name, int number) /* from 1 */
{
    struct fake_call *call = fake_find(name);

    assert_non_null(call);
    return call->params[number - 1];
}

/* Rows of texts, column names and cells separated by '|'; a cell "~" is null. Caller PQclears. */
static inline PGresult *fake_rows(const char *columns, const char *const *rows, int row_count)
{
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    PGresAttDesc attrs[32] = {0};
    char names[512], line[2048], *next = names;
    int count = 0;

    snprintf(names, sizeof(names), "%s", columns);
    while (next != NULL)
        attrs[count++].name = strsep(&next, "|");
    assert_true(PQsetResultAttrs(result, count, attrs));
    for (int row = 0; row < row_count; row++) {
        char *at = line;

        snprintf(line, sizeof(line), "%s", rows[row]);
        for (int column = 0; column < count; column++) {
            char *cell = strsep(&at, "|");

            assert_non_null(cell);
            if (strcmp(cell, "~") == 0)
                assert_true(PQsetvalue(result, row, column, NULL, -1));
            else
                assert_true(PQsetvalue(result, row, column, cell, (int)strlen(cell)));
        }
    }
    return result;
}

static inline void fake_reply(const char *name, const PGresult *result, const struct err *err)
{
    struct fake_call **at = &fake->first;
    struct fake_call *call;

    while (*at != NULL && strcmp((*at)->stmt->name, name) != 0)
        at = &(*at)->next;
    call = *at;
    if (call == NULL)
        fail_msg("no call of statement \"%s\" is under way", name);
    *at = call->next;
    if (call->cb != NULL)
        call->cb(result, err, call->arg);
    fake_call_free(call);
}

static inline void fake_answer(const char *name, const char *columns, const char *const *rows,
                               int row_count)
{
    PGresult *result = fake_rows(columns, rows, row_count);

    fake_reply(name, result, NULL);
    PQclear(result);
}

static inline void fake_answer_count(const char *name, const char *column, const char *value)
{
    fake_answer(name, column, &value, 1);
}

static inline void fake_fail(const char *name, enum err_code code)
{
    struct err err;

    err_set(&err, code, "made up for the test");
    fake_reply(name, NULL, &err);
}

#define FAKE_OFFER_COLUMNS                                                                         \
    "change_seq|offer_id|state|reason|agent_id|agent_name|host|agent_version|resources|"           \
    "attributes|expires_in_ms"
#define FAKE_OFFER_TAIL                                                                            \
    "|" FAKE_AGENT "|agent-1|localhost|5|{\"cpus\": 1.5, \"mem\": 256, \"ports\": [[31000, "       \
    "31009]]}|{\"rack\": \"r1\"}|30000"
#define FAKE_UPDATE_COLUMNS                                                                        \
    "update_id|task_id|task_name|agent_id|agent_name|state|reason|message|exit_code|signal"
#define FAKE_CLAIM_COLUMNS                                                                         \
    "ordinal|name|task_id|agent_id|committed|reason|resource|wanted|free|message|replayed"

#define FAKE_REGISTER_COLUMNS "framework_id|epoch|channel|heartbeat_s|cell"

/* What a cell says of itself. */
#define FAKE_TOKEN "eeeeeeee-0000-4000-8000-00000000000e"
#define FAKE_CELL  "cccccccc-0000-4000-8000-00000000000c"
#define FAKE_MARK_OF(cell_id, epoch, generation, timeline)                                         \
    "{\"cell_id\": \"" cell_id "\", \"epoch\": " #epoch ", \"token\": \"" FAKE_TOKEN               \
    "\", \"generation\": " #generation ", \"timeline\": \"" timeline "\"}"
#define FAKE_MARK FAKE_MARK_OF(FAKE_CELL, 5, 1, "00000002")

static inline void fake_up(void)
{
    fake->up = true;
    fake->config.on_up(fake, fake->config.arg);
}

/* Up again, and the database is the one it was. */
static inline void fake_back(void)
{
    fake_up();
    fake_answer_count("heartbeat", "cell", FAKE_MARK);
}

static inline void fake_down(enum err_code code)
{
    struct err err;

    fake->up = false;
    err_set(&err, code, "made up for the test");
    fake->config.on_down(fake, &err, fake->config.arg);
}

static inline void fake_notify(const char *payload)
{
    fake->config.on_notify(fake, fake->listening, payload, fake->config.arg);
}

/* From nothing to registered, with the first polls answered by no rows. */
static inline void fake_register(void)
{
    fake_up();
    fake_answer_count("version", "version", FAKE_VERSION);
    fake_answer("register", FAKE_REGISTER_COLUMNS,
                (const char *const[]){FAKE_ID "|3|howdah_framework_1|5|" FAKE_MARK}, 1);
    fake_answer("offers", FAKE_OFFER_COLUMNS, NULL, 0);
    fake_answer("updates", FAKE_UPDATE_COLUMNS, NULL, 0);
}

/* Turn the loop until a call of this statement is under way; two seconds at most. */
static inline void fake_wait_for(struct event_base *base, const char *name)
{
    for (int turn = 0; turn < 400 && fake_find(name) == NULL; turn++) {
        const struct timeval wait = {.tv_usec = 5000};

        event_base_loopexit(base, &wait);
        event_base_dispatch(base);
    }
    if (fake_find(name) == NULL)
        fail_msg("statement \"%s\" was not called within two seconds", name);
}

static inline void fake_turn(struct event_base *base)
{
    event_base_loop(base, EVLOOP_NONBLOCK);
    event_base_loop(base, EVLOOP_NONBLOCK);
}

#endif
