/* SPDX-License-Identifier: PostgreSQL */
/* Counting in this process: a hash table with open addressing. It serves as the independent second
 * opinion on what the tasks computed (they use awk), so it shares nothing with them but the rule.
 */
#include "frameworks/wordcount/count.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SLOTS_FIRST 1024 /* a power of two */

struct counts {
    struct word *slots; /* text NULL = empty; texts are owned */
    size_t slot_count;  /* a power of two */
    size_t distinct;
    uint64_t total;
};

struct counts *counts_create(void)
{
    struct counts *counts = mem_alloc(sizeof(*counts));

    counts->slot_count = SLOTS_FIRST;
    counts->slots = mem_alloc(counts->slot_count * sizeof(*counts->slots));
    return counts;
}

void counts_destroy(struct counts *counts)
{
    if (counts == NULL)
        return;
    for (size_t i = 0; i < counts->slot_count; i++)
        free((void *)(uintptr_t)counts->slots[i].text);
    free(counts->slots);
    free(counts);
}

static uint64_t word_hash(const char *word, size_t len)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)word[i]) * 1099511628211u;
    return hash;
}

static struct word *slot_find(struct word *slots, size_t slot_count, const char *word, size_t len)
{
    size_t at = word_hash(word, len) & (slot_count - 1);

    while (slots[at].text != NULL &&
           (strncmp(slots[at].text, word, len) != 0 || slots[at].text[len] != '\0'))
        at = (at + 1) & (slot_count - 1);
    return &slots[at];
}

static void counts_grow(struct counts *counts)
{
    size_t slot_count = counts->slot_count * 2;
    struct word *slots = mem_alloc(slot_count * sizeof(*slots));

    for (size_t i = 0; i < counts->slot_count; i++) {
        const struct word *word = &counts->slots[i];

        if (word->text != NULL)
            *slot_find(slots, slot_count, word->text, strlen(word->text)) = *word;
    }
    free(counts->slots);
    counts->slots = slots;
    counts->slot_count = slot_count;
}

void counts_add(struct counts *counts, const char *word, size_t len, uint64_t count)
{
    struct word *slot = slot_find(counts->slots, counts->slot_count, word, len);

    counts->total += count;
    slot->count += count;
    if (slot->text != NULL)
        return;
    slot->text = mem_strndup(word, len);
    if (++counts->distinct * 2 > counts->slot_count)
        counts_grow(counts);
}

uint64_t counts_of(const struct counts *counts, const char *word)
{
    return slot_find(counts->slots, counts->slot_count, word, strlen(word))->count;
}

uint64_t counts_total(const struct counts *counts)
{
    return counts->total;
}

size_t counts_distinct(const struct counts *counts)
{
    return counts->distinct;
}

/* ---- files ---- */

static void file_close(FILE **file)
{
    if (*file != NULL)
        fclose(*file);
}
#define CLEANUP_FILE __attribute__((cleanup(file_close)))

static FILE *file_open(const char *path, struct err *err)
{
    FILE *file = fopen(path, "re");

    if (file == NULL)
        err_set_errno(err, ERR_io_failed, "cannot read \"%s\"", path);
    return file;
}

static bool letter(int byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

int counts_text_file(struct counts *counts, const char *path, struct err *err)
{
    CLEANUP_FILE FILE *file = file_open(path, err);
    CLEANUP_FREE char *word = NULL;
    size_t len = 0, size = 0;

    if (file == NULL)
        return -1;
    for (int byte = 0; byte != EOF;) {
        byte = getc_unlocked(file);
        if (byte != EOF && letter(byte)) {
            if (len == size)
                word = mem_realloc(word, size = size * 2 + 64);
            word[len++] = (char)(byte | 0x20);
        } else if (len > 0) {
            counts_add(counts, word, len, 1);
            len = 0;
        }
    }
    return ferror(file) ? err_set_errno(err, ERR_io_failed, "cannot read \"%s\"", path) : 0;
}

/* "12 word\n" */
static int table_line(struct counts *counts, char *line)
{
    char *word;
    uint64_t count = strtoull(line, &word, 10);
    size_t len;

    if (!isdigit((unsigned char)line[0]) || *word++ != ' ' || count == 0)
        return -1;
    len = strcspn(word, "\n");
    for (size_t i = 0; i < len; i++)
        if (word[i] < 'a' || word[i] > 'z')
            return -1;
    if (len == 0)
        return -1;
    counts_add(counts, word, len, count);
    return 0;
}

int counts_table_file(struct counts *counts, const char *path, struct err *err)
{
    CLEANUP_FILE FILE *file = file_open(path, err);
    CLEANUP_FREE char *line = NULL;
    size_t size = 0;

    if (file == NULL)
        return -1;
    while (getline(&line, &size, file) > 0)
        if (table_line(counts, line) != 0)
            return err_set(err, ERR_io_failed, "\"%s\": expected COUNT WORD, found \"%.60s\"", path,
                           line);
    return ferror(file) ? err_set_errno(err, ERR_io_failed, "cannot read \"%s\"", path) : 0;
}

/* ---- results ---- */

static int word_compare(const void *a, const void *b)
{
    const struct word *left = a, *right = b;

    if (left->count != right->count)
        return left->count < right->count ? 1 : -1;
    return strcmp(left->text, right->text);
}

size_t counts_top(const struct counts *counts, struct word *words, size_t max)
{
    CLEANUP_FREE struct word *all = mem_alloc((counts->distinct + 1) * sizeof(*all));
    size_t count = 0;

    for (size_t i = 0; i < counts->slot_count; i++)
        if (counts->slots[i].text != NULL)
            all[count++] = counts->slots[i];
    qsort(all, count, sizeof(*all), word_compare);
    if (count > max)
        count = max;
    memcpy(words, all, count * sizeof(*all));
    return count;
}

/* Every word of left is in right, equally often. */
static int counts_within(const struct counts *left, const struct counts *right, struct err *err)
{
    for (size_t i = 0; i < left->slot_count; i++) {
        const struct word *word = &left->slots[i];
        uint64_t other;

        if (word->text == NULL)
            continue;
        other = counts_of(right, word->text);
        if (other != word->count)
            return err_set(err, ERR_value_invalid, "word \"%.60s\": %llu here, %llu there",
                           word->text, (unsigned long long)word->count, (unsigned long long)other);
    }
    return 0;
}

int counts_compare(const struct counts *left, const struct counts *right, struct err *err)
{
    return counts_within(left, right, err) != 0 || counts_within(right, left, err) != 0 ? -1 : 0;
}
