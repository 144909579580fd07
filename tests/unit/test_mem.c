/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/mem.h"

struct thing {
    unsigned magic;
};

static void memory_comes_zeroed(void **state)
{
    CLEANUP_FREE char *bytes = mem_alloc(64);

    (void)state;
    for (int i = 0; i < 64; i++)
        assert_int_equal(bytes[i], 0);
}

static void a_size_of_zero_is_fine(void **state)
{
    CLEANUP_FREE char *nothing = mem_alloc(0);

    (void)state;
    assert_non_null(nothing);
    nothing = mem_realloc(nothing, 0);
    assert_non_null(nothing);
}

static void copies_are_copies(void **state)
{
    const char text[] = "carriage";
    CLEANUP_FREE char *copy = mem_strdup(text);
    CLEANUP_FREE char *part = mem_strndup(text, 3);
    CLEANUP_FREE char *whole = mem_strndup(text, 100);

    (void)state;
    assert_string_equal(copy, text);
    assert_ptr_not_equal(copy, text);
    assert_string_equal(part, "car");
    assert_string_equal(whole, text);
    assert_null(mem_strdup(NULL));
    assert_null(mem_strndup(NULL, 3));
}

static void printing_makes_room(void **state)
{
    CLEANUP_FREE char *text = mem_printf("%s-%d", "task", 12);

    (void)state;
    assert_string_equal(text, "task-12");
}

static char *make_text(void)
{
    CLEANUP_FREE char *text = mem_strdup("handed over");

    return take(&text);
}

static void take_hands_a_local_over(void **state)
{
    CLEANUP_FREE char *text = make_text();

    (void)state;
    assert_string_equal(text, "handed over");
}

static void a_cleaned_up_descriptor_is_closed(void **state)
{
    int number;

    (void)state;
    {
        CLEANUP_FD int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        CLEANUP_FD int none = -1;

        (void)none;
        number = fd;
        assert_true(fcntl(number, F_GETFD) >= 0);
    }
    assert_int_equal(fcntl(number, F_GETFD), -1);
}

static void the_right_magic_passes(void **state)
{
    struct thing thing = {.magic = 42};

    (void)state;
    assert_ptr_equal(CAST_MAGIC(&thing, struct thing, 42), &thing);
}

/* Run fn in a child; does it abort? */
static int child_aborts(void (*fn)(void))
{
    pid_t pid = fork();
    int status;

    if (!pid) {
        int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);

        dup2(quiet, STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        fn();
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void pass_wrong_magic(void)
{
    struct thing thing = {.magic = 1};

    CAST_MAGIC(&thing, struct thing, 42);
}

static void pass_null(void)
{
    CAST_MAGIC(NULL, struct thing, 42);
}

static void a_wrong_magic_aborts(void **state)
{
    (void)state;
    assert_true(child_aborts(pass_wrong_magic));
    assert_true(child_aborts(pass_null));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_comes_zeroed),
        cmocka_unit_test(a_size_of_zero_is_fine),
        cmocka_unit_test(copies_are_copies),
        cmocka_unit_test(printing_makes_room),
        cmocka_unit_test(take_hands_a_local_over),
        cmocka_unit_test(a_cleaned_up_descriptor_is_closed),
        cmocka_unit_test(the_right_magic_passes),
        cmocka_unit_test(a_wrong_magic_aborts),
    };

    return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
