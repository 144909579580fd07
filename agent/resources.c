/* SPDX-License-Identifier: PostgreSQL */
/* Declared resources: two forms of text in, one form of JSON out.
 *
 *   text   item *(";" item)     item = name ":" value
 *          value = number | "[" from "-" to *("," from "-" to) "]" | "{" word *("," word) "}"
 *
 * cpus has at most three decimals; mem and disk are MiB. Only "ports" is a list of ranges. The cell
 * checks all of it again; here the aim is a message that a person understands at once. */
#include "agent/resources.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sched.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"

#define NUMBER_MAX      1e15
#define PORT_MAX        65535
#define SYSTEM_MEM_MIB  1024 /* left to the system, or half if there is less than twice that */
#define SYSTEM_DISK_MIB 5120
#define PORTS_FIRST     31000
#define PORTS_LAST      32000

static const char *const known_scalars[] = {"cpus", "mem", "disk", "gpus"};

static int item_error(struct err *err, const char *name, const char *value, const char *expected)
{
    return err_set(err, ERR_input_invalid,
                   "option \"resources\", item \"%.64s\", value \"%.64s\": %s", name, value,
                   expected);
}

static bool scalar_known(const char *name)
{
    for (size_t i = 0; i < sizeof(known_scalars) / sizeof(known_scalars[0]); i++)
        if (strcmp(known_scalars[i], name) == 0)
            return true;
    return false;
}

static bool name_valid(const char *name)
{
    if (!isalpha((unsigned char)name[0]) || strlen(name) > 63)
        return false;
    for (const char *c = name; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr("_-.", *c) == NULL)
            return false;
    return true;
}

/* Cuts blanks off both ends, in place. */
static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    for (size_t len = strlen(text); len > 0 && isspace((unsigned char)text[len - 1]); len--)
        text[len - 1] = '\0';
    return text;
}

/* Whole numbers stay integers; others have at most three decimals. NULL = not a number. */
static json_t *number_parse(const char *text)
{
    char *end;

    errno = 0;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || errno != 0 || !(value >= 0 && value <= NUMBER_MAX) ||
        isalpha((unsigned char)text[0]))
        return NULL;
    double milli = value * 1000;
    if (fabs(milli - rint(milli)) > 1e-6)
        return NULL;
    return value == rint(value) ? json_integer((json_int_t)value) : json_real(rint(milli) / 1000);
}

static int scalar_add(json_t *resources, const char *name, const char *text, struct err *err)
{
    if (strcmp(name, "ports") == 0)
        return item_error(err, name, text, "expected ranges, [FROM-TO,...]");
    json_t *value = number_parse(text);
    if (value == NULL)
        return item_error(err, name, text, "expected a number with at most three decimals");
    if (scalar_known(name)) {
        if (strcmp(name, "cpus") != 0 && json_is_real(value)) {
            json_decref(value);
            return item_error(err, name, text, "expected a whole number");
        }
        return json_object_set_new(resources, name, value);
    }
    json_t *scalars = json_object_get(resources, "scalars");
    if (scalars == NULL) {
        scalars = json_object();
        json_object_set_new(resources, "scalars", scalars);
    }
    return json_object_set_new(scalars, name, value);
}

static int range_parse(const char *name, const char *text, json_t *ranges, struct err *err)
{
    char *end;
    long from = strtol(text, &end, 10), to = from;

    if (end == text)
        return item_error(err, name, text, "expected FROM-TO");
    if (*end == '-') {
        const char *second = end + 1;
        to = strtol(second, &end, 10);
        if (end == second)
            return item_error(err, name, text, "expected FROM-TO");
    }
    if (*end != '\0' || from < 1 || to < from || to > PORT_MAX)
        return item_error(err, name, text, "expected ports from 1 to 65535, the smaller first");
    return json_array_append_new(ranges, json_pack("[ii]", (int)from, (int)to));
}

static int ranges_add(json_t *resources, const char *name, char *text, struct err *err)
{
    CLEANUP_JSON json_t *ranges = json_array();
    char *rest;

    if (strcmp(name, "ports") != 0)
        return item_error(err, name, text, "only \"ports\" is given as ranges");
    for (char *item = strtok_r(text, ",", &rest); item != NULL; item = strtok_r(NULL, ",", &rest))
        if (range_parse(name, trim(item), ranges, err) != 0)
            return -1;
    return json_object_set(resources, "ports", ranges);
}

