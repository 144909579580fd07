/* SPDX-License-Identifier: PostgreSQL */
/* The statements of stmts.def as a table. */
#include "bench/stmts.h"

const struct db_stmt stmts[STMT_COUNT] = {
#define STMT(name, text, param_count, repeat, try_ms, deadline_ms)                                 \
    [STMT_##name] = {#name, text, param_count, DB_##repeat, try_ms, deadline_ms},
#include "bench/stmts.def"
#undef STMT
};
