/* SPDX-License-Identifier: PostgreSQL */
/* A cell for one command of `howdah`: it answers statements with rows or errors that the test laid
 * out before, notes what was asked, and keeps what the command printed. Include it in one file per
 * program. */
#ifndef HOWDAH_TESTS_CLI_FAKE_CELL_H
#define HOWDAH_TESTS_CLI_FAKE_CELL_H

#include "framework_fake.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/row.h"
#include "cli/cell.h"

#define CELL_ANSWERS 8

struct cell_answer {
    const char *stmt, *columns; /* "a|b" */
    const char *const *rows;    /* as fake_rows wants them */
    int row_count;
    enum err_code code; /* else this error */
};

static struct cell_answer cell_answers[CELL_ANSWERS];
static int cell_answer_count;
static char cell_said[1024]; /* "statement(parameter,…) ", the checks of the schema left out */
static struct cli cell_cli;
static struct err cell_err;
static char cell_output[64];

PGconn *db_open_blocking(const char *conninfo, const char *application_name, enum db_want want,
                         struct err *err)
{
    (void)application_name, (void)want;
    if (strcmp(conninfo, "good") == 0)
        return PQconnectStart("host=/no/such/directory"); /* only passed around */
    err_set(err, ERR_connection_failed, "made up for the test");
    return NULL;
}

static PGresult *cell_answer_find(const struct db_stmt *stmt, struct err *err)
{
    for (int i = 0; i < cell_answer_count; i++) {
        const struct cell_answer *answer = &cell_answers[i];

        if (strcmp(answer->stmt, stmt->name) != 0)
            continue;
        if (answer->code == ERR_none)
            return fake_rows(answer->columns, answer->rows, answer->row_count);
        err_set(err, answer->code, "made up for the test");
        return NULL;
    }
    fail_msg("statement \"%s\" was not expected", stmt->name);
    return NULL;
}

PGresult *db_call_blocking(PGconn *conn, const struct db_stmt *stmt, const char *const *params,
                           struct err *err)
{
    size_t said = strlen(cell_said);

    (void)conn;
    if (strncmp(stmt->name, "schema_", 7) != 0) {
        said += (size_t)snprintf(cell_said + said, sizeof(cell_said) - said, "%s(", stmt->name);
        for (int i = 0; i < stmt->param_count; i++)
            said += (size_t)snprintf(cell_said + said, sizeof(cell_said) - said, "%s%s",
                                     i ? "," : "", params[i] ? params[i] : "null");
        snprintf(cell_said + said, sizeof(cell_said) - said, ") ");
    }
    return cell_answer_find(stmt, err);
}

PGresult *db_call_until_known(const struct db_login *login, const struct db_stmt *stmt,
                              const char *const *params, enum err_code done, struct err *err)
{
    (void)done;
    return db_call_blocking(*login->conn, stmt, params, err);
}

int db_script_blocking(PGconn *conn, const char *sql, uint32_t deadline_ms, struct err *err)
{
    (void)conn, (void)sql, (void)deadline_ms;
    return err_set(err, ERR_not_connected, "made up for the test");
}

/* ---- what the test does ---- */

static inline void cell_answers_with(const char *stmt, const char *columns, const char *const *rows,
                                     int row_count)
{
    assert_true(cell_answer_count < CELL_ANSWERS);
    cell_answers[cell_answer_count++] = (struct cell_answer){
        .stmt = stmt, .columns = columns, .rows = rows, .row_count = row_count};
}

static inline void cell_fails(const char *stmt, enum err_code code)
{
    assert_true(cell_answer_count < CELL_ANSWERS);
    cell_answers[cell_answer_count++] = (struct cell_answer){.stmt = stmt, .code = code};
}

/* A command without options in a cell whose schema fits. */
static inline void cell_start(const char *verb)
{
    static const char *const present[] = {"t"};
    static const char *const version[] = {FAKE_VERSION};

    memset(cell_said, 0, sizeof(cell_said));
    cell_answer_count = 0;
    err_clear(&cell_err);
    cell_cli = (struct cli){.verb = verb_find(verb)};
    assert_non_null(cell_cli.verb);
    cell_cli.options.dir = (char *)"/nowhere";
    cell_cli.options.db = (char *)"good";
    cell_answers_with("schema_present", "present", present, 1);
    cell_answers_with("schema_version", "version", version, 1);
}

static inline int cell_stop(void **state)
{
    (void)state;
    PQfinish(cell_cli.conn);
    cell_cli.conn = NULL;
    return 0;
}

/* Run the command with stdout in a file; what it printed is in *text, valid until the next run. */
static inline int cell_run(int (*command)(struct cli *cli, struct err *err), const char **text)
{
    static char printed[262144];
    int saved, fd, rc;
    ssize_t len;

    snprintf(cell_output, sizeof(cell_output), "/tmp/howdah-test-cell.XXXXXX");
    fd = mkstemp(cell_output);
    assert_true(fd >= 0);
    fflush(NULL);
    saved = dup(1);
    assert_int_equal(dup2(fd, 1), 1);
    rc = command(&cell_cli, &cell_err);
    fflush(NULL);
    assert_int_equal(dup2(saved, 1), 1);
    close(saved);
    len = pread(fd, printed, sizeof(printed) - 1, 0);
    assert_true(len >= 0);
    printed[len] = '\0';
    close(fd);
    unlink(cell_output);
    *text = printed;
    return rc;
}

static inline void assert_says(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" does not say \"%s\"", text, part);
}

#endif
