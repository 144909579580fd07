/* SPDX-License-Identifier: PostgreSQL */
/* Heartbeats, and which database answers them. */
#ifndef HOWDAH_FRAMEWORK_HEARTBEAT_H
#define HOWDAH_FRAMEWORK_HEARTBEAT_H

#include "internal.h"

/* Timer callback: the next heartbeat is due. Does nothing while not connected. */
void heartbeat_fire(void *arg);
void heartbeat_arm(struct fw_session *session);  /* start counting to the next one */
void heartbeat_send(struct fw_session *session); /* now; session_back follows if all is well */

/* The cell's mark that an answer carries. -1: this database is not the one that is wanted; it has
 * been refused and what it said is not to be believed. */
int session_mark(struct fw_session *session, const char *text) MUST_CHECK;

#endif
