/* SPDX-License-Identifier: PostgreSQL */
/* Random claims, made cheaply: client and server share the processors. Random numbers are
 * xorshift64*, seeded from a uuid; claim keys are version 4 uuids printed from two of them; a
 * task's name is the run's tag and a counter. */
#include "bench/workload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/row.h"
#include "bench/stmts.h"

#define SPEC_SIZE 256 /* bytes of one task spec, at most */

struct workload {
    uint64_t random;          /* state of the generator, never 0 */
    char tag[UUID_TEXT_SIZE]; /* makes task names unique over all runs */
    uint64_t task_count;      /* drawn so far */
    int64_t gang;             /* tasks in each claim */
    int claiming;             /* the first so many of frameworks make claims */
    int framework_count;
    struct workload_framework *frameworks;
    int agent_count;
    char (*agents)[UUID_TEXT_SIZE];
    char key[UUID_TEXT_SIZE];
    char *tasks; /* the JSON text of the latest claim */
};

static uint64_t random_next(struct workload *workload)
{
    uint64_t x = workload->random;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    workload->random = x;
    return x * UINT64_C(2685821657736338717);
}

/* 0 to bound - 1. */
static int random_below(struct workload *workload, int bound)
{
    return (int)((random_next(workload) >> 32) * (uint64_t)bound >> 32);
}

static void random_seed(struct workload *workload)
{
    uuid_make(workload->tag);
    workload->random = strtoull(workload->tag + 24, NULL, 16) | 1;
    workload->tag[8] = '\0';
}

static int agents_read(struct workload *workload, PGconn *conn, struct err *err)
{
    PGresult *result = db_call_blocking(conn, &stmts[STMT_agents], NULL, err);

    if (!result)
        return err_wrap(err, "reading the agents");
    workload->agent_count = PQntuples(result);
    workload->agents = mem_alloc((size_t)workload->agent_count * UUID_TEXT_SIZE + 1);
    for (int i = 0; i < workload->agent_count; i++)
        snprintf(workload->agents[i], UUID_TEXT_SIZE, "%s", row_text(result, i, "agent_id"));
    PQclear(result);
    if (workload->agent_count == 0)
        return err_set(err, ERR_input_invalid, "the cell has no agent that takes claims");
    return 0;
}

static int framework_register(struct workload *workload, PGconn *conn, int number, struct err *err)
{
    struct workload_framework *framework = &workload->frameworks[number];
    char name[64];
    const char *params[] = {name};
    PGresult *result;

    snprintf(name, sizeof(name), "bench-%s-%d", workload->tag, number);
    result = db_call_blocking(conn, &stmts[STMT_register], params, err);
    if (!result)
        return err_wrap(err, "registering framework %s", name);
    snprintf(framework->id, sizeof(framework->id), "%s", row_text(result, 0, "framework_id"));
    snprintf(framework->epoch, sizeof(framework->epoch), "%s", row_text(result, 0, "epoch"));
    snprintf(framework->channel, sizeof(framework->channel), "%s", row_text(result, 0, "channel"));
    framework->heartbeat_ms = 1000 * row_int(result, 0, "heartbeat_s");
    PQclear(result);
    return 0;
}

struct workload *workload_open(PGconn *conn, int64_t frameworks, int64_t listeners, int64_t gang,
                               struct err *err)
{
    struct workload *workload = mem_alloc(sizeof(*workload));

    random_seed(workload);
    workload->gang = gang;
    workload->claiming = (int)frameworks;
    workload->framework_count = (int)(frameworks + listeners);
    workload->frameworks =
        mem_alloc((size_t)workload->framework_count * sizeof(workload->frameworks[0]));
    workload->tasks = mem_alloc((size_t)gang * SPEC_SIZE + 3);
    if (agents_read(workload, conn, err) < 0)
        goto fail;
    for (int i = 0; i < workload->framework_count; i++)
        if (framework_register(workload, conn, i, err) < 0)
            goto fail;
    return workload;
fail:
    workload_close(workload);
    return NULL;
}

void workload_close(struct workload *workload)
{
    if (!workload)
        return;
    free(workload->frameworks);
    free(workload->agents);
    free(workload->tasks);
    free(workload);
}

/* Appends one spec at text, returns its end. */
static char *spec_print(struct workload *workload, char *text)
{
    int len = snprintf(text, SPEC_SIZE,
                       "{\"name\":\"%s-%" PRIu64 "\",\"agent\":\"%s\","
                       "\"resources\":{\"cpus\":0.1,\"mem\":32},"
                       "\"command\":{\"shell\":\"echo $HOWDAH_TASK_ID\"}}",
                       workload->tag, workload->task_count++,
                       workload->agents[random_below(workload, workload->agent_count)]);

    return text + len;
}

static void key_print(struct workload *workload)
{
    uint64_t a = random_next(workload);
    uint64_t b = random_next(workload);

    snprintf(workload->key, sizeof(workload->key),
             "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-%04" PRIx64 "-%012" PRIx64, a >> 32,
             a >> 16 & 0xffff, a & 0xfff, 0x8000 | (b >> 48 & 0x3fff),
             b & UINT64_C(0xffffffffffff));
}

struct workload_claim workload_draw(struct workload *workload)
{
    const struct workload_framework *framework =
        &workload->frameworks[random_below(workload, workload->claiming)];
    char *end = workload->tasks;

    *end++ = '[';
    for (int64_t i = 0; i < workload->gang; i++) {
        if (i > 0)
            *end++ = ',';
        end = spec_print(workload, end);
    }
    *end++ = ']';
    *end = '\0';
    key_print(workload);
    return (struct workload_claim){framework->id, framework->epoch, workload->key, workload->tasks};
}

const struct workload_framework *workload_frameworks(const struct workload *workload, int *count)
{
    *count = workload->framework_count;
    return workload->frameworks;
}
