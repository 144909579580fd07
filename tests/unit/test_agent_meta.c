/* SPDX-License-Identifier: PostgreSQL */
/* Checkpoint files: whole or not there, made once when asked, one lock holder; and processes named
 * by pid and start time. */
#include "tests/unit/cmocka_all.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/common_meta.h"
#include "agent/common_proc.h"
#include "base/json.h"
#include "base/mem.h"

static char dir[64];

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/howdah-meta XXXXXX");
    return mkdtemp(dir) == NULL;
}

static int teardown(void **state)
{
    CLEANUP_FREE char *command = mem_printf("rm -rf '%s'", dir);

    (void)state;
    return system(command);
}

static int number_write(int number, unsigned flags, struct err *err)
{
    CLEANUP_JSON json_t *doc = json_pack("{si}", "n", number);

    return meta_write(dir, "file", doc, flags, err);
}

static int number_read(void)
{
    CLEANUP_JSON json_t *doc = NULL;
    struct err err = {0};
    int rc = meta_read(dir, "file", &doc, &err);

    return rc == 0 ? (int)json_integer_value(json_object_get(doc, "n")) : -rc;
}

static void test_file_is_replaced_whole(void **state)
{
    CLEANUP_FREE char *path = mem_printf("%s/file", dir);
    struct err err = {0};
    struct stat info;

    (void)state;
    assert_int_equal(number_write(100000, META_DURABLE, &err), 0);
    assert_int_equal(number_write(7, 0, &err), 0);
    assert_int_equal(number_read(), 7);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 077, 0); /* environments hold secrets */
    assert_false(meta_exists(dir, "file.new"));
}

static void test_file_made_once_is_never_replaced(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(number_write(1, META_ONCE | META_DURABLE, &err), 0);
    assert_int_equal(number_write(2, META_ONCE | META_DURABLE, &err), 1);
    assert_int_equal(number_read(), 1);
    assert_false(meta_exists(dir, "file.new"));
}

static void test_reserved_room_is_used_and_cut(void **state)
{
    CLEANUP_FREE char *path = mem_printf("%s/file.new", dir);
    CLEANUP_FREE char *final = mem_printf("%s/file", dir);
    FILE *reserved = fopen(path, "we");
    struct err err = {0};
    struct stat info;

    (void)state;
    for (int i = 0; i < 4096; i++)
        fputc(0, reserved);
    fclose(reserved);
    assert_int_equal(number_write(3, META_DURABLE, &err), 0);
    assert_int_equal(number_read(), 3);
    assert_int_equal(stat(final, &info), 0);
    assert_int_equal(info.st_size, strlen("{\"n\":3}"));
}

static void test_absent_and_damaged_files_differ(void **state)
{
    CLEANUP_FREE char *path = mem_printf("%s/file", dir);
    json_t *doc = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(meta_read(dir, "file", &doc, &err), 1);
    FILE *damaged = fopen(path, "we");
    fputs("{\"n\":", damaged);
    fclose(damaged);
    assert_int_equal(meta_read(dir, "file", &doc, &err), -1);
    assert_non_null(strstr(err.text, "file"));
}

static void test_write_into_no_directory_says_so(void **state)
{
    CLEANUP_JSON json_t *doc = json_object();
    struct err err = {0};

    (void)state;
    assert_int_equal(meta_write("/no/such/dir", "file", doc, 0, &err), -1);
    assert_int_equal(err.code, ERR_io_failed);
    assert_non_null(strstr(err.text, "/no/such/dir/file"));
}

static void test_lock_is_held_by_one_and_by_heirs(void **state)
{
    struct err err = {0};
    int lock = meta_lock(dir, &err);

    (void)state;
    assert_true(lock >= 0);
    assert_true(meta_locked(dir));
    assert_int_equal(meta_lock(dir, &err), -1);
    assert_int_equal(err.code, ERR_try_again);
    pid_t heir = fork();
    if (heir == 0) {
        pause();
        _exit(0);
    }
    close(lock);
    assert_true(meta_locked(dir));
    kill(heir, SIGKILL);
    waitpid(heir, NULL, 0);
    assert_false(meta_locked(dir));
}

static void test_lock_of_nobody_is_free(void **state)
{
    (void)state;
    assert_false(meta_locked(dir));
    assert_false(meta_locked("/no/such/dir"));
}

static void test_directories_are_made_with_their_parents(void **state)
{
    CLEANUP_FREE char *path = mem_printf("%s/a b/c", dir);
    CLEANUP_FREE char *file = mem_printf("%s/file/x", dir);
    struct err err = {0};

    (void)state;
    assert_int_equal(meta_mkdirs(path, 0700, &err), 0);
    assert_int_equal(meta_mkdirs(path, 0700, &err), 0);
    assert_int_equal(access(path, X_OK), 0);
    assert_int_equal(number_write(1, 0, &err), 0);
    assert_int_equal(meta_mkdirs(file, 0700, &err), -1);
}

static void test_pidfd_needs_the_right_start_time(void **state)
{
    uint64_t ticks = proc_start_ticks(getpid());

    (void)state;
    assert_true(ticks > 0);
    CLEANUP_FD int pidfd = proc_pidfd(getpid(), ticks);
    assert_true(pidfd >= 0);
    assert_false(proc_pidfd_ended(pidfd));
    assert_int_equal(proc_pidfd(getpid(), ticks + 1), -1);
    assert_int_equal(proc_pidfd(0, 0), -1);
    assert_int_equal(proc_start_ticks(0x7ffffff0), 0);
}

static void test_group_is_found_by_its_mark(void **state)
{
    struct proc_group group = {.task_id = "0f0f0f0f-0000-4000-8000-00000000abcd"};
    struct proc_sum sum;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        char *const environment[] = {(char *)"HOWDAH_TASK_ID=0f0f0f0f-0000-4000-8000-00000000abcd",
                                     NULL};
        execle("/bin/sleep", "sleep", "60", (char *)NULL, environment);
        _exit(127);
    }
    for (int i = 0; i < 500 && proc_group_signal(&group, 0) == 0; i++)
        usleep(10000);
    proc_group_sum(&group, &sum);
    assert_int_equal(sum.count, 1);
    assert_int_equal(proc_group_signal(&group, SIGKILL), 1);
    waitpid(child, NULL, 0);
    assert_int_equal(proc_group_signal(&group, SIGKILL), 0);
    group.task_id = "0f0f0f0f-0000-4000-8000-00000000abc"; /* a prefix is not the mark */
    assert_int_equal(proc_group_signal(&group, 0), 0);
}

#define META_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        META_TEST(test_file_is_replaced_whole),
        META_TEST(test_file_made_once_is_never_replaced),
        META_TEST(test_reserved_room_is_used_and_cut),
        META_TEST(test_absent_and_damaged_files_differ),
        META_TEST(test_write_into_no_directory_says_so),
        META_TEST(test_lock_is_held_by_one_and_by_heirs),
        META_TEST(test_lock_of_nobody_is_free),
        META_TEST(test_directories_are_made_with_their_parents),
        META_TEST(test_pidfd_needs_the_right_start_time),
        META_TEST(test_group_is_found_by_its_mark),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
