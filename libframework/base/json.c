/* SPDX-License-Identifier: PostgreSQL */
/* jansson, with what it leaves to its callers: a depth limit checked before parsing (jansson 2.14
 * recurses without one when it prints or copies), duplicate keys refused, and getters whose errors
 * name the field and show what was found. */
#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define JSON_FILE_MAX (64u << 20) /* bytes; a file of ours is never near */

static bool json_too_deep(const char *text, size_t len)
{
    int depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < len; i++) {
        if (quoted && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (!quoted && (text[i] == '{' || text[i] == '['))
            depth++;
        else if (!quoted && (text[i] == '}' || text[i] == ']'))
            depth--;
        if (depth > JSON_DEPTH_MAX)
            return true;
    }
    return false;
}

json_t *json_parse(const char *text, size_t len, struct err *err)
{
    json_error_t why;
    json_t *json;

    if (json_too_deep(text, len)) {
        err_set(err, ERR_input_invalid, "JSON: nested deeper than %d levels", JSON_DEPTH_MAX);
        return NULL;
    }
    json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    if (!json)
        err_set(err, ERR_input_invalid, "JSON, line %d, column %d: %s", why.line, why.column,
                why.text);
    return json;
}

static char *json_slurp(FILE *file, size_t *len)
{
    size_t size = 4096;
    char *text = mem_alloc(size);

    *len = 0;
    for (;;) {
        size_t got = fread(text + *len, 1, size - *len, file);

        *len += got;
        if (!got || *len >= JSON_FILE_MAX)
            return text;
        if (*len == size)
            text = mem_realloc(text, size *= 2);
    }
}

json_t *json_parse_file(const char *path, struct err *err)
{
    CLEANUP_FREE char *text = NULL;
    FILE *file = fopen(path, "re");
    json_t *json;
    size_t len;

    if (!file) {
        err_set_errno(err, ERR_io_failed, "%s", path);
        return NULL;
    }
    text = json_slurp(file, &len);
    if (ferror(file)) {
        err_set_errno(err, ERR_io_failed, "%s", path);
        fclose(file);
        return NULL;
    }
    fclose(file);
    json = json_parse(text, len, err);
    if (!json)
        err_wrap(err, "%s", path);
    return json;
}

char *json_print(const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

    if (!text)
        abort();
    return text;
}

/* A field of an object, or NULL; -1 when it is missing or null and required. */
static int json_field(const json_t *object, const char *field, bool required, json_t **out,
                      struct err *err)
{
    json_t *value = json_object_get(object, field);

    *out = value && !json_is_null(value) ? value : NULL;
    if (!*out && required)
        return err_set(err, ERR_field_missing, "field \"%s\": missing", field);
    return 0;
}

static int json_mismatch(const char *field, const json_t *value, const char *expected,
                         struct err *err)
{
    CLEANUP_FREE char *shown = json_print(value);

    return err_set(err, ERR_value_invalid, "field \"%s\", value %.100s: expected %s", field, shown,
                   expected);
}

int json_get_string(const json_t *object, const char *field, bool required, const char **out,
                    struct err *err)
{
    json_t *value;

    if (json_field(object, field, required, &value, err) < 0)
        return -1;
    if (!value)
        return 0;
    if (!json_is_string(value))
        return json_mismatch(field, value, "a string", err);
    *out = json_string_value(value);
    return 0;
}

int json_get_int(const json_t *object, const char *field, bool required, int64_t min, int64_t max,
                 int64_t *out, struct err *err)
{
    char expected[96];
    json_t *value;

    if (json_field(object, field, required, &value, err) < 0)
        return -1;
    if (!value)
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < min ||
        json_integer_value(value) > max) {
        snprintf(expected, sizeof expected, "a whole number between %" PRId64 " and %" PRId64, min,
                 max);
        return json_mismatch(field, value, expected, err);
    }
    *out = json_integer_value(value);
    return 0;
}

int json_get_bool(const json_t *object, const char *field, bool required, bool *out,
                  struct err *err)
{
    json_t *value;

    if (json_field(object, field, required, &value, err) < 0)
        return -1;
    if (!value)
        return 0;
    if (!json_is_boolean(value))
        return json_mismatch(field, value, "true or false", err);
    *out = json_is_true(value);
    return 0;
}
