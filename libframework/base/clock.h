/* SPDX-License-Identifier: PostgreSQL */
/* Injectable time. Deadlines use the monotonic clock, in milliseconds. */
#ifndef HOWDAH_BASE_CLOCK_H
#define HOWDAH_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_mono_ms(void);
int64_t clock_boot_ms(void); /* monotonic, and goes on while the machine sleeps */
int64_t clock_wall_ms(void); /* Unix time; for display and log lines only */

/* Tests: freeze both monotonic clocks at ms (and advance it by calling again); -1 returns to real
 * time. */
void clock_mono_set(int64_t ms);

#endif
