/* SPDX-License-Identifier: PostgreSQL */
/* coordinator/snapshot: viewers share reads, see stale data when the database is away, and
 * documents keep their tag while only the time moves on. */
#include "tests/unit/coordinator_fake_db.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "coordinator/metrics.h"
#include "coordinator/snapshot.h"

#define CELL_1                                                                                     \
    "{\"now\": \"t1\", \"agents\": [{\"name\": \"a\", \"last_seen_s\": 1}], \"tasks\": []}"
#define CELL_2                                                                                     \
    "{\"now\": \"t2\", \"agents\": [{\"name\": \"a\", \"last_seen_s\": 2}], \"tasks\": []}"
#define CELL_3                                                                                     \
    "{\"now\": \"t3\", \"agents\": [{\"name\": \"b\", \"last_seen_s\": 2}], \"tasks\": []}"

struct viewer {
    int answers;
    bool none, stale;
    int64_t age_ms;
    char text[256], tag[32];
    enum err_code code;
};

static struct coordinator root;

static void viewer_cb(const struct snapshot_view *view, const struct err *err, void *arg)
{
    struct viewer *viewer = arg;

    viewer->answers++;
    viewer->code = err ? err->code : ERR_none;
    viewer->none = !view;
    if (!view)
        return;
    viewer->stale = view->stale;
    viewer->age_ms = view->age_ms;
    assert_int_equal(view->len, strlen(view->text));
    snprintf(viewer->text, sizeof(viewer->text), "%s", view->text);
    snprintf(viewer->tag, sizeof(viewer->tag), "%s", view->tag);
}

static struct viewer view_of(enum snapshot_document document)
{
    struct viewer viewer = {.answers = 0};

    snapshot_get(root.snapshot, document, viewer_cb, &viewer);
    assert_int_equal(viewer.answers, 1);
    return viewer;
}

static int start(void **state)
{
    struct err err = {.code = ERR_none};

    (void)state;
    fake_forget();
    clock_mono_set(100000);
    assert_int_equal(metrics_create(&root, &err), 0);
    return snapshot_create(&root, &err);
}

static int stop(void **state)
{
    (void)state;
    snapshot_destroy(&root);
    metrics_destroy(&root);
    clock_mono_set(-1);
    return 0;
}

