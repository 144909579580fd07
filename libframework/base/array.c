/* SPDX-License-Identifier: PostgreSQL */
/* Array literals: every text element is quoted, so that an empty string, "NULL", commas and braces
 * come through as they are; a NULL pointer is SQL null. */
#include "base/array.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static size_t array_quoted_size(const char *item)
{
    size_t size = 3; /* quotes and comma */

    for (; *item; item++)
        size += *item == '"' || *item == '\\' ? 2 : 1;
    return size;
}

static char *array_quote(char *at, const char *item)
{
    *at++ = '"';
    for (; *item; item++) {
        if (*item == '"' || *item == '\\')
            *at++ = '\\';
        *at++ = *item;
    }
    *at++ = '"';
    return at;
}

char *array_from_texts(const char *const *items, size_t count)
{
    size_t size = 3; /* braces and NUL */
    char *text, *at;

    for (size_t i = 0; i < count; i++)
        size += items[i] ? array_quoted_size(items[i]) : sizeof "NULL,";
    at = text = mem_alloc(size);
    *at++ = '{';
    for (size_t i = 0; i < count; i++) {
        if (i)
            *at++ = ',';
        at = items[i] ? array_quote(at, items[i]) : stpcpy(at, "NULL");
    }
    *at = '}';
    return text;
}

char *array_from_ints(const int64_t *items, size_t count)
{
    size_t size = 3 + count * sizeof "-9223372036854775808,";
    char *text = mem_alloc(size), *at = text;

    *at++ = '{';
    for (size_t i = 0; i < count; i++)
        at += snprintf(at, size - (size_t)(at - text), "%s%" PRId64, i ? "," : "", items[i]);
    *at = '}';
    return text;
}
