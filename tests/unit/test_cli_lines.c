/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/lines.h"

static char *written;
static size_t written_len;
static struct lines lines;
static struct lines_target target;

static int set_up(void **state)
{
    (void)state;
    lines = (struct lines){0};
    target = (struct lines_target){
        .out = open_memstream(&written, &written_len),
        .task_id = "id",
        .task = "name-1",
        .stream = "stdout",
    };
    return target.out == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    fclose(target.out);
    free(written);
    lines_free(&lines);
    return 0;
}

static void add(const char *text)
{
    assert_true(lines_add(&lines, &target, text, strlen(text)));
}

static void assert_written(const char *text)
{
    fflush(target.out);
    assert_string_equal(written, text);
}

/* The member "line" of the last object that was written. */
static void assert_last_line(const char *text, size_t len)
{
    const char *at;
    json_t *object;

    fflush(target.out);
    assert_int_equal(written[written_len - 1], '\n');
    written[written_len - 1] = '\0';
    at = strrchr(written, '\n');
    object = json_loads(at ? at + 1 : written, JSON_ALLOW_NUL, NULL);
    written[written_len - 1] = '\n';
    assert_non_null(object);
    json_t *line = json_object_get(object, "line");
    assert_int_equal(json_string_length(line), len);
    assert_memory_equal(json_string_value(line), text, len);
    json_decref(object);
}

static void whole_lines_are_printed_at_once(void **state)
{
    (void)state;
    add("one\ntwo\n");
    assert_written("one\ntwo\n");
}

static void a_part_of_a_line_waits_for_its_end(void **state)
{
    (void)state;
    add("be");
    add("gin");
    assert_written("");
    add("ning\nnext");
    assert_written("beginning\n");
    add("\n");
    assert_written("beginning\nnext\n");
}

static void the_end_completes_the_last_line_once(void **state)
{
    (void)state;
    add("no end");
    assert_true(lines_end(&lines, &target));
    assert_true(lines_end(&lines, &target));
    assert_written("no end\n");
}

static void nothing_gives_nothing(void **state)
{
    (void)state;
    add("");
    assert_true(lines_end(&lines, &target));
    assert_written("");
}

static void bytes_are_kept_as_they_are(void **state)
{
    const char bytes[] = "a\0b\xff\r\n\n";

    (void)state;
    assert_true(lines_add(&lines, &target, bytes, sizeof(bytes) - 1));
    fflush(target.out);
    assert_int_equal(written_len, sizeof(bytes) - 1);
    assert_memory_equal(written, bytes, sizeof(bytes) - 1);
}

static void any_cut_gives_the_same_lines(void **state)
{
    static const char text[] = "first\n\nsecond line\nüber\nlast";

    (void)state;
    for (size_t cut = 0; cut < sizeof(text) - 1; cut++) {
        assert_true(lines_add(&lines, &target, text, cut));
        assert_true(lines_add(&lines, &target, text + cut, sizeof(text) - 1 - cut));
        assert_true(lines_end(&lines, &target));
        fflush(target.out);
        assert_int_equal(written_len, sizeof(text));
        assert_memory_equal(written, text, sizeof(text) - 1);
        rewind(target.out);
    }
}

static void a_line_of_megabytes_is_kept_whole(void **state)
{
    CLEANUP_FREE char *piece = mem_alloc(65536);

    (void)state;
    memset(piece, 'x', 65536);
    for (int i = 0; i < 64; i++)
        assert_true(lines_add(&lines, &target, piece, 65536));
    fflush(target.out);
    assert_int_equal(written_len, 0);
    add("\n");
    fflush(target.out);
    assert_int_equal(written_len, 64 * 65536 + 1);
}

static void with_json_each_line_is_an_object(void **state)
{
    (void)state;
    target.json = true;
    add("one\ntwo\n");
    assert_written(
        "{\"task_id\":\"id\",\"task\":\"name-1\",\"stream\":\"stdout\",\"line\":\"one\"}\n"
        "{\"task_id\":\"id\",\"task\":\"name-1\",\"stream\":\"stdout\",\"line\":\"two\"}\n");
}

static void json_without_a_name_says_null(void **state)
{
    (void)state;
    target.json = true;
    target.task = NULL;
    target.stream = "stderr";
    add("\n");
    assert_written("{\"task_id\":\"id\",\"task\":null,\"stream\":\"stderr\",\"line\":\"\"}\n");
}

static void json_holds_what_is_no_text(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *text;
        size_t text_len;
    } cases[] = {
        {"tab\there\n", 9, "tab\there", 8},
        {"quote\"\\\n", 8, "quote\"\\", 7},
        {"nul\0nul\n", 8, "nul\0nul", 7},
        {"\xff\n", 2, "\xef\xbf\xbd", 3},
        {"a\xc3\n", 3, "a\xef\xbf\xbd", 4},                               /* cut in a character */
        {"\xed\xa0\x80\n", 4, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 9}, /* a surrogate */
        {"\xc0\x80\n", 3, "\xef\xbf\xbd\xef\xbf\xbd", 6},                 /* overlong */
        {"\xf0\x9f\x98\x80\n", 5, "\xf0\x9f\x98\x80", 4},
    };

    (void)state;
    target.json = true;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(lines_add(&lines, &target, cases[i].bytes, cases[i].len));
        assert_last_line(cases[i].text, cases[i].text_len);
    }
}

static void what_cannot_be_written_is_said(void **state)
{
    FILE *out = target.out, *full = fopen("/dev/full", "w");

    (void)state;
    assert_non_null(full);
    target.out = full;
    assert_false(lines_add(&lines, &target, "line\n", 5));
    target.json = true;
    assert_false(lines_add(&lines, &target, "line\n", 5));
    target.out = out;
    fclose(full);
}

#define LINES_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LINES_TEST(whole_lines_are_printed_at_once),
        LINES_TEST(a_part_of_a_line_waits_for_its_end),
        LINES_TEST(the_end_completes_the_last_line_once),
        LINES_TEST(nothing_gives_nothing),
        LINES_TEST(bytes_are_kept_as_they_are),
        LINES_TEST(any_cut_gives_the_same_lines),
        LINES_TEST(a_line_of_megabytes_is_kept_whole),
        LINES_TEST(with_json_each_line_is_an_object),
        LINES_TEST(json_without_a_name_says_null),
        LINES_TEST(json_holds_what_is_no_text),
        LINES_TEST(what_cannot_be_written_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
