/* SPDX-License-Identifier: PostgreSQL */
/* jansson with ownership helpers and checked getters. Input depth is limited to JSON_DEPTH_MAX and
 * duplicate keys are rejected. The getters name the field in their error. */
#ifndef HOWDAH_BASE_JSON_H
#define HOWDAH_BASE_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"

#define JSON_DEPTH_MAX 32
#define CLEANUP_JSON   __attribute__((cleanup(json_decref_cleanup)))
static inline void json_decref_cleanup(json_t **json)
{
    json_decref(*json);
}

/* New reference. */
json_t *json_parse(const char *text, size_t len, struct err *err) MUST_CHECK;
json_t *json_parse_file(const char *path, struct err *err) MUST_CHECK;
char *json_print(const json_t *json); /* compact, key order kept; caller frees */

/* 0 and *out set; a missing or null field leaves *out as it is when !required, else err. Borrowed.
 */
int json_get_string(const json_t *object, const char *field, bool required, const char **out,
                    struct err *err) MUST_CHECK;
int json_get_int(const json_t *object, const char *field, bool required, int64_t min, int64_t max,
                 int64_t *out, struct err *err) MUST_CHECK;
int json_get_bool(const json_t *object, const char *field, bool required, bool *out,
                  struct err *err) MUST_CHECK;

#endif
