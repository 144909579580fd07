/* SPDX-License-Identifier: PostgreSQL */
/* base/db against two servers, a primary and its standby: which one is taken after a promotion,
 * with the former primary still there, paused or restarted; and what counts as an acknowledgement.
 * Skipped where no server can be started. */
#include "tests/unit/cmocka_all.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/row.h"
#include "tests/unit/db_owner.h"
#include "tests/unit/postgres.h"

enum { WHERE, PID, KEEP, KEEP_ONCE, NAP, LATE };
static const struct db_stmt stmts[] = {
    [WHERE] = {"where", "select current_setting('unix_socket_directories')", 0, DB_READS, 0, 8000},
    [PID] = {"pid", "select pg_backend_pid()", 0, DB_READS, 0, 8000},
    [KEEP] = {"keep", "select keep($1)", 1, DB_BY_KEY, 0, 9000},
    [KEEP_ONCE] = {"keep_once", "select keep($1)", 1, DB_ONCE, 0, 9000},
    [NAP] = {"nap", "select pg_sleep(0)", 0, DB_READS, 500, 8000},
    [LATE] = {"late", "select pg_sleep(20)", 0, DB_READS, 0, 1},
};

/* Both servers, the named one first. */
static const char *both(enum postgres_server first, const char *more)
{
    static char conninfo[512];

    snprintf(conninfo, sizeof conninfo, "host=%s,%s user=postgres dbname=postgres %s",
             postgres_socket(first), postgres_socket(!first), more);
    return conninfo;
}

static const char *only(enum postgres_server server)
{
    static char conninfo[256];

    snprintf(conninfo, sizeof conninfo, "host=%s user=postgres dbname=postgres",
             postgres_socket(server));
    return conninfo;
}

/* Where a blocking session ends up. */
static void assert_opens(const char *conninfo, enum db_want want, enum postgres_server server)
{
    struct err err = {0};
    PGconn *conn = db_open_blocking(conninfo, "test_db", want, &err);

    assert_string_equal(err.text, "");
    assert_string_equal(PQhost(conn), postgres_socket(server));
    PQfinish(conn);
}

/* Turn the loop until sql answers "t" on the server. */
static void wait_until(struct owner *owner, enum postgres_server server, const char *sql)
{
    int64_t end_ms = clock_mono_ms() + WAIT_MS;
    struct timer *tick = timer_create_on(owner->base, nothing_cb, NULL);
    bool met = false;

    while (!met) {
        char *found = postgres_sql_on(server, sql);

        met = found && !strcmp(found, "t");
        free(found);
        if (clock_mono_ms() > end_ms)
            fail_msg("waited %d ms for: %s", WAIT_MS, sql);
        timer_start(tick, 20);
        event_base_loop(owner->base, EVLOOP_ONCE);
    }
    timer_free(tick);
}

static void promote(void)
{
    char *done = postgres_sql_on(POSTGRES_SECOND, "select pg_promote()");

    assert_string_equal(done, "t");
    free(done);
}

static int fresh_standby(void **state)
{
    (void)state;
    return postgres_standby_start() ? 0 : -1;
}

/* ---- which server ---- */

static void a_writer_passes_over_a_standby(void **state)
{
    struct owner owner = {.config.want = DB_WANT_WRITABLE};

    (void)state;
    owner_open(&owner, both(POSTGRES_SECOND, ""));
    ask_and_wait(&owner, &stmts[WHERE], NULL);
    assert_string_equal(owner.text, postgres_socket(POSTGRES_FIRST));
    assert_int_equal(owner.downs, 0);
    owner_close(&owner);
}

static void a_reader_prefers_what_its_conninfo_says(void **state)
{
    (void)state;
    assert_opens(both(POSTGRES_SECOND, ""), DB_WANT_ANY, POSTGRES_FIRST);
    assert_opens(both(POSTGRES_FIRST, "target_session_attrs=prefer-standby"), DB_WANT_ANY,
                 POSTGRES_SECOND);
    assert_opens(both(POSTGRES_FIRST, "target_session_attrs=standby"), DB_WANT_ANY,
                 POSTGRES_SECOND);
    assert_opens(only(POSTGRES_SECOND), DB_WANT_ANY, POSTGRES_SECOND);
    assert_opens(both(POSTGRES_SECOND, "target_session_attrs=prefer-standby"), DB_WANT_WRITABLE,
                 POSTGRES_FIRST);
}

