/* SPDX-License-Identifier: PostgreSQL */
/* The schema check, made on each new connection: a fail-over or a migration may have changed what
 * stands there. Whether there is a schema at all is asked apart, with a question that an empty
 * database can answer, so that "no schema" is not read out of an error text. */
#include "coordinator/schema.h"

#include <inttypes.h>

#include "base/row.h"
#include "base/version.h"
#include "coordinator/stmts.h"

int schema_compare(int64_t found, int64_t expected, struct err *err)
{
    if (found < expected)
        return err_set(err, ERR_schema_older,
                       "the database's schema is version %" PRId64
                       ", this program (%s) needs %" PRId64 ": run howdah migrate",
                       found, HOWDAH_VERSION, expected);
    if (found > expected)
        return err_set(err, ERR_schema_newer,
                       "the database's schema is version %" PRId64
                       ", this program (%s) knows %" PRId64 ": upgrade howdah-coordinator",
                       found, HOWDAH_VERSION, expected);
    return 0;
}

static void version_cb(const PGresult *result, const struct err *err, void *arg)
{
    struct schema_check *check = arg;
    struct err own = {.code = ERR_none};

    if (!err && schema_compare(row_int(result, 0, "version"), HOWDAH_SCHEMA_VERSION, &own) < 0)
        err = &own;
    check->verdict(err, check->arg);
}

static void present_cb(const PGresult *result, const struct err *err, void *arg)
{
    struct schema_check *check = arg;
    struct err own = {.code = ERR_none};

    if (err || row_bool(result, 0, "present")) {
        if (err)
            check->verdict(err, check->arg);
        else
            db_call(check->db, &stmts[STMT_schema_version], NULL, version_cb, check);
        return;
    }
    (void)err_set(&own, ERR_schema_missing,
                  "the database holds no howdah schema: run howdah migrate");
    check->verdict(&own, check->arg);
}

void schema_check_start(struct schema_check *check, struct db *db, schema_verdict_f verdict,
                        void *arg)
{
    check->db = db;
    check->verdict = verdict;
    check->arg = arg;
    db_call(db, &stmts[STMT_schema_present], NULL, present_cb, check);
}
