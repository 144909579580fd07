/* SPDX-License-Identifier: PostgreSQL */
/* A blocking call that is tried until its outcome is known, over as many connections as it takes.
 * Refusals are final; what passes (a lost connection, a fail-over, a conflict) is tried again after
 * a jittered wait, until the statement's deadline. */
#include <time.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/db_blocking.h"
#include "base/db_internal.h"

#define UNTIL_KNOWN_WAIT_MIN_MS  50
#define UNTIL_KNOWN_WAIT_MAX_MS  500
#define UNTIL_KNOWN_DOUBLINGS    8
#define UNTIL_KNOWN_TRY_LEAST_MS 500 /* finding a server may have used the deadline up */

static const struct db_stmt confirm_stmt = {.name = "confirm",
                                            .text = DB_CONFIRM_SQL,
                                            .param_count = 0,
                                            .repeat = DB_BY_STATE,
                                            .try_ms = 0,
                                            .deadline_ms = 10000};

struct until_known {
    const struct db_login *login;
    const struct db_stmt *stmt;
    const char *const *params;
    int64_t deadline_ms;
    int tries;
    bool open; /* an earlier try's outcome is unknown */
};

static int64_t until_known_left_ms(const struct until_known *call)
{
    return call->deadline_ms - clock_mono_ms();
}

/* How long the present try may take. */
static int64_t until_known_patience_ms(const struct until_known *call)
{
    int doublings = call->tries < UNTIL_KNOWN_DOUBLINGS ? call->tries : UNTIL_KNOWN_DOUBLINGS;
    int64_t patience_ms = (int64_t)call->stmt->try_ms << doublings;
    int64_t left_ms = until_known_left_ms(call);

    if (left_ms < UNTIL_KNOWN_TRY_LEAST_MS)
        left_ms = UNTIL_KNOWN_TRY_LEAST_MS;
    return patience_ms && patience_ms < left_ms ? patience_ms : left_ms;
}

static int until_known_connect(const struct until_known *call, struct err *err)
{
    const struct db_login *login = call->login;

    if (*login->conn)
        return 0;
    *login->conn =
        db_open_blocking(login->conninfo, login->application_name,
                         call->stmt->repeat == DB_READS ? DB_WANT_ANY : DB_WANT_WRITABLE, err);
    return *login->conn ? 0 : -1;
}

/* One try on the connection at hand; of a repeated write the confirmation, too. */
static PGresult *until_known_try(const struct until_known *call, struct err *err)
{
    PGconn *conn = *call->login->conn;
    PGresult *result =
        db_try_blocking(conn, call->stmt, call->params, until_known_patience_ms(call), err);
    PGresult *confirmed;

    if (!result || !call->open || call->stmt->repeat == DB_READS)
        return result;
    confirmed = db_try_blocking(conn, &confirm_stmt, NULL, until_known_patience_ms(call), err);
    PQclear(confirmed);
    if (confirmed || !db_confirm_failed(err))
        return result;
    PQclear(result);
    return NULL;
}

/* Whether to try again after err; prepares for it. What a standby or a time limit of the server
 * refused has not been done, and would be refused again. */
static bool until_known_again(struct until_known *call, bool tried, const struct err *err)
{
    PGconn **conn = call->login->conn;
    bool refused = tried && (err->code == ERR_read_only || err->code == ERR_statement_timeout);

    if (err_class_of(err->code) != ERR_RETRY || call->stmt->repeat == DB_ONCE)
        return false;
    if (until_known_left_ms(call) <= 0 || (refused && !call->open))
        return false;
    call->tries += tried;
    call->open |= tried;
    if (*conn && tried) {
        PQfinish(*conn);
        *conn = NULL;
    }
    return true;
}

static void until_known_pause(struct backoff *backoff)
{
    uint32_t wait_ms = backoff_next_ms(backoff);
    const struct timespec time = {.tv_nsec = (long)wait_ms * 1000000};

    nanosleep(&time, NULL);
}

PGresult *db_call_until_known(const struct db_login *login, const struct db_stmt *stmt,
                              const char *const *params, enum err_code done, struct err *err)
{
    struct until_known call = {.login = login,
                               .stmt = stmt,
                               .params = params,
                               .deadline_ms = clock_mono_ms() + db_stmt_deadline_ms(stmt)};
    struct backoff backoff = {.min_ms = UNTIL_KNOWN_WAIT_MIN_MS, .max_ms = UNTIL_KNOWN_WAIT_MAX_MS};
    PGresult *result;
    bool tried;

    for (;;) {
        tried = until_known_connect(&call, err) == 0;
        result = tried ? until_known_try(&call, err) : NULL;
        if (result)
            return result;
        if (call.open && done != ERR_none && err->code == done)
            return PQmakeEmptyPGresult(*login->conn, PGRES_COMMAND_OK);
        if (!until_known_again(&call, tried, err))
            break;
        until_known_pause(&backoff);
    }
    if (call.open && err_class_of(err->code) == ERR_RETRY)
        err_wrap(err, "its outcome is unknown, the same command may be given again");
    return NULL;
}
