/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/mem.h"

struct target {
    char *name;
    char *unset;
    int64_t count;
    int64_t wait_ms;
    bool loud;
};

static const struct conf_option options[] = {
    {"agent-name", 'n', CONF_STRING, offsetof(struct target, name), "anon", 0, 0, "NAME", "a name"},
    {"unset", 0, CONF_STRING, offsetof(struct target, unset), NULL, 0, 0, NULL, "no default"},
    {"count", 'c', CONF_INT, offsetof(struct target, count), "3", 1, 10, "N", "how many"},
    {"wait", 0, CONF_DURATION, offsetof(struct target, wait_ms), "5s", 0, 0, "TIME", "how long"},
    {"loud", 'l', CONF_BOOL, offsetof(struct target, loud), "false", 0, 0, NULL, "be loud"},
};

static struct conf_spec spec = {
    .program = "tester",
    .synopsis = "[OPTION]...",
    .summary = "Tests.",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};

static struct target target;
static struct err err;
static int operand;
static char *args[16];

static int load(int argc, const char *const *words)
{
    args[0] = (char *)"tester";
    for (int i = 0; i < argc; i++)
        args[i + 1] = (char *)words[i];
    args[argc + 1] = NULL;
    return conf_load(&spec, &target, argc + 1, args, &operand, &err);
}

#define LOAD(...)                                                                                  \
    load((int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)),                            \
         (const char *const[]){__VA_ARGS__})

static int tear_down(void **state)
{
    (void)state;
    conf_free(&spec, &target);
    spec.stop_at_operand = false;
    unsetenv("HOWDAH_AGENT_NAME");
    unsetenv("HOWDAH_COUNT");
    return 0;
}

static void presets_stand_when_nothing_is_said(void **state)
{
    (void)state;
    assert_int_equal(load(0, NULL), 0);
    assert_string_equal(target.name, "anon");
    assert_null(target.unset);
    assert_int_equal(target.count, 3);
    assert_int_equal(target.wait_ms, 5000);
    assert_false(target.loud);
    assert_int_equal(operand, 1);
}

static void every_spelling_of_an_option_is_understood(void **state)
{
    (void)state;
    assert_int_equal(LOAD("--agent-name=a", "--count", "4", "-l", "--wait=250ms"), 0);
    assert_string_equal(target.name, "a");
    assert_int_equal(target.count, 4);
    assert_true(target.loud);
    assert_int_equal(target.wait_ms, 250);
    conf_free(&spec, &target);
    assert_int_equal(LOAD("-n", "b", "-c7", "--loud=off", "--unset="), 0);
    assert_string_equal(target.name, "b");
    assert_int_equal(target.count, 7);
    assert_false(target.loud);
    assert_string_equal(target.unset, "");
}

static void operands_are_gathered_at_the_end(void **state)
{
    (void)state;
    assert_int_equal(LOAD("one", "--count", "2", "two", "-", "--", "--loud", "--"), 0);
    assert_int_equal(operand, 4);
    assert_string_equal(args[operand], "one");
    assert_string_equal(args[operand + 1], "two");
    assert_string_equal(args[operand + 2], "-");
    assert_string_equal(args[operand + 3], "--loud");
    assert_string_equal(args[operand + 4], "--");
    assert_int_equal(target.count, 2);
    assert_false(target.loud);
}

static void options_end_at_the_first_operand_where_asked(void **state)
{
    (void)state;
    spec.stop_at_operand = true;
    assert_int_equal(LOAD("--count=2", "run", "--loud", "--", "--help"), 0);
    assert_int_equal(operand, 2);
    assert_string_equal(args[operand], "run");
    assert_string_equal(args[operand + 2], "--");
    assert_string_equal(args[operand + 3], "--help");
    assert_false(target.loud);
}

