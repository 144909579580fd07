/* SPDX-License-Identifier: PostgreSQL */
/* The split in the shared directory, the state of the units, and the small files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "frameworks/wordcount/corpus.h"
#include "frameworks/wordcount/files.h"
#include "frameworks/wordcount/job.h"
#include "frameworks/wordcount/options.h"
#include "frameworks/wordcount/state.h"

#define TASK  "77777777-0000-4000-8000-000000000007"
#define OTHER "88888888-0000-4000-8000-000000000008"

struct world {
    char dir[64], work[96], texts[96];
    struct corpus corpus;
    struct job job;
};

static void text_write(const struct world *world, const char *name, const char *text)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", world->texts, name);
    struct err err;

    assert_int_equal(file_replace(path, text, strlen(text), &err), 0);
}

static void corpus_make(struct world *world, int maps)
{
    char *const operands[] = {world->texts};
    struct err err;

    if (corpus_open(&world->corpus, world->work, operands, 1, maps, NULL, &err) != 0)
        fail_msg("%s", err.text);
    job_init(&world->job, &world->corpus);
}

static int setup(void **state)
{
    struct world *world = mem_alloc(sizeof(*world));
    CLEANUP_FREE char *link = NULL;

    snprintf(world->dir, sizeof(world->dir), "/tmp/howdah-test-job.XXXXXX");
    assert_non_null(mkdtemp(world->dir));
    snprintf(world->work, sizeof(world->work), "%s/work", world->dir);
    snprintf(world->texts, sizeof(world->texts), "%s/texts", world->dir);
    assert_int_equal(mkdir(world->texts, 0755), 0);
    text_write(world, "one", "a b a");
    text_write(world, "two", "b c");
    text_write(world, "a \"name\"\nwith $(everything)", "odd");
    link = mem_printf("%s/link", world->texts);
    assert_int_equal(symlink("one", link), 0);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    job_free(&world->job);
    corpus_remove(world->work);
    assert_int_equal(access(world->work, F_OK), -1); /* nothing is left behind */
    corpus_close(&world->corpus);
    file_remove(world->texts, "link");
    files_remove(world->dir, "texts");
    rmdir(world->dir);
    free(world);
    return 0;
}

static void output_write(const struct unit *unit)
{
    struct err err;

    assert_int_equal(file_replace(unit->out, "1 a\n", 4, &err), 0);
}

static enum job_verdict update(struct world *world, struct unit *unit, int attempt,
                               const char *state, bool terminal)
{
    return job_task_state(&world->job, unit, attempt, TASK, state, terminal, 1000, 3);
}

static struct unit *placed(struct world *world, int index)
{
    struct unit *unit = &world->job.units[index];

    unit->state = UNIT_CLAIMING;
    unit->attempt = 1;
    job_placed(unit, TASK);
    assert_int_equal(unit->state, UNIT_PLACED);
    return unit;
}

static void each_regular_file_is_counted_once(void **state)
{
    struct world *world = *state;
    struct counts *counts = counts_create();
    struct err err;

    corpus_make(world, 2);
    assert_int_equal(world->corpus.files, 3);
    assert_int_equal(world->corpus.maps, 2);
    assert_int_equal(corpus_count(&world->corpus, counts, &err), 0);
    assert_int_equal(counts_of(counts, "a"), 2);
    assert_int_equal(counts_of(counts, "b"), 2);
    assert_int_equal(counts_of(counts, "odd"), 1);
    counts_destroy(counts);
}

static void there_are_no_more_maps_than_files(void **state)
{
    struct world *world = *state;

    corpus_make(world, 50);
    assert_int_equal(world->corpus.maps, 3);
    assert_int_equal(world->job.unit_count, 4);
}

static void a_complete_split_is_taken_over_as_it_is(void **state)
{
    struct world *world = *state;
    char *const nothing[] = {world->dir};
    struct corpus again;
    struct err err;

    corpus_make(world, 2);
    text_write(world, "later", "new");
    assert_int_equal(corpus_open(&again, world->work, nothing, 1, 9, NULL, &err), 0);
    assert_int_equal(again.maps, 2);
    assert_int_equal(again.files, 3);
    corpus_close(&again);
}

static void a_new_split_clears_what_a_former_one_left(void **state)
{
    struct world *world = *state;

    corpus_make(world, 2);
    output_write(&world->job.units[0]);
    output_write(&world->job.units[2]);
    corpus_retire(&world->corpus);
    job_free(&world->job);
    corpus_close(&world->corpus);
    corpus_make(world, 2);
    assert_int_equal(world->job.done, 0);
}

static void nothing_to_count_is_an_error(void **state)
{
    struct world *world = *state;
    char *const missing[] = {"/nonexistent/texts"};
    struct corpus corpus;
    struct err err;

    assert_int_equal(corpus_open(&corpus, world->work, missing, 1, 2, NULL, &err), -1);
    assert_non_null(strstr(err.text, "/nonexistent/texts"));
    assert_null(corpus.dir);
    corpus_make(world, 2);
}

