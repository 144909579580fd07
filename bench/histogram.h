/* SPDX-License-Identifier: PostgreSQL */
/* Latencies in microseconds, kept as counts in buckets that are at most 1/16 wide of their value.
 */
#ifndef HOWDAH_BENCH_HISTOGRAM_H
#define HOWDAH_BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS   16 /* buckets for each power of two */
#define HISTOGRAM_BUCKETS (HISTOGRAM_STEPS * 40)

struct histogram {
    uint64_t total;
    uint64_t counts[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, int64_t us); /* negative counts as 0 */

/* The upper end of the bucket in which that part (0 to 1) of all values lies; 0 when empty. */
int64_t histogram_quantile(const struct histogram *histogram, double part);

#endif
