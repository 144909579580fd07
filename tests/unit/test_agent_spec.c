/* SPDX-License-Identifier: PostgreSQL */
/* From a launch to something that can be executed: what is taken over, what is refused. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/common_spec.h"
#include "base/json.h"
#include "base/mem.h"

#define TASK "0f0f0f0f-0000-4000-8000-00000000abcd"

static const struct spec_context context = {.agent_id = "a",
                                            .agent_name = "agent-1",
                                            .sandbox = "/srv/sandboxes/" TASK,
                                            .isolator = "none",
                                            .cgroup_root = "howdah/agent-1",
                                            .pids = 64};

/* launch has ' for ". */
static json_t *document(const char *launch)
{
    CLEANUP_FREE char *text = mem_strdup(launch);
    struct err err = {0};

    for (char *c = text; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    CLEANUP_JSON json_t *doc = json_parse(text, strlen(text), &err);
    if (doc == NULL)
        fail_msg("%s: %s", text, err.text);
    return spec_document(doc, &context);
}

#define LAUNCH(rest)                                                                               \
    "{'task_id':'" TASK "','framework_id':'" TASK "','name':'t','revocable':true," rest "}"

static void test_launch_becomes_a_spec(void **state)
{
    CLEANUP_JSON json_t *doc = document(
        LAUNCH("'user':null,'resources':{'cpus':0.25,'mem':64},'spec':{'command':{'argv':['a','b'"
               "]},'workdir':'x/y','kill_grace_s':7,'labels':{'k':'v'},'new':1}"));
    struct err err = {0};
    struct spec *spec = spec_parse(doc, &err);

    (void)state;
    if (spec == NULL)
        fail_msg("%s", err.text);
    assert_string_equal(spec->task_id, TASK);
    assert_string_equal(spec->argv[1], "b");
    assert_null(spec->argv[2]);
    assert_string_equal(spec->workdir, "x/y");
    assert_string_equal(spec->cgroup_path, "howdah/agent-1/" TASK);
    assert_int_equal(spec->limits.cpus_milli, 250);
    assert_int_equal(spec->limits.mem_bytes, 64 << 20);
    assert_int_equal(spec->limits.pids, 64);
    assert_int_equal(spec->kill_grace_ms, 7000);
    assert_true(spec->revocable);
    assert_null(spec->user);
    assert_int_equal(spec->uid, geteuid());
    assert_string_equal(spec->environ[0], "HOWDAH_TASK_ID=" TASK);
    spec_free(spec);
}

static void test_shell_is_run_by_sh(void **state)
{
    CLEANUP_JSON json_t *doc = document(LAUNCH("'spec':{'command':{'shell':'a | b'}}"));
    struct err err = {0};
    struct spec *spec = spec_parse(doc, &err);

    (void)state;
    assert_non_null(spec);
    assert_string_equal(spec->argv[0], "/bin/sh");
    assert_string_equal(spec->argv[1], "-c");
    assert_string_equal(spec->argv[2], "a | b");
    assert_string_equal(spec->workdir, ".");
    assert_int_equal(spec->kill_grace_ms, SPEC_KILL_GRACE_DEFAULT_MS);
    spec_free(spec);
}

static bool environ_has(const struct spec *spec, const char *entry)
{
    for (char **item = spec->environ; *item != NULL; item++)
        if (strcmp(*item, entry) == 0)
            return true;
    return false;
}

static void test_task_may_replace_what_is_not_ours(void **state)
{
    CLEANUP_JSON json_t *doc = document(
        LAUNCH("'spec':{'command':{'shell':'x'},'environment':{'PATH':'/mine','LANG':'tlh'}}"));
    struct err err = {0};
    struct spec *spec = spec_parse(doc, &err);

    (void)state;
    assert_non_null(spec);
    assert_true(environ_has(spec, "PATH=/mine"));
    assert_true(environ_has(spec, "LANG=tlh"));
    assert_true(environ_has(spec, "HOME=/srv/sandboxes/" TASK));
    spec_free(spec);
}

static void test_bad_launches_are_refused_by_field(void **state)
{
    static const struct {
        const char *launch, *word;
    } rows[] = {
        {"{}", "spec"},
        {"{'task_id':'../x','framework_id':'" TASK "','name':'t','spec':{}}", "task_id"},
        {"{'task_id':'" TASK "','framework_id':5,'name':'t','spec':{}}", "framework_id"},
        {LAUNCH("'spec':[]"), "spec"},
        {LAUNCH("'spec':{'command':'ls'}"), "command"},
        {LAUNCH("'spec':{'command':{'argv':'ls'}}"), "command.argv"},
        {LAUNCH("'spec':{'command':{'argv':['a',7]}}"), "command.argv[1]"},
        {LAUNCH("'spec':{'command':{'shell':''}}"), "command.shell"},
        {LAUNCH("'spec':{'command':{'shell':'x'},'workdir':''}"), "workdir"},
        {LAUNCH("'spec':{'command':{'shell':'x'},'workdir':7}"), "workdir"},
        {LAUNCH("'spec':{'command':{'shell':'x'},'environment':[]}"), "environment"},
        {LAUNCH("'spec':{'command':{'shell':'x'},'environment':{'A=B':'c'}}"), "A=B"},
        {LAUNCH("'spec':{'command':{'shell':'x'},'environment':{'':'c'}}"), "environment"},
        {LAUNCH("'spec':{'command':{'shell':'x'},'environment':{'A':1}}"), "environment.A"},
        {LAUNCH("'resources':{'cpus':-1},'spec':{'command':{'shell':'x'}}"), "cpus"},
        {LAUNCH("'resources':{'cpus':'two'},'spec':{'command':{'shell':'x'}}"), "cpus"},
        {LAUNCH("'resources':{'mem':-5},'spec':{'command':{'shell':'x'}}"), "mem"},
        {LAUNCH("'resources':7,'spec':{'command':{'shell':'x'}}"), "resources"},
        {LAUNCH("'user':'no-such-user','spec':{'command':{'shell':'x'}}"), "no-such-user"},
        {LAUNCH("'spec':{'command':{'shell':'x'},'kill_grace_s':1e9}"), "kill_grace_s"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP_JSON json_t *doc = document(rows[i].launch);
        struct err err = {0};
        struct spec *spec = spec_parse(doc, &err);
        if (spec != NULL)
            fail_msg("%s was taken", rows[i].launch);
        if (strstr(err.text, rows[i].word) == NULL)
            fail_msg("%s: \"%s\" lacks \"%s\"", rows[i].launch, err.text, rows[i].word);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_launch_becomes_a_spec),
        cmocka_unit_test(test_shell_is_run_by_sh),
        cmocka_unit_test(test_task_may_replace_what_is_not_ours),
        cmocka_unit_test(test_bad_launches_are_refused_by_field),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
