/* SPDX-License-Identifier: PostgreSQL */
/* base/db* against a private PostgreSQL: answers, order, losses of every kind, deadlines, hosts
 * that refuse or hang, LISTEN, and the blocking session. Skipped where no server can be started. */
#include "tests/unit/cmocka_all.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/row.h"
#include "tests/unit/db_owner.h"
#include "tests/unit/postgres.h"

enum {
    ECHO_,
    PID,
    SLEEP,
    SLEEP_ONCE,
    SLEEP_LATE,
    BROKEN,
    RAISES,
    RETRY_SLEEP,
    PATIENCE,
    WRITE,
    LENGTH,
    MAYBE,
    TABLE
};
static const struct db_stmt stmts[] = {
    [ECHO_] = {"echo", "select $1::text as text", 1, DB_READS, 0, 5000},
    [PID] = {"pid", "select pg_backend_pid() as pid", 0, DB_READS, 0, 5000},
    [SLEEP] = {"sleep", "select pg_sleep($1::float8)", 1, DB_READS, 0, 8000},
    [SLEEP_ONCE] = {"sleep_once", "select pg_sleep($1::float8)", 1, DB_ONCE, 0, 8000},
    [SLEEP_LATE] = {"sleep_late", "select pg_sleep($1::float8)", 1, DB_ONCE, 0, 300},
    [BROKEN] = {"broken", "select no_such_function()", 0, DB_READS, 0, 5000},
    [RAISES] = {"raises", "select raise_state($1)", 1, DB_READS, 0, 5000},
    [RETRY_SLEEP] = {"retry_sleep", "select sleep_first_time() as turn", 0, DB_BY_STATE, 0, 8000},
    [PATIENCE] = {"patience", "select sleep_less() as turn", 0, DB_BY_STATE, 400, 60000},
    [LENGTH] = {"length", "select length($1::text)", 1, DB_READS, 0, 60000},
    [WRITE] = {"write", "select read_only_first_time() as turn", 0, DB_ONCE, 0, 5000},
    [MAYBE] = {"maybe", "select $1", 1, DB_BY_KEY, 0, 5000},
    [TABLE] = {"table", "select * from changing", 0, DB_READS, 0, 5000},
};

/* Returns once the backend sits in pg_sleep. */
static void wait_until_sleeping(struct owner *owner)
{
    int64_t end_ms = clock_mono_ms() + WAIT_MS;
    struct timer *tick = timer_create_on(owner->base, nothing_cb, NULL);
    char *found = NULL;

    while (!found) {
        assert_true(clock_mono_ms() < end_ms);
        timer_start(tick, 20);
        event_base_loop(owner->base, EVLOOP_ONCE);
        found = postgres_sql("select pid::text from pg_stat_activity "
                             "where application_name = 'test_db' and wait_event = 'PgSleep'");
    }
    free(found);
    timer_free(tick);
}

static void terminate_sessions(void)
{
    free(postgres_sql("select pg_terminate_backend(pid) from pg_stat_activity "
                      "where application_name = 'test_db'"));
}

/* ---- calls ---- */

static void a_call_is_answered_with_its_row(void **state)
{
    struct owner owner = {0};

    (void)state;
    owner_open(&owner, postgres_conninfo(""));
    ask_and_wait(&owner, &stmts[ECHO_], "it's \"quoted\" €");
    assert_int_equal(owner.err.code, ERR_none);
    assert_string_equal(owner.text, "it's \"quoted\" €");
    assert_int_equal(owner.ups, 1);
    assert_true(db_is_up(owner.db));
    assert_int_equal(db_queue_length(owner.db), 0);
    owner_close(&owner);
}

