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

static void every_verb_takes_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < VERB_COUNT; i++) {
        const char *argv[] = {verbs[i].word, "--json", NULL};

        assert_int_equal(load(verbs[i].word, 2, argv), 0);
        assert_true(options.json);
        options_free(&verbs[i], &options);
    }
}

/* What `howdah help --json` prints: names, types and defaults as the options are read. */
static void options_are_told_as_json(void **state)
{
    json_t *list = options_json(verb_find("run")), *option;
    size_t index, found = 0;

    (void)state;
    json_array_foreach (list, index, option) {
        const char *name = json_string_value(json_object_get(option, "name"));

        assert_non_null(json_string_value(json_object_get(option, "help")));
        if (strcmp(name, "count") == 0) {
            assert_string_equal(json_string_value(json_object_get(option, "short")), "n");
            assert_string_equal(json_string_value(json_object_get(option, "type")), "integer");
            assert_string_equal(json_string_value(json_object_get(option, "default")), "1");
            found++;
        } else if (strcmp(name, "env") == 0) {
            assert_true(json_is_null(json_object_get(option, "default")));
            found++;
        }
        assert_string_not_equal(name, "agents"); /* another verb's */
    }
    assert_int_equal(found, 2);
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verb_has_what_help_shows),
        cmocka_unit_test(run_stops_at_the_command),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(env_may_be_repeated),
        cmocka_unit_test(options_of_other_verbs_are_refused),
        cmocka_unit_test(every_verb_takes_json),
        cmocka_unit_test(options_are_told_as_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
