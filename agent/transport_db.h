/* SPDX-License-Identifier: PostgreSQL */
/* The transport straight to PostgreSQL. */
#ifndef HOWDAH_AGENT_TRANSPORT_DB_H
#define HOWDAH_AGENT_TRANSPORT_DB_H

#include <event2/event.h>

#include "agent/transport.h"
#include "base/err.h"

/* conninfo is copied. Caller (or who it hands it to) ends it with ops->destroy. */
struct transport *transport_db_create(struct event_base *base, const char *conninfo,
                                      const char *agent_name, struct err *err) MUST_CHECK;

#endif
