/* SPDX-License-Identifier: PostgreSQL */
/* coordinator/metrics: Prometheus' text format, from the table and from the database's rows. */
#include "tests/unit/cmocka_all.h"

#include <event2/buffer.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "coordinator/metrics.h"

struct row {
    const char *name, *type, *help, *labels, *value;
};

static char *text_of(struct evbuffer *buffer)
{
    evbuffer_add(buffer, "", 1);
    return mem_strdup((const char *)evbuffer_pullup(buffer, -1));
}

static char *own_text(const struct metrics *metrics)
{
    struct evbuffer *out = evbuffer_new();
    char *text;

    metrics_print(metrics, out);
    text = text_of(out);
    evbuffer_free(out);
    return text;
}

static char *rows_text(const struct row *rows, int count)
{
    static char *const columns[] = {"name", "type", "help", "labels", "value"};
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    PGresAttDesc attributes[5] = {{0}};
    struct evbuffer *out = evbuffer_new();
    char *text;

    for (int i = 0; i < 5; i++)
        attributes[i].name = columns[i];
    PQsetResultAttrs(result, 5, attributes);
    for (int i = 0; i < count; i++) {
        const char *const fields[] = {rows[i].name, rows[i].type, rows[i].help, rows[i].labels,
                                      rows[i].value};
        for (int j = 0; j < 5; j++)
            PQsetvalue(result, i, j, (char *)(uintptr_t)fields[j],
                       fields[j] ? (int)strlen(fields[j]) : -1);
    }
    metrics_print_rows(result, out);
    text = text_of(out);
    evbuffer_free(out);
    PQclear(result);
    return text;
}

static int count_of(const char *text, const char *part)
{
    int count = 0;

    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
        count++;
    return count;
}

