/* SPDX-License-Identifier: PostgreSQL */
/* The lease as its holder sees it.
 *
 * The database counts the lease's time from the moment it wrote the row, which lies after the
 * moment the holder asked. Counting from the question, on the holder's own monotonic clock, and
 * giving up a margin early, the holder stops trusting itself before the database would let anybody
 * else lead. This is politeness: a leader that wrongly goes on has a stale epoch and is refused. */
#include "coordinator/lease.h"

#include "base/clock.h"

#define MARGIN_LEAST_MS 50
#define MARGIN_PART     10

int64_t lease_margin_ms(int64_t ttl_ms)
{
    int64_t part = ttl_ms / MARGIN_PART;

    return part > MARGIN_LEAST_MS ? part : MARGIN_LEAST_MS;
}

bool lease_grant(struct lease *lease, int64_t epoch, int64_t attempt_ms, int64_t ttl_ms)
{
    lease->held = true;
    lease->epoch = epoch;
    lease->trusted_until_ms = attempt_ms + ttl_ms - lease_margin_ms(ttl_ms);
    if (lease_trusted(lease))
        return true;
    lease_drop(lease);
    return false;
}

void lease_drop(struct lease *lease)
{
    lease->held = false;
    lease->trusted_until_ms = 0;
}

bool lease_trusted(const struct lease *lease)
{
    return lease->held && clock_mono_ms() < lease->trusted_until_ms;
}

int64_t lease_left_ms(const struct lease *lease)
{
    return lease_trusted(lease) ? lease->trusted_until_ms - clock_mono_ms() : 0;
}