static void calls_are_answered_in_order(void **state)
{
    struct owner owner = {0};

    (void)state;
    owner_open(&owner, postgres_conninfo(""));
    ask(&owner, &stmts[ECHO_], "1");
    ask(&owner, &stmts[ECHO_], "2");
    ask(&owner, &stmts[ECHO_], "3");
    assert_int_equal(db_queue_length(owner.db), 3);
    wait_for(&owner, "three answers", &owner.answers, 3);
    assert_string_equal(owner.order, "ua1a2a3");
    owner_close(&owner);
}

static void a_call_made_in_on_up_goes_first(void **state)
{
    struct owner owner = {.call_in_on_up = &stmts[ECHO_]};

    (void)state;
    owner_open(&owner, postgres_conninfo(""));
    ask(&owner, &stmts[ECHO_], "later");
    wait_for(&owner, "two answers", &owner.answers, 2);
    assert_string_equal(owner.order, "uafal");
    owner_close(&owner);
}

static void a_null_parameter_is_sql_null(void **state)
{
    struct owner owner = {0};

    (void)state;
    owner_open(&owner, postgres_conninfo(""));
    ask_and_wait(&owner, &stmts[ECHO_], NULL);
    assert_int_equal(owner.err.code, ERR_none);
    assert_string_equal(owner.text, "");
    owner_close(&owner);
}

static void a_call_larger_than_the_socket_s_buffer_goes_through(void **state)
{
    CLEANUP_FREE char *text = mem_alloc((16 << 20) + 1);
    struct owner owner = {0};

    (void)state;
    memset(text, 'x', 16 << 20);
    owner_open(&owner, postgres_conninfo(""));
    ask(&owner, &stmts[LENGTH], text);
    ask(&owner, &stmts[LENGTH], text);
    wait_for(&owner, "both answers", &owner.answers, 2);
    assert_int_equal(owner.err.code, ERR_none);
    assert_string_equal(owner.text, "16777216");
    owner_close(&owner);
}

static void a_failing_statement_leaves_the_session_up(void **state)
{
    struct owner owner = {0};

    (void)state;
    owner_open(&owner, postgres_conninfo(""));
    ask_and_wait(&owner, &stmts[BROKEN], NULL);
    assert_int_equal(owner.err.code, ERR_server_error);
    assert_non_null(strstr(owner.err.text, "no_such_function"));
    ask_and_wait(&owner, &stmts[ECHO_], "x");
    assert_int_equal(owner.err.code, ERR_none);
    assert_int_equal(owner.ups, 1);
    owner_close(&owner);
}

static void the_code_of_an_error_follows_its_sqlstate(void **state)
{
    struct owner owner = {0};

    (void)state;
    owner_open(&owner, postgres_conninfo(""));
    ask_and_wait(&owner, &stmts[RAISES], "HW060");
    assert_int_equal(owner.err.code, ERR_epoch_stale);
    assert_string_equal(owner.err.text, "raised"); /* no detail: it is JSON for programs */
    ask_and_wait(&owner, &stmts[RAISES], "40001");
    assert_int_equal(owner.err.code, ERR_serialization);
    assert_string_equal(owner.err.text, "raised; {\"detail\":1}");
    owner_close(&owner);
}

/* ---- losses ---- */

static void a_lost_connection_is_made_anew(void **state)
{
    struct owner owner = {0};

    (void)state;
    owner_open(&owner, postgres_conninfo(""));
    ask_and_wait(&owner, &stmts[PID], NULL);
    terminate_sessions();
    wait_for(&owner, "on_down", &owner.downs, 1);
    assert_int_equal(owner.down_err.code, ERR_admin_shutdown);
    wait_for(&owner, "on_up again", &owner.ups, 2);
    ask_and_wait(&owner, &stmts[PID],
                 NULL); /* prepared anew: the name is unknown on this connection */
    assert_int_equal(owner.err.code, ERR_none);
    owner_close(&owner);
}

