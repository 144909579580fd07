/* SPDX-License-Identifier: PostgreSQL */
/* agent_register and agent_sync as SQL calls over one asynchronous session.
 *
 * Registering asks for the schema's version first, so that a program that does not fit the database
 * says so instead of failing on a missing function. base/db.h reconnects by itself and repeats a
 * call whose outcome is unknown; both functions may be called twice with the same arguments. */
#include "agent/transport_db.h"

#include <stdio.h>
#include <string.h>

#include "base/db.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/row.h"
#include "base/version.h"

enum statement {
#define STMT(stmt_name, sql, params, repeat_, try_, deadline) STMT_##stmt_name,
#include "agent/stmts.def"
#undef STMT
};

static const struct db_stmt statements[] = {
#define STMT(stmt_name, sql, params, repeat_, try_, deadline)                                      \
    {.name = #stmt_name,                                                                           \
     .text = (sql),                                                                                \
     .param_count = (params),                                                                      \
     .repeat = DB_##repeat_,                                                                       \
     .try_ms = (try_),                                                                             \
     .deadline_ms = (deadline)},
#include "agent/stmts.def"
#undef STMT
};

#define TRANSPORT_DB_MAGIC    0x7a61d8b1u
#define REGISTER_PARAMS       8
#define RECONNECT_WAIT_MAX_MS 2000 /* agents are many */

struct transport_db {
    struct transport transport;
    unsigned magic;
    struct db *db;
    bool was_up;
    bool unsure;                   /* whether the cell has what the last report said is not known */
    char *params[REGISTER_PARAMS]; /* of the registration under way; owned */
    transport_registered_f registered;
    transport_synced_f synced;
    void *arg;
};

static struct transport_db *self_of(void *arg)
{
    struct transport_db *self = arg;

    if (self->magic != TRANSPORT_DB_MAGIC)
        abort();
    return self;
}

static void on_up(struct db *db, void *arg)
{
    (void)db;
    self_of(arg)->was_up = true;
    log_info("database connected");
}

/* Once per loss, not once per attempt. */
static void on_down(struct db *db, const struct err *err, void *arg)
{
    struct transport_db *self = self_of(arg);

    (void)db;
    log_err(self->was_up ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG, err,
            "database not reached; tasks run on, updates are kept");
    self->was_up = false;
}

static void params_clear(struct transport_db *self)
{
    for (size_t i = 0; i < REGISTER_PARAMS; i++) {
        free(self->params[i]);
        self->params[i] = NULL;
    }
}

static void register_fail(struct transport_db *self, const struct err *err)
{
    params_clear(self);
    self->registered(NULL, err, self->arg);
}

static int session_read(struct transport_session *session, const PGresult *result, struct err *err)
{
    enum cell_news news;

    if (PQntuples(result) != 1)
        return err_set(err, ERR_server_error, "agent_register gave %d rows", PQntuples(result));
    snprintf(session->agent_id, sizeof(session->agent_id), "%s", row_text(result, 0, "agent_id"));
    session->epoch = row_int(result, 0, "epoch");
    return cell_mark_take_text(&session->cell, row_text(result, 0, "cell"), &news, err);
}

static void register_reply(const PGresult *result, const struct err *err, void *arg)
{
    struct transport_db *self = self_of(arg);
    struct transport_session session = {.epoch = 0};
    struct err bad = {0};

    if (err != NULL) {
        register_fail(self, err);
        return;
    }
    if (session_read(&session, result, &bad) != 0) {
        register_fail(self, &bad);
        return;
    }
    params_clear(self);
    self->registered(&session, NULL, self->arg);
}

static int schema_check(int64_t version, struct err *err)
{
    if (version == HOWDAH_SCHEMA_VERSION)
        return 0;
    return err_set(err, version > HOWDAH_SCHEMA_VERSION ? ERR_schema_newer : ERR_schema_older,
                   "the database's schema has version %lld, this program needs %d",
                   (long long)version, HOWDAH_SCHEMA_VERSION);
}

