/* SPDX-License-Identifier: PostgreSQL */
/* howdah doctor [--patroni FILE|URL]: what howdah.doctor() finds, the worst first. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/row.h"
#include "cli/cell.h"
#include "cli/output.h"
#include "cli/patroni.h"

#define INDENT 15 /* columns before what stands below a finding */

enum severity { SEVERITY_danger, SEVERITY_warning, SEVERITY_note, SEVERITY_ok, SEVERITY_COUNT };

static const char *const severity_names[] = {"danger", "warning", "note", "ok"};

static enum severity severity_of(const PGresult *result, int row)
{
    const char *name = row_text(result, row, "severity");
    int severity = SEVERITY_danger;

    while (severity < SEVERITY_ok && strcmp(severity_names[severity], name) != 0)
        severity++;
    return (enum severity)severity;
}

static int line_width(void)
{
    struct winsize size;

    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 40)
        return 100;
    return size.ws_col;
}

/* The text's words, in lines that begin at column INDENT but for the first. */
static void words_print(const char *text, int width)
{
    int column = INDENT;

    while (*text) {
        int len = (int)strcspn(text, " ");

        if (column > INDENT && column + 1 + len > width) {
            printf("\n%*s", INDENT, "");
            column = INDENT;
        } else if (column > INDENT) {
            putchar(' ');
            column++;
        }
        printf("%.*s", len, text);
        column += len;
        text += len + (text[len] == ' ');
    }
    putchar('\n');
}

static void finding_print(const PGresult *result, int row, int id_width, int width)
{
    static const struct {
        const char *title, *column;
    } parts[] = {{"risk:", "risk"}, {"do:", "advice"}};

    printf("%-7s  %-*s  %s\n", row_text(result, row, "severity"), id_width,
           row_text(result, row, "id"), row_text(result, row, "found"));
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const char *text = row_text(result, row, parts[i].column);

        if (text) {
            printf("%9s%-6s", "", parts[i].title);
            words_print(text, width);
        }
    }
}

static void findings_print(const PGresult *result)
{
    int counts[SEVERITY_COUNT] = {0}, id_width = 0, width = line_width();

    for (int row = 0; row < PQntuples(result); row++) {
        int len = (int)strlen(row_text(result, row, "id"));

        id_width = len > id_width ? len : id_width;
        counts[severity_of(result, row)]++;
    }
    for (int row = 0; row < PQntuples(result); row++)
        finding_print(result, row, id_width, width);
    printf("doctor: %d danger, %d warning, %d note, %d ok\n", counts[SEVERITY_danger],
           counts[SEVERITY_warning], counts[SEVERITY_note], counts[SEVERITY_ok]);
}

static enum cli_exit exit_of(const PGresult *result)
{
    switch (severity_of(result, 0)) { /* the worst comes first */
    case SEVERITY_danger: return EXIT_DANGER;
    case SEVERITY_warning: return EXIT_FAILED;
    default: return EXIT_OK;
    }
}

/* This machine's time as PostgreSQL reads it. */
static char *now_text(void)
{
    int64_t now_ms = clock_wall_ms();
    time_t now = (time_t)(now_ms / 1000);
    char text[32];
    struct tm utc;

    gmtime_r(&now, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    return mem_printf("%s.%03" PRId64 "Z", text, now_ms % 1000);
}

int cmd_doctor(struct cli *cli, struct err *err)
{
    const char *where = cli->options.patroni;
    CLEANUP_JSON json_t *patroni = where ? patroni_read(where, err) : NULL;
    CLEANUP_FREE char *document = patroni ? json_print(patroni) : NULL;
    CLEANUP_FREE char *now = NULL;
    CLEANUP_RESULT PGresult *result = NULL;

    if ((where && !patroni) || cell_open(cli, err) < 0)
        return -1;
    now = now_text();
    const char *params[] = {now, document};

    result = cell_call(cli, STMT_doctor, params, err);
    if (!result)
        return -1;
    if (cli->options.json)
        output_json(output_rows_json(result));
    else
        findings_print(result);
    return exit_of(result);
}
