/* SPDX-License-Identifier: PostgreSQL */
/* What a program has seen of its cell: which one it is, and how far it had come. Every answer that
 * carries a mark is compared with the highest one seen, so that a former primary, a backup and
 * another cell are told from the cell itself (sql/functions/cell.sql). */
#ifndef HOWDAH_BASE_CELL_MARK_H
#define HOWDAH_BASE_CELL_MARK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/uuid.h"

struct cell_mark {
    char cell_id[UUID_TEXT_SIZE]; /* "" = nothing was seen yet */
    char token[UUID_TEXT_SIZE];   /* of the epoch: databases that went apart have different ones */
    int64_t epoch;
    int64_t generation; /* the epoch of the last restore */
    char timeline[9];   /* eight hexadecimal digits; "" = not known */
};

/* What a mark brings. */
enum cell_news {
    CELL_SAME,      /* nothing */
    CELL_NEWER,     /* a later epoch or timeline, or the first mark at all */
    CELL_RECOVERED, /* the same, and the cell was restored from a backup in between */
};

/* The object {"cell_id", "epoch", "token", "generation", "timeline"} as a mark: 0, or -1 when it is
 * none. */
int cell_mark_read(struct cell_mark *mark, const json_t *object, struct err *err) MUST_CHECK;
json_t *cell_mark_json(const struct cell_mark *mark); /* new reference; null = nothing seen */
char *cell_mark_text(const struct cell_mark *mark);   /* the same printed, or NULL; caller frees */

/* Compare what is seen now with what was seen before, and keep the later one: *news tells. -1 with
 * ERR_cell_stale when the database is behind, with ERR_cell_mismatch when it is another cell's;
 * known stays as it is then. */
int cell_mark_take(struct cell_mark *known, const struct cell_mark *seen, enum cell_news *news,
                   struct err *err) MUST_CHECK;

/* cell_mark_read and cell_mark_take for the JSON text in a row or for an answer's field. */
int cell_mark_take_text(struct cell_mark *known, const char *text, enum cell_news *news,
                        struct err *err) MUST_CHECK;
int cell_mark_take_json(struct cell_mark *known, const json_t *object, enum cell_news *news,
                        struct err *err) MUST_CHECK;

#endif
