/* SPDX-License-Identifier: PostgreSQL */
/* stmts.def as a table for base/db. */
#include "coordinator/stmts.h"

const struct db_stmt stmts[STMT_COUNT] = {
#define STMT(name, text, param_count, repeat, try_ms, deadline_ms)                                 \
    [STMT_##name] = {#name, text, param_count, DB_##repeat, try_ms, deadline_ms},
#include "coordinator/stmts.def"
#undef STMT
};
