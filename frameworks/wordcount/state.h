/* SPDX-License-Identifier: PostgreSQL */
/* What a restarted wordcount needs to go on: the framework's id. */
#ifndef WORDCOUNT_STATE_H
#define WORDCOUNT_STATE_H

#include "base/err.h"

/* *framework_id stays NULL when there is no such file; caller frees. */
int state_read(const char *path, char **framework_id, struct err *err) MUST_CHECK;
int state_write(const char *path, const char *framework_id, struct err *err) MUST_CHECK;

#endif
