/* SPDX-License-Identifier: PostgreSQL */
/* One GET over plain HTTP, blocking, for command-line programs. */
#ifndef HOWDAH_CLI_HTTP_GET_H
#define HOWDAH_CLI_HTTP_GET_H

#include <stdint.h>

#include "base/err.h"

/* The body of http://host[:port]base/path; caller frees. NULL with err when the address cannot be
 * read, nothing came within deadline_ms, or the status is not 200. At most 1 MiB is taken. */
char *http_get(const char *base, const char *path, uint32_t deadline_ms,
               struct err *err) MUST_CHECK;

#endif
