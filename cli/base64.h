/* SPDX-License-Identifier: PostgreSQL */
/* Base64 as PostgreSQL's encode() prints it: line breaks between, padding at the end. */
#ifndef HOWDAH_CLI_BASE64_H
#define HOWDAH_CLI_BASE64_H

#include <stddef.h>

/* Decodes up to the first character that cannot be base64. Caller frees; *len is set. */
char *base64_decode(const char *text, size_t *len);

#endif
