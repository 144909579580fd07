/* SPDX-License-Identifier: PostgreSQL */
/* Where to connect: a conninfo with howdah's defaults filled in and its host list turned. Private
 * to base/db*.c. */
#ifndef HOWDAH_BASE_DB_TARGET_H
#define HOWDAH_BASE_DB_TARGET_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "base/err.h"

struct db_target;

/* writable adds target_session_attrs=read-write unless the conninfo says something else. */
struct db_target *db_target_parse(const char *conninfo, const char *application_name, bool writable,
                                  struct err *err) MUST_CHECK;
void db_target_free(struct db_target *target); /* NULL is fine */

/* How many hosts the conninfo lists (1 at least). */
unsigned db_target_hosts(const struct db_target *target);

/* Begin an attempt with host number turn % hosts first. Caller PQfinishes; check PQstatus. */
PGconn *db_target_start(const struct db_target *target, unsigned turn);

#endif
