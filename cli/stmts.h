/* SPDX-License-Identifier: PostgreSQL */
/* The statements of stmts.def: stmts[STMT_agents]. They live as long as the program. */
#ifndef HOWDAH_CLI_STMTS_H
#define HOWDAH_CLI_STMTS_H

#include "base/db.h"

enum stmt {
#define STMT(name, text, param_count, repeat, try_ms, deadline_ms) STMT_##name,
#include "cli/stmts.def"
#undef STMT
    STMT_COUNT
};

extern const struct db_stmt stmts[STMT_COUNT];

#endif