static void a_repeatable_call_is_sent_again(void **state)
{
    struct owner owner = {0};

    (void)state;
    owner_open(&owner, postgres_conninfo(""));
    ask(&owner, &stmts[RETRY_SLEEP], NULL);
    ask(&owner, &stmts[ECHO_], "queued");
    wait_until_sleeping(&owner);
    terminate_sessions();
    wait_for(&owner, "two answers", &owner.answers, 2);
    assert_int_equal(owner.err.code, ERR_none);
    assert_string_equal(owner.order,
                        "uua2aq"); /* the second turn answered, before the queued one */
    owner_close(&owner);
}

static void a_call_that_is_not_repeatable_learns_of_the_loss(void **state)
{
    struct owner owner = {0};

    (void)state;
    owner_open(&owner, postgres_conninfo(""));
    ask(&owner, &stmts[SLEEP_ONCE], "30");
    wait_until_sleeping(&owner);
    terminate_sessions();
    wait_for(&owner, "an answer", &owner.answers, 1);
    assert_int_equal(owner.err.code, ERR_connection_lost);
    assert_int_equal(err_class_of(owner.err.code), ERR_RETRY);
    assert_int_equal(owner.downs, 1);
    owner_close(&owner);
}

static void a_late_call_gets_its_error_and_the_connection_is_dropped(void **state)
{
    struct owner owner = {0};
    int64_t start_ms = clock_mono_ms();

    (void)state;
    owner_open(&owner, postgres_conninfo(""));
    ask(&owner, &stmts[SLEEP_LATE], "30");
    ask(&owner, &stmts[ECHO_], "after");
    wait_for(&owner, "two answers", &owner.answers, 2);
    assert_int_equal(owner.down_err.code, ERR_deadline_passed);
    assert_string_equal(owner.order, "uauaa");
    assert_string_equal(owner.text, "after");
    assert_true(clock_mono_ms() - start_ms < 5000);
    owner_close(&owner);
}

static void each_further_try_may_take_twice_as_long(void **state)
{
    struct owner owner = {0};

    (void)state;
    owner_open(&owner, postgres_conninfo(""));
    ask_and_wait(&owner, &stmts[PATIENCE], NULL);
    assert_int_equal(owner.err.code, ERR_none);
    assert_true(owner.downs >= 2); /* more on a busy machine */
    assert_int_equal(strtol(owner.text, NULL, 10), owner.downs + 1);
    assert_int_equal(owner.down_err.code, ERR_deadline_passed);
    assert_non_null(strstr(owner.down_err.text, "patience: no answer from host"));
    owner_close(&owner);
}

static void where_confirming_is_forbidden_an_answer_counts_without(void **state)
{
    struct owner owner = {0};

    (void)state;
    free(postgres_sql("create role plain login; revoke execute on function"
                      " pg_logical_emit_message(boolean, text, text) from public"));
    owner_open(&owner, postgres_conninfo("user=plain"));
    db_call_again(owner.db, &stmts[MAYBE], (const char *const[]){"repeated"}, answer_cb, &owner);
    wait_for(&owner, "an answer", &owner.answers, 1);
    assert_int_equal(owner.err.code, ERR_none);
    assert_int_equal(owner.ups, 1);
    owner_close(&owner);
    free(postgres_sql("grant execute on function pg_logical_emit_message(boolean, text, text)"
                      " to public"));
}

static void a_plan_that_a_migration_broke_is_made_anew(void **state)
{
    struct owner owner = {0};

    (void)state;
    owner_open(&owner, postgres_conninfo(""));
    ask_and_wait(&owner, &stmts[TABLE], NULL);
    free(postgres_sql("alter table changing add b int"));
    ask_and_wait(&owner, &stmts[TABLE], NULL);
    assert_int_equal(owner.err.code, ERR_none);
    assert_int_equal(owner.ups, 1);
    owner_close(&owner);
}

