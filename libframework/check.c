/* SPDX-License-Identifier: PostgreSQL */
/* Input checks, before anything is sent. The database checks everything again: these are here so
 * that a mistake is reported where it is made, at once and without a connection. */
#include "check.h"

#include <jansson.h>
#include <string.h>

#include "base/uuid.h"
#include "fw_error.h"

#define IDS_MAX 10000

static int refuse(struct fw_error *err, const char *where, const char *field, const char *value,
                  const char *expected)
{
    char shown[64];
    size_t len = 0;

    for (; value[len] != '\0' && len < sizeof(shown) - 1; len++)
        shown[len] = (value[len] >= 0x20 && value[len] < 0x7f) ? value[len] : '?';
    shown[len] = '\0';
    return fw_error_input(err, "%s: field \"%s\", value \"%s\": expected %s", where, field, shown,
                          expected);
}

static bool utf8_valid(const char *value)
{
    json_t *string = json_string(value);
    bool valid = string != NULL;

    json_decref(string);
    return valid;
}

static bool has_control(const char *value)
{
    for (; *value != '\0'; value++)
        if ((unsigned char)*value < 0x20 || *value == 0x7f)
            return true;
    return false;
}

int check_text(const char *where, const char *field, const char *value, struct fw_error *err)
{
    if (value == NULL)
        return fw_error_input(err, "%s: field \"%s\" is missing", where, field);
    if (strnlen(value, FW_TEXT_MAX + 1) > FW_TEXT_MAX)
        return refuse(err, where, field, value, "at most 65536 bytes");
    if (!utf8_valid(value))
        return refuse(err, where, field, value, "UTF-8");
    return 0;
}

int check_name(const char *where, const char *field, const char *value, struct fw_error *err)
{
    size_t len;

    if (check_text(where, field, value, err) != 0)
        return -1;
    len = strlen(value);
    if (len < 1 || len > FW_NAME_MAX)
        return refuse(err, where, field, value, "1 to 255 bytes");
    if (has_control(value))
        return refuse(err, where, field, value, "no control characters");
    if (value[0] == ' ' || value[len - 1] == ' ')
        return refuse(err, where, field, value, "no blanks at the ends");
    return 0;
}

int check_int(const char *where, const char *field, int64_t value, int64_t min, int64_t max,
              struct fw_error *err)
{
    if (value >= min && value <= max)
        return 0;
    return fw_error_input(err, "%s: field \"%s\", value \"%lld\": expected %lld to %lld", where,
                          field, (long long)value, (long long)min, (long long)max);
}

int check_uuid(const char *where, const char *field, const char *value, struct fw_error *err)
{
    if (value == NULL)
        return fw_error_input(err, "%s: field \"%s\" is missing", where, field);
    if (!uuid_valid(value))
        return refuse(err, where, field, value, "a uuid");
    return 0;
}

int check_uuids(const char *where, const char *field, const char *const *ids, size_t count,
                size_t min, struct fw_error *err)
{
    if (count < min || count > IDS_MAX)
        return fw_error_input(err, "%s: field \"%s\", value \"%zu\": expected %zu to %d ids", where,
                              field, count, min, IDS_MAX);
    if (ids == NULL && count > 0)
        return fw_error_input(err, "%s: field \"%s\" is missing", where, field);
    for (size_t i = 0; i < count; i++) {
        if (check_uuid(where, field, ids[i], err) != 0)
            return -1;
    }
    return 0;
}
