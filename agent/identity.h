/* SPDX-License-Identifier: PostgreSQL */
/* Who this agent is to the cell, over restarts. */
#ifndef HOWDAH_AGENT_IDENTITY_H
#define HOWDAH_AGENT_IDENTITY_H

#include "agent/transport.h"
#include "base/err.h"
#include "base/uuid.h"

/* The id that this work directory had under this name; "" if none. */
void identity_load(const char *work_dir, const char *name, char agent_id[UUID_TEXT_SIZE]);
int identity_save(const char *work_dir, const char *name, const struct transport_session *session,
                  struct err *err) MUST_CHECK;

#endif