static void the_reduce_is_ready_only_after_every_map(void **state)
{
    struct world *world = *state;
    struct unit *units[8];

    corpus_make(world, 2);
    assert_int_equal(job_ready(&world->job, 0, units, 8), 2);
    output_write(placed(world, 0));
    assert_int_equal(update(world, &world->job.units[0], 1, "finished", true), JOB_DONE);
    assert_int_equal(job_ready(&world->job, 0, units, 8), 1);
    output_write(placed(world, 1));
    assert_int_equal(update(world, &world->job.units[1], 1, "finished", true), JOB_DONE);
    assert_int_equal(job_ready(&world->job, 0, units, 8), 1);
    assert_int_equal(units[0]->map, 0);
    assert_false(job_finished(&world->job));
    output_write(placed(world, 2));
    assert_int_equal(update(world, &world->job.units[2], 1, "finished", true), JOB_DONE);
    assert_true(job_finished(&world->job));
}

static void outputs_that_stand_are_done_from_the_start(void **state)
{
    struct world *world = *state;
    struct unit *units[8];

    corpus_make(world, 2);
    output_write(&world->job.units[1]);
    job_free(&world->job);
    job_init(&world->job, &world->corpus);
    assert_int_equal(world->job.done, 1);
    assert_int_equal(job_ready(&world->job, 0, units, 8), 1);
    assert_int_equal(units[0]->map, 1);
}

static void task_names_lead_back_to_unit_and_attempt(void **state)
{
    struct world *world = *state;
    char name[JOB_NAME_SIZE];
    int attempt = 0;

    corpus_make(world, 2);
    job_task_name(&world->job.units[1], 12, name);
    assert_string_equal(name, "map-0002.12");
    assert_ptr_equal(job_find(&world->job, name, &attempt), &world->job.units[1]);
    assert_int_equal(attempt, 12);
    job_task_name(&world->job.units[2], 3, name);
    assert_ptr_equal(job_find(&world->job, name, &attempt), &world->job.units[2]);
    assert_null(job_find(&world->job, "map-0003.1", &attempt));
    assert_null(job_find(&world->job, "map-0000.1", &attempt));
    assert_null(job_find(&world->job, "something", &attempt));
}

static void a_killed_task_is_tried_again_without_blame(void **state)
{
    static const char *const blameless[] = {"killed", "lost", "dropped", "gone",
                                            "gone_by_operator"};
    struct world *world = *state;
    struct unit *unit;

    corpus_make(world, 2);
    for (int i = 0; i < 5; i++) {
        unit = placed(world, 0);
        assert_int_equal(update(world, unit, 1, blameless[i], true), JOB_RETRY);
        assert_int_equal(unit->state, UNIT_WAITING);
        assert_true(unit->not_before_ms >= 1000);
    }
    assert_int_equal(unit->failures, 0);
}

static void a_unit_that_fails_too_often_is_hopeless(void **state)
{
    struct world *world = *state;
    struct unit *unit;

    corpus_make(world, 2);
    unit = placed(world, 0);
    assert_int_equal(update(world, unit, 1, "failed", true), JOB_RETRY);
    unit = placed(world, 0);
    assert_int_equal(update(world, unit, 1, "finished", true), JOB_RETRY); /* without output */
    unit = placed(world, 0);
    assert_int_equal(update(world, unit, 1, "failed", true), JOB_HOPELESS);
}

static void a_task_that_cannot_run_is_hopeless_at_once(void **state)
{
    struct world *world = *state;

    corpus_make(world, 2);
    assert_int_equal(update(world, placed(world, 0), 1, "error", true), JOB_HOPELESS);
}

static void an_output_that_stands_counts_whatever_became_of_the_task(void **state)
{
    struct world *world = *state;
    struct unit *unit;

    corpus_make(world, 2);
    unit = placed(world, 0);
    output_write(unit);
    assert_int_equal(update(world, unit, 1, "killed", true), JOB_DONE);
    assert_int_equal(update(world, unit, 1, "killed", true), JOB_NOTHING);
    assert_int_equal(world->job.done, 1);
}

static void an_unreachable_task_gets_company_and_may_still_win(void **state)
{
    struct world *world = *state;
    struct unit *unit;

    corpus_make(world, 2);
    unit = placed(world, 0);
    assert_int_equal(update(world, unit, 1, "unreachable", false), JOB_RETRY);
    unit->state = UNIT_CLAIMING;
    unit->attempt = 2;
    job_placed(unit, OTHER);
    output_write(unit);
    assert_int_equal(update(world, unit, 1, "finished", true), JOB_DONE);
    assert_string_equal(unit->task_id, OTHER); /* to be killed by the scheduler */
}