static void a_write_on_a_standby_is_refused_with_its_name(void **state)
{
    struct err err = {0};
    PGconn *conn = db_open_blocking(only(POSTGRES_SECOND), "test_db", DB_WANT_ANY, &err);
    PGresult *result;

    (void)state;
    assert_non_null(conn);
    result = db_call_blocking(conn, &stmts[WHERE], NULL, &err);
    assert_non_null(result); /* reading is fine */
    PQclear(result);
    assert_null(db_call_blocking(conn, &stmts[KEEP], (const char *const[]){"refused"}, &err));
    assert_int_equal(err.code, ERR_read_only);
    assert_non_null(strstr(err.text, postgres_socket(POSTGRES_SECOND)));
    assert_non_null(strstr(err.text, "expected a server that takes writes"));
    PQfinish(conn);
    assert_null(db_open_blocking(only(POSTGRES_SECOND), "test_db", DB_WANT_WRITABLE, &err));
    assert_int_equal(err.code, ERR_read_only);
    assert_non_null(strstr(err.text, postgres_socket(POSTGRES_SECOND)));
    assert_non_null(strstr(err.text, "expected a server that takes writes"));
}

static void of_two_that_take_writes_the_later_timeline_is_taken(void **state)
{
    struct owner owner = {.config.want = DB_WANT_WRITABLE};

    (void)state;
    promote();
    assert_opens(both(POSTGRES_FIRST, ""), DB_WANT_WRITABLE, POSTGRES_SECOND);
    assert_opens(both(POSTGRES_SECOND, ""), DB_WANT_WRITABLE, POSTGRES_SECOND);
    owner_open(&owner, both(POSTGRES_FIRST, ""));
    ask_and_wait(&owner, &stmts[WHERE], NULL);
    assert_string_equal(owner.text, postgres_socket(POSTGRES_SECOND));
    owner_close(&owner);
}

static void a_paused_primary_holds_nobody_up(void **state)
{
    struct owner owner = {.config.want = DB_WANT_WRITABLE, .config.connect_timeout_ms = 60000};

    (void)state;
    promote();
    postgres_signal(POSTGRES_FIRST, SIGSTOP);
    owner_open(&owner, both(POSTGRES_FIRST, ""));
    ask_and_wait(&owner, &stmts[WHERE], NULL); /* 8 s, not a minute */
    assert_string_equal(owner.text, postgres_socket(POSTGRES_SECOND));
    assert_int_equal(owner.downs, 0);
    owner_close(&owner);
    assert_opens(both(POSTGRES_FIRST, ""), DB_WANT_WRITABLE, POSTGRES_SECOND);
    postgres_signal(POSTGRES_FIRST, SIGCONT);
}

static void a_former_primary_is_never_gone_back_to(void **state)
{
    struct owner owner = {.config.want = DB_WANT_WRITABLE};

    (void)state;
    promote();
    owner_open(&owner, both(POSTGRES_FIRST, ""));
    wait_for(&owner, "on_up", &owner.ups, 1);
    assert_true(postgres_down_of(POSTGRES_SECOND));
    wait_for(&owner, "the loss, and a report of the search", &owner.downs, 3);
    assert_int_equal(owner.down_err.code, ERR_server_stale);
    assert_non_null(strstr(owner.down_err.text, "its timeline is 1, 2 was seen"));
    assert_true(postgres_up_of(POSTGRES_SECOND));
    ask_and_wait(&owner, &stmts[WHERE], NULL);
    assert_string_equal(owner.text, postgres_socket(POSTGRES_SECOND));
    assert_int_equal(owner.ups, 2);
    owner_close(&owner);
}

static void a_session_waits_for_the_promotion(void **state)
{
    struct owner owner = {.config.want = DB_WANT_WRITABLE};

    (void)state;
    owner_open(&owner, both(POSTGRES_FIRST, ""));
    wait_for(&owner, "on_up", &owner.ups, 1);
    assert_true(postgres_down());
    wait_for(&owner, "the loss, and a report of the search", &owner.downs, 2);
    assert_int_equal(owner.down_err.code, ERR_read_only); /* what gives most hope */
    assert_non_null(strstr(owner.down_err.text, postgres_socket(POSTGRES_FIRST)));
    assert_non_null(strstr(owner.down_err.text, "expected a server that takes writes"));
    promote();
    ask_and_wait(&owner, &stmts[WHERE], NULL);
    assert_string_equal(owner.text, postgres_socket(POSTGRES_SECOND));
    owner_close(&owner);
    assert_true(postgres_up());
}

