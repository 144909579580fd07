/* SPDX-License-Identifier: PostgreSQL */
/* The little of libevent that every program repeats: one-shot re-armable timers and signals. */
#ifndef HOWDAH_BASE_LOOP_H
#define HOWDAH_BASE_LOOP_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct timer; /* opaque */

/* Not started. The callback runs on the loop; it may re-arm or free its own timer. */
struct timer *timer_create_on(struct event_base *base, void (*fire)(void *arg), void *arg);
void timer_start(struct timer *timer, int64_t ms); /* re-arms; 0 = next loop turn */
void timer_stop(struct timer *timer);
bool timer_armed(const struct timer *timer);
void timer_free(struct timer *timer); /* NULL is fine */

/* The callback runs on the loop (not in signal context). Returns an event the caller frees with
 * event_free. */
struct event *loop_signal(struct event_base *base, int signo, void (*caught)(int signo, void *arg),
                          void *arg);

#endif
