/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/db.h"
#include "base/mem.h"
#include "cli/migrate.h"
#include "tests/unit/postgres.h"

#define SCHEMAS                                                                                    \
    "do $$ begin if to_regrole('howdah_owner') is null then create role howdah_owner; end if; "    \
    "end $$; create schema howdah_private authorization howdah_owner; "                            \
    "grant create on schema public to howdah_owner; set local role howdah_owner;"

static PGconn *conn;
static struct err err;
static char done_names[512];

static int group_set_up(void **state)
{
    (void)state;
    return !postgres_installed() || postgres_start() ? 0 : -1;
}

static int group_tear_down(void **state)
{
    (void)state;
    postgres_stop();
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    if (!postgres_installed())
        return 0;
    free(postgres_sql("drop schema if exists howdah_private cascade"));
    free(postgres_sql("drop table if exists one, two, three"));
    conn = db_open_blocking(postgres_conninfo(""), "test", DB_WANT_WRITABLE, &err);
    return conn ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    PQfinish(conn);
    conn = NULL;
    return 0;
}

static void done(const char *name)
{
    size_t len = strlen(done_names);

    snprintf(done_names + len, sizeof done_names - len, "%s ", name);
}

static void never_waits(void)
{
    fail_msg("nobody else holds the lock");
}

/* Plans and applies; the number of files applied, or -1. */
static int migrate(struct manifest_file *files, size_t count)
{
    const struct manifest manifest = {.files = files, .count = count};
    struct migrate_plan plan;
    int applied = -1;

    done_names[0] = '\0';
    if (migrate_plan_make(conn, &manifest, &plan, &err) == 0) {
        applied = migrate_apply(conn, &plan, done, &err);
        migrate_plan_free(&plan);
    }
    return applied;
}

static int number_of(const char *sql)
{
    CLEANUP_FREE char *text = postgres_sql(sql);

    return (int)strtol(text, NULL, 10);
}

#define FILE_COUNT(files) (sizeof(files) / sizeof((files)[0]))
#define NEEDS_POSTGRES                                                                             \
    (void)state;                                                                                   \
    if (!postgres_installed())                                                                     \
    skip()

static struct manifest_file first = {(char *)"migrations/0001_a.sql",
                                     (char *)SCHEMAS "create table one ();", 1};
static struct manifest_file second = {(char *)"migrations/0002_b.sql",
                                      (char *)"set local role howdah_owner; create table two ();",
                                      2};
static struct manifest_file function = {
    (char *)"functions/f.sql",
    (char *)"create or replace function f() returns int language sql as 'select 1';", 0};

static void each_file_is_applied_once_and_recorded(void **state)
{
    struct manifest_file files[] = {first, second, function};

    NEEDS_POSTGRES;
    assert_int_equal(migrate_lock(conn, never_waits, &err), 0);
    assert_int_equal(migrate(files, FILE_COUNT(files)), 3);
    assert_string_equal(done_names, "migrations/0001_a.sql migrations/0002_b.sql functions/f.sql ");
    assert_int_equal(number_of("select count(*) from howdah_private.schema_migration"), 3);
    assert_int_equal(migrate(files, FILE_COUNT(files)), 0);
    assert_string_equal(done_names, "");
}

static void checksums_are_sha256_of_the_text(void **state)
{
    struct manifest_file files[] = {first};

    NEEDS_POSTGRES;
    assert_int_equal(migrate(files, 1), 1);
    CLEANUP_FREE char *query =
        mem_printf("select count(*) from howdah_private.schema_migration "
                   "where checksum = encode(sha256(convert_to($text$%s$text$, 'UTF8')), 'hex')",
                   first.text);

    assert_int_equal(number_of(query), 1);
}

static void changed_functions_are_applied_anew(void **state)
{
    struct manifest_file files[] = {first, function};

    NEEDS_POSTGRES;
    assert_int_equal(migrate(files, 2), 2);
    files[1].text =
        (char *)"create or replace function f() returns int language sql as 'select 2';";
    assert_int_equal(migrate(files, 2), 1);
    assert_string_equal(done_names, "functions/f.sql ");
    assert_int_equal(number_of("select f()"), 2);
}

static void a_failing_migration_leaves_what_came_before(void **state)
{
    struct manifest_file files[] = {first, second};

    NEEDS_POSTGRES;
    files[1].text = (char *)"create table two ();\n\nnonsense;";
    assert_int_equal(migrate(files, 2), -1);
    assert_non_null(strstr(err.text, "migrations/0002_b.sql: line 3"));
    assert_string_equal(done_names, "migrations/0001_a.sql ");
    assert_int_equal(number_of("select count(to_regclass('two'))"), 0);
    files[1] = second;
    assert_int_equal(migrate(files, 2), 1);
}

static void a_failing_function_undoes_all_functions(void **state)
{
    struct manifest_file files[] = {first, function, function};

    NEEDS_POSTGRES;
    files[1].text = (char *)"create table three ();";
    files[2].name = (char *)"functions/g.sql";
    files[2].text = (char *)"select 1 / 0;";
    assert_int_equal(migrate(files, 3), -1);
    assert_non_null(strstr(err.text, "functions/g.sql"));
    assert_int_equal(number_of("select count(to_regclass('three'))"), 0);
}

static void a_changed_migration_is_refused(void **state)
{
    struct manifest_file files[] = {first};

    NEEDS_POSTGRES;
    assert_int_equal(migrate(files, 1), 1);
    files[0].text = (char *)"select 1;";
    assert_int_equal(migrate(files, 1), -1);
    assert_int_equal(err.code, ERR_schema_changed);
    assert_non_null(strstr(err.text, "migrations/0001_a.sql"));
}

static void a_migration_slipped_in_is_refused(void **state)
{
    struct manifest_file files[] = {first, second};
    struct manifest_file third = second;

    NEEDS_POSTGRES;
    third.name = (char *)"migrations/0003_c.sql";
    third.number = 3;
    third.text = (char *)"select 3;";
    files[1] = third;
    assert_int_equal(migrate(files, 2), 2);
    struct manifest_file more[] = {first, second, third};

    assert_int_equal(migrate(more, 3), -1);
    assert_int_equal(err.code, ERR_schema_changed);
    assert_non_null(strstr(err.text, "0002_b.sql stands before migrations/0003_c.sql"));
}

static void a_newer_database_is_refused(void **state)
{
    struct manifest_file files[] = {first, second};

    NEEDS_POSTGRES;
    assert_int_equal(migrate(files, 2), 2);
    assert_int_equal(migrate(files, 1), -1);
    assert_int_equal(err.code, ERR_schema_newer);
    assert_non_null(strstr(err.text, "migrations/0002_b.sql"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_file_is_applied_once_and_recorded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(checksums_are_sha256_of_the_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changed_functions_are_applied_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failing_migration_leaves_what_came_before, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_failing_function_undoes_all_functions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_changed_migration_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_migration_slipped_in_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_newer_database_is_refused, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
