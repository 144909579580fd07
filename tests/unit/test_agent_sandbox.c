/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/common_meta.h"
#include "agent/common_sandbox.h"
#include "agent/sandbox.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#define TASK      "7f3c1f5e-0000-4000-8000-000000000001"
#define DEADLINE  60000
#define DEEP      3000
#define WIDE      2000
#define NAME_LONG 255

static char work_dir[] = "/tmp/howdah-test-sandbox.XXXXXX";
static struct sandbox_bin *bin;
static int root_fd; /* of the sandbox */

static char *path_in_work_dir(const char *name)
{
    return mem_printf("%s/%s", work_dir, name);
}

static void folder_make(const char *name)
{
    CLEANUP_FREE char *path = path_in_work_dir(name);

    assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
}

static void file_make_at(int dir, const char *name)
{
    CLEANUP_FD int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
}

static size_t entries_of(const char *name)
{
    CLEANUP_FREE char *path = path_in_work_dir(name);
    DIR *stream = opendir(path);
    size_t count = 0;

    assert_non_null(stream);
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(stream);
    return count;
}

/* A sandbox and a checkpoint of TASK. */
static int set_up(void **state)
{
    static const char checkpoint[] = "meta/tasks/" TASK;
    static const char *const folders[] = {"meta",      "meta/tasks", "meta/trash",
                                          "sandboxes", checkpoint,   "outside"};
    CLEANUP_FREE char *sandbox = sandbox_path(work_dir, TASK);
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        folder_make(folders[i]);
    root_fd = sandbox_make(sandbox, geteuid(), getegid(), &err);
    bin = sandbox_bin_create(work_dir);
    return root_fd >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    sandbox_bin_destroy(bin);
    return close(root_fd);
}

static int group_set_up(void **state)
{
    (void)state;
    return mkdtemp(work_dir) == NULL;
}

static int group_tear_down(void **state)
{
    CLEANUP_FREE char *command = mem_printf("rm -rf '%s'", work_dir);

    (void)state;
    return system(command);
}

static bool discard_ends_empty(void)
{
    int64_t deadline = clock_mono_ms() + DEADLINE;

    sandbox_discard(bin, TASK);
    do {
        sandbox_bin_empty(bin);
        usleep(10000);
    } while (entries_of("meta/trash") > 0 && clock_mono_ms() < deadline);
    return entries_of("meta/trash") == 0;
}

static void discarding_takes_sandbox_and_checkpoint_away_at_once(void **state)
{
    (void)state;
    sandbox_discard(bin, TASK);
    assert_int_equal(entries_of("sandboxes"), 0);
    assert_int_equal(entries_of("meta/tasks"), 0);
    assert_int_equal(entries_of("meta/trash"), 2);
    assert_true(discard_ends_empty());
}

static void discarding_what_is_not_there_changes_nothing(void **state)
{
    (void)state;
    sandbox_discard(bin, "7f3c1f5e-0000-4000-8000-000000000002");
    assert_int_equal(entries_of("meta/trash"), 0);
    assert_int_equal(entries_of("sandboxes"), 1);
    assert_true(discard_ends_empty());
}