static void schema_reply(const PGresult *result, const struct err *err, void *arg)
{
    struct transport_db *self = self_of(arg);
    struct err mismatch = {0};

    if (err != NULL) {
        register_fail(self, err);
        return;
    }
    if (schema_check(PQntuples(result) == 1 ? row_int(result, 0, "version") : 0, &mismatch) != 0) {
        register_fail(self, &mismatch);
        return;
    }
    db_call(self->db, &statements[STMT_agent_register], (const char *const *)self->params,
            register_reply, self);
}

static void db_register(struct transport *transport, const struct transport_identity *identity,
                        transport_registered_f done, void *arg)
{
    struct transport_db *self = self_of(transport);

    params_clear(self);
    self->params[0] = mem_strdup(identity->name);
    self->params[1] = mem_strdup(identity->host);
    self->params[2] = json_print(identity->resources);
    self->params[3] = json_print(identity->attributes);
    self->params[4] = mem_strdup(identity->boot_id);
    self->params[5] = mem_strdup(identity->agent_id);
    self->params[6] = mem_strdup(identity->key);
    self->params[7] = cell_mark_text(identity->cell);
    self->registered = done;
    self->arg = arg;
    db_call(self->db, &statements[STMT_schema_version], NULL, schema_reply, self);
}

static void sync_reply(const PGresult *result, const struct err *err, void *arg)
{
    struct transport_db *self = self_of(arg);
    struct err bad = {0};

    self->unsure = err != NULL;
    if (err != NULL) {
        self->synced(NULL, err, self->arg);
        return;
    }
    const char *text = PQntuples(result) == 1 ? row_text(result, 0, "answer") : NULL;
    CLEANUP_JSON json_t *answer =
        json_parse(text != NULL ? text : "", text ? strlen(text) : 0, &bad);
    if (answer == NULL)
        (void)err_wrap(&bad, "agent_sync's answer");
    self->synced(answer, answer == NULL ? &bad : NULL, self->arg);
}

static void db_sync(struct transport *transport, const struct transport_session *session,
                    const json_t *report, transport_synced_f done, void *arg)
{
    struct transport_db *self = self_of(transport);
    CLEANUP_FREE char *text = json_print(report);
    char epoch[32];

    snprintf(epoch, sizeof(epoch), "%lld", (long long)session->epoch);
    self->synced = done;
    self->arg = arg;
    const char *params[] = {session->agent_id, epoch, text};
    if (self->unsure)
        db_call_again(self->db, &statements[STMT_agent_sync], params, sync_reply, self);
    else
        db_call(self->db, &statements[STMT_agent_sync], params, sync_reply, self);
}

static void db_transport_refuse(struct transport *transport, const struct err *why)
{
    db_refuse(self_of(transport)->db, why);
}

static void db_transport_destroy(struct transport *transport)
{
    struct transport_db *self = self_of(transport);

    db_destroy(self->db);
    params_clear(self);
    free(self);
}

static const struct transport_ops ops = {
    .register_agent = db_register,
    .sync = db_sync,
    .refuse = db_transport_refuse,
    .destroy = db_transport_destroy,
};

struct transport *transport_db_create(struct event_base *base, const char *conninfo,
                                      const char *agent_name, struct err *err)
{
    struct transport_db *self = mem_alloc(sizeof(*self));
    CLEANUP_FREE char *application = mem_printf("howdah-agent %s", agent_name);
    struct db_config config = {.conninfo = conninfo,
                               .application_name = application,
                               .want = DB_WANT_WRITABLE,
                               .wait_max_ms = RECONNECT_WAIT_MAX_MS,
                               .on_up = on_up,
                               .on_down = on_down,
                               .arg = self};

    self->transport.ops = &ops;
    self->magic = TRANSPORT_DB_MAGIC;
    self->was_up = true; /* the first failure is worth a line */
    self->db = db_create(base, &config, err);
    if (self->db == NULL) {
        free(self);
        return NULL;
    }
    return &self->transport;
}
