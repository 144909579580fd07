/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/options.h"

static struct options options;
static struct err err;

static int load(const char *const *arguments)
{
    char *argv[16] = {(char *)"howdah-coordinator"};
    int argc = 1;

    for (; arguments[argc - 1] != NULL; argc++)
        argv[argc] = (char *)arguments[argc - 1];
    options = (struct options){.db = NULL};
    return options_load(&options, argc, argv, &err);
}

#define LOAD(...) load((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static int set_up(void **state)
{
    (void)state;
    unsetenv("HOWDAH_DB");
    unsetenv("HOWDAH_PORT");
    return 0;
}

static void presets_are_those_of_the_manual(void **state)
{
    (void)state;
    assert_int_equal(LOAD("--db", "dbname=x"), 0);
    assert_string_equal(options.listen, "127.0.0.1");
    assert_int_equal(options.port, 8080);
    assert_int_equal(options.turn_ms, 250);
    assert_int_equal(options.idle_ms, 1000);
    assert_int_equal(options.lease_ttl_ms, 1500);
    assert_int_equal(options.lease_renew_ms, 400);
    assert_int_equal(options.http_clients, 256);
    assert_false(options.insecure_http);
    assert_string_equal(options.log_level, "info");
    options_free(&options);
}

static void without_a_name_the_host_has_one(void **state)
{
    (void)state;
    assert_int_equal(LOAD("--db", "dbname=x"), 0);
    assert_true(strlen(options.name) > 0);
    options_free(&options);
    assert_int_equal(LOAD("--db", "dbname=x", "--name", "c1"), 0);
    assert_string_equal(options.name, "c1");
    options_free(&options);
}

static void the_database_must_be_named(void **state)
{
    (void)state;
    assert_int_equal(LOAD("--port", "0"), -1);
    assert_int_equal(err.code, ERR_input_invalid);
    assert_non_null(strstr(err.text, "--db"));
    assert_int_equal(LOAD("--db", ""), -1);
    assert_non_null(strstr(err.text, "--db"));
}

static void the_environment_gives_what_the_command_line_does_not(void **state)
{
    (void)state;
    setenv("HOWDAH_DB", "dbname=environment", 1);
    setenv("HOWDAH_PORT", "9999", 1);
    assert_int_equal(LOAD("--port", "1"), 0);
    assert_string_equal(options.db, "dbname=environment");
    assert_int_equal(options.port, 1);
    options_free(&options);
    setenv("HOWDAH_PORT", "many", 1);
    assert_int_equal(LOAD("--db", "x"), -1);
    assert_non_null(strstr(err.text, "HOWDAH_PORT"));
}

static void values_out_of_range_name_option_and_value(void **state)
{
    static const char *const cases[][2] = {
        {"--port", "65536"},      {"--port", "-1"},         {"--port", "http"},
        {"--http-clients", "0"},  {"--turn", "1ms"},        {"--turn", "soon"},
        {"--lease-ttl", "299ms"}, {"--lease-renew", "1ms"}, {"--log-level", "loud"},
        {"--idle", "2m"},         {"--lease-ttl", "1e3"},   {"--http-clients", "10001"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(LOAD("--db", "x", cases[i][0], cases[i][1]), -1);
        assert_int_equal(err.code, ERR_input_invalid);
        if (strstr(err.text, cases[i][0]) == NULL || strstr(err.text, cases[i][1]) == NULL)
            fail_msg("%s %s: \"%s\"", cases[i][0], cases[i][1], err.text);
    }
}

static void a_lease_must_outlast_two_renewals(void **state)
{
    (void)state;
    assert_int_equal(LOAD("--db", "x", "--lease-ttl", "900ms", "--lease-renew", "300ms"), 0);
    options_free(&options);
    assert_int_equal(LOAD("--db", "x", "--lease-ttl", "900ms", "--lease-renew", "301ms"), -1);
    assert_non_null(strstr(err.text, "301ms"));
    assert_non_null(strstr(err.text, "900ms"));
}

static void operands_and_unknown_options_are_refused(void **state)
{
    (void)state;
    assert_int_equal(LOAD("--db", "x", "operand"), -1);
    assert_non_null(strstr(err.text, "operand"));
    assert_int_equal(LOAD("--db", "x", "--nonsense"), -1);
    assert_non_null(strstr(err.text, "nonsense"));
}

static void help_and_version_are_answered(void **state)
{
    (void)state;
    assert_int_equal(LOAD("--help"), 1);
    assert_int_equal(LOAD("--version"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(presets_are_those_of_the_manual, set_up),
        cmocka_unit_test_setup(without_a_name_the_host_has_one, set_up),
        cmocka_unit_test_setup(the_database_must_be_named, set_up),
        cmocka_unit_test_setup(the_environment_gives_what_the_command_line_does_not, set_up),
        cmocka_unit_test_setup(values_out_of_range_name_option_and_value, set_up),
        cmocka_unit_test_setup(a_lease_must_outlast_two_renewals, set_up),
        cmocka_unit_test_setup(operands_and_unknown_options_are_refused, set_up),
        cmocka_unit_test_setup(help_and_version_are_answered, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
