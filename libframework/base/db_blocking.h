/* SPDX-License-Identifier: PostgreSQL */
/* What db_until_known.c needs of db_blocking.c. Private to base/db*.c. */
#ifndef HOWDAH_BASE_DB_BLOCKING_H
#define HOWDAH_BASE_DB_BLOCKING_H

#include <libpq-fe.h>
#include <stdint.h>

#include "base/db.h"

/* db_call_blocking with another bound for the wait. */
PGresult *db_try_blocking(PGconn *conn, const struct db_stmt *stmt, const char *const *params,
                          int64_t wait_ms, struct err *err) MUST_CHECK;

#endif
