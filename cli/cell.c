/* SPDX-License-Identifier: PostgreSQL */
/* The env file is written by devcluster.sh: lines NAME='value', a quote inside a value written
 * '\''. */
#include "cli/cell.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/mem.h"
#include "base/row.h"
#include "base/version.h"

static const char *const login_variables[] = {
    [LOGIN_ADMIN] = "HOWDAH_DB_ADMIN",
    [LOGIN_OPERATOR] = "HOWDAH_DB_OPERATOR",
    [LOGIN_FRAMEWORK] = "HOWDAH_DB_FRAMEWORK",
};

/* One shell word, quotes resolved; text ends at its first unquoted white space. */
static char *word_unquote(const char *text)
{
    char *word = mem_alloc(strlen(text) + 1), *out = word;
    bool quoted = false;

    for (; *text && *text != '\n' && (quoted || *text != ' '); text++) {
        if (*text == '\'')
            quoted = !quoted;
        else if (*text == '\\' && !quoted && text[1])
            *out++ = *++text;
        else
            *out++ = *text;
    }
    return word;
}

char *cell_env(const struct cli *cli, const char *variable)
{
    CLEANUP_FREE char *path = mem_printf("%s/env", cli->options.dir);
    CLEANUP_FREE char *line = NULL;
    size_t size = 0, len = strlen(variable);
    FILE *file = fopen(path, "re");
    char *value = NULL;

    while (file && !value && getline(&line, &size, file) > 0)
        if (strncmp(line, variable, len) == 0 && line[len] == '=')
            value = word_unquote(line + len + 1);
    if (file)
        fclose(file);
    return value;
}

char *cell_conninfo(const struct cli *cli, struct err *err)
{
    char *conninfo;

    if (cli->options.db && cli->options.db[0])
        return mem_strdup(cli->options.db);
    conninfo = cell_env(cli, login_variables[cli->verb->login]);
    if (!conninfo)
        err_set(
            err, ERR_not_connected,
            "no cluster found in \"%s\": start one with `howdah up`, or set HOWDAH_DB (or --db) "
            "to a PostgreSQL conninfo",
            cli->options.dir);
    return conninfo;
}

static int schema_check(struct cli *cli, struct err *err)
{
    CLEANUP_RESULT PGresult *present = cell_call(cli, STMT_schema_present, NULL, err);
    CLEANUP_RESULT PGresult *version = NULL;
    int64_t number;

    if (!present)
        return -1;
    if (!row_bool(present, 0, "present"))
        return err_set(err, ERR_schema_missing, "%s", err_code_text(ERR_schema_missing));
    version = cell_call(cli, STMT_schema_version, NULL, err);
    if (!version)
        return -1;
    number = row_int(version, 0, "version");
    if (number == HOWDAH_SCHEMA_VERSION)
        return 0;
    return err_set(err, number < HOWDAH_SCHEMA_VERSION ? ERR_schema_older : ERR_schema_newer,
                   "the database has schema %lld and this program expects %d: %s",
                   (long long)number, HOWDAH_SCHEMA_VERSION,
                   number < HOWDAH_SCHEMA_VERSION ? "run howdah migrate"
                                                  : "install a newer howdah");
}

int cell_open(struct cli *cli, struct err *err)
{
    CLEANUP_FREE char *conninfo = cell_conninfo(cli, err);
    CLEANUP_FREE char *application = mem_printf("howdah %s", cli->verb->word);

    if (!conninfo)
        return -1;
    cli->conn = db_open_blocking(conninfo, application, DB_WANT_ANY, err);
    return cli->conn ? schema_check(cli, err) : -1;
}

/* "role_set: field …": the name of the SQL function says nothing to who typed a command. */
static void call_name_drop(struct err *err)
{
    const char *field = strstr(err->text, ": field \"");

    if (strncmp(err_sqlstate(err->code), "HW", 2) == 0 && field &&
        strcspn(err->text, " :") == (size_t)(field - err->text))
        (void)err_set(err, err->code, "%s", field + 2);
}

PGresult *cell_change(struct cli *cli, enum stmt stmt, const char *const *params,
                      enum err_code done, struct err *err)
{
    CLEANUP_FREE char *conninfo = cell_conninfo(cli, err);
    CLEANUP_FREE char *application = mem_printf("howdah %s", cli->verb->word);
    const struct db_login login = {
        .conninfo = conninfo, .application_name = application, .conn = &cli->conn};
    PGresult *result =
        conninfo ? db_call_until_known(&login, &stmts[stmt], params, done, err) : NULL;

    if (!result)
        call_name_drop(err);
    return result;
}

PGresult *cell_call(struct cli *cli, enum stmt stmt, const char *const *params, struct err *err)
{
    return cell_change(cli, stmt, params, ERR_none, err);
}

char *cell_find_id(struct cli *cli, const char *kind, const char *text, struct err *err)
{
    const char *params[] = {kind, text};
    CLEANUP_RESULT PGresult *result = cell_call(cli, STMT_id_find, params, err);

    if (result)
        return mem_strdup(row_text(result, 0, "id"));
    if (err->code == ERR_task_unknown || err->code == ERR_framework_unknown)
        (void)err_set(err, err->code,
                      "no %s has the name \"%.200s\" or an id that begins so: howdah %ss --all "
                      "lists them",
                      kind, text, kind);
    return NULL;
}

char *cell_find_ids(struct cli *cli, const char *kind, struct err *err)
{
    size_t count = (size_t)cli->operand_count, found = 0;
    CLEANUP_FREE char **ids = mem_alloc(count * sizeof *ids);
    char *array = NULL;

    while (found < count) {
        ids[found] = cell_find_id(cli, kind, cli->operands[found], err);
        if (!ids[found])
            break;
        found++;
    }
    if (found == count)
        array = array_from_texts((const char *const *)ids, count);
    while (found)
        free(ids[--found]);
    return array;
}
