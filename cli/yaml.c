/* SPDX-License-Identifier: PostgreSQL */
/* Line by line. The mappings that are open lie on a stack, each with the indent of the line that
 * opened it; a line belongs to the innermost one that is indented less. What hangs below a list's
 * dash or a block text is indented more than `skip` and passed over. */
#include "cli/yaml.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"

#define DEPTH_MAX 32

struct yaml {
    const char *name;
    int line;
    int skip; /* lines indented more than this are passed over; -1: none */
    int depth;
    struct {
        int indent;
        json_t *object; /* borrowed from the one below */
    } open[DEPTH_MAX];
};

static int yaml_error(const struct yaml *yaml, const char *wanted, struct err *err)
{
    return err_set(err, ERR_input_invalid, "\"%s\", line %d: expected %s", yaml->name, yaml->line,
                   wanted);
}

/* The end of the scalar at text: the closing quote, a comment, or `stops` outside of quotes. */
static const char *scalar_end(const char *text, const char *stops)
{
    char quote = *text == '\'' || *text == '"' ? *text : '\0';

    for (const char *at = text + (quote != '\0'); *at; at++) {
        if (quote && *at == quote)
            return at + 1;
        if (!quote && (strchr(stops, *at) || (*at == '#' && (at == text || at[-1] == ' '))))
            return at;
    }
    return text + strlen(text);
}

static char *scalar_text(const char *from, const char *to)
{
    while (to > from && strchr(" \t\r", to[-1]))
        to--;
    if (to - from >= 2 && (*from == '\'' || *from == '"') && to[-1] == *from)
        return mem_strndup(from + 1, (size_t)(to - from) - 2);
    return mem_strndup(from, (size_t)(to - from));
}

/* The key at text; *value is what follows its colon. NULL if there is no key. */
static char *key_read(const char *text, const char **value)
{
    const char *end = scalar_end(text, "");
    const char *colon = text;

    if (*text == '\'' || *text == '"')
        colon = end;
    else
        while (colon < end && !(*colon == ':' && (!colon[1] || strchr(" \t\r", colon[1]))))
            colon++;
    if (*colon != ':' || colon == text)
        return NULL;
    *value = colon + 1 + strspn(colon + 1, " \t\r");
    return scalar_text(text, colon);
}

/* {name: value, …}: one level of scalars; NULL for anything else. */
static json_t *flow_read(const char *text)
{
    json_t *object = json_object();
    const char *at = text + 1;

    while (*(at += strspn(at, " \t")) != '}') {
        const char *value, *end;
        CLEANUP_FREE char *key = key_read(at, &value);

        end = key ? scalar_end(value, ",}") : "";
        if (!*end) {
            json_decref(object);
            return NULL;
        }
        CLEANUP_FREE char *scalar = scalar_text(value, end);

        json_object_set_new(object, key, json_string(scalar));
        at = end + (*end == ',');
    }
    return object;
}

static json_t *value_read(const char *text)
{
    CLEANUP_FREE char *scalar = scalar_text(text, scalar_end(text, ""));
    json_t *flow = *text == '{' ? flow_read(text) : NULL;

    return flow ? flow : json_string(scalar);
}

static int entry_read(struct yaml *yaml, int indent, const char *text, struct err *err)
{
    const char *value;
    CLEANUP_FREE char *key = key_read(text, &value);
    json_t *parent, *child;

    while (yaml->open[yaml->depth].indent >= indent)
        yaml->depth--;
    parent = yaml->open[yaml->depth].object;
    if (!key)
        return yaml_error(yaml, "\"name: value\"", err);
    if (*value && *value != '#') {
        child = value_read(value);
        yaml->skip = *value == '|' || *value == '>' ? indent : -1;
    } else {
        if (yaml->depth + 1 == DEPTH_MAX)
            return yaml_error(yaml, "fewer levels", err);
        child = json_object();
        yaml->open[++yaml->depth].indent = indent;
        yaml->open[yaml->depth].object = child;
    }
    if (!child || json_object_set_new(parent, key, child) < 0)
        return yaml_error(yaml, "text in UTF-8", err);
    return 0;
}

static int line_read(struct yaml *yaml, char *line, struct err *err)
{
    int indent = (int)strspn(line, " ");
    char *text = line + indent;

    if (!text[strspn(text, " \t\r")] || *text == '#' || strncmp(line, "---", 3) == 0)
        return 0;
    if (yaml->skip >= 0 && indent > yaml->skip)
        return 0;
    yaml->skip = -1;
    if (*text == '\t')
        return yaml_error(yaml, "an indent of blanks", err);
    if (*text == '-' && (!text[1] || strchr(" \r", text[1]))) {
        yaml->skip = indent;
        return 0;
    }
    return entry_read(yaml, indent, text, err);
}

json_t *yaml_parse(const char *name, const char *text, struct err *err)
{
    struct yaml yaml = {
        .name = name, .skip = -1, .open = {{.indent = -1, .object = json_object()}}};
    CLEANUP_FREE char *copy = mem_strdup(text);
    char *rest = copy;

    if (text[strspn(text, " \t\r\n")] == '{') {
        json_decref(yaml.open[0].object);
        return json_parse(text, strlen(text), err);
    }
    for (char *line; (line = strsep(&rest, "\n"));) {
        yaml.line++;
        if (line_read(&yaml, line, err) < 0) {
            json_decref(yaml.open[0].object);
            return NULL;
        }
    }
    return yaml.open[0].object;
}
