/* SPDX-License-Identifier: PostgreSQL */
/* One log sink: stderr, a line each: "2026-01-02T03:04:05.678Z info coordinator: turn done
 * offers=3". Messages are "what happened key=value key=value". Never log secrets or conninfo
 * passwords. */
#ifndef HOWDAH_BASE_LOG_H
#define HOWDAH_BASE_LOG_H

#include "base/err.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

void log_init(const char *program,
              enum log_level level); /* borrows program for the process' life */
int log_level_parse(const char *name, enum log_level *level) MUST_CHECK;
void log_write(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_err(enum log_level level, const struct err *err, const char *fmt, ...)
    PRINTF_LIKE(3, 4); /* "fmt: text code=… class=…" */

#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...)  log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