static void the_server_ends_a_statement_whose_client_has_gone(void **state)
{
    struct owner owner = {0};
    int64_t end_ms = clock_mono_ms() + WAIT_MS;
    char *left = strdup("1");

    (void)state;
    owner_open(&owner, postgres_conninfo("application_name=test_db_gone"));
    ask_and_wait(&owner, &stmts[SLEEP_LATE], "60");
    assert_int_equal(owner.err.code, ERR_deadline_passed);
    while (strcmp(left, "0") != 0) {
        assert_true(clock_mono_ms() < end_ms);
        free(left);
        left = postgres_sql("select count(*)::text from pg_stat_activity "
                            "where application_name = 'test_db_gone' and wait_event = 'PgSleep'");
        usleep(100000);
    }
    free(left);
    owner_close(&owner);
}

static void a_queued_call_is_late_even_without_a_connection(void **state)
{
    struct owner owner = {0};

    (void)state;
    owner_open(&owner, "host=/nonexistent user=postgres");
    ask(&owner, &stmts[SLEEP_LATE], "0");
    wait_for(&owner, "an answer", &owner.answers, 1);
    assert_int_equal(owner.err.code, ERR_deadline_passed);
    assert_int_equal(db_queue_length(owner.db), 0);
    owner_close(&owner);
}

static void destroying_drops_queued_calls_without_a_callback(void **state)
{
    struct owner owner = {0};

    (void)state;
    owner_open(&owner, postgres_conninfo(""));
    ask(&owner, &stmts[SLEEP], "30");
    ask(&owner, &stmts[ECHO_], "never");
    wait_until_sleeping(&owner);
    owner_close(&owner);
    assert_int_equal(owner.answers, 0);
    db_destroy(NULL);
}

/* ---- connecting ---- */

static void a_conninfo_that_cannot_be_parsed_is_refused_at_once(void **state)
{
    const struct db_config config = {.conninfo = "host=x nonsense=1"};
    struct event_base *base = event_base_new();
    struct err err;

    (void)state;
    assert_null(db_create(base, &config, &err));
    assert_int_equal(err.code, ERR_input_invalid);
    assert_non_null(strstr(err.text, "nonsense"));
    event_base_free(base);
}

static void a_refused_connection_is_tried_again_with_growing_waits(void **state)
{
    struct owner owner = {0};
    int64_t start_ms = clock_mono_ms();

    (void)state;
    owner_open(&owner, "host=/nonexistent user=postgres");
    wait_for(&owner, "five failed attempts", &owner.downs, 5);
    assert_int_equal(owner.down_err.code, ERR_connection_failed);
    assert_true(clock_mono_ms() - start_ms >= 4 * 50);
    assert_int_equal(owner.ups, 0);
    owner_close(&owner);
}

static void an_unknown_login_and_a_missing_database_are_told_apart(void **state)
{
    struct owner login = {0}, database = {0};

    (void)state;
    owner_open(&login, postgres_conninfo("user=nobody_here"));
    wait_for(&login, "a failed attempt", &login.downs, 1);
    assert_int_equal(login.down_err.code, ERR_auth_refused);
    assert_non_null(strstr(login.down_err.text, "role \"nobody_here\" does not exist"));
    assert_null(strstr(login.down_err.text, "28000"));
    assert_null(strstr(login.down_err.text, "LOCATION"));
    owner_close(&login);
    owner_open(&database, postgres_conninfo("dbname=not_there"));
    wait_for(&database, "a failed attempt", &database.downs, 1);
    assert_int_equal(database.down_err.code, ERR_database_missing);
    owner_close(&database);
}

/* A listening TCP socket on which nobody ever answers. */
static int silent_server(char port[8])
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_return_code(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_return_code(listen(fd, 5), 0);
    getsockname(fd, (struct sockaddr *)&address, &size);
    snprintf(port, 8, "%d", ntohs(address.sin_port));
    return fd;
}