static void each_family_has_one_help_and_one_type(void **state)
{
    struct metrics metrics = {0};
    CLEANUP_FREE char *text = own_text(&metrics);

    (void)state;
#define METRIC(field, type, name, help)                                                            \
    assert_int_equal(count_of(text, "# HELP " name " "), 1);                                       \
    assert_int_equal(count_of(text, "# TYPE " name " " #type "\n"), 1);
#define METRIC_BY(field, type, label, name, help) METRIC(field, type, name, help)
#include "coordinator/metrics.def"
#undef METRIC
#undef METRIC_BY
}

static void names_follow_the_conventions(void **state)
{
    static const struct {
        const char *name, *type;
    } rows[] = {
#define METRIC(field, type, name, help)           {name, #type},
#define METRIC_BY(field, type, label, name, help) {name, #type},
#include "coordinator/metrics.def"
#undef METRIC
#undef METRIC_BY
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *name = rows[i].name;
        bool total = strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0;

        assert_true(strncmp(name, "howdah_", 7) == 0 || strncmp(name, "process_", 8) == 0);
        assert_int_equal(total, strcmp(rows[i].type, "counter") == 0);
        assert_null(strstr(name, "_ms"));
    }
}

static void every_metric_is_in_the_manual(void **state)
{
    static const char *const names[] = {
#define METRIC(field, type, name, help)           name,
#define METRIC_BY(field, type, label, name, help) name,
#include "coordinator/metrics.def"
#undef METRIC
#undef METRIC_BY
        "howdah_build_info",
    };
    char manual[65536];
    FILE *file = fopen(TEST_DIR "/../docs/metrics.md", "r");
    size_t len;

    (void)state;
    assert_non_null(file);
    len = fread(manual, 1, sizeof(manual) - 1, file);
    manual[len] = '\0';
    fclose(file);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!strstr(manual, names[i]))
            fail_msg("docs/metrics.md does not mention %s", names[i]);
}

static void samples_carry_their_label(void **state)
{
    struct metrics metrics = {0};
    CLEANUP_FREE char *text = NULL;

    (void)state;
    metrics.turns = 12;
    metrics.chore_seconds[METRICS_CHORE_offers_make] = 0.125;
    metrics_http_answered(&metrics, 200);
    metrics_http_answered(&metrics, 404);
    metrics_http_answered(&metrics, 418);
    metrics_session_up(&metrics, METRICS_SESSION_lease);
    text = own_text(&metrics);
    assert_non_null(strstr(text, "\nhowdah_turns_total 12\n"));
    assert_non_null(strstr(text, "\nhowdah_chore_seconds_total{chore=\"offers_make\"} 0.125\n"));
    assert_non_null(strstr(text, "\nhowdah_http_requests_total{code=\"200\"} 1\n"));
    assert_non_null(strstr(text, "\nhowdah_http_requests_total{code=\"404\"} 1\n"));
    assert_non_null(strstr(text, "\nhowdah_http_requests_total{code=\"other\"} 1\n"));
    assert_non_null(strstr(text, "\nhowdah_database_up{session=\"lease\"} 1\n"));
}

static void counters_stay_exact(void **state)
{
    struct metrics metrics = {0};
    CLEANUP_FREE char *text = NULL;

    (void)state;
    metrics.turns = 9007199254740991.0;
    text = own_text(&metrics);
    assert_non_null(strstr(text, "\nhowdah_turns_total 9007199254740991\n"));
}

static void rows_share_one_head_per_name(void **state)
{
    const struct row rows[] = {
        {"tasks", "gauge", "Tasks by state.", "{\"state\": \"running\"}", "3"},
        {"tasks", "gauge", "Tasks by state.", "{\"state\": \"staging\"}", "1.5"},
        {"howdah_claims_total", "counter", "Claims.", "{}", "12"},
    };
    CLEANUP_FREE char *text = rows_text(rows, 3);

    (void)state;
    assert_string_equal(text,
                        "# HELP howdah_tasks Tasks by state.\n# TYPE howdah_tasks gauge\n"
                        "howdah_tasks{state=\"running\"} 3\nhowdah_tasks{state=\"staging\"} 1.5\n"
                        "# HELP howdah_claims_total Claims.\n# TYPE howdah_claims_total counter\n"
                        "howdah_claims_total 12\n");
}

static void labels_and_helps_are_escaped(void **state)
{
    const struct row rows[] = {
        {"x", "gauge", "a \"b\" \\ c\nd", "{\"name\": \"a\\\"b\\\\c\\nd\", \"n\": 4}", "1"}};
    CLEANUP_FREE char *text = rows_text(rows, 1);

    (void)state;
    assert_string_equal(text, "# HELP howdah_x a \"b\" \\\\ c\\nd\n# TYPE howdah_x gauge\n"
                              "howdah_x{name=\"a\\\"b\\\\c\\nd\",n=\"4\"} 1\n");
}

static void impossible_rows_are_left_out(void **state)
{
    const struct row rows[] = {
        {"bad name", "gauge", "", "{}", "1"},
        {NULL, "gauge", "", "{}", "1"},
        {"x", "colour", "", "{}", "1"},
        {"x", "gauge", "", "[1]", "1"},
        {"x", "gauge", "", "{\"a b\": 1}", "1"},
        {"x", "gauge", "", "{not json", "1"},
        {"good", "gauge", NULL, NULL, "Infinity"},
        {"good", "gauge", NULL, NULL, "NaN"},
        {"turns_total", "counter", "", "{}", "1"},
    };
    CLEANUP_FREE char *text = rows_text(rows, 9);

    (void)state;
    assert_string_equal(text, "# HELP howdah_good \n# TYPE howdah_good gauge\nhowdah_good +Inf\n"
                              "howdah_good NaN\n");
}

static void the_process_is_sampled(void **state)
{
    struct metrics metrics = {0};

    (void)state;
    metrics_sample_process(&metrics);
    assert_true(metrics.resident_bytes > 4096);
    assert_true(metrics.open_fds >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_family_has_one_help_and_one_type),
        cmocka_unit_test(names_follow_the_conventions),
        cmocka_unit_test(every_metric_is_in_the_manual),
        cmocka_unit_test(samples_carry_their_label),
        cmocka_unit_test(counters_stay_exact),
        cmocka_unit_test(rows_share_one_head_per_name),
        cmocka_unit_test(labels_and_helps_are_escaped),
        cmocka_unit_test(impossible_rows_are_left_out),
        cmocka_unit_test(the_process_is_sampled),
    };

    return cmocka_run_group_tests_name("coordinator/metrics", tests, NULL, NULL);
}
