/* SPDX-License-Identifier: PostgreSQL */
/* Metrics: the table of metrics.def printed by one loop, and the database's rows by another.
 *
 * The text format (version 0.0.4): per family one HELP and one TYPE line, then its samples
 * together. In help texts backslash and newline are escaped, in label values the double quote too.
 * Values print exactly up to 2^53 when they are whole, else with 12 significant digits. */
#include "coordinator/metrics.h"

#include <ctype.h>
#include <dirent.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/row.h"
#include "base/version.h"

static const char *const chore_labels[] = {
#define CHORE(stmt_name, pause, counts) #stmt_name,
#include "coordinator/chores.def"
#undef CHORE
    "doorbell_set",
};
static const char *const session_labels[] = {"lease", "chores", "views"};
static const char *const code_labels[] = {"200", "304", "400", "403", "404", "405", "503", "other"};

struct family {
    const char *name, *type, *help;
    size_t offset;             /* of the first double in struct metrics */
    const char *label;         /* NULL: a single sample */
    const char *const *values; /* of the label */
    size_t count;              /* samples */
};

static const struct family families[] = {
#define METRIC(field, type_, name_, help_)                                                         \
    {name_, #type_, help_, offsetof(struct metrics, field), NULL, NULL, 1},
#define METRIC_BY(field, type_, label_, name_, help_)                                              \
    {name_,                                                                                        \
     #type_,                                                                                       \
     help_,                                                                                        \
     offsetof(struct metrics, field),                                                              \
     #label_,                                                                                      \
     label_##_labels,                                                                              \
     METRICS_SIZE_##label_},
#include "coordinator/metrics.def"
#undef METRIC
#undef METRIC_BY
};

_Static_assert(sizeof(chore_labels) / sizeof(chore_labels[0]) == METRICS_CHORE_COUNT, "chores");
_Static_assert(sizeof(session_labels) / sizeof(session_labels[0]) == METRICS_SESSION_COUNT,
               "sessions");
_Static_assert(sizeof(code_labels) / sizeof(code_labels[0]) == METRICS_CODE_COUNT, "codes");

int metrics_create(struct coordinator *root, struct err *err)
{
    (void)err;
    root->metrics = mem_alloc(sizeof(*root->metrics));
    root->metrics->start_time = (double)clock_wall_ms() / 1000;
    root->metrics->answer_age = -1;
    return 0;
}

void metrics_destroy(struct coordinator *root)
{
    free(root->metrics);
    root->metrics = NULL;
}

void metrics_session_up(struct metrics *metrics, enum metrics_session session)
{
    metrics->session_ups[session]++;
    metrics->session_is_up[session] = 1;
}

void metrics_session_down(struct metrics *metrics, enum metrics_session session)
{
    metrics->session_downs[session]++;
    metrics->session_is_up[session] = 0;
}

void metrics_http_answered(struct metrics *metrics, int code)
{
    char text[16];
    size_t i = 0;

    snprintf(text, sizeof(text), "%d", code);
    while (i < METRICS_CODE_other && strcmp(code_labels[i], text) != 0)
        i++;
    metrics->http_requests[i]++;
}

/* Text with backslash, newline and, in label values, the double quote escaped. */
static void print_escaped(struct evbuffer *out, const char *text, bool in_label)
{
    for (const char *at = text; *at; at++) {
        if (*at == '\\')
            evbuffer_add(out, "\\\\", 2);
        else if (*at == '\n')
            evbuffer_add(out, "\\n", 2);
        else if (*at == '"' && in_label)
            evbuffer_add(out, "\\\"", 2);
        else
            evbuffer_add(out, at, 1);
    }
}

static void print_value(struct evbuffer *out, double value)
{
    if (isnan(value))
        evbuffer_add_printf(out, " NaN\n");
    else if (isinf(value))
        evbuffer_add_printf(out, " %sInf\n", value > 0 ? "+" : "-");
    else if (value == floor(value) && fabs(value) < 9007199254740992.0)
        evbuffer_add_printf(out, " %.0f\n", value);
    else
        evbuffer_add_printf(out, " %.12g\n", value);
}

static void print_head(struct evbuffer *out, const char *name, const char *type, const char *help)
{
    evbuffer_add_printf(out, "# HELP %s ", name);
    print_escaped(out, help ? help : "", false);
    evbuffer_add_printf(out, "\n# TYPE %s %s\n", name, type);
}

static void print_family(struct evbuffer *out, const struct family *family, const double *samples)
{
    print_head(out, family->name, family->type, family->help);
    for (size_t i = 0; i < family->count; i++) {
        evbuffer_add_printf(out, "%s", family->name);
        if (family->label)
            evbuffer_add_printf(out, "{%s=\"%s\"}", family->label, family->values[i]);
        print_value(out, samples[i]);
    }
}

void metrics_print(const struct metrics *metrics, struct evbuffer *out)
{
    print_head(out, "howdah_build_info", "gauge",
               "Always 1; the label tells the program's version.");
    evbuffer_add_printf(out, "howdah_build_info{version=\"%s\",program=\"howdah-coordinator\"} 1\n",
                        HOWDAH_VERSION);
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        print_family(out, &families[i],
                     (const double *)(const void *)((const char *)metrics + families[i].offset));
}

static double count_open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    double count = -1; /* the folder's own descriptor */

    if (!dir)
        return 0;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        if (entry->d_name[0] != '.')
            count++;
    closedir(dir);
    return count;
}

void metrics_sample_process(struct metrics *metrics)
{
    struct rusage usage;
    FILE *statm = fopen("/proc/self/statm", "re");
    long long pages = 0;

    if (getrusage(RUSAGE_SELF, &usage) == 0)
        metrics->cpu_seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    if (statm && fscanf(statm, "%*d %lld", &pages) == 1)
        metrics->resident_bytes = (double)pages * (double)sysconf(_SC_PAGESIZE);
    if (statm)
        fclose(statm);
    metrics->open_fds = count_open_fds();
}

/* Metric and label names: [a-zA-Z_][a-zA-Z0-9_]* (colons are for recording rules). */
static bool name_valid(const char *name)
{
    if (!name || !(isalpha((unsigned char)name[0]) || name[0] == '_'))
        return false;
    for (const char *at = name; *at; at++)
        if (!isalnum((unsigned char)*at) && *at != '_')
            return false;
    return true;
}

/* One of this program's own: the database's family of that name would be declared a second time. */
static bool name_taken(const char *full)
{
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        if (strcmp(families[i].name, full) == 0)
            return true;
    return false;
}

static bool type_valid(const char *type)
{
    return type && (strcmp(type, "counter") == 0 || strcmp(type, "gauge") == 0);
}

/* {"state":"running"} as {state="running"}; -1 when it is no flat object of proper names. */
static int print_labels(struct evbuffer *out, const char *text)
{
    struct err err;
    CLEANUP_JSON json_t *labels =
        text && text[0] ? json_parse(text, strlen(text), &err) : json_object();
    const char *name, *between = "{";
    json_t *value;

    if (!json_is_object(labels))
        return -1;
    json_object_foreach (labels, name, value) {
        CLEANUP_FREE char *printed = json_is_string(value) ? mem_strdup(json_string_value(value))
                                                           : json_dumps(value, JSON_ENCODE_ANY);
        if (!name_valid(name) || !printed)
            return -1;
        evbuffer_add_printf(out, "%s%s=\"", between, name);
        print_escaped(out, printed, true);
        evbuffer_add_printf(out, "\"");
        between = ",";
    }
    if (json_object_size(labels) > 0)
        evbuffer_add_printf(out, "}");
    return 0;
}

void metrics_print_rows(const PGresult *rows, struct evbuffer *out)
{
    CLEANUP_FREE char *family = NULL; /* whose head was printed last */

    for (int row = 0; row < PQntuples(rows); row++) {
        const char *name = row_text(rows, row, "name");
        const char *type = row_text(rows, row, "type");
        bool prefixed = name && strncmp(name, "howdah_", 7) == 0;
        CLEANUP_FREE char *full = mem_printf("%s%s", prefixed ? "" : "howdah_", name ? name : "");
        struct evbuffer *labels = evbuffer_new();

        if (name_valid(name) && !name_taken(full) && type_valid(type) &&
            print_labels(labels, row_text(rows, row, "labels")) == 0) {
            if (!family || strcmp(family, full) != 0)
                print_head(out, full, type, row_text(rows, row, "help"));
            evbuffer_add_printf(out, "%s", full);
            evbuffer_add_buffer(out, labels);
            print_value(out, row_double(rows, row, "value"));
            free(family);
            family = take(&full);
        }
        evbuffer_free(labels);
    }
}