static void viewers_of_one_moment_share_one_read(void **state)
{
    struct viewer viewers[3] = {{.answers = 0}};

    (void)state;
    fake_up("views");
    snapshot_get(root.snapshot, SNAPSHOT_cell, viewer_cb, &viewers[0]);
    snapshot_get(root.snapshot, SNAPSHOT_cell, viewer_cb, &viewers[1]);
    snapshot_get(root.snapshot, SNAPSHOT_agents, viewer_cb, &viewers[2]);
    assert_int_equal(fake_call_count, 1);
    fake_answer_one("cell_snapshot", "document", CELL_1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(viewers[i].answers, 1);
    assert_string_equal(viewers[0].text, CELL_1);
    assert_string_equal(viewers[1].tag, viewers[0].tag);
    assert_string_equal(viewers[2].text,
                        "{\"now\":\"t1\",\"agents\":[{\"name\":\"a\",\"last_seen_s\":1}]}");
    assert_false(viewers[0].stale);
}

static void within_a_second_nothing_is_read_again(void **state)
{
    struct viewer first = {.answers = 0};

    (void)state;
    fake_up("views");
    snapshot_get(root.snapshot, SNAPSHOT_cell, viewer_cb, &first);
    fake_answer_one("cell_snapshot", "document", CELL_1);
    clock_mono_set(100999);
    assert_int_equal(view_of(SNAPSHOT_cell).age_ms, 999);
    assert_int_equal(fake_call_count, 0);
    clock_mono_set(101000);
    snapshot_get(root.snapshot, SNAPSHOT_cell, viewer_cb, &first);
    assert_int_equal(fake_call_count, 1);
    fake_answer_one("cell_snapshot", "document", CELL_2);
}

static void a_document_keeps_its_tag_while_only_time_passes(void **state)
{
    struct viewer viewer = {.answers = 0};
    char tag[32];

    (void)state;
    fake_up("views");
    snapshot_get(root.snapshot, SNAPSHOT_cell, viewer_cb, &viewer);
    fake_answer_one("cell_snapshot", "document", CELL_1);
    snprintf(tag, sizeof(tag), "%s", viewer.tag);
    clock_mono_set(102000);
    snapshot_get(root.snapshot, SNAPSHOT_cell, viewer_cb, &viewer);
    fake_answer_one("cell_snapshot", "document", CELL_2);
    assert_string_equal(viewer.tag, tag);
    clock_mono_set(104000);
    snapshot_get(root.snapshot, SNAPSHOT_cell, viewer_cb, &viewer);
    fake_answer_one("cell_snapshot", "document", CELL_3);
    assert_string_not_equal(viewer.tag, tag);
}

static void a_slow_read_is_repeated_less_often(void **state)
{
    struct viewer viewer = {.answers = 0};

    (void)state;
    fake_up("views");
    snapshot_get(root.snapshot, SNAPSHOT_cell, viewer_cb, &viewer);
    clock_mono_set(100400);
    fake_answer_one("cell_snapshot", "document", CELL_1);
    clock_mono_set(101999);
    assert_int_equal(view_of(SNAPSHOT_cell).age_ms, 1999);
    clock_mono_set(102000);
    snapshot_get(root.snapshot, SNAPSHOT_cell, viewer_cb, &viewer);
    assert_int_equal(fake_call_count, 1);
    fake_answer_one("cell_snapshot", "document", CELL_2);
}

static void without_a_database_nothing_waits(void **state)
{
    struct viewer viewer = view_of(SNAPSHOT_cell);

    (void)state;
    assert_true(viewer.none);
    assert_int_equal(viewer.code, ERR_not_connected);
    assert_int_equal(fake_call_count, 0);
}

static void the_last_read_is_shown_stale_while_the_database_is_away(void **state)
{
    struct viewer viewer = {.answers = 0};

    (void)state;
    fake_up("views");
    snapshot_get(root.snapshot, SNAPSHOT_cell, viewer_cb, &viewer);
    fake_answer_one("cell_snapshot", "document", CELL_1);
    fake_down("views");
    clock_mono_set(130000);
    viewer = view_of(SNAPSHOT_cell);
    assert_false(viewer.none);
    assert_true(viewer.stale);
    assert_int_equal(viewer.age_ms, 30000);
    assert_string_equal(viewer.text, CELL_1);
}

static void a_failed_read_serves_all_who_wait_and_is_not_repeated_at_once(void **state)
{
    struct viewer viewers[2] = {{.answers = 0}};

    (void)state;
    fake_up("views");
    snapshot_get(root.snapshot, SNAPSHOT_tasks, viewer_cb, &viewers[0]);
    snapshot_get(root.snapshot, SNAPSHOT_tasks, viewer_cb, &viewers[1]);
    fake_fail("cell_snapshot", ERR_deadline_passed);
    assert_int_equal(viewers[0].answers + viewers[1].answers, 2);
    assert_true(viewers[0].none);
    assert_int_equal(viewers[1].code, ERR_deadline_passed);
    assert_int_equal(view_of(SNAPSHOT_tasks).code, ERR_deadline_passed);
    assert_int_equal(fake_call_count, 0);
}

static void an_answer_that_is_no_object_is_a_failed_read(void **state)
{
    struct viewer viewer = {.answers = 0};

    (void)state;
    fake_up("views");
    snapshot_get(root.snapshot, SNAPSHOT_cell, viewer_cb, &viewer);
    fake_answer_one("cell_snapshot", "document", "[1]");
    assert_true(viewer.none);
    assert_int_equal(viewer.code, ERR_server_error);
}

static void metrics_are_kept_as_printed_text(void **state)
{
    static const char *const columns[] = {"name", "type", "help", "labels", "value"};
    static const char *const values[] = {"claims_total", "counter", "Claims.", "{}", "3"};
    struct viewer viewer = {.answers = 0};

    (void)state;
    fake_up("views");
    snapshot_get(root.snapshot, SNAPSHOT_metrics, viewer_cb, &viewer);
    fake_answer("metrics", 5, columns, values);
    assert_string_equal(viewer.text, "# HELP howdah_claims_total Claims.\n"
                                     "# TYPE howdah_claims_total counter\nhowdah_claims_total 3\n");
}

static void who_waits_is_answered_when_the_coordinator_stops(void **state)
{
    struct viewer viewer = {.answers = 0};
    struct err err = {.code = ERR_none};

    (void)state;
    fake_up("views");
    snapshot_get(root.snapshot, SNAPSHOT_cell, viewer_cb, &viewer);
    snapshot_destroy(&root);
    assert_int_equal(viewer.answers, 1);
    assert_true(viewer.none);
    assert_int_equal(snapshot_create(&root, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(viewers_of_one_moment_share_one_read, start, stop),
        cmocka_unit_test_setup_teardown(within_a_second_nothing_is_read_again, start, stop),
        cmocka_unit_test_setup_teardown(a_document_keeps_its_tag_while_only_time_passes, start,
                                        stop),
        cmocka_unit_test_setup_teardown(a_slow_read_is_repeated_less_often, start, stop),
        cmocka_unit_test_setup_teardown(without_a_database_nothing_waits, start, stop),
        cmocka_unit_test_setup_teardown(the_last_read_is_shown_stale_while_the_database_is_away,
                                        start, stop),
        cmocka_unit_test_setup_teardown(
            a_failed_read_serves_all_who_wait_and_is_not_repeated_at_once, start, stop),
        cmocka_unit_test_setup_teardown(an_answer_that_is_no_object_is_a_failed_read, start, stop),
        cmocka_unit_test_setup_teardown(metrics_are_kept_as_printed_text, start, stop),
        cmocka_unit_test_setup_teardown(who_waits_is_answered_when_the_coordinator_stops, start,
                                        stop),
    };

    log_init("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("coordinator/snapshot", tests, NULL, NULL);
}
