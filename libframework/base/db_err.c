/* SPDX-License-Identifier: PostgreSQL */
/* libpq's failures as struct err. A result carries its SQLSTATE in a field. A connection does not:
 * db_target_start asks for verbose messages, in which the state stands between severity and text
 * ("FATAL:  28P01: password …"), and it is read from there and taken out. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/db_host.h"
#include "base/db_internal.h"

#define SQLSTATE_SIZE 6 /* with NUL */

int err_from_result(struct err *err, const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    enum err_code code = err_code_from_sqlstate(sqlstate);

    if (!primary)
        return err_set(err, code, "%s", PQresultErrorMessage(result));
    if (!detail || !strncmp(sqlstate ? sqlstate : "", "HW", 2))
        return err_set(err, code, "%s", primary);
    return err_set(err, code, "%s; %s", primary, detail);
}

/* "…FATAL:  28P01: text" → the state's place, or NULL. */
static const char *err_find_sqlstate(const char *line, const char *end)
{
    for (const char *at = line; at + 10 <= end; at++) {
        bool found = !strncmp(at, ":  ", 3) && !strncmp(at + 8, ": ", 2);

        for (int i = 3; found && i < 8; i++)
            found = isdigit((unsigned char)at[i]) || isupper((unsigned char)at[i]);
        if (found)
            return at + 3;
    }
    return NULL;
}

/* Append one line of libpq's message to text, without the state, which goes to sqlstate. */
static void err_take_line(const char *line, const char *end, char *text, size_t size,
                          char sqlstate[SQLSTATE_SIZE])
{
    size_t len = strlen(text);
    const char *found = err_find_sqlstate(line, end);
    const char *head_end = found ? found - 1 : end; /* one blank stays */

    if (line == end || *line == '\t' || !strncmp(line, "LOCATION:", 9))
        return;
    len += (size_t)snprintf(text + len, size - len, "%s%.*s", len ? "; " : "",
                            (int)(head_end - line), line);
    if (!found)
        return;
    memcpy(sqlstate, found, SQLSTATE_SIZE - 1);
    sqlstate[SQLSTATE_SIZE - 1] = '\0';
    if (len < size)
        snprintf(text + len, size - len, "%.*s", (int)(end - found - 6), found + 6);
}

static enum err_code err_conn_code(const PGconn *conn, const char *text, const char *sqlstate)
{
    if (sqlstate[0])
        return err_code_from_sqlstate(sqlstate);
    if (PQconnectionNeedsPassword(conn))
        return ERR_auth_failed;
    if (strstr(text, "session is read-only") || strstr(text, "server is in hot standby mode"))
        return ERR_read_only;
    return PQparameterStatus(conn, "server_version") ? ERR_connection_lost : ERR_connection_failed;
}

int err_from_conn(struct err *err, const PGconn *conn)
{
    const char *line = PQerrorMessage(conn);
    char sqlstate[SQLSTATE_SIZE] = "";
    char text[sizeof err->text] = "";

    while (*line && strlen(text) + 4 < sizeof text) {
        size_t len = strcspn(line, "\n");

        err_take_line(line, line + len, text, sizeof text, sqlstate);
        line += len + (line[len] == '\n');
    }
    return err_set(err, err_conn_code(conn, text, sqlstate), "%s",
                   text[0] ? text : "the connection broke");
}

/* The text is translated to the server's language; where it comes from is not. */
bool db_notice_unconfirmed(const PGresult *notice)
{
    const char *sqlstate = PQresultErrorField(notice, PG_DIAG_SQLSTATE);
    const char *function = PQresultErrorField(notice, PG_DIAG_SOURCE_FUNCTION);

    return sqlstate && function && !strcmp(sqlstate, "01000") &&
           !strcmp(function, "SyncRepWaitForLSN");
}

bool db_confirm_failed(const struct err *err)
{
    return err->code != ERR_none && err_class_of(err->code) == ERR_RETRY;
}

void db_err_read_only(struct err *err, const PGconn *conn)
{
    struct err inner = *err;
    char name[256];

    err_set(err, ERR_read_only, "%s takes no writes (%s): expected a server that takes writes",
            db_conn_name(conn, name, sizeof name), inner.text);
}
