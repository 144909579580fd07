/* SPDX-License-Identifier: PostgreSQL */
/* Timers and signals on libevent. Both are thin: what they add is a callback without fd and flags,
 * and timers that survive being freed inside their own callback (libevent allows that; struct timer
 * is not looked at after the callback ran). */
#include "base/loop.h"

#include "base/mem.h"

struct timer {
    struct event *event;
    void (*fire)(void *arg);
    void *arg;
};

static void timer_cb(evutil_socket_t fd, short what, void *arg)
{
    struct timer *timer = arg;

    (void)fd;
    (void)what;
    timer->fire(timer->arg);
}

struct timer *timer_create_on(struct event_base *base, void (*fire)(void *arg), void *arg)
{
    struct timer *timer = mem_alloc(sizeof *timer);

    timer->fire = fire;
    timer->arg = arg;
    timer->event = evtimer_new(base, timer_cb, timer);
    if (!timer->event)
        abort();
    return timer;
}

void timer_start(struct timer *timer, int64_t ms)
{
    struct timeval wait = {0};

    if (ms > 0) {
        wait.tv_sec = ms / 1000;
        wait.tv_usec = ms % 1000 * 1000;
    }
    evtimer_add(timer->event, &wait);
}

void timer_stop(struct timer *timer)
{
    evtimer_del(timer->event);
}

bool timer_armed(const struct timer *timer)
{
    return evtimer_pending(timer->event, NULL);
}

void timer_free(struct timer *timer)
{
    if (!timer)
        return;
    event_free(timer->event);
    free(timer);
}

/* Kept beside the event because libevent's callback wants an int fd; freed never: a program has a
 * handful of signals, each for its whole life. */
struct signal_handler {
    void (*caught)(int signo, void *arg);
    void *arg;
    struct signal_handler *next;
};

static struct signal_handler *signal_handlers; /* keeps them reachable */

static void signal_cb(evutil_socket_t signo, short what, void *arg)
{
    struct signal_handler *handler = arg;

    (void)what;
    handler->caught((int)signo, handler->arg);
}

struct event *loop_signal(struct event_base *base, int signo, void (*caught)(int signo, void *arg),
                          void *arg)
{
    struct signal_handler *handler = mem_alloc(sizeof *handler);
    struct event *event;

    handler->caught = caught;
    handler->arg = arg;
    handler->next = signal_handlers;
    signal_handlers = handler;
    event = evsignal_new(base, signo, signal_cb, handler);
    if (!event || evsignal_add(event, NULL) < 0)
        abort();
    return event;
}
