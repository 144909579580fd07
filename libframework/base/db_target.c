/* SPDX-License-Identifier: PostgreSQL */
/* The conninfo, parsed once, and its lists of hosts, addresses and ports taken apart, so that every
 * host can be tried by itself: libpq would try them in order, and stay with one that does not
 * answer. Lists that stand in the environment count, too. Names that need DNS are resolved inside
 * PQconnectStartParams, which blocks; a conninfo with hostaddr avoids that. */
#include "base/db_target.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define TARGET_PARAMS_MAX 64

struct db_target {
    const char *keywords[TARGET_PARAMS_MAX + 1]; /* borrowed from options or literals */
    const char *values[TARGET_PARAMS_MAX + 1];
    int count;
    unsigned hosts;
    enum db_choice choice;
    PQconninfoOption *options; /* owns the texts */
    char *application_name;
};

/* Added where the conninfo is silent: a peer that vanished is noticed within about 5 s. */
static const struct {
    const char *keyword, *value;
} target_presets[] = {
    {"client_encoding", "UTF8"},  {"keepalives", "1"},       {"keepalives_idle", "2"},
    {"keepalives_interval", "1"}, {"keepalives_count", "3"}, {"tcp_user_timeout", "5000"},
};

/* What libpq would take from the environment later, where it must be known now. Where a service is
 * named, libpq takes it from there first. */
static const struct {
    const char *keyword, *variable;
} target_variables[] = {
    {"host", "PGHOST"},
    {"hostaddr", "PGHOSTADDR"},
    {"port", "PGPORT"},
    {"target_session_attrs", "PGTARGETSESSIONATTRS"},
};

/* The values of target_session_attrs. any_choice: for a program that does not insist on writing. */
static const struct target_attrs {
    const char *value;
    enum db_choice any_choice;
    const char *for_libpq; /* which goes through the addresses of one name by it */
} target_attrs[] = {
    {"any", DB_CHOOSE_PREFER_WRITABLE, "any"},
    {"read-write", DB_CHOOSE_WRITABLE, "read-write"},
    {"primary", DB_CHOOSE_WRITABLE, "read-write"},
    {"prefer-standby", DB_CHOOSE_PREFER_STANDBY, "any"},
    {"read-only", DB_CHOOSE_STANDBY, "read-only"},
    {"standby", DB_CHOOSE_STANDBY, "standby"},
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
    unsigned length = list && *list ? 1 : 0;

    for (; list && *list; list++)
        length += *list == ',';
    return length;
}

/* The lists must match, as libpq demands of them. */
static int target_count_hosts(struct db_target *target, struct err *err)
{
    unsigned names = target_list_length(target_value(target, "host"));
    unsigned addresses = target_list_length(target_value(target, "hostaddr"));
    unsigned ports = target_list_length(target_value(target, "port"));

    target->hosts = addresses > names ? addresses : names;
    if (!target->hosts)
        target->hosts = 1;
    if (names && addresses && names != addresses)
        return err_set(err, ERR_input_invalid,
                       "database conninfo: %u values of hostaddr for %u of host: expected as many",
                       addresses, names);
    if (ports > 1 && ports != target->hosts)
        return err_set(err, ERR_input_invalid,
                       "database conninfo: %u ports for %u hosts: expected one, or as many", ports,
                       target->hosts);
    return 0;
}

/* Replaces the conninfo's own target_session_attrs, which is for one host only from here on. */
static int target_choose(struct db_target *target, enum db_want want, struct err *err)
{
    const char *given = target_value(target, "target_session_attrs");
    const struct target_attrs *attrs = NULL;

    for (size_t i = 0; i < sizeof target_attrs / sizeof target_attrs[0]; i++)
        if (!strcmp(target_attrs[i].value, given ? given : "any"))
            attrs = &target_attrs[i];
    if (!attrs)
        return err_set(err, ERR_input_invalid,
                       "database conninfo: target_session_attrs is \"%s\": expected any, "
                       "read-write, primary, standby, prefer-standby or read-only",
                       given);
    if (want == DB_WANT_WRITABLE && attrs->any_choice == DB_CHOOSE_STANDBY)
        return err_set(err, ERR_input_invalid,
                       "database conninfo: target_session_attrs is \"%s\": this program needs a "
                       "server that takes writes",
                       given);
    target->choice = want == DB_WANT_WRITABLE ? DB_CHOOSE_WRITABLE : attrs->any_choice;
    if (target->choice == DB_CHOOSE_WRITABLE)
        attrs = &target_attrs[1];
    for (int i = 0; i < target->count; i++)
        if (!strcmp(target->keywords[i], "target_session_attrs"))
            target->values[i] = attrs->for_libpq;
    target_put(target, "target_session_attrs", attrs->for_libpq);
    return 0;
}

static struct db_target *target_checked(struct db_target *target, enum db_want want,
                                        struct err *err)
{
    if (target_count_hosts(target, err) == 0 && target_choose(target, want, err) == 0)
        return target;
    db_target_free(target);
    return NULL;
}

struct db_target *db_target_parse(const char *conninfo, const char *application_name,
                                  enum db_want want, struct err *err)
{
    struct db_target *target;
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo ? conninfo : "", &why);

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
    if (!target_value(target, "service") && !getenv("PGSERVICE"))
        for (size_t i = 0; i < sizeof target_variables / sizeof target_variables[0]; i++)
            target_put(target, target_variables[i].keyword, getenv(target_variables[i].variable));
    for (size_t i = 0; i < sizeof target_presets / sizeof target_presets[0]; i++)
        target_put(target, target_presets[i].keyword, target_presets[i].value);
    target_put(target, "application_name", target->application_name);
    return target_checked(target, want, err);
}

void db_target_free(struct db_target *target)
{
    if (!target)
        return;
    PQconninfoFree(target->options);
    free(target->application_name);
    free(target);
}

enum db_choice db_target_choice(const struct db_target *target)
{
    return target->choice;
}

unsigned db_target_hosts(const struct db_target *target)
{
    return target->hosts;
}

/* Member number index of "a,b,c"; a list of one has the same for all. */
static char *target_member(const char *list, unsigned index)
{
    if (target_list_length(list) < 2)
        return mem_strdup(list);
    for (; index; index--)
        list = strchr(list, ',') + 1;
    return mem_printf("%.*s", (int)strcspn(list, ","), list);
}

PGconn *db_target_start(const struct db_target *target, unsigned host)
{
    static const char *const lists[] = {"host", "hostaddr", "port"};
    const char *values[TARGET_PARAMS_MAX + 1];
    char *members[3] = {NULL};
    PGconn *conn;

    memcpy(values, target->values, sizeof values);
    for (int i = 0; i < target->count; i++)
        for (int list = 0; list < 3; list++)
            if (!strcmp(target->keywords[i], lists[list]))
                values[i] = members[list] = target_member(values[i], host);
    conn = PQconnectStartParams(target->keywords, values, 0);
    for (int list = 0; list < 3; list++)
        free(members[list]);
    if (!conn)
        abort(); /* out of memory */
    /* The only way to learn the SQLSTATE of a refused connection: err_from_conn reads it. */
    PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
    return conn;
}
