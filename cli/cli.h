/* SPDX-License-Identifier: PostgreSQL */
/* One invocation of `howdah`: what every cmd_* function gets. */
#ifndef HOWDAH_CLI_CLI_H
#define HOWDAH_CLI_CLI_H

#include <libpq-fe.h>

#include "cli/options.h"
#include "cli/verbs.h"

struct cli {
    const struct verb *verb;
    struct options options;
    int operand_count;
    char **operands; /* borrowed from argv */
    PGconn *conn;    /* opened by cell_open, finished by main */
};

/* Exit codes. `howdah run` returns its command's own code, and those from 124 up. */
enum cli_exit {
    EXIT_OK = 0,
    EXIT_FAILED = 1,      /* the request was refused, or the audit found something */
    EXIT_USAGE = 2,       /* unknown command or option, value out of range */
    EXIT_UNREACHABLE = 3, /* no cluster, no primary, or a schema of another version */
    EXIT_DANGER = 4,      /* doctor: something is dangerous; 1: nothing worse than a warning */
    EXIT_TIMEOUT = 124,   /* run: --timeout passed */
    /* run: a task ended without an exit code, or howdah itself failed. 126 and 127 come from the
     * executor: the command could not be executed. */
    EXIT_TROUBLE = 125,
    EXIT_SIGNAL = 128, /* run: plus the signal's number */
};

#endif
