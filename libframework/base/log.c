/* SPDX-License-Identifier: PostgreSQL */
/* The log: stderr, a line each, written with one write(2) so that the lines of several processes
 * sharing a file do not mix. Control characters in a message become spaces: a task's name cannot
 * forge a line. A message that is too long is cut; a stderr that cannot be written is ignored, as
 * there is nowhere left to say so. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define LOG_LINE_MAX 2048

static const char *const log_level_names[] = {"debug", "info", "warn", "error"};
static const char *log_program = "howdah";
static enum log_level log_least = LOG_LEVEL_INFO;

void log_init(const char *program, enum log_level level)
{
    log_program = program;
    log_least = level;
}

int log_level_parse(const char *name, enum log_level *level)
{
    for (int i = LOG_LEVEL_DEBUG; i <= LOG_LEVEL_ERROR; i++) {
        if (!strcmp(name, log_level_names[i])) {
            *level = (enum log_level)i;
            return 0;
        }
    }
    return -1;
}

static size_t log_head(char *line, size_t size, enum log_level level)
{
    int64_t now_ms = clock_wall_ms();
    time_t now = (time_t)(now_ms / 1000);
    struct tm utc;
    size_t len;

    gmtime_r(&now, &utc);
    len = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &utc);
    return len + (size_t)snprintf(line + len, size - len, ".%03dZ %s %.64s: ", (int)(now_ms % 1000),
                                  log_level_names[level], log_program);
}

static void log_flush(char *line, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = ' ';
    line[len++] = '\n';
    while (write(STDERR_FILENO, line, len) < 0 && errno == EINTR)
        continue;
}

static void PRINTF_LIKE(3, 0)
    log_vwrite(enum log_level level, const struct err *err, const char *fmt, va_list args)
{
    char line[LOG_LINE_MAX];
    int saved = errno;
    size_t len;
    size_t room = sizeof line - 1; /* one for the line feed */

    if (level < log_least)
        return;
    len = log_head(line, sizeof line, level);
    len += (size_t)vsnprintf(line + len, room - len, fmt, args);
    if (err && len < room)
        len += (size_t)snprintf(line + len, room - len, ": %s code=%s class=%s", err->text,
                                err_code_name(err->code), err_class_name(err_class_of(err->code)));
    log_flush(line, len < room ? len : room - 1);
    errno = saved;
}

void log_write(enum log_level level, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    log_vwrite(level, NULL, fmt, args);
    va_end(args);
}

void log_err(enum log_level level, const struct err *err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    log_vwrite(level, err, fmt, args);
    va_end(args);
}
