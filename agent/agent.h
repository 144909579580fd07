/* SPDX-License-Identifier: PostgreSQL */
/* The agent: its parts, put together. */
#ifndef HOWDAH_AGENT_AGENT_H
#define HOWDAH_AGENT_AGENT_H

#include <event2/event.h>
#include <stdbool.h>

#include "agent/options.h"
#include "agent/transport.h"
#include "base/err.h"

enum agent_end {
    AGENT_NOT_ENDED,
    AGENT_STOPPED, /* asked to; tasks run on, or were killed if that was asked for */
    AGENT_FENCED,  /* another incarnation took over; tasks were left alone */
    AGENT_REFUSED, /* the cell does not accept what it was told at registration */
};

struct agent;

/* Lock the work directory, choose the isolation, adopt tasks; the loop does the rest. options are
 * complete (options_complete) and outlive the agent; transport is taken, also on failure. */
struct agent *agent_create(struct event_base *base, const struct options *options,
                           struct transport *transport, struct err *err) MUST_CHECK;
void agent_destroy(struct agent *agent); /* tasks run on; NULL is fine */

/* Ends the loop: at once, or with kill_tasks when all tasks have ended and been reported (or that
 * takes too long). */
void agent_stop(struct agent *agent, bool kill_tasks);
enum agent_end agent_ended(const struct agent *agent);

#endif
