/* SPDX-License-Identifier: PostgreSQL */
/* The agent's options: presets that depend on the machine, and what is refused before it starts. */
#include "tests/unit/cmocka_all.h"

#include <string.h>
#include <unistd.h>

#include "agent/options.h"
#include "base/mem.h"

static int load(struct options *options, const char *option, struct err *err)
{
    char *argv[] = {(char *)"howdah-agent", (char *)option, NULL};
    int operand;

    if (conf_load(&options_spec, options, option != NULL ? 2 : 1, argv, &operand, err) != 0)
        return -1;
    return options_complete(options, err);
}

static void test_presets_are_complete(void **state)
{
    struct options options;
    struct err err = {0};

    (void)state;
    assert_int_equal(load(&options, NULL, &err), 0);
    assert_true(options.name[0] != '\0' && options.host[0] != '\0');
    assert_string_equal(options.isolation, "auto");
    assert_non_null(strstr(options.executor, "/howdah-executor"));
    if (geteuid() == 0)
        assert_string_equal(options.task_user, "nobody");
    else
        assert_null(options.task_user);
    assert_int_equal(options.gc_delay_ms, 7 * 86400 * 1000LL);
    conf_free(&options_spec, &options);
}

static void test_relative_work_dir_becomes_absolute(void **state)
{
    struct options options;
    struct err err = {0};

    (void)state;
    assert_int_equal(load(&options, "--work-dir=some where", &err), 0);
    assert_int_equal(options.work_dir[0], '/');
    assert_non_null(strstr(options.work_dir, "/some where"));
    conf_free(&options_spec, &options);
}

static void test_bad_values_are_refused_by_name(void **state)
{
    static const struct {
        const char *option, *word;
    } rows[] = {
        {"--name=a/b", "name"},
        {"--name=..", "name"},
        {"--name=two words", "name"},
        {"--cgroup-root=/abs", "cgroup-root"},
        {"--cgroup-root=a/../b", "cgroup-root"},
        {"--cgroup-root=a/", "cgroup-root"},
        {"--work-dir=", "work-dir"},
        {"--poll-min=1h", "poll-min"},
        {"--task-pids=1", "task-pids"},
        {"--poll-max=soon", "poll-max"},
        {"--no-such-option=1", "no-such-option"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct options options;
        struct err err = {0};
        if (load(&options, rows[i].option, &err) != -1)
            fail_msg("%s was taken", rows[i].option);
        if (strstr(err.text, rows[i].word) == NULL)
            fail_msg("%s: \"%s\" lacks \"%s\"", rows[i].option, err.text, rows[i].word);
        conf_free(&options_spec, &options);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_presets_are_complete),
        cmocka_unit_test(test_relative_work_dir_becomes_absolute),
        cmocka_unit_test(test_bad_values_are_refused_by_name),
    };

    unsetenv("HOWDAH_NAME");
    unsetenv("HOWDAH_HOST");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