/* No path of so many folders could be written down: PATH_MAX is 4096. */
static void a_sandbox_of_any_depth_is_deleted(void **state)
{
    int fd = dup(root_fd);

    (void)state;
    for (int i = 0; i < DEEP; i++) {
        assert_int_equal(mkdirat(fd, "down", 0755), 0);
        int next = openat(fd, "down", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        if (i % 500 == 0)
            file_make_at(next, "file");
        close(fd);
        fd = next;
    }
    close(fd);
    assert_true(discard_ends_empty());
}

static void a_wide_sandbox_is_deleted(void **state)
{
    char name[64];

    (void)state;
    for (int i = 0; i < WIDE; i++) {
        snprintf(name, sizeof(name), "%s.%d", i % 2 == 0 ? "file" : "folder", i);
        if (i % 2 == 0)
            file_make_at(root_fd, name);
        else
            assert_int_equal(mkdirat(root_fd, name, 0755), 0);
    }
    assert_true(discard_ends_empty());
}

static void odd_names_are_deleted(void **state)
{
    static const char *const names[] = {"-rf", " ", "new\nline", "..hidden", ".x", "\xff\xfe", "*"};
    char longest[NAME_LONG + 1] = "";

    (void)state;
    memset(longest, 'n', NAME_LONG);
    assert_int_equal(mkdirat(root_fd, longest, 0755), 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(mkdirat(root_fd, names[i], 0755), 0);
    file_make_at(root_fd, "deep.1"); /* as the deletion itself names what it moves */
    assert_int_equal(mkfifoat(root_fd, "fifo", 0644), 0);
    assert_true(discard_ends_empty());
}

static void links_are_not_followed(void **state)
{
    CLEANUP_FREE char *outside = path_in_work_dir("outside");
    CLEANUP_FD int fd = open(outside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)state;
    file_make_at(fd, "precious");
    assert_int_equal(symlinkat(outside, root_fd, "link"), 0);
    assert_int_equal(mkdirat(root_fd, "inner", 0755), 0);
    assert_int_equal(symlinkat("../../../outside", root_fd, "inner/link"), 0);
    assert_int_equal(symlinkat("nowhere", root_fd, "dangling"), 0);
    assert_true(discard_ends_empty());
    assert_int_equal(entries_of("outside"), 1);
    assert_int_equal(unlinkat(fd, "precious", 0), 0);
}

/* As the module cache of Go leaves them; only root could delete them as they are. */
static void folders_that_are_closed_are_deleted(void **state)
{
    (void)state;
    assert_int_equal(mkdirat(root_fd, "closed", 0755), 0);
    assert_int_equal(mkdirat(root_fd, "closed/inner", 0755), 0);
    file_make_at(root_fd, "closed/inner/file");
    assert_int_equal(fchmodat(root_fd, "closed/inner", 0, 0), 0);
    assert_int_equal(fchmodat(root_fd, "closed", 0500, 0), 0);
    assert_true(discard_ends_empty());
}

static void trash_of_an_earlier_agent_is_deleted(void **state)
{
    (void)state;
    sandbox_discard(bin, TASK);
    sandbox_bin_destroy(bin);
    bin = sandbox_bin_create(work_dir);
    assert_true(discard_ends_empty());
}

static void nothing_outside_the_sandbox_can_be_opened(void **state)
{
    static const char *const paths[] = {"..", "/etc/passwd", "link", "link/passwd", "inner/../.."};

    (void)state;
    assert_int_equal(symlinkat("/etc", root_fd, "link"), 0);
    assert_int_equal(mkdirat(root_fd, "inner", 0755), 0);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_int_equal(sandbox_open_beneath(root_fd, paths[i], O_RDONLY | O_CLOEXEC), -1);
        assert_true(errno == EXDEV || errno == ELOOP);
    }
    CLEANUP_FD int fd = sandbox_open_beneath(root_fd, "inner/../inner", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(discard_ends_empty());
}

static void output_files_are_made_new_and_named_when_they_are_not(void **state)
{
    struct err err;
    CLEANUP_FD int fd = sandbox_output_open(root_fd, "stdout", geteuid(), getegid(), &err);
    struct stat info;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    assert_int_equal(sandbox_output_open(root_fd, "stdout", geteuid(), getegid(), &err), -1);
    assert_non_null(strstr(err.text, "stdout"));
    assert_int_equal(symlinkat("/tmp/elsewhere", root_fd, "stderr"), 0);
    assert_int_equal(sandbox_output_open(root_fd, "stderr", geteuid(), getegid(), &err), -1);
    assert_true(discard_ends_empty());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(discarding_takes_sandbox_and_checkpoint_away_at_once,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(discarding_what_is_not_there_changes_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_sandbox_of_any_depth_is_deleted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wide_sandbox_is_deleted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(odd_names_are_deleted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(links_are_not_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folders_that_are_closed_are_deleted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(trash_of_an_earlier_agent_is_deleted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_outside_the_sandbox_can_be_opened, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(output_files_are_made_new_and_named_when_they_are_not,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