/* ---- conninfo ---- */

static void conninfos_that_contradict_are_refused(void **state)
{
    static const struct {
        const char *conninfo, *said;
    } rows[] = {
        {"host=a,b port=1,2,3", "3 ports for 2 hosts"},
        {"host=a,b hostaddr=127.0.0.1", "1 values of hostaddr for 2 of host"},
        {"host=a target_session_attrs=master", "target_session_attrs is \"master\": expected any"},
        {"host=a target_session_attrs=standby", "needs a server that takes writes"},
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_null(db_open_blocking(rows[i].conninfo, "test_db", DB_WANT_WRITABLE, &err));
        assert_int_equal(err.code, ERR_input_invalid);
        assert_non_null(strstr(err.text, rows[i].said));
    }
}

static void a_list_in_the_environment_counts(void **state)
{
    char hosts[256];

    (void)state;
    snprintf(hosts, sizeof hosts, "%s,%s", postgres_socket(POSTGRES_SECOND),
             postgres_socket(POSTGRES_FIRST));
    setenv("PGHOST", hosts, 1);
    setenv("PGTARGETSESSIONATTRS", "prefer-standby", 1);
    assert_opens("user=postgres dbname=postgres", DB_WANT_WRITABLE, POSTGRES_FIRST);
    assert_opens("user=postgres dbname=postgres", DB_WANT_ANY, POSTGRES_SECOND);
    unsetenv("PGTARGETSESSIONATTRS");
    unsetenv("PGHOST");
}

static const char *option_of(PGconn *conn, const char *keyword)
{
    static char value[64];
    PQconninfoOption *options = PQconninfo(conn);

    value[0] = '\0';
    for (const PQconninfoOption *option = options; option->keyword; option++)
        if (!strcmp(option->keyword, keyword) && option->val)
            snprintf(value, sizeof value, "%s", option->val);
    PQconninfoFree(options);
    return value;
}

static void a_peer_that_vanishes_is_noticed_unless_the_conninfo_says_otherwise(void **state)
{
    struct err err;
    PGconn *conn =
        db_open_blocking(postgres_conninfo("keepalives_idle=77"), "test_db", DB_WANT_ANY, &err);

    (void)state;
    assert_non_null(conn);
    assert_string_equal(option_of(conn, "keepalives_idle"), "77");
    assert_string_equal(option_of(conn, "keepalives_interval"), "1");
    assert_string_equal(option_of(conn, "tcp_user_timeout"), "5000");
    PQfinish(conn);
}

/* ---- the outcome of a call ---- */

static void a_paused_backend_costs_one_try(void **state)
{
    struct owner owner = {.config.want = DB_WANT_WRITABLE};
    pid_t backend;

    (void)state;
    owner_open(&owner, both(POSTGRES_FIRST, ""));
    ask_and_wait(&owner, &stmts[PID], NULL);
    backend = (pid_t)strtol(owner.text, NULL, 10);
    assert_return_code(kill(backend, SIGSTOP), 0);
    ask_and_wait(&owner, &stmts[NAP], NULL);
    assert_int_equal(owner.err.code, ERR_none);
    assert_true(owner.downs >= 1); /* more on a busy machine */
    assert_int_equal(owner.down_err.code, ERR_deadline_passed);
    assert_non_null(strstr(owner.down_err.text, postgres_socket(POSTGRES_FIRST)));
    kill(backend, SIGCONT);
    owner_close(&owner);
}

/* Whether as many sessions of the test as this wait for the standby with a query like this. */
#define WAITING(count, query)                                                                      \
    "select count(*) = " count " from pg_stat_activity where application_name = 'test_db'"         \
    " and wait_event = 'SyncRep' and query like '" query "'"

static void standby_wanted(bool wanted)
{
    free(postgres_sql(wanted ? "alter system set synchronous_standby_names = '*'"
                             : "alter system reset synchronous_standby_names"));
    free(postgres_sql("select pg_reload_conf()"));
}

