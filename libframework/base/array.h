/* SPDX-License-Identifier: PostgreSQL */
/* PostgreSQL array literals as text, for parameters: {a,"b c",NULL}. */
#ifndef HOWDAH_BASE_ARRAY_H
#define HOWDAH_BASE_ARRAY_H

#include <stddef.h>
#include <stdint.h>

char *array_from_texts(const char *const *items,
                       size_t count);                      /* quotes and escapes; caller frees */
char *array_from_ints(const int64_t *items, size_t count); /* caller frees */

#endif
