/* SPDX-License-Identifier: PostgreSQL */
/* claim_bench: a load of claims, and how fast they were answered.
 *
 * One process and one event loop. Each of --clients connections runs a closed loop of claims, made
 * by random ones of --frameworks freshly registered frameworks on random agents; --listeners more
 * frameworks just listen. After --warmup, claims are counted for --time; then one line of JSON is
 * printed. Every answered row is looked at. Exit code 1 when a claim was refused or failed: rates
 * of anything but committed claims mean nothing. */
#include <event2/event.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/db.h"
#include "base/json.h"
#include "base/loop.h"
#include "base/mem.h"
#include "bench/listeners.h"
#include "bench/session.h"
#include "bench/workload.h"

struct options {
#define CONF_FIELD_STRING   char *
#define CONF_FIELD_INT      int64_t
#define CONF_FIELD_DURATION int64_t
#define CONF_OPTION(field, kind, name_, short_name_, preset_, min_, max_, value_name_, help_)      \
    CONF_FIELD_##kind field;
#include "bench/options.def"
#undef CONF_OPTION
};

static const struct conf_option option_rows[] = {
#define CONF_OPTION(field, kind, name_, short_name_, preset_, min_, max_, value_name_, help_)      \
    {                                                                                              \
        .name = name_,                                                                             \
        .short_name = short_name_,                                                                 \
        .type = CONF_##kind,                                                                       \
        .offset = offsetof(struct options, field),                                                 \
        .preset = preset_,                                                                         \
        .min = min_,                                                                               \
        .max = max_,                                                                               \
        .value_name = value_name_,                                                                 \
        .help = help_,                                                                             \
    },
#include "bench/options.def"
#undef CONF_OPTION
};

static const struct conf_spec option_spec = {
    .program = "claim_bench",
    .synopsis = "--db CONNINFO [OPTION]...",
    .summary = "Claims tasks as fast as the database commits them and prints the rates as JSON.",
    .options = option_rows,
    .option_count = sizeof(option_rows) / sizeof(option_rows[0]),
    .stop_at_operand = false,
};

struct bench {
    struct options options;
    struct session_shared shared;
    struct session **sessions; /* options.clients of them */
    struct listeners *listeners;
    struct timer *timer; /* end of warm-up, then end of the run */
    int64_t started_ms, ended_ms;
    double client_cpu_s; /* of this process, while counting */
};

static double cpu_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void timer_cb(void *arg)
{
    struct bench *bench = arg;

    if (bench->shared.counting) {
        bench->shared.counting = false;
        bench->ended_ms = clock_mono_ms();
        bench->client_cpu_s += cpu_seconds();
        event_base_loopbreak(bench->shared.base);
        return;
    }
    bench->shared.counting = true;
    bench->started_ms = clock_mono_ms();
    bench->client_cpu_s = -cpu_seconds();
    timer_start(bench->timer, bench->options.run_ms);
}

static int workload_make(struct bench *bench, struct err *err)
{
    const struct options *options = &bench->options;
    PGconn *conn = db_open_blocking(options->db, "claim_bench", DB_WANT_WRITABLE, err);

    if (!conn)
        return err_wrap(err, "connecting");
    bench->shared.workload =
        workload_open(conn, options->frameworks, options->listeners, options->gang, err);
    PQfinish(conn);
    return bench->shared.workload ? 0 : -1;
}

static int bench_open(struct bench *bench, struct err *err)
{
    const struct options *options = &bench->options;
    const struct workload_framework *frameworks;
    int count;

    bench->shared.base = event_base_new();
    bench->sessions = mem_alloc((size_t)options->clients * sizeof(void *));
    if (workload_make(bench, err) < 0)
        return -1;
    frameworks = workload_frameworks(bench->shared.workload, &count);
    bench->listeners =
        listeners_open(bench->shared.base, options->db, frameworks + options->frameworks,
                       count - (int)options->frameworks, err);
    if (!bench->listeners)
        return -1;
    for (int64_t i = 0; i < options->clients; i++) {
        bench->sessions[i] = session_open(&bench->shared, options->db, err);
        if (!bench->sessions[i])
            return -1;
    }
    bench->timer = timer_create_on(bench->shared.base, timer_cb, bench);
    timer_start(bench->timer, options->warmup_ms);
    return 0;
}

static void bench_close(struct bench *bench)
{
    for (int64_t i = 0; i < bench->options.clients; i++)
        session_close(bench->sessions[i]);
    free(bench->sessions);
    listeners_close(bench->listeners);
    timer_free(bench->timer);
    workload_close(bench->shared.workload);
    event_base_free(bench->shared.base);
}

static void bench_print(const struct bench *bench)
{
    const struct session_shared *shared = &bench->shared;
    double seconds = (double)(bench->ended_ms - bench->started_ms) / 1000;

    printf("{\"clients\":%" PRId64 ",\"gang\":%" PRId64 ",\"seconds\":%.3f,\"claims\":%" PRIu64
           ",\"tasks\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"errors\":%" PRIu64
           ",\"claims_per_s\":%.1f,\"tasks_per_s\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f"
           ",\"notified\":%" PRIu64 ",\"client_cpu_s\":%.3f}\n",
           bench->options.clients, bench->options.gang, seconds, shared->claims, shared->tasks,
           shared->refused, shared->errors, (double)shared->claims / seconds,
           (double)shared->tasks / seconds,
           (double)histogram_quantile(&shared->latency, 0.50) / 1000,
           (double)histogram_quantile(&shared->latency, 0.99) / 1000,
           listeners_notified(bench->listeners), bench->client_cpu_s);
}

static int bench_run(struct bench *bench, struct err *err)
{
    const struct session_shared *shared = &bench->shared;

    event_base_dispatch(shared->base);
    bench_print(bench);
    if (shared->errors > 0) {
        *err = shared->first_error;
        return err_wrap(err, "%" PRIu64 " claims failed, the first", shared->errors);
    }
    if (shared->refused > 0)
        return err_set(err, ERR_input_invalid, "%" PRIu64 " tasks were refused", shared->refused);
    return 0;
}

int main(int argc, char **argv)
{
    static struct bench bench;
    struct err err = {.code = ERR_none};
    int operand = argc;
    int rc = conf_load(&option_spec, &bench.options, argc, argv, &operand, &err);

    if (rc > 0)
        return 0;
    if (rc == 0 && (!bench.options.db || operand < argc))
        rc = err_set(&err, ERR_input_invalid, "expected --db CONNINFO and no operands");
    if (rc == 0) {
        rc = bench_open(&bench, &err);
        if (rc == 0)
            rc = bench_run(&bench, &err);
        bench_close(&bench);
    }
    if (rc < 0)
        fprintf(stderr, "claim_bench: %s\n", err.text);
    conf_free(&option_spec, &bench.options);
    return rc < 0 ? 1 : 0;
}
