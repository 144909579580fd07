/* SPDX-License-Identifier: PostgreSQL */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/identity.h"
#include "base/mem.h"

#define ID    "5f0e4a52-0000-4000-8000-00000000b001"
#define KEY   "5f0e4a52-0000-4000-8000-00000000b002"
#define CELL  "5f0e4a52-0000-4000-8000-00000000b003"
#define TOKEN "5f0e4a52-0000-4000-8000-00000000b004"

static char work_dir[] = "/tmp/howdah-test-identity.XXXXXX";
static struct identity identity;
static struct err err;

static char *file_path(void)
{
    return mem_printf("%s/meta/agent.json", work_dir);
}

static int group_set_up(void **state)
{
    CLEANUP_FREE char *meta = NULL;

    (void)state;
    if (mkdtemp(work_dir) == NULL)
        return -1;
    meta = mem_printf("%s/meta", work_dir);
    return mkdir(meta, 0700);
}

static int group_tear_down(void **state)
{
    CLEANUP_FREE char *command = mem_printf("rm -rf '%s'", work_dir);

    (void)state;
    return system(command);
}

static int set_up(void **state)
{
    CLEANUP_FREE char *path = file_path();

    (void)state;
    (void)unlink(path);
    return 0;
}

static void file_is(const char *text)
{
    CLEANUP_FREE char *path = file_path();
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void saved(void)
{
    identity = (struct identity){
        .agent_id = ID,
        .key = KEY,
        .cell = {
            .cell_id = CELL, .token = TOKEN, .epoch = 7, .generation = 3, .timeline = "0000000A"}};
    assert_int_equal(identity_save(work_dir, "agent-1", &identity, &err), 0);
    identity = (struct identity){.agent_id = "x"};
}

static void a_new_directory_gives_a_new_key_and_no_id(void **state)
{
    struct identity other;

    (void)state;
    identity_load(work_dir, "agent-1", &identity);
    identity_load(work_dir, "agent-1", &other);
    assert_string_equal(identity.agent_id, "");
    assert_true(uuid_valid(identity.key));
    assert_string_not_equal(identity.key, other.key);
    assert_string_equal(identity.cell.cell_id, "");
}

static void what_was_saved_is_loaded(void **state)
{
    (void)state;
    saved();
    identity_load(work_dir, "agent-1", &identity);
    assert_string_equal(identity.agent_id, ID);
    assert_string_equal(identity.key, KEY);
    assert_string_equal(identity.cell.cell_id, CELL);
    assert_string_equal(identity.cell.token, TOKEN);
    assert_int_equal(identity.cell.epoch, 7);
    assert_int_equal(identity.cell.generation, 3);
    assert_string_equal(identity.cell.timeline, "0000000A");
}

static void a_key_without_an_id_survives_an_answer_that_was_lost(void **state)
{
    struct identity first;

    (void)state;
    identity_load(work_dir, "agent-1", &first);
    assert_int_equal(identity_save(work_dir, "agent-1", &first, &err), 0);
    identity_load(work_dir, "agent-1", &identity);
    assert_string_equal(identity.agent_id, "");
    assert_string_equal(identity.key, first.key);
}

static void another_name_is_another_agent_of_the_same_cell(void **state)
{
    (void)state;
    saved();
    identity_load(work_dir, "agent-2", &identity);
    assert_string_equal(identity.agent_id, "");
    assert_string_not_equal(identity.key, KEY);
    assert_true(uuid_valid(identity.key));
    assert_string_equal(identity.cell.cell_id, CELL); /* a former primary is one for it, too */
}

static void a_file_that_is_spoilt_is_started_over(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{}",
        "\"text\"",
        "{\"name\": 7}",
        "{\"name\": \"agent-1\", \"agent_id\": 7}",
        "{\"name\": \"agent-1\", \"agent_id\": \"not a uuid\", \"key\": \"short\"}",
        "{\"name\": \"agent-1\", \"agent_id\": \"\", \"cell\": {\"epoch\": \"x\"}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        file_is(texts[i]);
        identity_load(work_dir, "agent-1", &identity);
        assert_string_equal(identity.agent_id, "");
        assert_true(uuid_valid(identity.key));
    }
}

static void a_directory_that_cannot_be_written_is_named(void **state)
{
    (void)state;
    identity_load("/no/such/dir", "agent-1", &identity);
    assert_true(uuid_valid(identity.key));
    assert_int_equal(identity_save("/no/such/dir", "agent-1", &identity, &err), -1);
    assert_non_null(strstr(err.text, "/no/such/dir/meta"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_new_directory_gives_a_new_key_and_no_id, set_up),
        cmocka_unit_test_setup(what_was_saved_is_loaded, set_up),
        cmocka_unit_test_setup(a_key_without_an_id_survives_an_answer_that_was_lost, set_up),
        cmocka_unit_test_setup(another_name_is_another_agent_of_the_same_cell, set_up),
        cmocka_unit_test_setup(a_file_that_is_spoilt_is_started_over, set_up),
        cmocka_unit_test_setup(a_directory_that_cannot_be_written_is_named, set_up),
    };

    return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