static void the_end_of_an_earlier_attempt_changes_nothing(void **state)
{
    struct world *world = *state;
    struct unit *unit;

    corpus_make(world, 2);
    unit = placed(world, 0);
    unit->attempt = 2;
    assert_int_equal(update(world, unit, 1, "lost", true), JOB_NOTHING);
    assert_int_equal(unit->state, UNIT_PLACED);
}

static void a_live_task_found_after_a_restart_is_taken_over(void **state)
{
    struct world *world = *state;
    struct unit *unit, *units[8];

    corpus_make(world, 2);
    unit = &world->job.units[0];
    assert_int_equal(update(world, unit, 4, "running", false), JOB_NOTHING);
    assert_int_equal(unit->state, UNIT_PLACED);
    assert_int_equal(unit->attempt, 4);
    assert_string_equal(unit->task_id, TASK);
    assert_int_equal(job_ready(&world->job, 0, units, 8), 1);
}

static void an_update_may_overtake_the_claims_answer(void **state)
{
    struct world *world = *state;
    struct unit *unit;

    corpus_make(world, 2);
    unit = &world->job.units[0];
    unit->state = UNIT_CLAIMING;
    unit->attempt = 1;
    assert_int_equal(update(world, unit, 1, "failed", true), JOB_RETRY);
    job_placed(unit, TASK);
    assert_int_equal(unit->state, UNIT_WAITING);
}

static void a_refused_unit_waits_a_moment(void **state)
{
    struct world *world = *state;
    struct unit *unit, *units[8];

    corpus_make(world, 2);
    unit = &world->job.units[0];
    unit->state = UNIT_CLAIMING;
    job_refused(unit, 5000);
    assert_int_equal(unit->state, UNIT_WAITING);
    assert_int_equal(job_ready(&world->job, 5000, units, 8), 1);
    assert_int_equal(job_ready(&world->job, 60000, units, 8), 2);
}

static void the_state_file_keeps_the_framework(void **state)
{
    struct world *world = *state;
    CLEANUP_FREE char *path = mem_printf("%s/state", world->dir);
    char *id = NULL;
    struct err err;

    corpus_make(world, 1);
    assert_int_equal(state_read(path, &id, &err), 0);
    assert_null(id);
    assert_int_equal(state_write(path, TASK, &err), 0);
    assert_int_equal(state_read(path, &id, &err), 0);
    assert_string_equal(id, TASK);
    free(id);
    assert_int_equal(file_replace(path, "{\"framework_id\": \"7\"}", 21, &err), 0);
    assert_int_equal(state_read(path, &id, &err), -1);
    assert_int_equal(file_replace(path, "{", 1, &err), 0);
    assert_int_equal(state_read(path, &id, &err), -1);
    unlink(path);
}

static void cpus_are_read_in_thousandths(void **state)
{
    static const struct {
        const char *text;
        int64_t milli; /* 0 = refused */
    } cases[] = {{"1", 1000},
                 {"0.25", 250},
                 {"0.001", 1},
                 {"2.5", 2500},
                 {".5", 500},
                 {"", 0},
                 {"0", 0},
                 {"-1", 0},
                 {"nan", 0},
                 {"1.2345", 0},
                 {"1e3", 0},
                 {"1000001", 0},
                 {"1 ", 0},
                 {"1.2.3", 0},
                 {"99999999999999", 0},
                 {"1000000", 1000000000}};
    int64_t milli;
    struct err err;

    corpus_make(*state, 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int status = options_parse_cpus(cases[i].text, &milli, &err);

        if ((status == 0) != (cases[i].milli != 0) || (status == 0 && milli != cases[i].milli))
            fail_msg("\"%s\" became %lld (%d)", cases[i].text, (long long)milli, status);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_regular_file_is_counted_once),
        TEST(there_are_no_more_maps_than_files),
        TEST(a_complete_split_is_taken_over_as_it_is),
        TEST(a_new_split_clears_what_a_former_one_left),
        TEST(nothing_to_count_is_an_error),
        TEST(the_reduce_is_ready_only_after_every_map),
        TEST(outputs_that_stand_are_done_from_the_start),
        TEST(task_names_lead_back_to_unit_and_attempt),
        TEST(a_killed_task_is_tried_again_without_blame),
        TEST(a_unit_that_fails_too_often_is_hopeless),
        TEST(a_task_that_cannot_run_is_hopeless_at_once),
        TEST(an_output_that_stands_counts_whatever_became_of_the_task),
        TEST(an_unreachable_task_gets_company_and_may_still_win),
        TEST(the_end_of_an_earlier_attempt_changes_nothing),
        TEST(a_live_task_found_after_a_restart_is_taken_over),
        TEST(an_update_may_overtake_the_claims_answer),
        TEST(a_refused_unit_waits_a_moment),
        TEST(the_state_file_keeps_the_framework),
        TEST(cpus_are_read_in_thousandths),
    };

    return cmocka_run_group_tests_name("wordcount job", tests, NULL, NULL);
}
