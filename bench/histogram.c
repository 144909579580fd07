/* SPDX-License-Identifier: PostgreSQL */
/* Log-linear buckets: the first HISTOGRAM_STEPS values have one each, and every further power of
 * two is cut into HISTOGRAM_STEPS equal parts. Values beyond the last bucket are put into it. */
#include "bench/histogram.h"

#include <stddef.h>

static size_t bucket_of(uint64_t us)
{
    size_t bucket;
    unsigned shift = 0;

    if (us < HISTOGRAM_STEPS)
        return (size_t)us;
    while (us >> shift >= 2 * HISTOGRAM_STEPS)
        shift++;
    bucket = (size_t)(shift + 1) * HISTOGRAM_STEPS + (size_t)(us >> shift) - HISTOGRAM_STEPS;
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static int64_t bucket_end(size_t bucket)
{
    size_t shift;

    if (bucket < HISTOGRAM_STEPS)
        return (int64_t)bucket;
    shift = bucket / HISTOGRAM_STEPS - 1;
    return (int64_t)((bucket % HISTOGRAM_STEPS + HISTOGRAM_STEPS + 1) << shift) - 1;
}

void histogram_add(struct histogram *histogram, int64_t us)
{
    histogram->total++;
    histogram->counts[bucket_of(us > 0 ? (uint64_t)us : 0)]++;
}

int64_t histogram_quantile(const struct histogram *histogram, double part)
{
    double wanted = part * (double)histogram->total;
    uint64_t seen = 0;

    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen > 0 && (double)seen >= wanted)
            return bucket_end(i);
    }
    return 0;
}
