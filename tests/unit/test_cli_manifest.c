/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/manifest.h"

static char dir[] = "/tmp/howdah-test-manifest.XXXXXX";
static struct manifest manifest;
static struct err err;

static void file_write(const char *name, const char *text)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", dir, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int group_set_up(void **state)
{
    CLEANUP_FREE char *migrations = NULL, *functions = NULL;

    (void)state;
    if (!mkdtemp(dir))
        return -1;
    migrations = mem_printf("%s/migrations", dir);
    functions = mem_printf("%s/functions", dir);
    if (mkdir(migrations, 0700) < 0 || mkdir(functions, 0700) < 0)
        return -1;
    file_write("migrations/0001_first.sql", "select 1;\n");
    file_write("migrations/0002_second.sql", "select 2;\n");
    file_write("functions/empty.sql", "");
    file_write("functions/task.sql", "select 'ä';\n");
    return 0;
}

static int group_tear_down(void **state)
{
    static const char *const names[] = {"manifest",
                                        "migrations/0001_first.sql",
                                        "migrations/0002_second.sql",
                                        "functions/empty.sql",
                                        "functions/task.sql",
                                        "migrations",
                                        "functions",
                                        ""};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        CLEANUP_FREE char *path = mem_printf("%s/%s", dir, names[i]);

        (void)remove(path);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    manifest_free(&manifest);
    return 0;
}

static void refused(const char *text, const char *line, const char *message)
{
    file_write("manifest", text);
    assert_int_equal(manifest_load(dir, &manifest, &err), -1);
    assert_non_null(strstr(err.text, line));
    assert_non_null(strstr(err.text, message));
    assert_int_equal(manifest.count, 0);
}

static void files_come_in_the_manifests_order_with_their_texts(void **state)
{
    (void)state;
    file_write("manifest", "# all of it\n\nmigrations/0001_first.sql   # schemas\n"
                           "  migrations/0002_second.sql\nfunctions/task.sql\n"
                           "functions/empty.sql");
    assert_int_equal(manifest_load(dir, &manifest, &err), 0);
    assert_int_equal(manifest.count, 4);
    assert_string_equal(manifest.files[0].name, "migrations/0001_first.sql");
    assert_string_equal(manifest.files[0].text, "select 1;\n");
    assert_int_equal(manifest.files[0].number, 1);
    assert_int_equal(manifest.files[1].number, 2);
    assert_string_equal(manifest.files[2].text, "select 'ä';\n");
    assert_int_equal(manifest.files[2].number, 0);
    assert_string_equal(manifest.files[3].text, "");
    assert_int_equal(manifest_latest(&manifest), 2);
}

static void what_is_no_sql_file_of_ours_is_refused_with_its_line(void **state)
{
    (void)state;
    refused("migrations/0001_first.sql\nnonsense\n", "line 2", "\"nonsense\": expected");
    refused("../evil.sql\n", "line 1", "expected migrations/NNNN");
    refused("functions/../../evil.sql\n", "line 1", "expected migrations/NNNN");
    refused("migrations/first.sql\n", "line 1", "expected migrations/NNNN");
    refused("migrations/0001_first\n", "line 1", "expected migrations/NNNN");
}

static void migrations_must_rise(void **state)
{
    (void)state;
    refused("migrations/0002_second.sql\nmigrations/0001_first.sql\n", "line 2",
            "must be higher than 0002");
    refused("migrations/0001_first.sql\nmigrations/0001_first.sql\n", "line 2",
            "must be higher than 0001");
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    refused("migrations/0001_first.sql\nfunctions/missing.sql\n", "line 2",
            "functions/missing.sql: No such file");
}

static void a_manifest_without_migrations_is_refused(void **state)
{
    (void)state;
    refused("functions/task.sql\n", "manifest", "no migration");
    refused("# nothing\n", "manifest", "no migration");
}

static void a_missing_manifest_is_named(void **state)
{
    (void)state;
    assert_int_equal(manifest_load("/nowhere", &manifest, &err), -1);
    assert_int_equal(err.code, ERR_io_failed);
    assert_non_null(strstr(err.text, "/nowhere/manifest"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(files_come_in_the_manifests_order_with_their_texts, tear_down),
        cmocka_unit_test_teardown(what_is_no_sql_file_of_ours_is_refused_with_its_line, tear_down),
        cmocka_unit_test_teardown(migrations_must_rise, tear_down),
        cmocka_unit_test_teardown(a_missing_file_is_named, tear_down),
        cmocka_unit_test_teardown(a_manifest_without_migrations_is_refused, tear_down),
        cmocka_unit_test_teardown(a_missing_manifest_is_named, tear_down),
    };

    return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
