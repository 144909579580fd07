/* SPDX-License-Identifier: PostgreSQL */
/* base/cell_mark: reading a mark, and telling the cell from what was left behind of it. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/cell_mark.h"
#include "base/json.h"
#include "base/mem.h"

#define CELL                                  "cccccccc-0000-4000-8000-00000000000c"
#define TOKEN                                 "eeeeeeee-0000-4000-8000-00000000000e"
#define OTHER                                 "dddddddd-0000-4000-8000-00000000000d"
#define MARK(id, epoch, generation, timeline) MARK_OF(id, epoch, TOKEN, generation, timeline)
#define MARK_OF(id, epoch, token, generation, timeline)                                            \
    "{\"cell_id\": \"" id "\", \"epoch\": " #epoch ", \"token\": \"" token                         \
    "\", \"generation\": " #generation ", \"timeline\": \"" timeline "\"}"

static void a_mark_is_read_and_printed_as_it_was(void **state)
{
    CLEANUP_JSON json_t *object = NULL;
    CLEANUP_FREE char *text = NULL;
    struct cell_mark known = {.epoch = 0};
    struct err err = {0};
    enum cell_news news;

    (void)state;
    assert_null(cell_mark_text(&known));
    object = cell_mark_json(&known);
    assert_true(json_is_null(object));
    assert_int_equal(cell_mark_take_text(&known, MARK(CELL, 7, 2, "0000000A"), &news, &err), 0);
    assert_int_equal(news, CELL_NEWER);
    assert_string_equal(known.cell_id, CELL);
    assert_int_equal(known.epoch, 7);
    assert_int_equal(known.generation, 2);
    assert_string_equal(known.timeline, "0000000A");
    text = cell_mark_text(&known);
    assert_int_equal(cell_mark_take_text(&known, text, &news, &err), 0);
    assert_int_equal(news, CELL_SAME);
}

static void what_is_no_mark_is_refused_and_named(void **state)
{
    static const struct {
        const char *text, *named;
    } cases[] = {
        {NULL, "JSON"},
        {"", "JSON"},
        {"[]", "cell_id"},
        {"{}", "cell_id"},
        {MARK("x", 1, 1, "00000001"), "cell_id"},
        {MARK_OF(CELL, 1, "x", 1, "00000001"), "token"},
        {MARK(CELL, 0, 1, "00000001"), "epoch"},
        {MARK(CELL, "1", 1, "00000001"), "epoch"},
        {MARK(CELL, 1, null, "00000001"), "generation"},
        {MARK(CELL, 1, 1, "1"), "timeline"},
        {MARK(CELL, 1, 1, "0000000a"), "timeline"},
        {MARK(CELL, 1, 1, "000000001"), "timeline"},
    };
    struct cell_mark known = {.epoch = 3};
    enum cell_news news;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = {0};

        assert_int_equal(cell_mark_take_text(&known, cases[i].text, &news, &err), -1);
        assert_non_null(strstr(err.text, cases[i].named));
        assert_int_equal(known.epoch, 3);
    }
}

static void marks_are_ordered_by_epoch_then_timeline(void **state)
{
    static const struct {
        const char *seen;
        enum err_code refused; /* ERR_none = taken, with this news */
        enum cell_news news;
    } cases[] = {
        {MARK(CELL, 5, 1, "00000002"), ERR_none, CELL_SAME},
        {MARK(CELL, 5, 1, "00000003"), ERR_none, CELL_NEWER},
        {MARK(CELL, 5, 1, "00000001"), ERR_cell_stale, CELL_SAME},
        {MARK_OF(CELL, 5, OTHER, 1, "00000002"), ERR_cell_stale, CELL_SAME},
        {MARK_OF(CELL, 5, OTHER, 1, "00000003"), ERR_cell_stale, CELL_SAME},
        {MARK_OF(CELL, 6, OTHER, 1, "00000002"), ERR_none, CELL_NEWER},
        {MARK(CELL, 6, 1, "00000002"), ERR_none, CELL_NEWER},
        {MARK(CELL, 6, 1, "00000001"), ERR_none, CELL_NEWER},
        {MARK(CELL, 4, 1, "00000009"), ERR_cell_stale, CELL_SAME},
        {MARK(CELL, 4, 2, "00000009"), ERR_cell_stale, CELL_SAME},
        {MARK(CELL, 9, 2, "00000001"), ERR_none, CELL_RECOVERED},
        {MARK(OTHER, 5, 1, "00000002"), ERR_cell_mismatch, CELL_SAME},
        {MARK(OTHER, 9, 9, "00000002"), ERR_cell_mismatch, CELL_SAME},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cell_mark known = {
            .cell_id = CELL, .token = TOKEN, .epoch = 5, .generation = 1, .timeline = "00000002"};
        struct cell_mark before = known;
        enum cell_news news = CELL_SAME;
        struct err err = {0};
        int rc = cell_mark_take_text(&known, cases[i].seen, &news, &err);

        assert_int_equal(err.code, cases[i].refused);
        assert_int_equal(rc, cases[i].refused == ERR_none ? 0 : -1);
        if (rc == 0)
            assert_int_equal(news, cases[i].news);
        if (rc != 0 || news == CELL_SAME)
            assert_memory_equal(&known, &before, sizeof(known));
        else
            assert_memory_not_equal(&known, &before, sizeof(known));
    }
}

static void a_refusal_names_what_is_seen_and_what_was(void **state)
{
    struct cell_mark known = {
        .cell_id = CELL, .token = TOKEN, .epoch = 5, .generation = 1, .timeline = "00000002"};
    enum cell_news news;
    struct err err = {0};

    (void)state;
    assert_int_equal(cell_mark_take_text(&known, MARK(OTHER, 5, 1, "00000002"), &news, &err), -1);
    assert_non_null(strstr(err.text, CELL));
    assert_non_null(strstr(err.text, OTHER));
    assert_int_equal(cell_mark_take_text(&known, MARK(CELL, 4, 1, "00000003"), &news, &err), -1);
    assert_non_null(strstr(err.text, "epoch 4 on timeline 00000003"));
    assert_non_null(strstr(err.text, "epoch 5 on timeline 00000002"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_is_read_and_printed_as_it_was),
        cmocka_unit_test(what_is_no_mark_is_refused_and_named),
        cmocka_unit_test(marks_are_ordered_by_epoch_then_timeline),
        cmocka_unit_test(a_refusal_names_what_is_seen_and_what_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
