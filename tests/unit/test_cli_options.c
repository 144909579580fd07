/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "cli/options.h"

static struct options options;
static struct err err;
static int operand;

static int load(const char *word, int argc, const char *const *argv)
{
    options = (struct options){0};
    return options_load(verb_find(word), &options, argc, (char **)argv, &operand, &err);
}

static void every_verb_has_what_help_shows(void **state)
{
    (void)state;
    for (int i = 0; i < VERB_COUNT; i++) {
        assert_int_equal(verbs[i].id, i);
        assert_non_null(verbs[i].run);
        assert_ptr_equal(verb_find(verbs[i].word), &verbs[i]);
        assert_true(strlen(verbs[i].summary) > 10);
        assert_int_equal(strncmp(verbs[i].example, "howdah ", 7), 0);
        assert_int_equal(strncmp(verbs[i].example + 7, verbs[i].word, strlen(verbs[i].word)), 0);
    }
    assert_null(verb_find("fly"));
}

static void run_stops_at_the_command(void **state)
{
    const char *argv[] = {"run", "-n", "3", "sh", "-c", "exit 3", NULL};

    (void)state;
    assert_int_equal(load("run", 6, argv), 0);
    assert_int_equal(options.count, 3);
    assert_string_equal(options.cpus, "0.1");
    assert_string_equal(argv[operand], "sh");
    assert_string_equal(argv[operand + 1], "-c");
    options_free(verb_find("run"), &options);
}

static void two_dashes_end_the_options(void **state)
{
    const char *argv[] = {"run", "--", "--count", NULL};

    (void)state;
    assert_int_equal(load("run", 3, argv), 0);
    assert_string_equal(argv[operand], "--count");
    options_free(verb_find("run"), &options);
}

static void env_may_be_repeated(void **state)
{
    const char *argv[] = {"run", "--env", "A=1", "-e", "B=2 3", "true", NULL};

    (void)state;
    assert_int_equal(load("run", 6, argv), 0);
    assert_string_equal(options.env[0], "A=1");
    assert_string_equal(options.env[1], "B=2 3");
    assert_null(options.env[2]);
    options_free(verb_find("run"), &options);
    assert_null(options.env);
}

static void options_of_other_verbs_are_refused(void **state)
{
    const char *argv[] = {"agents", "--count", "3", NULL};

    (void)state;
    assert_int_equal(load("agents", 3, argv), -1);
    assert_int_equal(err.code, ERR_input_invalid);
    assert_non_null(strstr(err.text, "--count"));
}

static void lists_take_json_and_the_cluster_verbs_do_not(void **state)
{
    const char *lists[] = {"agents", "tasks", "settings", "audit", "task"};
    const char *others[] = {"up", "down", "run", "logs"};

    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const char *argv[] = {lists[i], "--json", NULL};

        assert_int_equal(load(lists[i], 2, argv), 0);
        assert_true(options.json);
        options_free(verb_find(lists[i]), &options);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const char *argv[] = {others[i], "--json", NULL};

        assert_int_equal(load(others[i], 2, argv), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verb_has_what_help_shows),
        cmocka_unit_test(run_stops_at_the_command),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(env_may_be_repeated),
        cmocka_unit_test(options_of_other_verbs_are_refused),
        cmocka_unit_test(lists_take_json_and_the_cluster_verbs_do_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
