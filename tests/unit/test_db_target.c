/* SPDX-License-Identifier: PostgreSQL */
/* base/db_target: a conninfo taken apart, and which hosts, presets and environment end up in an
 * attempt. No server is asked: attempts go to sockets that are not there. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/db_target.h"

static const char *const variables[] = {
    "PGHOST", "PGHOSTADDR", "PGPORT", "PGTARGETSESSIONATTRS", "PGSERVICE", "PGUSER", "PGAPPNAME"};
static struct err err;

static int start(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        unsetenv(variables[i]);
    err_clear(&err);
    return 0;
}

static struct db_target *parse(const char *conninfo, enum db_want want)
{
    struct db_target *target = db_target_parse(conninfo, "test", want, &err);

    if (target == NULL)
        fail_msg("%s: %s", conninfo ? conninfo : "NULL", err.text);
    return target;
}

static void assert_refused(const char *conninfo, enum db_want want, const char *part)
{
    assert_null(db_target_parse(conninfo, "test", want, &err));
    assert_int_equal(err.code, ERR_input_invalid);
    if (!strstr(err.text, "database conninfo: ") || !strstr(err.text, part))
        fail_msg("%s: \"%s\" does not say \"%s\"", conninfo, err.text, part);
}

/* A parameter of the attempt at one host; "" when it has none. */
static void assert_attempt(const struct db_target *target, unsigned host, const char *keyword,
                           const char *wanted)
{
    PGconn *conn = db_target_start(target, host);
    PQconninfoOption *options = PQconninfo(conn);
    const char *found = "";

    for (const PQconninfoOption *option = options; option->keyword; option++)
        if (!strcmp(option->keyword, keyword) && option->val)
            found = option->val;
    assert_string_equal(found, wanted);
    PQconninfoFree(options);
    PQfinish(conn);
}

/* ---- hosts ---- */

static void each_host_is_tried_by_itself(void **state)
{
    struct db_target *target =
        parse("host=/nowhere/a,/nowhere/b,/nowhere/c port=1,2,3", DB_WANT_ANY);

    (void)state;
    assert_int_equal(db_target_hosts(target), 3);
    assert_attempt(target, 0, "host", "/nowhere/a");
    assert_attempt(target, 0, "port", "1");
    assert_attempt(target, 2, "host", "/nowhere/c");
    assert_attempt(target, 2, "port", "3");
    db_target_free(target);
}

static void one_port_is_for_all_hosts(void **state)
{
    struct db_target *target = parse("host=/nowhere/a,/nowhere/b port=7", DB_WANT_ANY);

    (void)state;
    assert_attempt(target, 0, "port", "7");
    assert_attempt(target, 1, "port", "7");
    db_target_free(target);
}

static void addresses_belong_to_their_names(void **state)
{
    struct db_target *target =
        parse("host=a.invalid,b.invalid hostaddr=127.0.0.1,127.0.0.2 port=1", DB_WANT_ANY);

    (void)state;
    assert_int_equal(db_target_hosts(target), 2);
    assert_attempt(target, 1, "host", "b.invalid");
    assert_attempt(target, 1, "hostaddr", "127.0.0.2");
    db_target_free(target);
}

static void an_empty_member_is_the_default(void **state)
{
    struct db_target *target = parse("host=,/nowhere/b port=1,", DB_WANT_ANY);

    (void)state;
    assert_int_equal(db_target_hosts(target), 2);
    assert_attempt(target, 1, "host", "/nowhere/b");
    db_target_free(target);
}

static void without_a_host_there_is_one(void **state)
{
    struct db_target *target = parse("", DB_WANT_ANY);

    (void)state;
    assert_int_equal(db_target_hosts(target), 1);
    db_target_free(target);
    target = parse(NULL, DB_WANT_ANY);
    assert_int_equal(db_target_hosts(target), 1);
    db_target_free(target);
    db_target_free(NULL);
}

static void lists_that_do_not_match_are_refused(void **state)
{
    (void)state;
    assert_refused("host=a,b hostaddr=127.0.0.1", DB_WANT_ANY,
                   "1 values of hostaddr for 2 of host");
    assert_refused("host=a,b,c port=1,2", DB_WANT_ANY, "2 ports for 3 hosts");
    assert_refused("port=1,2", DB_WANT_ANY, "2 ports for 1 hosts");
    assert_refused("nonsense", DB_WANT_ANY, "");
    assert_refused("colour=blue", DB_WANT_ANY, "colour");
}

/* ---- what is added ---- */

static void presets_fill_what_the_conninfo_leaves_out(void **state)
{
    struct db_target *target = parse("host=/nowhere keepalives_idle=60 user=u", DB_WANT_ANY);

    (void)state;
    assert_attempt(target, 0, "keepalives_idle", "60");
    assert_attempt(target, 0, "keepalives_count", "3");
    assert_attempt(target, 0, "tcp_user_timeout", "5000");
    assert_attempt(target, 0, "client_encoding", "UTF8");
    assert_attempt(target, 0, "application_name", "test");
    assert_attempt(target, 0, "user", "u");
    db_target_free(target);
    target = parse("host=/nowhere application_name=mine", DB_WANT_ANY);
    assert_attempt(target, 0, "application_name", "mine");
    db_target_free(target);
}

