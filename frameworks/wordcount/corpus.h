/* SPDX-License-Identifier: PostgreSQL */
/* What is to be counted, split into lists of files, and where the counts of each list go. All of it
 * lies in one directory that the scheduler and the agents share:
 *
 *   lists/0001   paths of the first map task, each ended by NUL
 *   out/0001     its counts, "COUNT WORD" lines; there only when complete
 *   out/result   the sum of all
 *   split.json   written last: the lists are complete */
#ifndef WORDCOUNT_CORPUS_H
#define WORDCOUNT_CORPUS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "frameworks/wordcount/count.h"

struct corpus {
    char *dir; /* owned, absolute */
    int maps;  /* lists that are not empty are 1 … maps */
    int64_t files, bytes;
};

/* Use the split that stands complete in dir, or make one of these operands (none: Debian's texts)
 * into `maps` lists or fewer. The directory is created if needed; `user` (NULL: whom the
 * agents choose) will be able to write counts. */
int corpus_open(struct corpus *corpus, const char *dir, char *const *operands, int operand_count,
                int maps, const char *user, struct err *err) MUST_CHECK;

char *corpus_list_path(const struct corpus *corpus, int map); /* caller frees; map is 1 … maps */
char *corpus_out_path(const struct corpus *corpus, int map);
char *corpus_result_path(const struct corpus *corpus);

/* Count all files in this process. */
int corpus_count(const struct corpus *corpus, struct counts *counts, struct err *err) MUST_CHECK;

void corpus_retire(const struct corpus *corpus); /* the files stay, the next run splits anew */
void corpus_close(struct corpus *corpus);        /* frees; the files stay */

/* The files above in this directory, and the directory if it is empty then. */
void corpus_remove(const char *dir);

#endif
