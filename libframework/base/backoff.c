/* SPDX-License-Identifier: PostgreSQL */
/* Waits between retries. The jitter keeps a thousand agents that lost the same database from coming
 * back in step. rand_r-like quality is enough; the state is seeded once per process from getrandom.
 */
#include "base/backoff.h"

#include <sys/random.h>

#include "base/clock.h"

static uint64_t backoff_random(void)
{
    static uint64_t state;

    if (!state && getrandom(&state, sizeof state, GRND_NONBLOCK) != (ssize_t)sizeof state)
        state = (uint64_t)clock_wall_ms();
    state = state ? state : 1;
    state ^= state << 13; /* xorshift64 */
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint32_t backoff_between(uint32_t low, uint32_t high)
{
    return low + (uint32_t)(backoff_random() % ((uint64_t)high - low + 1));
}

uint32_t backoff_next_ms(struct backoff *backoff)
{
    uint64_t limit = backoff->max_ms;

    if (backoff->tries < 32 && (uint64_t)backoff->min_ms << backoff->tries < limit)
        limit = (uint64_t)backoff->min_ms << backoff->tries;
    if (backoff->tries < UINT32_MAX)
        backoff->tries++;
    if (limit < backoff->min_ms)
        limit = backoff->min_ms;
    return backoff_between(backoff->min_ms, (uint32_t)limit);
}

void backoff_reset(struct backoff *backoff)
{
    backoff->tries = 0;
}

uint32_t backoff_jitter_ms(uint32_t ms)
{
    return backoff_between(ms - ms / 4, ms + ms / 4);
}
