/* SPDX-License-Identifier: PostgreSQL */
/* Who this agent is to the cell, over restarts. */
#ifndef HOWDAH_AGENT_IDENTITY_H
#define HOWDAH_AGENT_IDENTITY_H

#include "base/cell_mark.h"
#include "base/err.h"
#include "base/uuid.h"

struct identity {
    char agent_id[UUID_TEXT_SIZE]; /* "" = not registered yet */
    char key[UUID_TEXT_SIZE];      /* made before the first registration, which shows it */
    struct cell_mark cell;         /* the latest that was seen of the cell */
};

/* What this work directory was under this name; a new key if it was nothing yet. The mark of the
 * cell stays whatever the name. */
void identity_load(const char *work_dir, const char *name, struct identity *identity);
/* On disk when it returns 0. */
int identity_save(const char *work_dir, const char *name, const struct identity *identity,
                  struct err *err) MUST_CHECK;

#endif
