/* SPDX-License-Identifier: PostgreSQL */
/* Exponential backoff with full jitter: the n-th wait is uniform in [min, min(max, min * 2^n)] ms.
 */
#ifndef HOWDAH_BASE_BACKOFF_H
#define HOWDAH_BASE_BACKOFF_H

#include <stdint.h>

struct backoff {
    uint32_t min_ms, max_ms;
    uint32_t tries; /* since the last reset */
};

uint32_t backoff_next_ms(struct backoff *backoff);
void backoff_reset(struct backoff *backoff);
uint32_t backoff_jitter_ms(uint32_t ms); /* uniform in [0.75 ms, 1.25 ms]: for periodic polls */

#endif
