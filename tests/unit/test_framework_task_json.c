/* SPDX-License-Identifier: PostgreSQL */
/* struct fw_task as JSON, and what is refused before it becomes JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "task_json.h"

#define OFFER "aaaaaaaa-0000-4000-8000-000000000001"
#define AGENT "99999999-0000-4000-8000-000000000009"

static void is_json(const struct fw_task *task, const char *expected)
{
    struct fw_error err = {0};
    CLEANUP_FREE char *text = tasks_json(task, 1, &err);

    if (text == NULL)
        fail_msg("%s", err.text);
    assert_string_equal(text, expected);
}

static void a_small_task_has_only_what_was_given(void **state)
{
    (void)state;
    is_json(&(struct fw_task){.name = "t", .offer_id = OFFER, .shell = "echo hi"},
            "[{\"name\":\"t\",\"offer\":\"" OFFER
            "\",\"resources\":{},\"command\":{\"shell\":\"echo hi\"}}]");
}

static void a_full_task_has_everything(void **state)
{
    static const struct fw_port_range ports[] = {{31000, 31001}, {31005, 31005}};
    static const char *const argv[] = {"sh", "-c", "exit \"$1\"", NULL};
    static const char *const environment[] = {"A=1", "B=x=y", "C=", NULL};
    static const char *const labels[] = {"tier=batch", NULL};

    (void)state;
    is_json(
        &(struct fw_task){.name = "t",
                          .agent_id = AGENT,
                          .agent_version = 7,
                          .cpus_milli = 250,
                          .mem = 128,
                          .disk = 10,
                          .gpus = 1,
                          .ports = ports,
                          .port_range_count = 2,
                          .extra_json = "{\"scalars\": {\"licences\": 2}}",
                          .argv = argv,
                          .environment = environment,
                          .user = "nobody",
                          .workdir = "a/b",
                          .kill_grace_s = 5,
                          .stop_unreachable_s = 60,
                          .labels = labels},
        "[{\"name\":\"t\",\"agent\":\"" AGENT "\",\"version\":7,\"resources\":{\"cpus\":0.25,"
        "\"mem\":128,\"disk\":10,\"gpus\":1,\"ports\":[[31000,31001],[31005,31005]],"
        "\"scalars\":{\"licences\":2}},\"command\":{\"argv\":[\"sh\",\"-c\",\"exit \\\"$1\\\"\"]}"
        ",\"user\":\"nobody\",\"workdir\":\"a/b\",\"kill_grace_s\":5,\"stop_unreachable_s\":60,"
        "\"environment\":{\"A\":\"1\",\"B\":\"x=y\",\"C\":\"\"},"
        "\"labels\":{\"tier\":\"batch\"}}]");
}

static void cpus_are_printed_with_three_decimals_at_most(void **state)
{
    static const struct {
        int64_t milli;
        const char *text;
    } cases[] = {{1, "0.001"},
                 {10, "0.01"},
                 {100, "0.1"},
                 {300, "0.3"},
                 {1000, "1"},
                 {1001, "1.001"},
                 {123456, "123.456"},
                 {999999999, "999999.999"},
                 {FW_CPUS_MILLI_MAX, "1000000"}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct fw_task task = {
            .name = "t", .offer_id = OFFER, .cpus_milli = cases[i].milli, .shell = "x"};
        CLEANUP_FREE char *expected = mem_printf("\"cpus\":%s}", cases[i].text);
        CLEANUP_FREE char *text = tasks_json(&task, 1, NULL);

        assert_non_null(strstr(text, expected));
    }
}

static void a_number_of_ports_is_a_number(void **state)
{
    CLEANUP_FREE char *text = tasks_json(
        &(struct fw_task){.name = "t", .offer_id = OFFER, .port_count = 3, .shell = "x"}, 1, NULL);

    (void)state;
    assert_non_null(strstr(text, "\"ports\":3"));
}

static void a_grace_period_of_minus_one_means_at_once(void **state)
{
    CLEANUP_FREE char *text = tasks_json(
        &(struct fw_task){.name = "t", .offer_id = OFFER, .kill_grace_s = -1, .shell = "x"}, 1,
        NULL);

    (void)state;
    assert_non_null(strstr(text, "\"kill_grace_s\":0"));
}

static char *text_of(size_t len)
{
    char *text = mem_alloc(len + 1);

    memset(text, 'x', len);
    return text;
}

/* The message names the task's place in the claim and the member. */
static void is_refused(struct fw_task task, const char *member)
{
    const struct fw_task good = {.name = "good", .offer_id = OFFER, .shell = "true"};
    struct fw_task tasks[2];
    struct fw_error err = {0};
    char field[64];

    if (task.name == NULL)
        task.name = "bad";
    if (task.name[0] == '?')
        task.name = NULL;
    if (task.offer_id == NULL && task.agent_id == NULL)
        task.offer_id = OFFER;
    if (task.shell == NULL && task.argv == NULL)
        task.shell = "true";
    tasks[0] = good;
    tasks[1] = task;
    snprintf(field, sizeof(field), "\"tasks[1].%s\"", member);
    assert_null(tasks_json(tasks, 2, &err));
    assert_int_equal(err.error_class, FW_ERROR_CALLER);
    assert_string_equal(err.code, "input_invalid");
    if (strstr(err.text, field) == NULL)
        fail_msg("%s is not in: %s", field, err.text);
}

