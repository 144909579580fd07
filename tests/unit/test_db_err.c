/* SPDX-License-Identifier: PostgreSQL */
/* base/db_err: what libpq says of failed statements and connections, as code and text. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/db_internal.h"
#include "base/mem.h"
#include "tests/unit/postgres.h"

static struct err err;

/* The error of one statement. */
static void fail_with(const char *sql)
{
    PGconn *conn = PQconnectdb(postgres_conninfo(""));
    PGresult *result = PQexec(conn, sql);

    assert_int_equal(PQresultStatus(result), PGRES_FATAL_ERROR);
    assert_int_equal(err_from_result(&err, result), -1);
    PQclear(result);
    PQfinish(conn);
}

/* The error of one attempt to connect, as db_target_start makes it. */
static void fail_to_connect(const char *conninfo)
{
    struct db_target *target = db_target_parse(conninfo, "test", DB_WANT_ANY, &err);
    PGconn *conn;

    assert_non_null(target);
    conn = db_target_start(target, 0);
    for (int i = 0; i < 10000 && PQstatus(conn) != CONNECTION_BAD; i++) {
        if (PQconnectPoll(conn) == PGRES_POLLING_OK)
            fail_msg("%s: connected", conninfo);
        usleep(1000);
    }
    assert_int_equal(PQstatus(conn), CONNECTION_BAD);
    assert_int_equal(err_from_conn(&err, conn), -1);
    PQfinish(conn);
    db_target_free(target);
}

static void assert_err(enum err_code code, const char *text)
{
    assert_int_equal(err.code, code);
    assert_string_equal(err.text, text);
}

/* ---- statements ---- */

static void a_state_of_the_list_has_its_code_and_the_first_line(void **state)
{
    (void)state;
    fail_with("do $$begin raise exception 'field \"x\", value 1' using errcode = 'HW001'; end$$");
    assert_err(ERR_value_invalid, "field \"x\", value 1");
    fail_with("do $$begin raise exception 'gone' using errcode = '57P01'; end$$");
    assert_err(ERR_admin_shutdown, "gone");
}

static void a_detail_follows_where_it_is_postgresqls(void **state)
{
    (void)state;
    fail_with("do $$begin raise exception 'twice' using errcode = '23505', detail = 'Key (1)'; "
              "end$$");
    assert_err(ERR_unique_violation, "twice; Key (1)");
    fail_with("do $$begin raise exception 'no' using errcode = 'HW018', detail = 'secret'; end$$");
    assert_err(ERR_not_permitted, "no");
}

static void a_state_on_no_list_is_the_servers_error(void **state)
{
    (void)state;
    fail_with("do $$begin raise exception 'odd' using errcode = 'ZZ999'; end$$");
    assert_err(ERR_server_error, "odd");
}

static void a_result_that_libpq_made_itself_is_a_lost_connection(void **state)
{
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_FATAL_ERROR);

    (void)state;
    assert_int_equal(err_from_result(&err, result), -1);
    assert_int_equal(err.code, ERR_connection_lost);
    PQclear(result);
}

static void a_text_longer_than_an_error_is_cut(void **state)
{
    (void)state;
    fail_with("do $$begin raise exception '%', repeat('x', 5000) using detail = 'end'; end$$");
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

/* ---- connections ---- */

static void a_server_that_is_not_there_is_named(void **state)
{
    (void)state;
    fail_to_connect("host=/no/such/directory port=5");
    assert_int_equal(err.code, ERR_connection_failed);
    assert_non_null(strstr(err.text, "/no/such/directory/.s.PGSQL.5"));
    assert_null(strchr(err.text, '\n'));
    assert_null(strchr(err.text, '\t'));
}

static void a_refusals_state_becomes_its_code_and_leaves_the_text(void **state)
{
    CLEANUP_FREE char *missing = mem_strdup(postgres_conninfo("dbname=nowhere"));

    (void)state;
    fail_to_connect(missing);
    assert_int_equal(err.code, ERR_database_missing);
    assert_non_null(strstr(err.text, "FATAL:  database \"nowhere\" does not exist"));
    assert_null(strstr(err.text, "3D000"));
    assert_null(strstr(err.text, "LOCATION"));
}

static void a_text_that_looks_like_a_state_does_not_count_twice(void **state)
{
    CLEANUP_FREE char *odd = mem_strdup(postgres_conninfo("user='a:  28P01: b'"));

    (void)state;
    fail_to_connect(odd);
    assert_int_equal(err.code, ERR_auth_refused); /* 28000: no such role */
    assert_non_null(strstr(err.text, "role \"a:  28P01: b\" does not exist"));
}

static void a_connection_without_a_message_still_has_one(void **state)
{
    PGconn *conn = PQconnectdb(postgres_conninfo(""));

    (void)state;
    assert_int_equal(err_from_conn(&err, conn), -1);
    assert_err(ERR_connection_lost, "the connection broke");
    PQfinish(conn);
}

static void a_read_only_server_is_named_with_the_reason(void **state)
{
    PGconn *conn = PQconnectdb(postgres_conninfo(""));

    (void)state;
    err_set(&err, ERR_connection_failed, "in recovery");
    db_err_read_only(&err, conn);
    assert_int_equal(err.code, ERR_read_only);
    assert_non_null(strstr(err.text, "takes no writes (in recovery): expected a server"));
    PQfinish(conn);
}

/* ---- confirming ---- */

static void only_what_may_pass_leaves_a_commit_open(void **state)
{
    (void)state;
    err_clear(&err);
    assert_false(db_confirm_failed(&err));
    err_set(&err, ERR_connection_lost, "x");
    assert_true(db_confirm_failed(&err));
    err_set(&err, ERR_privilege, "x");
    assert_false(db_confirm_failed(&err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_of_the_list_has_its_code_and_the_first_line),
        cmocka_unit_test(a_detail_follows_where_it_is_postgresqls),
        cmocka_unit_test(a_state_on_no_list_is_the_servers_error),
        cmocka_unit_test(a_result_that_libpq_made_itself_is_a_lost_connection),
        cmocka_unit_test(a_text_longer_than_an_error_is_cut),
        cmocka_unit_test(a_server_that_is_not_there_is_named),
        cmocka_unit_test(a_refusals_state_becomes_its_code_and_leaves_the_text),
        cmocka_unit_test(a_text_that_looks_like_a_state_does_not_count_twice),
        cmocka_unit_test(a_connection_without_a_message_still_has_one),
        cmocka_unit_test(a_read_only_server_is_named_with_the_reason),
        cmocka_unit_test(only_what_may_pass_leaves_a_commit_open),
    };

    int failed;

    if (!postgres_installed()) {
        printf("skipped: PostgreSQL's server programs are not installed\n");
        return 0;
    }
    failed = postgres_start() ? cmocka_run_group_tests_name("base/db_err", tests, NULL, NULL) : 1;
    postgres_stop();
    return failed;
}