static int set_add(json_t *resources, const char *name, char *text, struct err *err)
{
    CLEANUP_JSON json_t *items = json_array();
    json_t *sets = json_object_get(resources, "sets");
    char *rest;

    for (char *item = strtok_r(text, ",", &rest); item != NULL; item = strtok_r(NULL, ",", &rest))
        if (json_array_append_new(items, json_string(trim(item))) != 0)
            return item_error(err, name, item, "expected UTF-8 text");
    if (sets == NULL) {
        sets = json_object();
        json_object_set_new(resources, "sets", sets);
    }
    return json_object_set(sets, name, items);
}

static int item_add(json_t *resources, char *item, struct err *err)
{
    char *colon = strchr(item, ':');

    if (colon == NULL)
        return item_error(err, item, "", "expected NAME:VALUE");
    *colon = '\0';
    char *name = trim(item), *value = trim(colon + 1);
    size_t len = strlen(value);
    if (!name_valid(name))
        return item_error(err, name, value, "expected a name of letters, digits and _ - .");
    if (json_object_get(resources, name) != NULL)
        return item_error(err, name, value, "named twice");
    char last = len > 1 ? value[len - 1] : '\0';
    if ((value[0] == '[' && last == ']') || (value[0] == '{' && last == '}')) {
        value[len - 1] = '\0';
        return value[0] == '[' ? ranges_add(resources, name, value + 1, err)
                               : set_add(resources, name, value + 1, err);
    }
    return scalar_add(resources, name, value, err);
}

typedef int (*item_f)(json_t *target, char *item, struct err *err);

/* NULL or blank: an empty object. */
static json_t *list_parse(const char *option, const char *text, item_f add, struct err *err)
{
    CLEANUP_FREE char *copy = mem_strdup(text != NULL ? text : "");
    CLEANUP_JSON json_t *object = NULL;
    char *start = trim(copy), *rest;

    if (start[0] == '{') {
        object = json_parse(start, strlen(start), err);
        if (object == NULL)
            return (void)err_wrap(err, "option \"%s\"", option), NULL;
        return json_incref(object);
    }
    object = json_object();
    for (char *item = strtok_r(start, ";", &rest); item != NULL; item = strtok_r(NULL, ";", &rest))
        if (*trim(item) != '\0' && add(object, item, err) != 0)
            return NULL;
    return json_incref(object);
}

json_t *resources_parse(const char *text, struct err *err)
{
    return list_parse("resources", text, item_add, err);
}

static int attribute_add(json_t *attributes, char *item, struct err *err)
{
    char *colon = strchr(item, ':');

    if (colon == NULL)
        return err_set(err, ERR_input_invalid,
                       "option \"attributes\", item \"%.64s\": expected NAME:VALUE", item);
    *colon = '\0';
    char *name = trim(item), *text = trim(colon + 1);
    json_t *value = number_parse(text);
    if (!name_valid(name) || json_object_get(attributes, name) != NULL) {
        json_decref(value);
        return err_set(err, ERR_input_invalid,
                       "option \"attributes\", item \"%.64s\": not a name, or named twice", name);
    }
    if (value == NULL)
        value = json_string(text);
    if (json_object_set_new(attributes, name, value) != 0)
        return err_set(err, ERR_input_invalid,
                       "option \"attributes\", item \"%.64s\": expected UTF-8 text", name);
    return 0;
}

json_t *attributes_parse(const char *text, struct err *err)
{
    return list_parse("attributes", text, attribute_add, err);
}

static int64_t less_reserve(int64_t total, int64_t reserve)
{
    return total > 2 * reserve ? total - reserve : total / 2;
}

static int64_t cpus_detect(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        return CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? online : 1;
}

static int64_t mem_detect(void)
{
    FILE *file = fopen("/proc/meminfo", "re");
    long long kib = 0;

    if (file != NULL) {
        if (fscanf(file, "MemTotal: %lld kB", &kib) != 1)
            kib = 0;
        fclose(file);
    }
    return less_reserve(kib / 1024, SYSTEM_MEM_MIB);
}

static int64_t disk_detect(const char *work_dir)
{
    struct statvfs fs;

    if (statvfs(work_dir, &fs) != 0)
        return 0;
    return less_reserve((int64_t)(fs.f_blocks * (fs.f_frsize / 1024) / 1024), SYSTEM_DISK_MIB);
}

static void preset(json_t *resources, const char *name, json_t *value)
{
    if (json_object_get(resources, name) == NULL)
        json_object_set_new(resources, name, value);
    else
        json_decref(value);
}

void resources_detect(json_t *resources, const char *work_dir)
{
    preset(resources, "cpus", json_integer(cpus_detect()));
    preset(resources, "mem", json_integer(mem_detect()));
    preset(resources, "disk", json_integer(disk_detect(work_dir)));
    preset(resources, "gpus", json_integer(0));
    preset(resources, "ports", json_pack("[[ii]]", PORTS_FIRST, PORTS_LAST));
}
