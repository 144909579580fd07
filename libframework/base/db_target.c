/* SPDX-License-Identifier: PostgreSQL */
/* The conninfo, parsed once. libpq tries the hosts of a list in order but never leaves a host that
 * does not answer while PQconnectPoll is used, so the caller's timer ends such an attempt and the
 * next one starts with the next host: db_target_start turns the lists of hosts, addresses and ports
 * by one. Names that need DNS are resolved inside PQconnectStartParams, which blocks; a conninfo
 * with hostaddr avoids that. */
#include "base/db_target.h"

#include <string.h>

#include "base/mem.h"

#define TARGET_PARAMS_MAX 64

struct db_target {
    const char *keywords[TARGET_PARAMS_MAX + 1]; /* borrowed from options or literals */
    const char *values[TARGET_PARAMS_MAX + 1];
    int count;
    unsigned hosts;
    PQconninfoOption *options; /* owns the texts */
    char *application_name;
};

/* Added where the conninfo is silent: a peer that vanished is noticed within about 15 s. */
static const struct {
    const char *keyword, *value;
} target_presets[] = {
    {"client_encoding", "UTF8"},  {"keepalives", "1"},       {"keepalives_idle", "5"},
    {"keepalives_interval", "3"}, {"keepalives_count", "3"}, {"tcp_user_timeout", "15000"},
};

static const char *target_value(const struct db_target *target, const char *keyword)
{
    for (int i = 0; i < target->count; i++)
        if (!strcmp(target->keywords[i], keyword))
            return target->values[i];
    return NULL;
}

static void target_put(struct db_target *target, const char *keyword, const char *value)
{
    if (!value || target->count == TARGET_PARAMS_MAX || target_value(target, keyword))
        return;
    target->keywords[target->count] = keyword;
    target->values[target->count++] = value;
}

static unsigned target_list_length(const char *list)
{
    unsigned length = 1;

    for (; list && *list; list++)
        length += *list == ',';
    return length;
}

struct db_target *db_target_parse(const char *conninfo, const char *application_name, bool writable,
                                  struct err *err)
{
    struct db_target *target;
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo ? conninfo : "", &why);
    unsigned addresses;

    if (!options) {
        err_set(err, ERR_input_invalid, "database conninfo: %s", why ? why : "cannot be parsed");
        PQfreemem(why);
        return NULL;
    }
    target = mem_alloc(sizeof *target);
    target->options = options;
    target->application_name = mem_strdup(application_name);
    for (const PQconninfoOption *option = options; option->keyword; option++)
        target_put(target, option->keyword, option->val);
    for (size_t i = 0; i < sizeof target_presets / sizeof target_presets[0]; i++)
        target_put(target, target_presets[i].keyword, target_presets[i].value);
    target_put(target, "application_name", target->application_name);
    if (writable)
        target_put(target, "target_session_attrs", "read-write");
    target->hosts = target_list_length(target_value(target, "host"));
    addresses = target_list_length(target_value(target, "hostaddr"));
    if (addresses > target->hosts)
        target->hosts = addresses;
    return target;
}

void db_target_free(struct db_target *target)
{
    if (!target)
        return;
    PQconninfoFree(target->options);
    free(target->application_name);
    free(target);
}

unsigned db_target_hosts(const struct db_target *target)
{
    return target->hosts;
}

/* "a,b,c" turned by 1 is "b,c,a". A list of one stays (one port may serve many hosts). */
static char *target_turned(const char *list, unsigned turn)
{
    const char *rest = list;

    for (unsigned i = 0; i < turn; i++) {
        const char *comma = strchr(rest, ',');

        rest = comma ? comma + 1 : list;
    }
    if (rest == list)
        return mem_strdup(list);
    return mem_printf("%s,%.*s", rest, (int)(rest - list - 1), list);
}

PGconn *db_target_start(const struct db_target *target, unsigned turn)
{
    static const char *const lists[] = {"host", "hostaddr", "port"};
    const char *values[TARGET_PARAMS_MAX + 1];
    char *turned[3] = {NULL};
    PGconn *conn;

    memcpy(values, target->values, sizeof values);
    for (int i = 0; i < target->count; i++)
        for (int list = 0; list < 3; list++)
            if (!strcmp(target->keywords[i], lists[list]))
                values[i] = turned[list] = target_turned(values[i], turn % target->hosts);
    conn = PQconnectStartParams(target->keywords, values, 0);
    for (int list = 0; list < 3; list++)
        free(turned[list]);
    if (!conn)
        abort(); /* out of memory */
    /* The only way to learn the SQLSTATE of a refused connection: err_from_conn reads it. */
    PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
    return conn;
}
