/* SPDX-License-Identifier: PostgreSQL */
/* Drivers: how one is chosen, and what the v2 driver writes, against a directory that looks like a
 * cgroup2 mount. What the kernel makes of it is shown by test_agent_life, on the host for v1 and in
 * a virtual machine for v2 (tests/vm). */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/common_cgroup.h"
#include "agent/common_isolator.h"
#include "base/mem.h"

#define TASK "0f0f0f0f-0000-4000-8000-00000000abcd"

static char mount[64];

static void file_put(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static const char *file_get(const char *relative)
{
    static char text[256];
    CLEANUP_FREE char *path = mem_printf("%s/%s", mount, relative);
    FILE *file = fopen(path, "re");
    size_t len = file != NULL ? fread(text, 1, sizeof(text) - 1, file) : 0;

    text[len] = '\0';
    if (file != NULL)
        fclose(file);
    return text;
}

static int setup(void **state)
{
    (void)state;
    snprintf(mount, sizeof(mount), "/tmp/howdah-cgroup XXXXXX");
    assert_non_null(mkdtemp(mount));
    CLEANUP_FREE char *controllers = mem_printf("%s/cgroup.controllers", mount);
    file_put(controllers, "cpuset cpu io memory pids\n");
    isolator_v2_mount_set(mount);
    return 0;
}

static int teardown(void **state)
{
    CLEANUP_FREE char *command = mem_printf("rm -rf '%s'", mount);

    (void)state;
    isolator_v2_mount_set(NULL);
    return system(command);
}

static struct isolator_group task_group(void)
{
    return (struct isolator_group){
        .ops = &isolator_v2, .path = "root/agent/" TASK, .task_id = TASK};
}

static void test_limits_become_files(void **state)
{
    struct isolator_group group = task_group();
    struct isolator_limits limits = {.cpus_milli = 1500, .mem_bytes = 64 << 20, .pids = 99};
    struct err err = {0};

    (void)state;
    assert_int_equal(isolator_v2.probe("root/agent", &err), 0);
    assert_int_equal(isolator_v2.create(&group, &limits, &err), 0);
    assert_string_equal(file_get("root/agent/" TASK "/cpu.weight"), "150");
    assert_string_equal(file_get("root/agent/" TASK "/cpu.max"), "max");
    assert_string_equal(file_get("root/agent/" TASK "/memory.max"), "67108864");
    assert_string_equal(file_get("root/agent/" TASK "/pids.max"), "99");
    assert_true(strlen(file_get("root/cgroup.subtree_control")) > 0);
    assert_true(strlen(file_get("root/agent/cgroup.subtree_control")) > 0);
    assert_string_equal(file_get("root/agent/" TASK "/cgroup.subtree_control"), "");
}

static void test_limits_stay_within_what_the_kernel_takes(void **state)
{
    static const struct {
        int64_t cpus_milli, mem_bytes;
        const char *weight, *max, *memory;
    } rows[] = {
        {0, 0, "1", "1000 100000", "33554432"},
        {5, 1, "1", "1000 100000", "33554432"},
        {250, 33 << 20, "25", "25000 100000", "34603008"},
        {1000000, 1LL << 40, "10000", "100000000 100000", "1099511627776"},
    };
    struct isolator_group group = task_group();
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct isolator_limits limits = {.cpus_milli = rows[i].cpus_milli,
                                         .mem_bytes = rows[i].mem_bytes,
                                         .pids = 4,
                                         .cpu_ceiling = true};
        assert_int_equal(isolator_v2.create(&group, &limits, &err), 0);
        assert_string_equal(file_get("root/agent/" TASK "/cpu.weight"), rows[i].weight);
        assert_string_equal(file_get("root/agent/" TASK "/cpu.max"), rows[i].max);
        assert_string_equal(file_get("root/agent/" TASK "/memory.max"), rows[i].memory);
    }
}

static void group_file_put(const char *name, const char *text)
{
    CLEANUP_FREE char *path = mem_printf("%s/root/agent/%s/%s", mount, TASK, name);

    file_put(path, text);
}