static void cancel_waiting_commits(void)
{
    free(postgres_sql("set synchronous_commit = local; select pg_cancel_backend(pid)"
                      " from pg_stat_activity where wait_event = 'SyncRep'"));
}

static void a_commit_whose_wait_was_cancelled_is_no_answer(void **state)
{
    struct owner owner = {.config.want = DB_WANT_WRITABLE};

    (void)state;
    owner_open(&owner, both(POSTGRES_FIRST, ""));
    wait_for(&owner, "on_up", &owner.ups, 1);
    standby_wanted(true);
    wait_until(&owner, POSTGRES_FIRST, "select current_setting('synchronous_standby_names') = '*'");
    assert_true(postgres_down_of(POSTGRES_SECOND));
    ask(&owner, &stmts[KEEP], "unconfirmed");
    wait_until(&owner, POSTGRES_FIRST, WAITING("1", "%keep%"));
    cancel_waiting_commits();
    /* The repetition finds the row and writes nothing; what it waits for is the confirmation. */
    wait_until(&owner, POSTGRES_FIRST, WAITING("1", "%pg_logical_emit_message%"));
    assert_int_equal(owner.answers, 0);
    assert_int_equal(owner.down_err.code, ERR_commit_unconfirmed);
    assert_true(postgres_up_of(POSTGRES_SECOND));
    wait_for(&owner, "an answer", &owner.answers, 1);
    assert_int_equal(owner.err.code, ERR_none);
    wait_until(&owner, POSTGRES_FIRST, "select count(*) = 1 from kept where key = 'unconfirmed'");
    standby_wanted(false);
    owner_close(&owner);
}

static void a_call_that_may_not_be_repeated_learns_that_nobody_confirmed_it(void **state)
{
    struct owner owner = {.config.want = DB_WANT_WRITABLE};

    (void)state;
    owner_open(&owner, both(POSTGRES_FIRST, ""));
    wait_for(&owner, "on_up", &owner.ups, 1);
    standby_wanted(true);
    wait_until(&owner, POSTGRES_FIRST, "select current_setting('synchronous_standby_names') = '*'");
    assert_true(postgres_down_of(POSTGRES_SECOND));
    ask(&owner, &stmts[KEEP_ONCE], "once");
    wait_until(&owner, POSTGRES_FIRST, WAITING("1", "%keep%"));
    cancel_waiting_commits();
    wait_for(&owner, "an answer", &owner.answers, 1);
    assert_int_equal(owner.err.code, ERR_commit_unconfirmed);
    assert_int_equal(err_class_of(owner.err.code), ERR_RETRY);
    standby_wanted(false);
    owner_close(&owner);
}

