/* SPDX-License-Identifier: PostgreSQL */
/* Whole files: read, replaced in one step, removed. */
#ifndef WORDCOUNT_FILES_H
#define WORDCOUNT_FILES_H

#include <stddef.h>

#include "base/err.h"

/* *text is NUL-terminated after len bytes; caller frees. */
int file_read(const char *path, char **text, size_t *len, struct err *err) MUST_CHECK;

/* Write beside it, flush, rename over it: a reader sees the former or the new content, whole. */
int file_replace(const char *path, const char *text, size_t len, struct err *err) MUST_CHECK;

void file_remove(const char *dir, const char *name); /* dir/name, if it is there */
void files_remove(const char *dir,
                  const char *folder); /* the files in dir/folder, then the folder */

#endif
