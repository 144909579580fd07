/* SPDX-License-Identifier: PostgreSQL */
/* Tables are measured first and printed then: every column as wide as its widest cell, numbers to
 * the right. Text from tasks and agents may hold anything, so control characters are shown as '?'.
 */
#include "cli/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/row.h"

/* PostgreSQL's type numbers (pg_type.dat); they never change. */
enum { TYPE_BOOL = 16, TYPE_INT8 = 20, TYPE_INT2 = 21, TYPE_INT4 = 23, TYPE_JSON = 114 };
enum { TYPE_FLOAT4 = 700, TYPE_FLOAT8 = 701, TYPE_NUMERIC = 1700, TYPE_JSONB = 3802 };

#define GAP 2 /* spaces between columns */

/* ---- cells ---- */

static char *format_number(const char *text)
{
    char *copy = mem_strdup(text);
    size_t len = strlen(copy);

    if (strchr(copy, '.')) {
        while (copy[len - 1] == '0')
            copy[--len] = '\0';
        if (copy[len - 1] == '.')
            copy[--len] = '\0';
    }
    return copy;
}

static char *format_seconds(double seconds)
{
    static const struct {
        double most;
        double unit;
        const char *name;
    } units[] = {{120, 1, "s"}, {7200, 60, "m"}, {172800, 3600, "h"}, {1e18, 86400, "d"}};
    size_t i = 0;

    while (seconds >= units[i].most)
        i++;
    return mem_printf("%.0f%s", seconds / units[i].unit, units[i].name);
}

static char *format_labels(const char *text)
{
    json_t *labels = json_loads(text, 0, NULL), *value;
    char *line = mem_strdup("");
    const char *name;

    json_object_foreach (labels, name, value) {
        CLEANUP_FREE char *printed =
            json_is_string(value) ? mem_strdup(json_string_value(value))
                                  : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        char *longer = mem_printf("%s%s%s=%s", line, *line ? " " : "", name, printed);

        free(line);
        line = longer;
    }
    json_decref(labels);
    return line;
}

static char *format_of(const char *used, const char *all)
{
    CLEANUP_FREE char *left = format_number(used);
    CLEANUP_FREE char *right = format_number(all ? all : "?");

    return mem_printf("%s/%s", left, right);
}

char *output_format(const PGresult *result, int row, const struct output_column *column)
{
    const char *text = row_text(result, row, column->column);

    if (!text || !*text)
        return mem_strdup("-");
    if (PQftype(result, PQfnumber(result, column->column)) == TYPE_BOOL)
        return mem_strdup(*text == 't' ? "yes" : "no");
    switch (column->format) {
    case OUTPUT_TEXT: return mem_strdup(text);
    case OUTPUT_ID: return mem_strndup(text, 8);
    case OUTPUT_NUMBER: return format_number(text);
    case OUTPUT_OF: return format_of(text, row_text(result, row, column->other));
    case OUTPUT_PERCENT: return mem_printf("%.1f%%", 100 * row_double(result, row, column->column));
    case OUTPUT_SECONDS: return format_seconds(row_double(result, row, column->column));
    case OUTPUT_LABELS: return format_labels(text);
    case OUTPUT_TIME: return mem_strndup(text, 19);
    }
    return mem_strdup(text);
}

/* ---- tables ---- */

