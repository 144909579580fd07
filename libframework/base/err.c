/* SPDX-License-Identifier: PostgreSQL */
/* The error object and the code table printed from errcodes.def. Texts are kept to one line: line
 * breaks and control characters become spaces, so that a log line or a JSON string stays whole
 * whatever a server or a user put into a message. Too long texts are cut. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct err_row {
    const char *name;
    const char *sqlstate;
    enum err_class class;
    const char *text;
};

#define CALLER                                   ERR_CALLER
#define RETRY                                    ERR_RETRY
#define FATAL                                    ERR_FATAL
#define ERRCODE(name_, sqlstate_, class_, text_) {#name_, sqlstate_, class_, text_},
static const struct err_row err_rows[] = {
    {"none", "00000", ERR_CALLER, "no error"},
#include "base/errcodes.def"
};
#undef ERRCODE
#define ERR_ROW_COUNT (sizeof err_rows / sizeof err_rows[0])

static void err_flatten(char *text)
{
    size_t len = strlen(text);

    while (len && (text[len - 1] == '\n' || text[len - 1] == ' '))
        text[--len] = '\0';
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
}

static void PRINTF_LIKE(3, 0)
    err_vset(struct err *err, enum err_code code, const char *fmt, va_list args)
{
    char text[sizeof err->text]; /* an argument may point into err->text */

    vsnprintf(text, sizeof text, fmt, args);
    err_flatten(text);
    err->code = code;
    memcpy(err->text, text, sizeof text);
}

int(err_set)(struct err *err, enum err_code code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    err_vset(err, code, fmt, args);
    va_end(args);
    return -1;
}

int(err_set_errno)(struct err *err, enum err_code code, const char *fmt, ...)
{
    int saved = errno;
    size_t len;
    va_list args;

    va_start(args, fmt);
    err_vset(err, code, fmt, args);
    va_end(args);
    len = strlen(err->text);
    snprintf(err->text + len, sizeof err->text - len, ": %s", strerror(saved));
    errno = saved;
    return -1;
}

int(err_wrap)(struct err *err, const char *fmt, ...)
{
    struct err inner = *err;
    size_t len;
    va_list args;

    va_start(args, fmt);
    err_vset(err, inner.code, fmt, args);
    va_end(args);
    len = strlen(err->text);
    snprintf(err->text + len, sizeof err->text - len, ": %s", inner.text);
    return -1;
}

void err_clear(struct err *err)
{
    err->code = ERR_none;
    err->text[0] = '\0';
}

static const struct err_row *err_row(enum err_code code)
{
    return &err_rows[(size_t)code < ERR_ROW_COUNT ? code : ERR_server_error];
}

const char *err_code_name(enum err_code code)
{
    return err_row(code)->name;
}

const char *err_code_text(enum err_code code)
{
    return err_row(code)->text;
}

const char *err_sqlstate(enum err_code code)
{
    return err_row(code)->sqlstate;
}

enum err_class err_class_of(enum err_code code)
{
    return err_row(code)->class;
}

const char *err_class_name(enum err_class class)
{
    switch (class) {
    case ERR_CALLER: return "caller";
    case ERR_RETRY: return "retry";
    case ERR_FATAL: return "fatal";
    }
    return "fatal";
}

/* sqlstates.def, in order. */
static const struct {
    const char *prefix;
    enum err_code code;
} err_prefixes[] = {
#define SQLSTATE(prefix_, code_, text_) {prefix_, ERR_##code_},
#include "base/sqlstates.def"
#undef SQLSTATE
};

enum err_code err_code_from_sqlstate(const char *sqlstate)
{
    if (!sqlstate)
        return ERR_connection_lost;
    for (size_t i = 1; i < ERR_ROW_COUNT; i++)
        if (!strcmp(err_rows[i].sqlstate, sqlstate))
            return (enum err_code)i;
    for (size_t i = 0; i < sizeof err_prefixes / sizeof err_prefixes[0]; i++)
        if (!strncmp(err_prefixes[i].prefix, sqlstate, strlen(err_prefixes[i].prefix)))
            return err_prefixes[i].code;
    return ERR_server_error;
}
