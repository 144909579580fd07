/* SPDX-License-Identifier: PostgreSQL */
/* Patroni's configuration, as howdah.doctor wants it. */
#ifndef HOWDAH_CLI_PATRONI_H
#define HOWDAH_CLI_PATRONI_H

#include <jansson.h>

#include "base/err.h"

/* where: a configuration file (YAML or JSON), which becomes {"file": …}, or the address of a REST
 * API, http://HOST:8008, which becomes {"dynamic": …, "version": …}. New reference; NULL with err.
 */
json_t *patroni_read(const char *where, struct err *err) MUST_CHECK;

#endif
