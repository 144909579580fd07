/* SPDX-License-Identifier: PostgreSQL */
/* Marks are ordered by epoch, then by timeline: an epoch says more, since two standbys that were
 * promoted apart from each other may have one timeline, and a restored database an earlier one. The
 * same epoch with another token is another history. Of a later epoch only the database can tell
 * whether it follows what was seen: it does, by the mark that it is shown. */
#include "base/cell_mark.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

static bool timeline_valid(const char *timeline)
{
    return strlen(timeline) == 8 && strspn(timeline, "0123456789ABCDEF") == 8;
}

int cell_mark_read(struct cell_mark *mark, const json_t *object, struct err *err)
{
    const char *cell_id = NULL, *token = NULL, *timeline = "";

    *mark = (struct cell_mark){.epoch = 0};
    if (json_get_string(object, "cell_id", true, &cell_id, err) != 0 ||
        json_get_int(object, "epoch", true, 1, INT64_MAX, &mark->epoch, err) != 0 ||
        json_get_string(object, "token", true, &token, err) != 0 ||
        json_get_int(object, "generation", true, 1, INT64_MAX, &mark->generation, err) != 0 ||
        json_get_string(object, "timeline", false, &timeline, err) != 0)
        return err_wrap(err, "the cell's mark");
    if (!uuid_valid(cell_id) || !uuid_valid(token))
        return err_set(err, ERR_input_invalid,
                       "the cell's mark: fields \"cell_id\" and \"token\", values \"%.64s\" and "
                       "\"%.64s\": expected uuids",
                       cell_id, token);
    if (timeline[0] != '\0' && !timeline_valid(timeline))
        return err_set(err, ERR_input_invalid,
                       "the cell's mark: field \"timeline\", value \"%.64s\": expected eight "
                       "hexadecimal digits",
                       timeline);
    snprintf(mark->cell_id, sizeof(mark->cell_id), "%s", cell_id);
    snprintf(mark->token, sizeof(mark->token), "%s", token);
    snprintf(mark->timeline, sizeof(mark->timeline), "%s", timeline);
    return 0;
}

json_t *cell_mark_json(const struct cell_mark *mark)
{
    if (mark->cell_id[0] == '\0')
        return json_null();
    return json_pack("{ss sI ss sI ss*}", "cell_id", mark->cell_id, "epoch",
                     (json_int_t)mark->epoch, "token", mark->token, "generation",
                     (json_int_t)mark->generation, "timeline",
                     mark->timeline[0] != '\0' ? mark->timeline : NULL);
}

char *cell_mark_text(const struct cell_mark *mark)
{
    CLEANUP_JSON json_t *object = cell_mark_json(mark);

    return json_is_null(object) ? NULL : json_print(object);
}

static bool mark_behind(const struct cell_mark *seen, const struct cell_mark *known)
{
    if (seen->epoch != known->epoch)
        return seen->epoch < known->epoch;
    if (strcmp(seen->token, known->token) != 0)
        return true;
    return seen->timeline[0] != '\0' && strcmp(seen->timeline, known->timeline) < 0;
}

static enum cell_news mark_news(const struct cell_mark *known, const struct cell_mark *seen)
{
    if (known->cell_id[0] != '\0' && seen->generation > known->generation)
        return CELL_RECOVERED;
    if (known->cell_id[0] != '\0' && seen->epoch == known->epoch &&
        strcmp(seen->timeline, known->timeline) <= 0)
        return CELL_SAME;
    return CELL_NEWER;
}

int cell_mark_take(struct cell_mark *known, const struct cell_mark *seen, enum cell_news *news,
                   struct err *err)
{
    if (known->cell_id[0] != '\0' && strcmp(known->cell_id, seen->cell_id) != 0)
        return err_set(err, ERR_cell_mismatch, "this database is cell %s, expected cell %s",
                       seen->cell_id, known->cell_id);
    if (mark_behind(seen, known))
        return err_set(err, ERR_cell_stale,
                       "this database is at epoch %" PRId64
                       " on timeline %s, seen was epoch %" PRId64 " on timeline %s",
                       seen->epoch, seen->timeline, known->epoch, known->timeline);
    *news = mark_news(known, seen);
    if (*news != CELL_SAME)
        *known = *seen;
    return 0;
}

int cell_mark_take_json(struct cell_mark *known, const json_t *object, enum cell_news *news,
                        struct err *err)
{
    struct cell_mark seen;

    if (cell_mark_read(&seen, object, err) != 0)
        return -1;
    return cell_mark_take(known, &seen, news, err);
}

int cell_mark_take_text(struct cell_mark *known, const char *text, enum cell_news *news,
                        struct err *err)
{
    CLEANUP_JSON json_t *object = json_parse(text ? text : "", text ? strlen(text) : 0, err);

    if (object == NULL)
        return err_wrap(err, "the cell's mark");
    return cell_mark_take_json(known, object, news, err);
}
