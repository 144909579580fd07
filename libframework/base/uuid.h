/* SPDX-License-Identifier: PostgreSQL */
/* Version 4 uuids as 36-character text. */
#ifndef HOWDAH_BASE_UUID_H
#define HOWDAH_BASE_UUID_H

#include <stdbool.h>

#define UUID_TEXT_SIZE 37 /* 36 characters and NUL */

void uuid_make(char out[UUID_TEXT_SIZE]); /* from getrandom(2); aborts if the kernel has none */
bool uuid_valid(const char *text);

#endif