/* tests/lib/cut_proxy.py in front of the first server; it cuts the first of every two keep(). */
static pid_t cut_proxy_start(const char *folder)
{
    char listen_path[128], server_path[128];
    pid_t pid;

    snprintf(listen_path, sizeof listen_path, "%s/.s.PGSQL.5432", folder);
    snprintf(server_path, sizeof server_path, "%s/.s.PGSQL.5432", postgres_socket(POSTGRES_FIRST));
    pid = fork();
    if (pid == 0) {
        execlp("python3", "python3", TEST_DIR "/lib/cut_proxy.py", listen_path, server_path, "keep",
               "2", (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < WAIT_MS / 20 && access(listen_path, F_OK) != 0; i++)
        usleep(20000);
    assert_return_code(access(listen_path, F_OK), 0);
    return pid;
}

static void cut_proxy_stop(pid_t pid, const char *folder)
{
    char path[128];

    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    snprintf(path, sizeof path, "%s/.s.PGSQL.5432", folder);
    unlink(path);
    rmdir(folder);
}

static void an_answer_lost_after_its_commit_is_asked_for_again(void **state)
{
    struct owner owner = {.config.want = DB_WANT_WRITABLE};
    char folder[] = "/tmp/howdah-unit-cut.XXXXXX", conninfo[128];
    pid_t proxy;

    (void)state;
    assert_non_null(mkdtemp(folder));
    proxy = cut_proxy_start(folder);
    snprintf(conninfo, sizeof conninfo, "host=%s user=postgres dbname=postgres", folder);
    owner_open(&owner, conninfo);
    ask_and_wait(&owner, &stmts[KEEP], "cut");
    assert_int_equal(owner.err.code, ERR_none);
    assert_string_equal(owner.text, "f"); /* it was there already */
    assert_int_equal(owner.downs, 1);
    wait_until(&owner, POSTGRES_FIRST, "select count(*) = 1 from kept where key = 'cut'");
    owner_close(&owner);
    cut_proxy_stop(proxy, folder);
}

static void a_blocking_call_is_tried_until_its_outcome_is_known(void **state)
{
    char folder[] = "/tmp/howdah-unit-cut.XXXXXX", conninfo[128];
    PGconn *conn = NULL;
    const struct db_login login = {
        .conninfo = conninfo, .application_name = "test_db", .conn = &conn};
    struct err err = {0};
    PGresult *result;
    char *count;
    pid_t proxy;

    (void)state;
    assert_non_null(mkdtemp(folder));
    proxy = cut_proxy_start(folder);
    snprintf(conninfo, sizeof conninfo, "host=%s user=postgres dbname=postgres", folder);
    result = db_call_until_known(&login, &stmts[KEEP], (const char *const[]){"blocking"}, ERR_none,
                                 &err);
    assert_non_null(result);
    assert_string_equal(PQgetvalue(result, 0, 0), "f");
    PQclear(result);
    count = postgres_sql("select count(*)::text from kept where key = 'blocking'");
    assert_string_equal(count, "1");
    free(count);
    PQfinish(conn);
    cut_proxy_stop(proxy, folder);
}

static void a_deadline_that_passes_before_a_server_is_found_still_ends_the_call(void **state)
{
    PGconn *conn = NULL;
    const struct db_login login = {
        .conninfo = only(POSTGRES_FIRST), .application_name = "test_db", .conn = &conn};
    struct err err = {0};

    (void)state;
    assert_null(db_call_until_known(&login, &stmts[LATE], NULL, ERR_none, &err));
    assert_int_equal(err.code, ERR_deadline_passed);
    PQfinish(conn);
}

static const char fixtures[] =
    "create table kept (key text primary key);"
    /* true for the one that made it */
    "create function keep(key text) returns boolean language sql as $$ "
    "  with made as (insert into kept values (key) on conflict do nothing returning 1)"
    "  select exists (select from made) $$;";

static int skipped_for_want_of_postgres(void)
{
    printf("[  SKIPPED ] test_db_pair: PostgreSQL's server programs are not here\n");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_writer_passes_over_a_standby),
        cmocka_unit_test(a_reader_prefers_what_its_conninfo_says),
        cmocka_unit_test(a_write_on_a_standby_is_refused_with_its_name),
        cmocka_unit_test(conninfos_that_contradict_are_refused),
        cmocka_unit_test(a_list_in_the_environment_counts),
        cmocka_unit_test(a_peer_that_vanishes_is_noticed_unless_the_conninfo_says_otherwise),
        cmocka_unit_test(a_paused_backend_costs_one_try),
        cmocka_unit_test(an_answer_lost_after_its_commit_is_asked_for_again),
        cmocka_unit_test(a_blocking_call_is_tried_until_its_outcome_is_known),
        cmocka_unit_test(a_deadline_that_passes_before_a_server_is_found_still_ends_the_call),
        cmocka_unit_test(a_commit_whose_wait_was_cancelled_is_no_answer),
        cmocka_unit_test_setup(a_call_that_may_not_be_repeated_learns_that_nobody_confirmed_it,
                               fresh_standby),
        cmocka_unit_test_setup(of_two_that_take_writes_the_later_timeline_is_taken, fresh_standby),
        cmocka_unit_test_setup(a_paused_primary_holds_nobody_up, fresh_standby),
        cmocka_unit_test_setup(a_former_primary_is_never_gone_back_to, fresh_standby),
        cmocka_unit_test_setup(a_session_waits_for_the_promotion, fresh_standby),
    };
    int failed;

    if (!postgres_installed())
        return skipped_for_want_of_postgres();
    if (!postgres_start()) {
        postgres_stop();
        return 1;
    }
    free(postgres_sql(fixtures));
    failed =
        postgres_standby_start() ? cmocka_run_group_tests_name("db_pair", tests, NULL, NULL) : 1;
    postgres_stop();
    return failed;
}