static void write_file(char *path, const char *text)
{
    int fd = mkstemp(path);

    assert_return_code(fd, 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void later_sources_overrule_earlier_ones(void **state)
{
    char path[] = "/tmp/howdah-conf.XXXXXX";

    (void)state;
    write_file(path, "# comment\n\n  agent-name = from file  \ncount=5\nwait = 1m\nloud = yes\n");
    setenv("HOWDAH_COUNT", "6", 1);
    setenv("HOWDAH_AGENT_NAME", "from environment", 1);
    assert_int_equal(LOAD("--agent-name=from line", "--config", path), 0);
    assert_string_equal(target.name, "from line");
    assert_int_equal(target.count, 6);
    assert_int_equal(target.wait_ms, 60000);
    assert_true(target.loud);
    unlink(path);
}

static void assert_fails(int rc, const char *text)
{
    assert_int_equal(rc, -1);
    if (!strstr(err.text, text))
        fail_msg("\"%s\" does not say \"%s\"", err.text, text);
    assert_null(target.name);
}

static void a_wrong_argument_is_named_with_its_value(void **state)
{
    (void)state;
    assert_fails(LOAD("--nonsense"), "no option is called --nonsense");
    assert_fails(LOAD("-x"), "no option is called -x");
    assert_fails(LOAD("--count"), "option --count: needs a value");
    assert_fails(LOAD("--count=11"), "option --count: value \"11\": expected between 1 and 10");
    assert_fails(LOAD("--count=x"), "expected a whole number");
    assert_fails(LOAD("--count="), "expected a whole number");
    assert_fails(LOAD("--count= 5"), "expected a whole number");
    assert_fails(LOAD("--count=99999999999999999999"), "expected a whole number");
    assert_fails(LOAD("--wait=5x"), "expected a duration");
    assert_fails(LOAD("--wait=-5s"), "expected a duration");
    assert_fails(LOAD("--loud=perhaps"), "expected true or false");
    assert_fails(LOAD("-lx"), "expected one short option");
    assert_fails(LOAD("--help=me"), "takes no value");
    assert_int_equal(err.code, ERR_input_invalid);
}

static void a_wrong_file_is_named_with_the_line(void **state)
{
    char path[] = "/tmp/howdah-conf.XXXXXX", place[64];

    (void)state;
    write_file(path, "count = 5\ncolour = red\n");
    snprintf(place, sizeof place, "%s, line 2: no option is called \"colour\"", path);
    assert_fails(LOAD("--config", path), place);
    unlink(path);
    assert_fails(LOAD("--config=/nonexistent/x"), "configuration file \"/nonexistent/x\"");
    assert_int_equal(err.code, ERR_io_failed);
}

static void a_wrong_variable_is_named(void **state)
{
    (void)state;
    setenv("HOWDAH_COUNT", "many", 1);
    assert_fails(load(0, NULL), "environment variable HOWDAH_COUNT: value \"many\"");
}

static void durations_have_units(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {{"0", 0},       {"7", 7000},     {"250ms", 250},   {"5s", 5000},
                {"2m", 120000}, {"1h", 3600000}, {"7d", 604800000}};
    static const char *const wrong[] = {"", "s", "1.5s", "5 s", "5S", "9223372036854775807h"};
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(conf_parse_duration(rows[i].text, &ms, &err), 0);
        assert_int_equal(ms, rows[i].ms);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(conf_parse_duration(wrong[i], &ms, &err), -1);
}

static void help_shows_every_option_with_its_default(void **state)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    conf_help(&spec, out);
    fclose(out);
    assert_non_null(strstr(text, "Usage: tester [OPTION]...\nTests.\n"));
    assert_non_null(strstr(text, "-n, --agent-name=NAME"));
    assert_non_null(strstr(text, "how many [3]"));
    assert_non_null(strstr(text, "    --unset=VALUE"));
    assert_non_null(strstr(text, "-l, --loud  "));
    free(text);
}

static void help_is_answered_however_wrong_the_rest_is(void **state)
{
    FILE *saved = stdout;

    (void)state;
    stdout = fopen("/dev/null", "w");
    assert_int_equal(LOAD("--count=99", "--help"), 1);
    assert_int_equal(LOAD("--version", "--count=99"), 1);
    fclose(stdout);
    stdout = saved;
    assert_null(target.name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(presets_stand_when_nothing_is_said, tear_down),
        cmocka_unit_test_teardown(every_spelling_of_an_option_is_understood, tear_down),
        cmocka_unit_test_teardown(operands_are_gathered_at_the_end, tear_down),
        cmocka_unit_test_teardown(options_end_at_the_first_operand_where_asked, tear_down),
        cmocka_unit_test_teardown(later_sources_overrule_earlier_ones, tear_down),
        cmocka_unit_test_teardown(a_wrong_argument_is_named_with_its_value, tear_down),
        cmocka_unit_test_teardown(a_wrong_file_is_named_with_the_line, tear_down),
        cmocka_unit_test_teardown(a_wrong_variable_is_named, tear_down),
        cmocka_unit_test_teardown(durations_have_units, tear_down),
        cmocka_unit_test_teardown(help_shows_every_option_with_its_default, tear_down),
        cmocka_unit_test_teardown(help_is_answered_however_wrong_the_rest_is, tear_down),
    };

    return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