static void a_host_that_hangs_holds_up_no_other_one(void **state)
{
    struct owner owner = {.config.connect_timeout_ms = 8000};
    CLEANUP_FREE char *dir = strdup(postgres_conninfo("") + strlen("host="));
    char conninfo[256], port[8];
    int fd = silent_server(port);

    (void)state;
    *strchr(dir, ' ') = '\0';
    snprintf(conninfo, sizeof conninfo,
             "host=127.0.0.1,%s port=%s,5432 user=postgres dbname=postgres sslmode=disable", dir,
             port);
    owner_open(&owner, conninfo);
    wait_for(&owner, "on_up by the second host", &owner.ups, 1);
    assert_int_equal(owner.downs, 0); /* its time has not passed, and nobody waited for that */
    owner_close(&owner);
    close(fd);
}

static void a_read_only_server_is_not_taken_when_writing_is_wanted(void **state)
{
    struct owner writer = {.config.want = DB_WANT_WRITABLE}, reader = {0};

    (void)state;
    owner_open(&writer, postgres_conninfo("options='-c default_transaction_read_only=on'"));
    wait_for(&writer, "a failed attempt", &writer.downs, 1);
    assert_int_equal(writer.down_err.code, ERR_read_only);
    owner_close(&writer);
    owner_open(&reader, postgres_conninfo("options='-c default_transaction_read_only=on'"));
    wait_for(&reader, "on_up", &reader.ups, 1);
    owner_close(&reader);
}

static void a_server_that_turns_read_only_is_left(void **state)
{
    struct owner owner = {.config.want = DB_WANT_WRITABLE};

    (void)state;
    owner_open(&owner, postgres_conninfo(""));
    ask_and_wait(&owner, &stmts[WRITE],
                 NULL); /* it had no effect: even a call that is not repeatable */
    assert_int_equal(owner.err.code, ERR_none);
    assert_string_equal(owner.text, "2");
    assert_int_equal(owner.downs, 1);
    assert_int_equal(owner.down_err.code, ERR_read_only);
    assert_non_null(strstr(owner.down_err.text, "expected a server that takes writes"));
    assert_int_equal(owner.ups, 2);
    owner_close(&owner);
}

static void a_server_that_its_owner_refuses_is_left(void **state)
{
    struct owner owner = {0};
    struct err err;

    (void)state;
    owner_open(&owner, postgres_conninfo(""));
    wait_for(&owner, "on_up", &owner.ups, 1);
    err_set(&err, ERR_epoch_stale, "left behind");
    db_refuse(owner.db, &err);
    ask_and_wait(&owner, &stmts[ECHO_], "elsewhere");
    assert_string_equal(owner.order, "uuae");
    assert_int_equal(owner.down_err.code, ERR_epoch_stale);
    owner_close(&owner);
}

static void a_server_that_comes_back_is_found_again(void **state)
{
    struct owner owner = {0};

    (void)state;
    owner_open(&owner, postgres_conninfo(""));
    wait_for(&owner, "on_up", &owner.ups, 1);
    assert_true(postgres_down());
    wait_for(&owner, "two on_downs: the loss, a refused attempt", &owner.downs, 2);
    assert_true(postgres_up());
    ask_and_wait(&owner, &stmts[ECHO_], "back");
    assert_string_equal(owner.text, "back");
    owner_close(&owner);
}

/* ---- notifications and notices ---- */

static void a_notification_arrives_on_an_idle_session(void **state)
{
    static const char *const channels[] = {"news", "Odd \"name\"", NULL};
    struct owner owner = {.config.channels = channels};

    (void)state;
    owner_open(&owner, postgres_conninfo(""));
    wait_for(&owner, "on_up", &owner.ups, 1);
    free(postgres_sql("notify news, 'hello'"));
    wait_for(&owner, "a notification", &owner.notifies, 1);
    assert_string_equal(owner.payload, "hello");
    free(postgres_sql("select pg_notify('Odd \"name\"', 'odd')"));
    wait_for(&owner, "a second one", &owner.notifies, 2);
    assert_string_equal(owner.payload, "odd");
    owner_close(&owner);
}

