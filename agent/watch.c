/* SPDX-License-Identifier: PostgreSQL */
/* inotify on the news directory: executors close a file there when something happened. It is a hint
 * that saves waiting for the next look; nothing is lost when one is missed. */
#include "agent/watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include "base/mem.h"

#define WATCH_MAGIC 0x3a7c0002u

struct watch {
    unsigned magic;
    int fd;
    struct event *readable;
    void (*news)(const char *name, void *arg);
    void *arg;
};

static void readable_cb(evutil_socket_t fd, short what, void *arg)
{
    struct watch *watch = CAST_MAGIC(arg, struct watch, WATCH_MAGIC);
    char buf[8192] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t got = read(fd, buf, sizeof(buf));

    (void)what;
    for (ssize_t at = 0; at < got;) {
        const struct inotify_event *event = (const struct inotify_event *)(buf + at);
        if (event->mask & IN_Q_OVERFLOW)
            watch->news(NULL, watch->arg);
        else if (event->len > 0)
            watch->news(event->name, watch->arg);
        at += (ssize_t)(sizeof(*event) + event->len);
    }
}

struct watch *watch_create(struct event_base *base, const char *dir,
                           void (*news)(const char *name, void *arg), void *arg, struct err *err)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    if (fd < 0 || inotify_add_watch(fd, dir, IN_CLOSE_WRITE) < 0) {
        (void)err_set_errno(err, ERR_io_failed, "cannot watch %s", dir);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    struct watch *watch = mem_alloc(sizeof(*watch));
    *watch = (struct watch){.magic = WATCH_MAGIC, .fd = fd, .news = news, .arg = arg};
    watch->readable = event_new(base, fd, EV_READ | EV_PERSIST, readable_cb, watch);
    event_add(watch->readable, NULL);
    return watch;
}

void watch_destroy(struct watch *watch)
{
    if (watch == NULL)
        return;
    event_free(watch->readable);
    close(watch->fd);
    free(watch);
}
