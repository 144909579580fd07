/* SPDX-License-Identifier: PostgreSQL */
/* Words and how often they occur. A word is a run of ASCII letters, in lower case; every other byte
 * separates, and so does the end of a file. */
#ifndef WORDCOUNT_COUNT_H
#define WORDCOUNT_COUNT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct counts; /* opaque */

struct word {
    const char *text; /* borrowed */
    uint64_t count;
};

struct counts *counts_create(void);
void counts_destroy(struct counts *counts); /* NULL is fine */

void counts_add(struct counts *counts, const char *word, size_t len, uint64_t count);
uint64_t counts_of(const struct counts *counts, const char *word); /* 0 if absent */
uint64_t counts_total(const struct counts *counts);
size_t counts_distinct(const struct counts *counts);

/* Count the words of a file. */
int counts_text_file(struct counts *counts, const char *path, struct err *err) MUST_CHECK;

/* Add the lines "COUNT WORD" of a file. */
int counts_table_file(struct counts *counts, const char *path, struct err *err) MUST_CHECK;

/* The most frequent words, equal ones in alphabetical order; returns how many (≤ max). */
size_t counts_top(const struct counts *counts, struct word *words, size_t max);

/* 0 if both hold the same words equally often; else -1 and err names the first difference. */
int counts_compare(const struct counts *left, const struct counts *right,
                   struct err *err) MUST_CHECK;

#endif