static void bad_members_are_refused_by_name(void **state)
{
    static const struct fw_port_range backwards = {10, 9}, huge = {0, 65536}, negative = {-1, 5};
    static const char *const no_program[] = {NULL}, *const empty_program[] = {"", NULL};
    static const char *const no_equals[] = {"A", NULL}, *const no_name[] = {"=x", NULL};
    static const char *const twice[] = {"A=1", "A=2", NULL}, *const bad_utf8[] = {"A=\xff", NULL};
    CLEANUP_FREE char *long_name = text_of(FW_NAME_MAX + 1);
    CLEANUP_FREE char *long_text = text_of(FW_TEXT_MAX + 1);
    const char *const long_argv[] = {"x", long_text, NULL};

    (void)state;
    is_refused((struct fw_task){.name = "?"}, "name");
    is_refused((struct fw_task){.name = ""}, "name");
    is_refused((struct fw_task){.name = "a\tb"}, "name");
    is_refused((struct fw_task){.name = "a\x7f"}, "name");
    is_refused((struct fw_task){.name = "\xc3"}, "name");
    is_refused((struct fw_task){.name = long_name}, "name");
    is_refused((struct fw_task){.offer_id = OFFER, .agent_id = AGENT}, "offer_id");
    is_refused((struct fw_task){.offer_id = "7"}, "offer_id");
    is_refused((struct fw_task){.agent_id = "x'; drop"}, "agent_id");
    is_refused((struct fw_task){.agent_id = AGENT, .agent_version = -1}, "agent_version");
    is_refused((struct fw_task){.cpus_milli = -1}, "cpus_milli");
    is_refused((struct fw_task){.cpus_milli = INT64_MAX}, "cpus_milli");
    is_refused((struct fw_task){.mem = -1}, "mem");
    is_refused((struct fw_task){.mem = INT64_MIN}, "mem");
    is_refused((struct fw_task){.disk = FW_RESOURCE_MAX + 1}, "disk");
    is_refused((struct fw_task){.gpus = -5}, "gpus");
    is_refused((struct fw_task){.port_count = -1}, "port_count");
    is_refused((struct fw_task){.port_count = 65537}, "port_count");
    is_refused((struct fw_task){.port_count = 1, .ports = &huge, .port_range_count = 1}, "ports");
    is_refused((struct fw_task){.port_range_count = 1}, "ports");
    is_refused((struct fw_task){.ports = &backwards, .port_range_count = 1}, "ports");
    is_refused((struct fw_task){.ports = &huge, .port_range_count = 1}, "ports");
    is_refused((struct fw_task){.ports = &negative, .port_range_count = 1}, "ports");
    is_refused((struct fw_task){.extra_json = "{"}, "extra_json");
    is_refused((struct fw_task){.extra_json = "[]"}, "extra_json");
    is_refused((struct fw_task){.extra_json = "{\"a\": 1, \"a\": 2}"}, "extra_json");
    is_refused((struct fw_task){.mem = 1, .extra_json = "{\"mem\": 2}"}, "extra_json");
    is_refused((struct fw_task){.argv = no_program}, "argv");
    is_refused((struct fw_task){.argv = empty_program}, "argv");
    is_refused((struct fw_task){.argv = empty_program, .shell = "x"}, "argv");
    is_refused((struct fw_task){.argv = long_argv}, "argv");
    is_refused((struct fw_task){.shell = ""}, "shell");
    is_refused((struct fw_task){.shell = long_text}, "shell");
    is_refused((struct fw_task){.environment = no_equals}, "environment");
    is_refused((struct fw_task){.environment = no_name}, "environment");
    is_refused((struct fw_task){.environment = twice}, "environment");
    is_refused((struct fw_task){.environment = bad_utf8}, "environment");
    is_refused((struct fw_task){.labels = no_equals}, "labels");
    is_refused((struct fw_task){.user = ""}, "user");
    is_refused((struct fw_task){.user = "a\nb"}, "user");
    is_refused((struct fw_task){.workdir = "/etc"}, "workdir");
    is_refused((struct fw_task){.workdir = "a/../../b"}, "workdir");
    is_refused((struct fw_task){.workdir = ".."}, "workdir");
    is_refused((struct fw_task){.kill_grace_s = -2}, "kill_grace_s");
    is_refused((struct fw_task){.kill_grace_s = 86401}, "kill_grace_s");
    is_refused((struct fw_task){.stop_unreachable_s = 4}, "stop_unreachable_s");
    is_refused((struct fw_task){.stop_unreachable_s = -1}, "stop_unreachable_s");
    is_refused((struct fw_task){.stop_unreachable_s = 86401}, "stop_unreachable_s");
}

static void dots_in_a_workdir_are_fine_when_they_stay_inside(void **state)
{
    CLEANUP_FREE char *text = tasks_json(
        &(struct fw_task){.name = "t", .offer_id = OFFER, .workdir = "a/..b/c..", .shell = "x"}, 1,
        NULL);

    (void)state;
    assert_non_null(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_task_has_only_what_was_given),
        cmocka_unit_test(a_full_task_has_everything),
        cmocka_unit_test(cpus_are_printed_with_three_decimals_at_most),
        cmocka_unit_test(a_number_of_ports_is_a_number),
        cmocka_unit_test(a_grace_period_of_minus_one_means_at_once),
        cmocka_unit_test(bad_members_are_refused_by_name),
        cmocka_unit_test(dots_in_a_workdir_are_fine_when_they_stay_inside),
    };

    return cmocka_run_group_tests_name("framework task_json", tests, NULL, NULL);
}