static void the_environment_counts_where_the_conninfo_is_silent(void **state)
{
    struct db_target *target;

    (void)state;
    setenv("PGHOST", "/nowhere/a,/nowhere/b", 1);
    setenv("PGPORT", "1,2", 1);
    target = parse("", DB_WANT_ANY);
    assert_int_equal(db_target_hosts(target), 2);
    assert_attempt(target, 1, "host", "/nowhere/b");
    assert_attempt(target, 1, "port", "2");
    db_target_free(target);
    target = parse("host=/nowhere/c port=3", DB_WANT_ANY);
    assert_int_equal(db_target_hosts(target), 1);
    assert_attempt(target, 0, "host", "/nowhere/c");
    db_target_free(target);
    assert_refused("host=/nowhere/c", DB_WANT_ANY, "2 ports for 1 hosts");
}

static void a_service_goes_before_the_environments_host(void **state)
{
    struct db_target *target;

    (void)state;
    setenv("PGHOST", "/nowhere/a,/nowhere/b", 1);
    setenv("PGSERVICE", "nowhere", 1);
    target = parse("", DB_WANT_ANY);
    assert_int_equal(db_target_hosts(target), 1);
    db_target_free(target);
    unsetenv("PGSERVICE");
    target = parse("service=nowhere", DB_WANT_ANY);
    assert_int_equal(db_target_hosts(target), 1);
    db_target_free(target);
}

/* ---- which server ---- */

static void the_attribute_and_the_program_choose_together(void **state)
{
    static const struct {
        const char *conninfo;
        enum db_want want;
        enum db_choice choice;
        const char *attrs;
    } rows[] = {
        {"host=/n", DB_WANT_ANY, DB_CHOOSE_PREFER_WRITABLE, "any"},
        {"host=/n", DB_WANT_WRITABLE, DB_CHOOSE_WRITABLE, "read-write"},
        {"host=/n target_session_attrs=any", DB_WANT_WRITABLE, DB_CHOOSE_WRITABLE, "read-write"},
        {"host=/n target_session_attrs=primary", DB_WANT_ANY, DB_CHOOSE_WRITABLE, "read-write"},
        {"host=/n target_session_attrs=read-write", DB_WANT_ANY, DB_CHOOSE_WRITABLE, "read-write"},
        {"host=/n target_session_attrs=prefer-standby", DB_WANT_ANY, DB_CHOOSE_PREFER_STANDBY,
         "any"},
        {"host=/n target_session_attrs=prefer-standby", DB_WANT_WRITABLE, DB_CHOOSE_WRITABLE,
         "read-write"},
        {"host=/n target_session_attrs=standby", DB_WANT_ANY, DB_CHOOSE_STANDBY, "standby"},
        {"host=/n target_session_attrs=read-only", DB_WANT_ANY, DB_CHOOSE_STANDBY, "read-only"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct db_target *target = parse(rows[i].conninfo, rows[i].want);

        assert_int_equal(db_target_choice(target), rows[i].choice);
        assert_attempt(target, 0, "target_session_attrs", rows[i].attrs);
        db_target_free(target);
    }
}

static void what_cannot_be_chosen_is_refused(void **state)
{
    (void)state;
    assert_refused("target_session_attrs=fastest", DB_WANT_ANY, "is \"fastest\": expected any, ");
    assert_refused("target_session_attrs=standby", DB_WANT_WRITABLE, "needs a server that takes");
    assert_refused("target_session_attrs=read-only", DB_WANT_WRITABLE, "needs a server that takes");
    setenv("PGTARGETSESSIONATTRS", "standby", 1);
    assert_refused("", DB_WANT_WRITABLE, "needs a server that takes");
}

#define TARGET_TEST(name) cmocka_unit_test_setup(name, start)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TARGET_TEST(each_host_is_tried_by_itself),
        TARGET_TEST(one_port_is_for_all_hosts),
        TARGET_TEST(addresses_belong_to_their_names),
        TARGET_TEST(an_empty_member_is_the_default),
        TARGET_TEST(without_a_host_there_is_one),
        TARGET_TEST(lists_that_do_not_match_are_refused),
        TARGET_TEST(presets_fill_what_the_conninfo_leaves_out),
        TARGET_TEST(the_environment_counts_where_the_conninfo_is_silent),
        TARGET_TEST(a_service_goes_before_the_environments_host),
        TARGET_TEST(the_attribute_and_the_program_choose_together),
        TARGET_TEST(what_cannot_be_chosen_is_refused),
    };

    return cmocka_run_group_tests_name("base/db_target", tests, NULL, NULL);
}
