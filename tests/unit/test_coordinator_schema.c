/* SPDX-License-Identifier: PostgreSQL */
/* coordinator/schema: two questions, one verdict. */
#include "tests/unit/coordinator_fake_db.h"

#include "base/version.h"
#include "coordinator/schema.h"

static struct err verdict;
static int verdicts;
static struct schema_check check;
static struct db *db;

static void verdict_cb(const struct err *err, void *arg)
{
    assert_ptr_equal(arg, &verdicts);
    verdicts++;
    err_clear(&verdict);
    if (err)
        verdict = *err;
}

static int start(void **state)
{
    struct err err = {.code = ERR_none};

    (void)state;
    fake_forget();
    verdicts = 0;
    verdict.code = ERR_server_error;
    db = db_create(NULL, &(struct db_config){.application_name = "schema"}, &err);
    schema_check_start(&check, db, verdict_cb, &verdicts);
    return 0;
}

static void version_answer(int64_t version)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)version);
    fake_answer_one("schema_present", "present", "t");
    assert_int_equal(verdicts, 0);
    fake_answer_one("schema_version", "version", text);
    assert_int_equal(verdicts, 1);
}

static void assert_said(const char *part)
{
    if (!strstr(verdict.text, part))
        fail_msg("\"%s\" does not say \"%s\"", verdict.text, part);
}

static void its_own_version_fits(void **state)
{
    (void)state;
    version_answer(HOWDAH_SCHEMA_VERSION);
    assert_int_equal(verdict.code, ERR_none);
}

static void the_version_is_not_asked_where_there_is_no_schema(void **state)
{
    (void)state;
    fake_answer_one("schema_present", "present", "f");
    assert_int_equal(verdicts, 1);
    assert_int_equal(verdict.code, ERR_schema_missing);
    assert_said("run howdah migrate");
    assert_string_equal(fake_said, "schema_present() ");
}

static void one_version_less_is_to_be_migrated(void **state)
{
    char part[128];

    (void)state;
    version_answer(HOWDAH_SCHEMA_VERSION - 1);
    assert_int_equal(verdict.code, ERR_schema_older);
    snprintf(part, sizeof(part), "is version %d, this program (%s) needs %d: run howdah migrate",
             HOWDAH_SCHEMA_VERSION - 1, HOWDAH_VERSION, HOWDAH_SCHEMA_VERSION);
    assert_said(part);
}

static void one_version_more_is_to_be_upgraded_to(void **state)
{
    char part[128];

    (void)state;
    version_answer(HOWDAH_SCHEMA_VERSION + 1);
    assert_int_equal(verdict.code, ERR_schema_newer);
    snprintf(part, sizeof(part), "is version %d, this program (%s) knows %d: upgrade",
             HOWDAH_SCHEMA_VERSION + 1, HOWDAH_VERSION, HOWDAH_SCHEMA_VERSION);
    assert_said(part);
}

static void a_version_that_is_null_is_older(void **state)
{
    (void)state;
    fake_answer_one("schema_present", "present", "t");
    fake_answer_one("schema_version", "version", NULL);
    assert_int_equal(verdict.code, ERR_schema_older);
}

static void either_question_without_an_answer_is_no_verdict_on_the_schema(void **state)
{
    (void)state;
    fake_fail("schema_present", ERR_deadline_passed);
    assert_int_equal(verdict.code, ERR_deadline_passed);
    schema_check_start(&check, db, verdict_cb, &verdicts);
    fake_answer_one("schema_present", "present", "t");
    fake_fail("schema_version", ERR_connection_lost);
    assert_int_equal(verdict.code, ERR_connection_lost);
    assert_int_equal(verdicts, 2);
}

#define SCHEMA_TEST(name) cmocka_unit_test_setup(name, start)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCHEMA_TEST(its_own_version_fits),
        SCHEMA_TEST(the_version_is_not_asked_where_there_is_no_schema),
        SCHEMA_TEST(one_version_less_is_to_be_migrated),
        SCHEMA_TEST(one_version_more_is_to_be_upgraded_to),
        SCHEMA_TEST(a_version_that_is_null_is_older),
        SCHEMA_TEST(either_question_without_an_answer_is_no_verdict_on_the_schema),
    };

    return cmocka_run_group_tests_name("coordinator/schema", tests, NULL, NULL);
}
