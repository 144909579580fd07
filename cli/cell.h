/* SPDX-License-Identifier: PostgreSQL */
/* Which database a verb talks to, and talking to it: --db or HOWDAH_DB, else the development
 * cluster's env file. Blocking, for verbs without an event loop. */
#ifndef HOWDAH_CLI_CELL_H
#define HOWDAH_CLI_CELL_H

#include <libpq-fe.h>

#include "base/err.h"
#include "cli/cli.h"
#include "cli/stmts.h"

/* The conninfo for the verb's login; caller frees. NULL with ERR_not_connected when there is no
 * cluster. */
char *cell_conninfo(const struct cli *cli, struct err *err) MUST_CHECK;

/* A variable of the development cluster's env file, unquoted; caller frees. NULL if there is no
 * file or no such variable. */
char *cell_env(const struct cli *cli, const char *variable);

/* Connects, of several hosts to one that takes writes if there is one, and checks that the schema
 * is the one this program knows. 0, or -1 with err. */
int cell_open(struct cli *cli, struct err *err) MUST_CHECK;

/* Caller PQclears; NULL with err on failure. params may be NULL for statements without any. A lost
 * connection is made anew and the call repeated until its outcome is known. */
PGresult *cell_call(struct cli *cli, enum stmt stmt, const char *const *params,
                    struct err *err) MUST_CHECK;

/* The same for a statement whose repetition fails with the error done if an earlier try, of unknown
 * outcome, has done it: that counts as success, with an empty result. */
PGresult *cell_change(struct cli *cli, enum stmt stmt, const char *const *params,
                      enum err_code done, struct err *err) MUST_CHECK;

/* The full id of an operand: an id, the start of one, or a name. kind: task, agent, framework,
 * offer. Caller frees. */
char *cell_find_id(struct cli *cli, const char *kind, const char *text, struct err *err) MUST_CHECK;

/* The full ids of all operands as an array literal, all looked up before the caller does anything,
 * so that a mistyped one changes nothing. Caller frees; NULL with err. */
char *cell_find_ids(struct cli *cli, const char *kind, struct err *err) MUST_CHECK;

static inline void result_clear_cleanup(PGresult **result)
{
    PQclear(*result);
}
#define CLEANUP_RESULT __attribute__((cleanup(result_clear_cleanup)))

#endif
