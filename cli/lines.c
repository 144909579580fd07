/* SPDX-License-Identifier: PostgreSQL */
/* A line without end is kept whole in memory, whatever its length: the output of many tasks must
 * not mix within a line. */
#include "cli/lines.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/output.h"

static bool line_print_json(const struct lines_target *target, const char *line, size_t len)
{
    return output_json_line(target->out,
                            json_pack("{s:s, s:s?, s:s, s:o}", "task_id", target->task_id, "task",
                                      target->task, "stream", target->stream, "line",
                                      output_text_json(line, len)));
}

/* Whole lines, with their ends. */
static bool lines_print(const struct lines_target *target, const char *text, size_t len)
{
    bool written = true;

    if (!target->json)
        return fwrite(text, 1, len, target->out) == len && fflush(target->out) == 0;
    for (const char *end; written && len; len -= (size_t)(end + 1 - text), text = end + 1) {
        end = memchr(text, '\n', len);
        written = line_print_json(target, text, (size_t)(end - text));
    }
    return written && fflush(target->out) == 0;
}

static void lines_append(struct lines *lines, const char *data, size_t len)
{
    lines->text = mem_realloc(lines->text, lines->len + len + 1);
    memcpy(lines->text + lines->len, data, len);
    lines->len += len;
}

bool lines_add(struct lines *lines, const struct lines_target *target, const char *data, size_t len)
{
    const char *end = len ? memrchr(data, '\n', len) : NULL;
    size_t rest = end ? len - (size_t)(end + 1 - data) : len;
    bool written = true;

    lines_append(lines, data, len);
    if (!end)
        return true;
    written = lines_print(target, lines->text, lines->len - rest);
    memmove(lines->text, lines->text + lines->len - rest, rest);
    lines->len = rest;
    return written;
}

bool lines_end(struct lines *lines, const struct lines_target *target)
{
    if (lines->len == 0)
        return true;
    return lines_add(lines, target, "\n", 1);
}

void lines_free(struct lines *lines)
{
    free(lines->text);
    *lines = (struct lines){0};
}
