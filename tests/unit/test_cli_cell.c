/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cell.h"

static char dir[] = "/tmp/howdah-test-cell.XXXXXX";
static struct cli cli;
static struct err err;

static void env_write(const char *text)
{
    CLEANUP_FREE char *path = mem_printf("%s/env", dir);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int group_set_up(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int group_tear_down(void **state)
{
    CLEANUP_FREE char *path = mem_printf("%s/env", dir);

    (void)state;
    (void)remove(path);
    return remove(dir);
}

static int set_up(void **state)
{
    (void)state;
    cli = (struct cli){.verb = verb_find("agents"), .options = {.dir = dir}};
    return 0;
}

static void the_env_file_is_read_as_a_shell_would(void **state)
{
    CLEANUP_FREE char *value = NULL, *other = NULL, *plain = NULL;

    (void)state;
    env_write("HOWDAH_DB_ADMIN='host=/tmp/x passfile='\\''/a b/it\\'\\''s'\\'''\n"
              "HOWDAH_HTTP='http://127.0.0.1:8080'\nPLAIN=word # rest\n");
    value = cell_env(&cli, "HOWDAH_DB_ADMIN");
    other = cell_env(&cli, "HOWDAH_HTTP");
    plain = cell_env(&cli, "PLAIN");
    assert_string_equal(value, "host=/tmp/x passfile='/a b/it\\'s'");
    assert_string_equal(other, "http://127.0.0.1:8080");
    assert_string_equal(plain, "word");
}

static void an_unknown_variable_is_null(void **state)
{
    (void)state;
    env_write("HOWDAH_HTTP='x'\n");
    assert_null(cell_env(&cli, "HOWDAH"));
    assert_null(cell_env(&cli, "HOWDAH_HTTPS"));
}

static void each_verb_gets_the_conninfo_of_its_login(void **state)
{
    CLEANUP_FREE char *operator= NULL, *framework = NULL, *admin = NULL;

    (void)state;
    env_write("HOWDAH_DB_ADMIN='a'\nHOWDAH_DB_OPERATOR='o'\nHOWDAH_DB_FRAMEWORK='f'\n");
    operator= cell_conninfo(&cli, &err);
    cli.verb = verb_find("run");
    framework = cell_conninfo(&cli, &err);
    cli.verb = verb_find("migrate");
    admin = cell_conninfo(&cli, &err);
    assert_string_equal(operator, "o");
    assert_string_equal(framework, "f");
    assert_string_equal(admin, "a");
}

static void a_given_conninfo_comes_first(void **state)
{
    CLEANUP_FREE char *conninfo = NULL;

    (void)state;
    env_write("HOWDAH_DB_OPERATOR='o'\n");
    cli.options.db = (char *)"host=given";
    conninfo = cell_conninfo(&cli, &err);
    assert_string_equal(conninfo, "host=given");
}

static void without_a_cluster_the_next_step_is_said(void **state)
{
    (void)state;
    cli.options.dir = (char *)"/nowhere";
    assert_null(cell_conninfo(&cli, &err));
    assert_int_equal(err.code, ERR_not_connected);
    assert_non_null(strstr(err.text, "start one with `howdah up`"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_env_file_is_read_as_a_shell_would, set_up),
        cmocka_unit_test_setup(an_unknown_variable_is_null, set_up),
        cmocka_unit_test_setup(each_verb_gets_the_conninfo_of_its_login, set_up),
        cmocka_unit_test_setup(a_given_conninfo_comes_first, set_up),
        cmocka_unit_test_setup(without_a_cluster_the_next_step_is_said, set_up),
    };

    return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