static void channels_are_listened_on_again_after_a_loss(void **state)
{
    struct owner owner = {0};

    (void)state;
    owner_open(&owner, postgres_conninfo(""));
    wait_for(&owner, "on_up", &owner.ups, 1);
    db_listen(owner.db, "late");
    db_listen(owner.db, "late");
    ask_and_wait(&owner, &stmts[ECHO_], "x"); /* LISTEN goes before a call made after it */
    free(postgres_sql("notify late, '1'"));
    wait_for(&owner, "a notification", &owner.notifies, 1);
    terminate_sessions();
    wait_for(&owner, "on_up again", &owner.ups, 2);
    free(postgres_sql("notify late, '2'"));
    wait_for(&owner, "a second one", &owner.notifies, 2);
    assert_string_equal(owner.payload, "2");
    owner_close(&owner);
}

static void a_notice_reaches_the_owner(void **state)
{
    struct owner owner = {0};

    (void)state;
    owner_open(&owner, postgres_conninfo(""));
    ask_and_wait(&owner, &stmts[RAISES], "notice");
    assert_int_equal(owner.err.code, ERR_none);
    assert_int_equal(owner.notices, 1);
    assert_string_equal(owner.notice, "just so you know");
    owner_close(&owner);
}

/* ---- the blocking session ---- */

static void a_blocking_call_returns_rows_or_an_error(void **state)
{
    struct err err;
    PGconn *conn = db_open_blocking(postgres_conninfo(""), "test_db", DB_WANT_WRITABLE, &err);
    PGresult *result;

    (void)state;
    assert_non_null(conn);
    result = db_call_blocking(conn, &stmts[ECHO_], (const char *const[]){"x"}, &err);
    assert_non_null(result);
    assert_string_equal(row_text(result, 0, "text"), "x");
    PQclear(result);
    assert_null(db_call_blocking(conn, &stmts[RAISES], (const char *const[]){"HW015"}, &err));
    assert_int_equal(err.code, ERR_task_unknown);
    assert_null(db_call_blocking(conn, &stmts[SLEEP_LATE], (const char *const[]){"5"}, &err));
    assert_int_equal(err.code, ERR_deadline_passed);
    PQfinish(conn);
}

static void a_blocking_session_says_why_it_cannot_be_had(void **state)
{
    struct err err;

    (void)state;
    assert_null(db_open_blocking("host=/nonexistent", "test_db", DB_WANT_ANY, &err));
    assert_int_equal(err.code, ERR_connection_failed);
    assert_null(
        db_open_blocking(postgres_conninfo("dbname=not_there"), "test_db", DB_WANT_ANY, &err));
    assert_int_equal(err.code, ERR_database_missing);
    assert_null(db_open_blocking("what", "test_db", DB_WANT_ANY, &err));
    assert_int_equal(err.code, ERR_input_invalid);
}

static void a_script_is_all_or_nothing_and_names_the_line(void **state)
{
    struct err err;
    PGconn *conn = db_open_blocking(postgres_conninfo(""), "test_db", DB_WANT_WRITABLE, &err);
    char *found;

    (void)state;
    assert_non_null(conn);
    assert_int_equal(db_script_blocking(conn, "create table one();\n-- ä\nselect x;", 5000, &err),
                     -1);
    assert_non_null(strstr(err.text, "line 3: column \"x\" does not exist"));
    found = postgres_sql("select to_regclass('one')::text");
    assert_null(found);
    assert_int_equal(db_script_blocking(conn, "create table one();drop table one;", 5000, &err), 0);
    PQfinish(conn);
}

