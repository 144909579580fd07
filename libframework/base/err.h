/* SPDX-License-Identifier: PostgreSQL */
/* The one error object. A fallible function returns int (0 / -1) or a pointer (NULL on failure) and
 * takes a struct err * last; it has no side effect when it fails. Wrap on the way up, log once at
 * the top. err may not be NULL. */
#ifndef HOWDAH_BASE_ERR_H
#define HOWDAH_BASE_ERR_H

#include <stdbool.h>

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

enum err_class {
    ERR_CALLER, /* the request is wrong; repeating it cannot help */
    ERR_RETRY,  /* repeat with backoff; the outcome may be unknown */
    ERR_FATAL,  /* this process or session must stop */
};

enum err_code {
    ERR_none,
#define ERRCODE(name, sqlstate, class, text) ERR_##name,
#include "base/errcodes.def"
#undef ERRCODE
};

struct err {
    enum err_code code;
    char text[768]; /* one line, no trailing newline, names field and value */
};

/* Set code and text; returns -1 so that one line reports and fails. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* As err_set with ": strerror(errno)" appended. */
int err_set_errno(struct err *err, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Put "fmt: " in front of the text; returns -1. */
int err_wrap(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

#ifdef __clang_analyzer__ /* it does not look into err.c: tell it what they return */
#define err_set(...)       (err_set(__VA_ARGS__), -1)
#define err_set_errno(...) (err_set_errno(__VA_ARGS__), -1)
#define err_wrap(...)      (err_wrap(__VA_ARGS__), -1)
#endif

void err_clear(struct err *err);

const char *err_code_name(enum err_code code); /* "epoch_stale"; "none" for ERR_none */
const char *err_code_text(enum err_code code); /* meaning, from errcodes.def */
const char *err_sqlstate(enum err_code code);
enum err_class err_class_of(enum err_code code);
const char *err_class_name(enum err_class class); /* "caller", "retry", "fatal" */

/* By errcodes.def, then by sqlstates.def, else server_error. NULL (libpq made the error itself) →
 * connection_lost. */
enum err_code err_code_from_sqlstate(const char *sqlstate);

#endif
