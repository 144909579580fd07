/* SPDX-License-Identifier: PostgreSQL */
/* Checks of what the caller passes in. Each returns 0, or -1 with *err naming field and value.
 * `where` is the request ("claim"), `field` the member ("tasks[2].name"). */
#ifndef HOWDAH_FRAMEWORK_CHECK_H
#define HOWDAH_FRAMEWORK_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "include/framework.h"

/* 1 … FW_NAME_MAX bytes of UTF-8, no control characters, no blanks at the ends. */
int check_name(const char *where, const char *field, const char *value, struct fw_error *err);

/* At most FW_TEXT_MAX bytes of UTF-8; control characters are allowed. */
int check_text(const char *where, const char *field, const char *value, struct fw_error *err);

int check_int(const char *where, const char *field, int64_t value, int64_t min, int64_t max,
              struct fw_error *err);

int check_uuid(const char *where, const char *field, const char *value, struct fw_error *err);

/* ids[0] … ids[count - 1]; at least `min` of them. */
int check_uuids(const char *where, const char *field, const char *const *ids, size_t count,
                size_t min, struct fw_error *err);

#endif