/* Width in characters; an UTF-8 continuation byte adds none. */
static size_t text_width(const char *text)
{
    size_t width = 0;

    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void text_clean(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

/* Cut to width characters, the last one an ellipsis. */
static void text_cut(char *text, size_t width)
{
    if (text_width(text) <= width || width < 2)
        return;
    for (size_t seen = 0; *text; text++) {
        seen += ((unsigned char)*text & 0xc0) != 0x80;
        if (seen == width)
            break;
    }
    /* An ellipsis has three bytes; what is cut off may have fewer. */
    snprintf(text, strlen(text) + 1, "%s", strlen(text) >= 3 ? "…" : ".");
}

static size_t terminal_width(void)
{
    struct winsize size;

    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return SIZE_MAX;
    return size.ws_col;
}

static bool format_is_right(enum output_format format)
{
    return format == OUTPUT_NUMBER || format == OUTPUT_OF || format == OUTPUT_PERCENT ||
           format == OUTPUT_SECONDS;
}

static void cell_print(const char *text, size_t width, bool right, bool last)
{
    int pad = (int)(width - text_width(text));

    if (right)
        printf("%*s%s", pad, "", text);
    else
        printf("%s%*s", text, last ? 0 : pad, "");
    fputs(last ? "\n" : "  ", stdout);
}

/* cells: rows + 1 lines of count texts, the headers first. Frees them. */
static void cells_print(char **cells, size_t rows, const struct output_column *columns,
                        size_t count)
{
    CLEANUP_FREE size_t *widths = mem_alloc(count * sizeof *widths);
    size_t before = 0, terminal = terminal_width();

    for (size_t i = 0; i < (rows + 1) * count; i++)
        if (text_width(cells[i]) > widths[i % count])
            widths[i % count] = text_width(cells[i]);
    for (size_t i = 0; i + 1 < count; i++)
        before += widths[i] + GAP;
    for (size_t i = 0; i < (rows + 1) * count; i++) {
        size_t column = i % count;

        if (column + 1 == count && terminal > before)
            text_cut(cells[i], terminal - before);
        cell_print(cells[i], widths[column], format_is_right(columns[column].format),
                   column + 1 == count);
        free(cells[i]);
    }
}

void output_table(const PGresult *result, const struct output_column *columns, size_t count,
                  const char *empty)
{
    size_t rows = (size_t)PQntuples(result);
    CLEANUP_FREE char **cells = mem_alloc((rows + 1) * count * sizeof *cells);

    if (rows == 0) {
        puts(empty);
        return;
    }
    for (size_t i = 0; i < count; i++)
        cells[i] = mem_strdup(columns[i].header);
    for (size_t i = count; i < (rows + 1) * count; i++) {
        cells[i] = output_format(result, (int)(i / count) - 1, &columns[i % count]);
        text_clean(cells[i]);
    }
    cells_print(cells, rows, columns, count);
}

/* ---- JSON ---- */

static json_t *cell_json(const PGresult *result, int row, int field)
{
    const char *name = PQfname(result, field);
    const char *text = row_text(result, row, name);

    if (!text)
        return json_null();
    switch (PQftype(result, field)) {
    case TYPE_BOOL: return json_boolean(row_bool(result, row, name));
    case TYPE_INT2:
    case TYPE_INT4:
    case TYPE_INT8: return json_integer(row_int(result, row, name));
    case TYPE_FLOAT4:
    case TYPE_FLOAT8:
    case TYPE_NUMERIC: {
        json_t *number = json_loads(text, JSON_DECODE_ANY, NULL);

        return number ? number : json_string(text); /* NaN and Infinity are no JSON numbers */
    }
    case TYPE_JSON:
    case TYPE_JSONB: return json_loads(text, JSON_DECODE_ANY, NULL);
    default: return json_string(text);
    }
}

json_t *output_rows_json(const PGresult *result)
{
    json_t *rows = json_array();

    for (int row = 0; row < PQntuples(result); row++) {
        json_t *object = json_object();

        for (int field = 0; field < PQnfields(result); field++)
            json_object_set_new(object, PQfname(result, field), cell_json(result, row, field));
        json_array_append_new(rows, object);
    }
    return rows;
}

/* Length of the UTF-8 character at text, 0 if there is none. jansson knows what one is. */
static size_t character_length(const char *text, size_t len)
{
    for (size_t n = 1; n <= 4 && n <= len; n++) {
        CLEANUP_JSON json_t *character = json_stringn(text, n);

        if (character)
            return n;
    }
    return 0;
}

json_t *output_text_json(const char *text, size_t len)
{
    json_t *whole = json_stringn(text, len);
    CLEANUP_FREE char *mended = whole ? NULL : mem_alloc(3 * len + 1);
    size_t used = 0;

    for (size_t at = 0; mended && at < len;) {
        size_t n = character_length(text + at, len - at);

        memcpy(mended + used, n ? text + at : "\xef\xbf\xbd", n ? n : 3);
        used += n ? n : 3;
        at += n ? n : 1;
    }
    return whole ? whole : json_stringn(mended, used);
}

static bool json_write(FILE *out, json_t *json, size_t flags)
{
    CLEANUP_FREE char *text = json_dumps(json, flags | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

    json_decref(json);
    return fprintf(out, "%s\n", text ? text : "null") > 0;
}

void output_json(json_t *json)
{
    (void)json_write(stdout, json, JSON_INDENT(2)); /* main looks at stdout's error flag */
}

bool output_json_line(FILE *out, json_t *json)
{
    return json_write(out, json, JSON_COMPACT);
}

void output_result(const struct cli *cli, const PGresult *result,
                   const struct output_column *columns, size_t count, const char *empty)
{
    if (cli->options.json)
        output_json(output_rows_json(result));
    else
        output_table(result, columns, count, empty);
}
