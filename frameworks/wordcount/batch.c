/* SPDX-License-Identifier: PostgreSQL */
/* Placing units on offers and writing their tasks down.
 *
 * The tasks are small shell scripts around awk, which every agent has; so they share no code with
 * the direct count that checks them. Each writes its output under a name of its own first and
 * renames it: the output is whole or absent, whoever is killed when, and two attempts cannot
 * disturb each other. */
#include "frameworks/wordcount/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* $1 list of files (each name ended by NUL), $2 output. */
static const char map_script[] =
    "set -eu; LC_ALL=C; export LC_ALL; part=\"$2.$HOWDAH_TASK_ID\"\n"
    "xargs -0 awk '{ gsub(/[^A-Za-z]+/, \" \"); $0 = tolower($0)\n"
    "    for (i = 1; i <= NF; i++) n[$i]++ }\n"
    "  END { for (w in n) printf \"%.0f %s\\n\", n[w], w }' <\"$1\" >\"$part\"\n"
    "mv \"$part\" \"$2\"";

/* $1 output, the other arguments: outputs of the maps. */
static const char reduce_script[] =
    "set -eu; LC_ALL=C; export LC_ALL; out=\"$1\"; part=\"$1.$HOWDAH_TASK_ID\"; shift\n"
    "awk '{ n[$2] += $1 } END { for (w in n) printf \"%.0f %s\\n\", n[w], w }' \"$@\" >\"$part\"\n"
    "mv \"$part\" \"$out\"";

/* sh -c script name arguments… */
static const char **argv_make(const struct job *job, const struct unit *unit, const char *list)
{
    const char **argv = mem_alloc(((size_t)job->unit_count + 8) * sizeof(*argv));
    size_t count = 0;

    argv[count++] = "sh";
    argv[count++] = "-c";
    argv[count++] = unit->map > 0 ? map_script : reduce_script;
    argv[count++] = unit->map > 0 ? "map" : "reduce";
    if (unit->map > 0)
        argv[count++] = list;
    argv[count++] = unit->out;
    for (int i = 0; unit->map == 0 && i < job->unit_count - 1; i++)
        argv[count++] = job->units[i].out;
    return argv;
}

static void batch_add(struct batch *batch, const struct options *options,
                      const struct corpus *corpus, const struct job *job, struct unit *unit,
                      const struct fw_offer *offer)
{
    size_t i = batch->count++;

    batch->units[i] = unit;
    batch->lists[i] = corpus_list_path(corpus, unit->map);
    batch->argvs[i] = argv_make(job, unit, batch->lists[i]);
    job_task_name(unit, unit->attempt + 1, batch->names[i]);
    snprintf(batch->offer_ids[i], JOB_ID_SIZE, "%s", offer->offer_id);
    batch->tasks[i] = (struct fw_task){
        .name = batch->names[i],
        .offer_id = batch->offer_ids[i],
        .cpus_milli = options->cpus_milli,
        .mem = options->mem,
        .argv = batch->argvs[i],
        .user = options->user,
    };
}

/* How many tasks the offer has room for. */
static int64_t offer_room(const struct options *options, const struct fw_offer *offer)
{
    int64_t by_cpus = offer->cpus_milli / options->cpus_milli;
    int64_t by_mem = offer->mem / options->mem;

    return by_cpus < by_mem ? by_cpus : by_mem;
}

struct batch *batch_make(const struct options *options, const struct corpus *corpus,
                         const struct job *job, struct unit **units, size_t unit_count,
                         const struct fw_offer *offers, size_t offer_count)
{
    struct batch *batch = mem_alloc(sizeof(*batch));
    bool placed = true;

    for (int64_t round = 0; placed && batch->count < unit_count; round++) {
        placed = false;
        for (size_t i = 0; i < offer_count && batch->count < unit_count; i++) {
            if (offer_room(options, &offers[i]) <= round)
                continue;
            batch_add(batch, options, corpus, job, units[batch->count], &offers[i]);
            placed = true;
        }
    }
    return batch;
}

void batch_free(struct batch *batch)
{
    if (batch == NULL)
        return;
    for (size_t i = 0; i < batch->count; i++) {
        free(batch->argvs[i]);
        free(batch->lists[i]);
    }
    free(batch);
}
