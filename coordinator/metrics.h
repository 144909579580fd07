/* SPDX-License-Identifier: PostgreSQL */
/* The coordinator's own counters, and everything /metrics prints, in Prometheus' text format. */
#ifndef HOWDAH_COORDINATOR_METRICS_H
#define HOWDAH_COORDINATOR_METRICS_H

#include <event2/buffer.h>
#include <libpq-fe.h>

#include "coordinator/coordinator.h"

enum metrics_chore {
#define CHORE(stmt_name, pause, counts) METRICS_CHORE_##stmt_name,
#include "coordinator/chores.def"
#undef CHORE
    METRICS_CHORE_doorbell_set, /* no chore of a turn: said between turns */
    METRICS_CHORE_COUNT
};

enum metrics_session {
    METRICS_SESSION_lease,
    METRICS_SESSION_chores,
    METRICS_SESSION_views,
    METRICS_SESSION_COUNT
};

/* Status codes that are sent; anything else counts as the last. */
enum metrics_code {
    METRICS_CODE_200,
    METRICS_CODE_304,
    METRICS_CODE_400,
    METRICS_CODE_403,
    METRICS_CODE_404,
    METRICS_CODE_405,
    METRICS_CODE_503,
    METRICS_CODE_other,
    METRICS_CODE_COUNT
};

#define METRICS_SIZE_chore   METRICS_CHORE_COUNT
#define METRICS_SIZE_session METRICS_SESSION_COUNT
#define METRICS_SIZE_code    METRICS_CODE_COUNT

/* Owners of a counter add to it directly; gauges about other parts are set when printed. */
struct metrics {
#define METRIC(field, type, name, help)           double field;
#define METRIC_BY(field, type, label, name, help) double field[METRICS_SIZE_##label];
#include "coordinator/metrics.def"
#undef METRIC
#undef METRIC_BY
};

int metrics_create(struct coordinator *root, struct err *err) MUST_CHECK;
void metrics_destroy(struct coordinator *root);

void metrics_session_up(struct metrics *metrics, enum metrics_session session);
void metrics_session_down(struct metrics *metrics, enum metrics_session session);
void metrics_http_answered(struct metrics *metrics, int code);

/* Append all of metrics.def. */
void metrics_print(const struct metrics *metrics, struct evbuffer *out);
/* Refresh the process_* fields; failures leave them as they are. */
void metrics_sample_process(struct metrics *metrics);

/* Append the rows of howdah.metrics() (ordered by name): HELP and TYPE once per name, the prefix
 * howdah_ added where it lacks. Rows with an impossible or taken name, type or label set are left
 * out. */
void metrics_print_rows(const PGresult *rows, struct evbuffer *out);

#endif
