/* SPDX-License-Identifier: PostgreSQL */
/* Out of memory is not an error that anybody here could handle: every allocator below aborts, with
 * a line on stderr that says how much was asked for, and never returns NULL for a size above 0. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void mem_out(size_t size)
{
    fprintf(stderr, "out of memory: %zu bytes\n", size);
    abort();
}

void *mem_alloc(size_t size)
{
    void *ptr = calloc(1, size ? size : 1);

    if (!ptr)
        mem_out(size);
    return ptr;
}

void *mem_realloc(void *ptr, size_t size)
{
    void *grown = realloc(ptr, size ? size : 1);

    if (!grown)
        mem_out(size);
    return grown;
}

char *mem_strndup(const char *text, size_t len)
{
    char *copy;

    if (!text)
        return NULL;
    len = strnlen(text, len);
    copy = mem_alloc(len + 1);
    memcpy(copy, text, len);
    return copy;
}

char *mem_strdup(const char *text)
{
    return text ? mem_strndup(text, strlen(text)) : NULL;
}

char *mem_printf(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    int len;

    va_start(args, fmt);
    len = vasprintf(&text, fmt, args);
    va_end(args);
    if (len < 0)
        mem_out(strlen(fmt));
    return text;
}

void *mem_check_magic(void *arg, unsigned magic, const char *where)
{
    if (!arg || *(const unsigned *)arg != magic) {
        fprintf(stderr, "%s: argument is not what it should be (magic %#x)\n", where, magic);
        abort();
    }
    return arg;
}
