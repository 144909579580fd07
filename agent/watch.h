/* SPDX-License-Identifier: PostgreSQL */
/* Tells when a file in one directory was written and closed. */
#ifndef HOWDAH_AGENT_WATCH_H
#define HOWDAH_AGENT_WATCH_H

#include <event2/event.h>

#include "base/err.h"

struct watch;

/* news runs on the loop with the file's name; a name may come twice, and NULL means that some were
 * missed. dir exists. */
struct watch *watch_create(struct event_base *base, const char *dir,
                           void (*news)(const char *name, void *arg), void *arg,
                           struct err *err) MUST_CHECK;
void watch_destroy(struct watch *watch); /* NULL is fine */

#endif
