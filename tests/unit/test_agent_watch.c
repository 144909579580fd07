/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/watch.h"
#include "base/mem.h"

static char dir[] = "/tmp/howdah-test-watch.XXXXXX";
static struct event_base *base;
static struct watch *watch;
static char names[64][32];
static size_t name_count;

static void on_news(const char *name, void *arg)
{
    assert_ptr_equal(arg, &base);
    assert_non_null(name);
    snprintf(names[name_count++ % 64], sizeof(names[0]), "%s", name);
}

static int set_up(void **state)
{
    struct err err;

    (void)state;
    name_count = 0;
    snprintf(dir, sizeof(dir), "/tmp/howdah-test-watch.XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    base = event_base_new();
    watch = watch_create(base, dir, on_news, &base, &err);
    return watch == NULL;
}

static int tear_down(void **state)
{
    CLEANUP_FREE char *command = mem_printf("rm -rf '%s'", dir);

    (void)state;
    watch_destroy(watch);
    event_base_free(base);
    return system(command);
}

static void file_write(const char *name)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", dir, name);
    CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
}

static void turn(void)
{
    event_base_loop(base, EVLOOP_NONBLOCK);
}

static void a_file_that_was_closed_is_news(void **state)
{
    (void)state;
    turn();
    assert_int_equal(name_count, 0);
    file_write("task-1");
    turn();
    assert_int_equal(name_count, 1);
    assert_string_equal(names[0], "task-1");
}

static void the_same_file_again_is_news_again(void **state)
{
    (void)state;
    file_write("task-1");
    turn();
    file_write("task-1");
    turn();
    assert_int_equal(name_count, 2);
}

static void many_at_once_all_come(void **state)
{
    char name[32];

    (void)state;
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "task-%d", i);
        file_write(name);
    }
    for (int i = 0; i < 50; i++)
        turn();
    assert_int_equal(name_count, 500);
    assert_string_equal(names[499 % 64], "task-499");
}

static void what_is_not_written_is_no_news(void **state)
{
    CLEANUP_FREE char *folder = mem_printf("%s/folder", dir);
    CLEANUP_FREE char *path = mem_printf("%s/read", dir);

    (void)state;
    file_write("read");
    turn();
    name_count = 0;
    close(open(path, O_RDONLY | O_CLOEXEC));
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(unlink(path), 0);
    turn();
    assert_int_equal(name_count, 0);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    struct err err;

    (void)state;
    assert_null(watch_create(base, "/no/such/dir", on_news, &base, &err));
    assert_int_equal(err.code, ERR_io_failed);
    assert_non_null(strstr(err.text, "/no/such/dir"));
    watch_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_that_was_closed_is_news, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_same_file_again_is_news_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_at_once_all_come, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_written_is_no_news, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_that_is_not_there_is_named, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
