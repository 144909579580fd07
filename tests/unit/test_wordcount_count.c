/* SPDX-License-Identifier: PostgreSQL */
/* Counting words in this process, and reading what the tasks counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "frameworks/wordcount/count.h"

/* A file with this content; the name is in a static buffer. */
static const char *file_with(const char *content, size_t len)
{
    static char path[64];
    int fd;

    snprintf(path, sizeof(path), "/tmp/howdah-test-count.XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, len), len);
    close(fd);
    return path;
}

static struct counts *counts_of_text(const char *text, size_t len)
{
    const char *path = file_with(text, len);
    struct counts *counts = counts_create();
    struct err err;

    assert_int_equal(counts_text_file(counts, path, &err), 0);
    unlink(path);
    return counts;
}

static void words_are_runs_of_ascii_letters_in_lower_case(void **state)
{
    static const char text[] = "The the, THE\nend-of x2y \xc3\xa9t\xc3\xa9 a\0b last";
    struct counts *counts = counts_of_text(text, sizeof(text) - 1);

    (void)state;
    assert_int_equal(counts_of(counts, "the"), 3);
    assert_int_equal(counts_of(counts, "end"), 1);
    assert_int_equal(counts_of(counts, "of"), 1);
    assert_int_equal(counts_of(counts, "x"), 1);
    assert_int_equal(counts_of(counts, "y"), 1);
    assert_int_equal(counts_of(counts, "t"), 1);
    assert_int_equal(counts_of(counts, "a"), 1);
    assert_int_equal(counts_of(counts, "b"), 1);
    assert_int_equal(counts_of(counts, "last"), 1);
    assert_int_equal(counts_of(counts, "The"), 0);
    assert_int_equal(counts_total(counts), 11);
    assert_int_equal(counts_distinct(counts), 9);
    counts_destroy(counts);
}

static void an_empty_file_has_no_words(void **state)
{
    struct counts *counts = counts_of_text("", 0);

    (void)state;
    assert_int_equal(counts_total(counts), 0);
    counts_destroy(counts);
}

static void many_words_and_long_ones_are_kept_apart(void **state)
{
    struct counts *counts = counts_create();
    char word[4096];

    (void)state;
    for (int i = 0; i < 20000; i++) {
        int len = 0;

        for (int rest = i; len == 0 || rest > 0; rest /= 26)
            word[len++] = (char)('a' + rest % 26);
        counts_add(counts, word, (size_t)len, (uint64_t)i + 1);
    }
    assert_int_equal(counts_distinct(counts), 20000);
    assert_int_equal(counts_of(counts, "b"), 2);
    assert_int_equal(counts_of(counts, "ab"), 27);
    memset(word, 'z', sizeof(word));
    counts_add(counts, word, sizeof(word), 5);
    counts_add(counts, word, sizeof(word) - 1, 6);
    assert_int_equal(counts_distinct(counts), 20002);
    counts_destroy(counts);
}

static int table_read(const char *text, struct err *err)
{
    const char *path = file_with(text, strlen(text));
    struct counts *counts = counts_create();
    int status = counts_table_file(counts, path, err);

    unlink(path);
    counts_destroy(counts);
    return status;
}

static void tables_are_read_and_bad_lines_refused(void **state)
{
    static const char *const bad[] = {"12\n",   "x 12\n", "0 a\n",   "-1 a\n",   "1  a\n",
                                      "1 Aa\n", "1 \n",   "1 a b\n", "3 ok\n\n", "3 ok\n4 a-"};
    struct err err;

    (void)state;
    assert_int_equal(table_read("", &err), 0);
    assert_int_equal(table_read("12 the\n3 end\n", &err), 0);
    assert_int_equal(table_read("12 the\n3 end", &err), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (table_read(bad[i], &err) == 0)
            fail_msg("accepted: %s", bad[i]);
}

static void a_file_that_is_not_there_is_an_error(void **state)
{
    struct counts *counts = counts_create();
    struct err err;

    (void)state;
    assert_int_equal(counts_text_file(counts, "/nonexistent/file", &err), -1);
    assert_non_null(strstr(err.text, "/nonexistent/file"));
    assert_int_equal(counts_table_file(counts, "/nonexistent/file", &err), -1);
    counts_destroy(counts);
}

static void comparison_finds_each_kind_of_difference(void **state)
{
    struct counts *left = counts_create(), *right = counts_create();
    struct err err;

    (void)state;
    assert_int_equal(counts_compare(left, right, &err), 0);
    counts_add(left, "a", 1, 2);
    assert_int_equal(counts_compare(left, right, &err), -1);
    assert_non_null(strstr(err.text, "\"a\": 2 here, 0 there"));
    assert_int_equal(counts_compare(right, left, &err), -1);
    counts_add(right, "a", 1, 1);
    assert_int_equal(counts_compare(left, right, &err), -1);
    counts_add(right, "a", 1, 1);
    assert_int_equal(counts_compare(left, right, &err), 0);
    counts_destroy(left);
    counts_destroy(right);
}

static void the_top_is_by_count_then_by_word(void **state)
{
    struct counts *counts = counts_create();
    struct word top[4];

    (void)state;
    counts_add(counts, "b", 1, 5);
    counts_add(counts, "a", 1, 5);
    counts_add(counts, "c", 1, 9);
    assert_int_equal(counts_top(counts, top, 2), 2);
    assert_string_equal(top[0].text, "c");
    assert_string_equal(top[1].text, "a");
    assert_int_equal(counts_top(counts, top, 4), 3);
    assert_string_equal(top[2].text, "b");
    counts_destroy(counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_runs_of_ascii_letters_in_lower_case),
        cmocka_unit_test(an_empty_file_has_no_words),
        cmocka_unit_test(many_words_and_long_ones_are_kept_apart),
        cmocka_unit_test(tables_are_read_and_bad_lines_refused),
        cmocka_unit_test(a_file_that_is_not_there_is_an_error),
        cmocka_unit_test(comparison_finds_each_kind_of_difference),
        cmocka_unit_test(the_top_is_by_count_then_by_word),
    };

    return cmocka_run_group_tests_name("wordcount count", tests, NULL, NULL);
}
