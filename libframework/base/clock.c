/* SPDX-License-Identifier: PostgreSQL */
/* Three clocks: the monotonic one for every deadline and duration, the one that counts sleep for
 * what ends while the machine sleeps, the wall for people to read. */
#include "base/clock.h"

#include <time.h>

static int64_t clock_frozen_ms = -1; /* set by tests only */

static int64_t clock_read_ms(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_mono_ms(void)
{
    return clock_frozen_ms >= 0 ? clock_frozen_ms : clock_read_ms(CLOCK_MONOTONIC);
}

int64_t clock_boot_ms(void)
{
    return clock_frozen_ms >= 0 ? clock_frozen_ms : clock_read_ms(CLOCK_BOOTTIME);
}

int64_t clock_wall_ms(void)
{
    return clock_read_ms(CLOCK_REALTIME);
}

void clock_mono_set(int64_t ms)
{
    clock_frozen_ms = ms;
}
