/* SPDX-License-Identifier: PostgreSQL */
/* The statements of stmts.def, as STMT_<name>. */
#ifndef HOWDAH_BENCH_STMTS_H
#define HOWDAH_BENCH_STMTS_H

#include "base/db.h"

enum stmt {
#define STMT(name, text, param_count, repeat, try_ms, deadline_ms) STMT_##name,
#include "bench/stmts.def"
#undef STMT
    STMT_COUNT
};

extern const struct db_stmt stmts[STMT_COUNT];

#endif
