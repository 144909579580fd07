/* SPDX-License-Identifier: PostgreSQL */
/* Errors as the library's users see them. The classes are those of base/errcodes.def, the code is
 * its name as text, so that the header needs neither the table nor its numbers. */
#include "fw_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static enum fw_error_class class_from(enum err_class error_class)
{
    switch (error_class) {
    case ERR_CALLER: return FW_ERROR_CALLER;
    case ERR_RETRY: return FW_ERROR_RETRY;
    case ERR_FATAL: return FW_ERROR_FATAL;
    }
    return FW_ERROR_FATAL;
}

const char *fw_error_class_name(enum fw_error_class error_class)
{
    switch (error_class) {
    case FW_ERROR_NONE: return "none";
    case FW_ERROR_CALLER: return "caller";
    case FW_ERROR_RETRY: return "retry";
    case FW_ERROR_FATAL: return "fatal";
    }
    return "none";
}

int fw_error_from(struct fw_error *out, const struct err *err)
{
    if (out == NULL)
        return -1;
    out->error_class = class_from(err_class_of(err->code));
    out->code = err_code_name(err->code);
    snprintf(out->text, sizeof(out->text), "%s", err->text);
    return -1;
}

int fw_error_input(struct fw_error *out, const char *fmt, ...)
{
    struct err err = {.code = ERR_input_invalid};
    va_list args;

    va_start(args, fmt);
    vsnprintf(err.text, sizeof(err.text), fmt, args);
    va_end(args);
    return fw_error_from(out, &err);
}

bool fw_error_ends_session(const struct err *err)
{
    return err_class_of(err->code) != ERR_RETRY;
}
