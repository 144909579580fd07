/* SPDX-License-Identifier: PostgreSQL */
/* Where to connect: a conninfo with howdah's defaults filled in, its list of hosts taken apart.
 * Private to base/db*.c. */
#ifndef HOWDAH_BASE_DB_TARGET_H
#define HOWDAH_BASE_DB_TARGET_H

#include <libpq-fe.h>

#include "base/db.h"

struct db_target;

/* Which server of the list will do. */
enum db_choice {
    DB_CHOOSE_WRITABLE,        /* one that takes writes */
    DB_CHOOSE_PREFER_WRITABLE, /* any, rather one that takes writes */
    DB_CHOOSE_PREFER_STANDBY,  /* any, rather a standby */
    DB_CHOOSE_STANDBY,
};

/* The conninfo's target_session_attrs may narrow down DB_WANT_ANY, not contradict
 * DB_WANT_WRITABLE. */
struct db_target *db_target_parse(const char *conninfo, const char *application_name,
                                  enum db_want want, struct err *err) MUST_CHECK;
void db_target_free(struct db_target *target); /* NULL is fine */

enum db_choice db_target_choice(const struct db_target *target);

/* How many hosts the conninfo lists (1 at least). */
unsigned db_target_hosts(const struct db_target *target);

/* Begin an attempt at this one of the hosts. Caller PQfinishes; check PQstatus. */
PGconn *db_target_start(const struct db_target *target, unsigned host);

#endif
