/* SPDX-License-Identifier: PostgreSQL */
/* Why a command was not executed. */
#ifndef HOWDAH_AGENT_EXECUTOR_COMMAND_H
#define HOWDAH_AGENT_EXECUTOR_COMMAND_H

#include "base/err.h"

/* As shells have it. */
enum command_code {
    COMMAND_NOT_EXECUTABLE = 126, /* it is there */
    COMMAND_NOT_FOUND = 127,
};

/* For a program that execvp refused with `error`, asked as the user whose name is `user` (NULL: the
 * agent's own). path is the PATH that was searched; it does not matter for a program with a slash.
 * Sets err and returns the exit code that a shell would give. */
enum command_code command_explain(const char *program, const char *path, const char *user,
                                  int error, struct err *err);

#endif