static const char fixtures[] =
    "create function raise_state(state text) returns void language plpgsql as $$ begin "
    "  if state = 'notice' then raise notice 'just so you know'; return; end if; "
    "  raise exception 'raised' using errcode = state, detail = '{\"detail\":1}'; end $$;"
    "create sequence turns;"
    "create function sleep_first_time() returns bigint language plpgsql as $$ "
    "declare turn bigint := nextval('turns'); begin "
    "  if turn = 1 then perform pg_sleep(30); end if; return turn; end $$;"
    "create sequence writes;"
    "create function read_only_first_time() returns bigint language plpgsql as $$ "
    "declare turn bigint := nextval('writes'); begin if turn = 1 then "
    "  raise exception 'cannot execute INSERT in a read-only transaction' using errcode = '25006'; "
    "end if; return turn; end $$;"
    "create sequence naps;" /* 0.9 s, which the third try of 0.4 s, doubled twice, allows */
    "create function sleep_less() returns bigint language plpgsql as $$ "
    "declare turn bigint := nextval('naps'); begin perform pg_sleep(0.9); return turn; end $$;"
    "create table changing (a int);";

static int skipped_for_want_of_postgres(void)
{
    printf("[  SKIPPED ] test_db: PostgreSQL's server programs are not here\n");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_answered_with_its_row),
        cmocka_unit_test(calls_are_answered_in_order),
        cmocka_unit_test(a_call_made_in_on_up_goes_first),
        cmocka_unit_test(a_null_parameter_is_sql_null),
        cmocka_unit_test(a_call_larger_than_the_socket_s_buffer_goes_through),
        cmocka_unit_test(a_failing_statement_leaves_the_session_up),
        cmocka_unit_test(the_code_of_an_error_follows_its_sqlstate),
        cmocka_unit_test(a_lost_connection_is_made_anew),
        cmocka_unit_test(a_repeatable_call_is_sent_again),
        cmocka_unit_test(a_call_that_is_not_repeatable_learns_of_the_loss),
        cmocka_unit_test(a_late_call_gets_its_error_and_the_connection_is_dropped),
        cmocka_unit_test(each_further_try_may_take_twice_as_long),
        cmocka_unit_test(where_confirming_is_forbidden_an_answer_counts_without),
        cmocka_unit_test(a_plan_that_a_migration_broke_is_made_anew),
        cmocka_unit_test(the_server_ends_a_statement_whose_client_has_gone),
        cmocka_unit_test(a_queued_call_is_late_even_without_a_connection),
        cmocka_unit_test(destroying_drops_queued_calls_without_a_callback),
        cmocka_unit_test(a_conninfo_that_cannot_be_parsed_is_refused_at_once),
        cmocka_unit_test(a_refused_connection_is_tried_again_with_growing_waits),
        cmocka_unit_test(an_unknown_login_and_a_missing_database_are_told_apart),
        cmocka_unit_test(a_host_that_hangs_holds_up_no_other_one),
        cmocka_unit_test(a_read_only_server_is_not_taken_when_writing_is_wanted),
        cmocka_unit_test(a_server_that_turns_read_only_is_left),
        cmocka_unit_test(a_notification_arrives_on_an_idle_session),
        cmocka_unit_test(channels_are_listened_on_again_after_a_loss),
        cmocka_unit_test(a_notice_reaches_the_owner),
        cmocka_unit_test(a_blocking_call_returns_rows_or_an_error),
        cmocka_unit_test(a_blocking_session_says_why_it_cannot_be_had),
        cmocka_unit_test(a_script_is_all_or_nothing_and_names_the_line),
        cmocka_unit_test(a_server_that_its_owner_refuses_is_left),
        cmocka_unit_test(a_server_that_comes_back_is_found_again),
    };
    int failed;

    if (!postgres_installed())
        return skipped_for_want_of_postgres();
    if (!postgres_start()) {
        postgres_stop();
        return 1;
    }
    free(postgres_sql(fixtures));
    failed = cmocka_run_group_tests_name("db", tests, NULL, NULL);
    postgres_stop();
    return failed;
}
