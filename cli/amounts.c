/* SPDX-License-Identifier: PostgreSQL */
/* Three decimals below 10^12 are exact in a double that is printed with fifteen digits; the cell
 * takes no others. */
#include "cli/amounts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

static int part_refuse(const char *option, const char *part, const char *expected, struct err *err)
{
    return err_set(err, ERR_input_invalid, "option --%s, value \"%s\": expected %s", option, part,
                   expected);
}

static bool is_number(const char *text)
{
    size_t whole = strspn(text, "0123456789");
    size_t rest = text[whole] == '.' ? 1 + strspn(text + whole + 1, "0123456789") : 0;

    return whole > 0 && whole + rest <= 16 && rest != 1 && text[whole + rest] == '\0';
}

static json_t *number_json(const char *text)
{
    return strchr(text, '.') ? json_real(strtod(text, NULL))
                             : json_integer(strtoll(text, NULL, 10));
}

/* The object that holds a kind: the amounts themselves, or for scalars.NAME and sets.NAME the
 * object of that group. *name: what is left of kind. Borrowed. */
static json_t *kind_home(json_t *amounts, const char *kind, const char **name)
{
    const char *dot = strchr(kind, '.');
    CLEANUP_FREE char *group = mem_strndup(kind, dot ? (size_t)(dot - kind) : 0);

    *name = kind;
    if (strcmp(group, "scalars") != 0 && strcmp(group, "sets") != 0)
        return amounts;
    *name = dot + 1;
    if (!json_object_get(amounts, group))
        json_object_set_new(amounts, group, json_object());
    return json_object_get(amounts, group);
}

static int part_add(json_t *amounts, const char *option, char *part, struct err *err)
{
    CLEANUP_FREE char *typed = mem_strdup(part);
    char *equals = strrchr(part, '=');
    const char *name;
    json_t *home;

    if (!equals || equals == part || !is_number(equals + 1))
        return part_refuse(option, typed, "KIND=NUMBER, such as cpus=4 or sets.gpu=1", err);
    *equals = '\0';
    home = kind_home(amounts, part, &name);
    if (json_object_get(home, name))
        return part_refuse(option, typed, "each kind once", err);
    if (json_object_set_new(home, name, number_json(equals + 1)) < 0)
        return part_refuse(option, typed, "a kind in UTF-8", err);
    return 0;
}

char *amounts_to_json(const char *option, const char *text, struct err *err)
{
    CLEANUP_JSON json_t *amounts = json_object();
    CLEANUP_FREE char *copy = mem_strdup(text);
    char *rest = copy;

    for (char *part; *text && (part = strsep(&rest, ","));)
        if (part_add(amounts, option, part, err) < 0)
            return NULL;
    return json_dumps(amounts, JSON_REAL_PRECISION(15));
}
