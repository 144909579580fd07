/* SPDX-License-Identifier: PostgreSQL */
/* Allocation that aborts when memory is out, cleanup attributes for locals, take() to hand over. */
#ifndef HOWDAH_BASE_MEM_H
#define HOWDAH_BASE_MEM_H

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

void *mem_alloc(size_t size); /* zeroed; aborts when out of memory; caller owns */
void *mem_realloc(void *ptr, size_t size);
char *mem_strdup(const char *text); /* NULL gives NULL */
char *mem_strndup(const char *text, size_t len);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static inline void mem_free_cleanup(void *ptr)
{
    free(*(void **)ptr);
}
static inline void fd_close_cleanup(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define CLEANUP_FREE __attribute__((cleanup(mem_free_cleanup)))
#define CLEANUP_FD   __attribute__((cleanup(fd_close_cleanup)))

static inline void *mem_take(void *pp)
{
    void **slot = pp;
    void *ptr = *slot;
    *slot = NULL;
    return ptr;
}
/* Success hands a CLEANUP_FREE local over: return take(&buf); */
#define take(pp) ((__typeof__(*(pp)))mem_take(pp))

/* void *arg is re-typed once, at the top of a callback, with a check: struct x *x = CAST_MAGIC(x,
 * arg, X_MAGIC); */
#define CAST_MAGIC(arg, type, magic_value) ((type *)mem_check_magic((arg), (magic_value), __func__))
void *mem_check_magic(void *arg, unsigned magic,
                      const char *where); /* first member must be `unsigned magic` */

#endif
