/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/common_env.h"
#include "base/json.h"
#include "base/mem.h"

static struct err err;
static char **list;

/* Texts have ' for ". */
static json_t *doc_of(const char *text)
{
    CLEANUP_FREE char *copy = mem_strdup(text);
    json_t *doc;

    for (char *c = copy; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    doc = json_parse(copy, strlen(copy), &err);
    if (doc == NULL)
        fail_msg("%s: %s", copy, err.text);
    return doc;
}

static int tear_down(void **state)
{
    (void)state;
    env_free(list);
    list = NULL;
    return 0;
}

/* launch besides the ids, which it gets */
static bool make(const char *launch, const char *user)
{
    CLEANUP_JSON json_t *doc = doc_of(launch);
    CLEANUP_JSON json_t *context =
        doc_of("{'agent_id': 'ag', 'agent_name': 'agent-1', 'sandbox': '/srv/s'}");

    json_object_set_new(doc, "task_id", json_string("task"));
    json_object_set_new(doc, "framework_id", json_string("fw"));
    json_object_set_new(doc, "name", json_string("web-1"));
    env_free(list);
    list = env_make(doc, context, user, &err);
    return list != NULL;
}

static const char *value_of(const char *name)
{
    const char *found = NULL;
    size_t len = strlen(name);

    for (size_t i = 0; list[i] != NULL; i++) {
        if (strncmp(list[i], name, len) != 0 || list[i][len] != '=')
            continue;
        assert_null(found); /* no name twice */
        found = list[i] + len + 1;
    }
    return found;
}

static void assert_value(const char *name, const char *value)
{
    const char *found = value_of(name);

    if (value == NULL && found != NULL)
        fail_msg("%s is \"%s\", not unset", name, found);
    if (value != NULL && found == NULL)
        fail_msg("%s is not set", name);
    if (value != NULL)
        assert_string_equal(found, value);
}

/* The mark by which processes without cgroup are found comes first (common_proc.h). */
static void the_task_knows_who_it_is(void **state)
{
    (void)state;
    assert_true(make("{}", "nobody"));
    assert_string_equal(list[0], "HOWDAH_TASK_ID=task");
    assert_value("HOWDAH_TASK_NAME", "web-1");
    assert_value("HOWDAH_FRAMEWORK_ID", "fw");
    assert_value("HOWDAH_AGENT_ID", "ag");
    assert_value("HOWDAH_AGENT_NAME", "agent-1");
    assert_value("HOWDAH_SANDBOX", "/srv/s");
    assert_value("HOME", "/srv/s");
    assert_value("USER", "nobody");
    assert_value("LOGNAME", "nobody");
}

static void without_a_user_none_is_claimed(void **state)
{
    (void)state;
    assert_true(make("{}", NULL));
    assert_value("USER", NULL);
    assert_value("LOGNAME", NULL);
}

static void of_the_agents_own_environment_path_and_lang_are_passed_on(void **state)
{
    (void)state;
    setenv("PATH", "/opt/bin:/bin", 1);
    setenv("LANG", "C.UTF-8", 1);
    setenv("PGPASSWORD", "secret", 1);
    assert_true(make("{}", NULL));
    assert_value("PATH", "/opt/bin:/bin");
    assert_value("LANG", "C.UTF-8");
    assert_value("PGPASSWORD", NULL);
    unsetenv("PATH");
    unsetenv("LANG");
    assert_true(make("{}", NULL));
    assert_value("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    assert_value("LANG", NULL);
    setenv("PATH", "/usr/bin:/bin", 1);
}

static void resources_are_told(void **state)
{
    (void)state;
    assert_true(make("{'resources': {'cpus': 0.25, 'mem': 64, 'sets': {'gpu-ids': ['0', '1'], "
                     "'one': ['x'], 'none': []}}}",
                     NULL));
    assert_value("HOWDAH_CPUS", "0.25");
    assert_value("HOWDAH_MEM", "64");
    assert_value("HOWDAH_SET_GPU_IDS", "0,1");
    assert_value("HOWDAH_SET_ONE", "x");
    assert_value("HOWDAH_SET_NONE", "");
    assert_value("HOWDAH_PORTS", NULL);
    assert_value("HOWDAH_PORT0", NULL);
}

static void cpus_are_printed_as_they_were_given(void **state)
{
    static const struct {
        const char *resources, *text;
    } cases[] = {
        {"{'resources': {'cpus': 1}}", "1"},
        {"{'resources': {'cpus': 0.1}}", "0.1"},
        {"{'resources': {'cpus': 12.345}}", "12.345"},
        {"{'resources': {'cpus': 0.001}}", "0.001"},
        {"{'resources': {'cpus': 1000000}}", "1000000"},
        {"{'resources': {'cpus': 'many'}}", NULL},
        {"{'resources': {}}", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(make(cases[i].resources, NULL));
        assert_value("HOWDAH_CPUS", cases[i].text);
    }
}

static void ports_are_told_as_ranges_and_one_by_one(void **state)
{
    (void)state;
    assert_true(make("{'resources': {'ports': [[31000, 31002], [31005, 31005]]}}", NULL));
    assert_value("HOWDAH_PORTS", "31000-31002,31005");
    assert_value("HOWDAH_PORT0", "31000");
    assert_value("HOWDAH_PORT2", "31002");
    assert_value("HOWDAH_PORT3", "31005");
    assert_value("HOWDAH_PORT4", NULL);
}

static void of_very_many_ports_the_first_have_variables(void **state)
{
    (void)state;
    assert_true(make("{'resources': {'ports': [[0, 65535]]}}", NULL));
    assert_value("HOWDAH_PORTS", "0-65535");
    assert_value("HOWDAH_PORT63", "63");
    assert_value("HOWDAH_PORT64", NULL);
}

static void wishes_come_last_and_win(void **state)
{
    (void)state;
    assert_true(make("{'spec': {'environment': {'COLOUR': 'blue', 'PATH': '/mine', 'HOME': '/h', "
                     "'EMPTY': '', 'A': 'x=y', 'UMLAUT': 'ü'}}}",
                     NULL));
    assert_value("COLOUR", "blue");
    assert_value("PATH", "/mine");
    assert_value("HOME", "/h");
    assert_value("EMPTY", "");
    assert_value("A", "x=y");
    assert_value("UMLAUT", "ü");
}

static void wishes_that_cannot_be_are_refused_by_name(void **state)
{
    static const struct {
        const char *environment, *said;
    } cases[] = {
        {"{'HOWDAH_TASK_ID': 'mine'}", "HOWDAH_TASK_ID"},
        {"{'HOWDAH_': ''}", "HOWDAH_"},
        {"{'': 'x'}", "environment"},
        {"{'A=B': 'x'}", "A=B"},
        {"{'A': 1}", "environment.A"},
        {"{'A': null}", "environment.A"},
        {"{'A': ['x']}", "environment.A"},
        {"['A']", "environment"},
        {"'A=1'", "environment"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP_FREE char *launch =
            mem_printf("{'spec': {'environment': %s}}", cases[i].environment);

        assert_false(make(launch, NULL));
        assert_int_equal(err.code, ERR_value_invalid);
        if (strstr(err.text, cases[i].said) == NULL)
            fail_msg("%s: \"%s\"", cases[i].environment, err.text);
    }
}

static void too_many_wishes_are_refused(void **state)
{
    CLEANUP_JSON json_t *launch = json_pack("{s{s{}}}", "spec", "environment");
    CLEANUP_JSON json_t *context = json_object();
    json_t *wishes = json_object_get(json_object_get(launch, "spec"), "environment");
    char name[32];

    (void)state;
    for (int i = 0; i < 4096; i++) {
        snprintf(name, sizeof(name), "V%d", i);
        json_object_set_new(wishes, name, json_string("x"));
    }
    list = env_make(launch, context, NULL, &err);
    assert_non_null(list);
    assert_value("V4095", "x");
    json_object_set_new(wishes, "ONE_MORE", json_string("x"));
    assert_null(env_make(launch, context, NULL, &err));
    assert_non_null(strstr(err.text, "4096"));
}

static void names_with_no_wishes_are_no_matter(void **state)
{
    (void)state;
    assert_true(make("{'spec': {'environment': null}}", NULL));
    assert_true(make("{'spec': {}}", NULL));
    env_free(NULL);
}

#define ENV_TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_TEST(the_task_knows_who_it_is),
        ENV_TEST(without_a_user_none_is_claimed),
        ENV_TEST(of_the_agents_own_environment_path_and_lang_are_passed_on),
        ENV_TEST(resources_are_told),
        ENV_TEST(cpus_are_printed_as_they_were_given),
        ENV_TEST(ports_are_told_as_ranges_and_one_by_one),
        ENV_TEST(of_very_many_ports_the_first_have_variables),
        ENV_TEST(wishes_come_last_and_win),
        ENV_TEST(wishes_that_cannot_be_are_refused_by_name),
        ENV_TEST(too_many_wishes_are_refused),
        ENV_TEST(names_with_no_wishes_are_no_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
