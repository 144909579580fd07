/* SPDX-License-Identifier: PostgreSQL */
/* base/db replaced for one test program: it defines every function of base/db.h, so that the linker
 * never takes the real ones. Calls pile up in fake_calls until the test answers them; the test also
 * decides when sessions come up and go down. Include it in one file per program. */
#ifndef HOWDAH_TESTS_COORDINATOR_FAKE_DB_H
#define HOWDAH_TESTS_COORDINATOR_FAKE_DB_H

#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/db.h"
#include "base/mem.h"

#define FAKE_SESSIONS 4
#define FAKE_CALLS    64

struct db {
    struct db_config config;
    bool used, up;
};

struct fake_call {
    struct db *db;
    const struct db_stmt *stmt;
    char params[4][64];
    db_reply_f cb;
    void *arg;
};

static struct db fake_dbs[FAKE_SESSIONS];
static struct fake_call fake_calls[FAKE_CALLS]; /* not answered yet, oldest first */
static size_t fake_call_count;
static char fake_said[4096]; /* every statement called, "name(param,…) " */

struct db *db_create(struct event_base *base, const struct db_config *config, struct err *err)
{
    (void)base;
    (void)err;
    for (size_t i = 0; i < FAKE_SESSIONS; i++) {
        if (fake_dbs[i].used)
            continue;
        fake_dbs[i] = (struct db){.config = *config, .used = true, .up = false};
        return &fake_dbs[i];
    }
    fail_msg("more sessions than the fake has");
    return NULL;
}

void db_destroy(struct db *db)
{
    size_t kept = 0;

    for (size_t i = 0; i < fake_call_count; i++)
        if (fake_calls[i].db != db)
            fake_calls[kept++] = fake_calls[i];
    fake_call_count = kept;
    if (db)
        db->used = false;
}

void db_call(struct db *db, const struct db_stmt *stmt, const char *const *params, db_reply_f cb,
             void *arg)
{
    struct fake_call *call = &fake_calls[fake_call_count++];
    size_t said = strlen(fake_said);

    assert_true(fake_call_count < FAKE_CALLS);
    *call = (struct fake_call){.db = db, .stmt = stmt, .cb = cb, .arg = arg};
    said += (size_t)snprintf(fake_said + said, sizeof(fake_said) - said, "%s(", stmt->name);
    for (int i = 0; i < stmt->param_count; i++) {
        snprintf(call->params[i], sizeof(call->params[i]), "%s", params[i] ? params[i] : "null");
        said += (size_t)snprintf(fake_said + said, sizeof(fake_said) - said, "%s%s", i ? "," : "",
                                 call->params[i]);
    }
    snprintf(fake_said + said, sizeof(fake_said) - said, ") ");
}

void db_call_again(struct db *db, const struct db_stmt *stmt, const char *const *params,
                   db_reply_f cb, void *arg)
{
    db_call(db, stmt, params, cb, arg);
}

void db_listen(struct db *db, const char *channel)
{
    (void)db;
    (void)channel;
}

void db_refuse(struct db *db, const struct err *err)
{
    (void)db;
    (void)err;
}

bool db_is_up(const struct db *db)
{
    return db->up;
}

int db_queue_length(const struct db *db)
{
    int count = 0;

    for (size_t i = 0; i < fake_call_count; i++)
        count += fake_calls[i].db == db;
    return count;
}

/* ---- what the test does ---- */

static struct db *fake_session(const char *name)
{
    for (size_t i = 0; i < FAKE_SESSIONS; i++)
        if (fake_dbs[i].used && strstr(fake_dbs[i].config.application_name, name))
            return &fake_dbs[i];
    fail_msg("no session \"%s\"", name);
    return NULL;
}

static inline void fake_up(const char *name)
{
    struct db *db = fake_session(name);

    db->up = true;
    if (db->config.on_up)
        db->config.on_up(db, db->config.arg);
}

static inline void fake_down(const char *name)
{
    struct db *db = fake_session(name);
    struct err err = {.code = ERR_connection_lost, .text = "lost"};

    db->up = false;
    if (db->config.on_down)
        db->config.on_down(db, &err, db->config.arg);
}

static inline void fake_ring(const char *name)
{
    struct db *db = fake_session(name);

    db->config.on_notify(db, "howdah_bell", "", db->config.arg);
}

static inline struct fake_call fake_take(const char *stmt)
{
    for (size_t i = 0; i < fake_call_count; i++) {
        struct fake_call call = fake_calls[i];

        if (strcmp(call.stmt->name, stmt) != 0)
            continue;
        memmove(&fake_calls[i], &fake_calls[i + 1], (--fake_call_count - i) * sizeof(call));
        return call;
    }
    fail_msg("no call of \"%s\" waits", stmt);
    return (struct fake_call){.db = NULL};
}

/* Answer the oldest call of stmt with one row; columns and values are texts. */
static inline void fake_answer(const char *stmt, size_t count, const char *const *columns,
                               const char *const *values)
{
    struct fake_call call = fake_take(stmt);
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    PGresAttDesc attributes[8] = {{0}};

    for (size_t i = 0; i < count; i++)
        attributes[i].name = (char *)(uintptr_t)columns[i];
    assert_int_equal(PQsetResultAttrs(result, (int)count, attributes), 1);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(PQsetvalue(result, 0, (int)i, (char *)(uintptr_t)values[i],
                                    values[i] ? (int)strlen(values[i]) : -1),
                         1);
    call.cb(result, NULL, call.arg);
    PQclear(result);
}

static inline void fake_answer_one(const char *stmt, const char *column, const char *value)
{
    fake_answer(stmt, 1, &column, &value);
}

static inline void fake_fail(const char *stmt, enum err_code code)
{
    struct fake_call call = fake_take(stmt);
    struct err err = {.code = code, .text = "as the test wants"};

    call.cb(NULL, &err, call.arg);
}

static inline void fake_forget(void)
{
    memset(fake_dbs, 0, sizeof(fake_dbs));
    fake_call_count = 0;
    fake_said[0] = '\0';
}

#endif
