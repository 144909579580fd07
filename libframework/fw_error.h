/* SPDX-License-Identifier: PostgreSQL */
/* struct err (inside) to struct fw_error (outside). */
#ifndef HOWDAH_FW_ERROR_H
#define HOWDAH_FW_ERROR_H

#include "base/err.h"
#include "include/framework.h"

/* Fills *out (NULL is fine) from err, class included; returns -1 so that one line reports and
 * fails. */
int fw_error_from(struct fw_error *out, const struct err *err);

/* As fw_error_from with ERR_input_invalid and this text: a value of the caller's that is not valid.
 */
int fw_error_input(struct fw_error *out, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Whether an error of the session's own calls ends the session: everything but RETRY does, since
 * repeating the same call with the same identity cannot help. */
bool fw_error_ends_session(const struct err *err);

#endif
