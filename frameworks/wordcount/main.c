/* SPDX-License-Identifier: PostgreSQL */
/* wordcount: a map-reduce word count as a Howdah framework.
 *
 * Splits a set of files into map tasks, runs them over the cell's agents, sums their counts in a
 * reduce task, checks the sum and prints it. All parts but the database share one directory
 * (--workdir). Whatever is killed in between, tasks run again until their output stands; with
 * --state and the same command line, that includes wordcount itself.
 *
 * Exit status: 0 the result is right, 1 it is not or there is none, 2 the command line is wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "frameworks/wordcount/corpus.h"
#include "frameworks/wordcount/options.h"
#include "frameworks/wordcount/scheduler.h"

#define TOP_MAX 1000

struct outcome {
    struct scheduler_totals totals;
    const struct counts *counts; /* NULL if there are none */
    const char *correct;         /* "yes", "no"; "unchecked" without --reference */
    int64_t ms;
};

/* --workdir; else beside the state file, so that a restart finds it; else a temporary one. */
static char *workdir_choose(const struct options *options, bool *temporary, struct err *err)
{
    const char *tmp = getenv("TMPDIR");
    CLEANUP_FREE char *made = NULL;

    *temporary = options->workdir == NULL;
    if (options->workdir != NULL)
        return mem_strdup(options->workdir);
    if (options->state != NULL)
        return mem_printf("%s.work", options->state);
    made = mem_printf("%s/wordcount.XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(made) == NULL || chmod(made, 0755) != 0) {
        err_set_errno(err, ERR_io_failed, "cannot make directory \"%s\"", made);
        return NULL;
    }
    return take(&made);
}

/* The reduce's table must be the sum of the maps' and, if asked for, what this process counts. */
static int result_check(const struct options *options, const struct corpus *corpus,
                        struct counts *counts, struct outcome *outcome, struct err *err)
{
    CLEANUP_FREE char *result = corpus_result_path(corpus);
    struct counts *sum = counts_create(), *reference = counts_create();
    int status = counts_table_file(counts, result, err);

    for (int map = 1; status == 0 && map <= corpus->maps; map++) {
        CLEANUP_FREE char *out = corpus_out_path(corpus, map);

        status = counts_table_file(sum, out, err);
    }
    if (status == 0 && counts_compare(counts, sum, err) != 0)
        status = err_wrap(err, "the reduce's counts are not the sum of the maps'");
    if (status == 0 && options->reference) {
        status = corpus_count(corpus, reference, err);
        if (status == 0 && counts_compare(counts, reference, err) != 0)
            status = err_wrap(err, "the counts differ from those computed directly");
        outcome->correct = status == 0 ? "yes" : "no";
    }
    counts_destroy(sum);
    counts_destroy(reference);
    return status;
}

static void report_text(FILE *out, const struct options *options, const struct corpus *corpus,
                        const struct outcome *outcome)
{
    struct word words[TOP_MAX];
    size_t count = counts_top(outcome->counts, words, (size_t)options->top);

    for (size_t i = 0; i < count; i++)
        fprintf(out, "%10llu  %s\n", (unsigned long long)words[i].count, words[i].text);
    fprintf(out,
            "wordcount: %llu words, %zu different, in %lld files of %lld bytes; %d maps, "
            "%.1f s; checked against a direct count: %s\n",
            (unsigned long long)counts_total(outcome->counts), counts_distinct(outcome->counts),
            (long long)corpus->files, (long long)corpus->bytes, corpus->maps,
            (double)outcome->ms / 1000.0, outcome->correct);
}

static void report_json(const struct options *options, const struct corpus *corpus,
                        const struct outcome *outcome)
{
    const struct scheduler_totals *totals = &outcome->totals;
    CLEANUP_JSON json_t *json = json_pack(
        "{s:s, s:s, s:I, s:I, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}",
        "framework", options->name, "framework_id", totals->framework_id, "files",
        (json_int_t)corpus->files, "bytes", (json_int_t)corpus->bytes, "maps", corpus->maps,
        "claims", (json_int_t)totals->claims, "tasks", (json_int_t)totals->tasks, "conflicts",
        (json_int_t)totals->conflicts, "refusals", (json_int_t)totals->refusals, "offers",
        (json_int_t)totals->offers, "rescinds", (json_int_t)totals->rescinds, "retries",
        (json_int_t)totals->retries, "words", (json_int_t)counts_total(outcome->counts), "distinct",
        (json_int_t)counts_distinct(outcome->counts), "milliseconds", (json_int_t)outcome->ms,
        "correct", outcome->correct);
    CLEANUP_FREE char *text = json_print(json);

    puts(text);
}

static int wordcount(const struct options *options, const struct corpus *corpus, struct err *err)
{
    FILE *out = options->json ? stderr : stdout;
    struct counts *counts = counts_create();
    struct outcome outcome = {.counts = counts, .correct = "unchecked"};
    int64_t start_ms = clock_mono_ms();
    int status;

    fprintf(out, "wordcount: %lld files of %lld bytes in %d maps\n", (long long)corpus->files,
            (long long)corpus->bytes, corpus->maps);
    status = scheduler_run(options, corpus, out, &outcome.totals, err);
    outcome.ms = clock_mono_ms() - start_ms;
    if (status == 0) {
        status = result_check(options, corpus, counts, &outcome, err);
        report_text(out, options, corpus, &outcome);
        if (options->json)
            report_json(options, corpus, &outcome);
    }
    counts_destroy(counts);
    return status;
}

int main(int argc, char **argv)
{
    struct options options;
    struct corpus corpus = {0};
    struct err err;
    bool temporary = false;
    char *workdir = NULL;
    int operand, status;

    log_init("wordcount", LOG_LEVEL_WARN);
    status = options_load(&options, argc, argv, &operand, &err);
    if (status > 0)
        return 0;
    if (status < 0) {
        log_err(LOG_LEVEL_ERROR, &err, "cannot start");
        return 2;
    }
    workdir = workdir_choose(&options, &temporary, &err);
    status = workdir == NULL ? -1
                             : corpus_open(&corpus, workdir, argv + operand, argc - operand,
                                           (int)options.maps, options.user, &err);
    if (status == 0)
        status = wordcount(&options, &corpus, &err);
    if (status != 0)
        log_err(LOG_LEVEL_ERROR, &err, "failed");
    if (workdir != NULL && temporary && (status == 0 || options.state == NULL))
        corpus_remove(workdir);
    else if (corpus.dir != NULL && status == 0)
        corpus_retire(&corpus);
    corpus_close(&corpus);
    options_free(&options);
    free(workdir);
    return status == 0 ? 0 : 1;
}