static void test_usage_and_oom_are_read(void **state)
{
    struct isolator_group group = task_group();
    struct isolator_limits limits = {.cpus_milli = 100, .mem_bytes = 1, .pids = 4};
    struct isolator_usage usage;
    struct err err = {0};

    (void)state;
    assert_int_equal(isolator_v2.create(&group, &limits, &err), 0);
    isolator_v2.usage(&group, &usage);
    assert_int_equal(usage.mem_bytes, -1);
    assert_false(isolator_v2.was_oom(&group));
    group_file_put("cpu.stat", "usage_usec 7000\nuser_usec 5000\n");
    group_file_put("memory.current", "4096\n");
    group_file_put("memory.peak", "8192\n");
    group_file_put("pids.current", "3\n");
    group_file_put("memory.events", "low 0\nmax 9\noom 1\noom_kill 1\noom_group_kill 1\n");
    isolator_v2.usage(&group, &usage);
    assert_int_equal(usage.cpu_ms, 7);
    assert_int_equal(usage.mem_bytes, 4096);
    assert_int_equal(usage.mem_peak_bytes, 8192);
    assert_int_equal(usage.pids, 3);
    assert_true(isolator_v2.was_oom(&group));
}

static void test_group_that_is_gone_counts_as_empty(void **state)
{
    struct isolator_group group = task_group();
    struct err err = {0};

    (void)state;
    assert_true(isolator_v2.kill_all(&group));
    assert_int_equal(isolator_v2.destroy(&group, &err), 0);
}

static void test_missing_controller_is_named(void **state)
{
    CLEANUP_FREE char *controllers = mem_printf("%s/cgroup.controllers", mount);
    struct err err = {0};

    (void)state;
    file_put(controllers, "cpu pids\n");
    assert_int_equal(isolator_v2.probe("root/agent", &err), -1);
    assert_int_equal(err.code, ERR_isolation_missing);
    assert_non_null(strstr(err.text, "memory"));
}

static void test_auto_takes_the_best_and_names_what_it_passed_over(void **state)
{
    const struct isolator_ops *chosen = NULL;
    struct err err = {0};
    char why[1024];

    (void)state;
    assert_int_equal(isolator_choose("auto", "root/agent", &chosen, why, sizeof(why), &err), 0);
    assert_ptr_equal(chosen, &isolator_v2);
    assert_string_equal(why, "");
    isolator_v2_mount_set("/no/such/mount");
    assert_int_equal(isolator_choose("auto", "howdah-test/choose", &chosen, why, sizeof(why), &err),
                     0);
    assert_ptr_not_equal(chosen, &isolator_v2);
    assert_non_null(strstr(why, "cgroup_v2: "));
    struct isolator_group made = {.ops = chosen, .path = "howdah-test/choose", .task_id = TASK};
    assert_int_equal(chosen->destroy(&made, &err), 0);
    made.path = "howdah-test";
    (void)!chosen->destroy(&made, &err);
}

static void test_driver_that_cannot_be_had_is_an_error_with_its_reason(void **state)
{
    const struct isolator_ops *chosen = NULL;
    struct err err = {0};
    char why[64];

    (void)state;
    isolator_v2_mount_set("/no/such/mount");
    assert_int_equal(isolator_choose("cgroup_v2", "r/a", &chosen, why, sizeof(why), &err), -1);
    assert_int_equal(err.code, ERR_isolation_missing);
    assert_non_null(strstr(err.text, "/no/such/mount"));
    assert_int_equal(isolator_choose("docker", "r/a", &chosen, why, sizeof(why), &err), -1);
    assert_int_equal(err.code, ERR_input_invalid);
    assert_non_null(strstr(err.text, "docker"));
}

#define DRIVER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DRIVER_TEST(test_limits_become_files),
        DRIVER_TEST(test_limits_stay_within_what_the_kernel_takes),
        DRIVER_TEST(test_usage_and_oom_are_read),
        DRIVER_TEST(test_group_that_is_gone_counts_as_empty),
        DRIVER_TEST(test_missing_controller_is_named),
        DRIVER_TEST(test_auto_takes_the_best_and_names_what_it_passed_over),
        DRIVER_TEST(test_driver_that_cannot_be_had_is_an_error_with_its_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
