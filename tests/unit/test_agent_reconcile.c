/* SPDX-License-Identifier: PostgreSQL */
/* reconcile.c as a table: what the cell wants, what is held, what is done. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "agent/reconcile.h"
#include "base/json.h"
#include "base/mem.h"

#define A "aaaaaaaa-0000-4000-8000-000000000001"
#define B "bbbbbbbb-0000-4000-8000-000000000002"
#define C "cccccccc-0000-4000-8000-000000000003"

struct row {
    const char *sentence;
    const char *answer;       /* with ' for " */
    const char *live, *ended; /* ids held */
    const char *actions;      /* "verb:first letter of the id[:grace]" each followed by a blank */
};

static const struct row rows[] = {
    {"an empty answer asks for nothing", "{}", A, B, ""},
    {"empty lists ask for nothing", "{'launch':[],'kill':[],'forget':[]}", A, "", ""},
    {"null lists ask for nothing", "{'launch':null,'kill':null,'forget':null}", A, "", ""},
    {"a task that is not held is started", "{'launch':[{'task_id':'" A "'}]}", "", "", "start:a "},
    {"a live task is not started again but told of", "{'launch':[{'task_id':'" A "'}]}", A, "",
     "report:a "},
    {"an ended task is not started again but told of", "{'launch':[{'task_id':'" A "'}]}", "", A,
     "report:a "},
    {"a live task is killed with its grace", "{'kill':[{'task_id':'" A "','grace_s':7}]}", A, "",
     "kill:a:7000 "},
    {"without a grace the task's own counts", "{'kill':[{'task_id':'" A "'}]}", A, "",
     "kill:a:-1 "},
    {"a grace of null is the task's own", "{'kill':[{'task_id':'" A "','grace_s':null}]}", A, "",
     "kill:a:-1 "},
    {"an ended task that is to be killed is told of", "{'kill':[{'task_id':'" A "'}]}", "", A,
     "report:a "},
    {"killing what is not held is nothing", "{'kill':[{'task_id':'" A "'}]}", "", "", ""},
    {"a live task is forgotten", "{'forget':['" A "']}", A, "", "forget:a "},
    {"an ended task is forgotten", "{'forget':['" A "']}", "", A, "forget:a "},
    {"forgetting what is not held is nothing", "{'forget':['" A "']}", "", "", ""},
    {"what is to be killed is not started",
     "{'launch':[{'task_id':'" A "'}],'kill':[{'task_id':'" A "'}]}", "", "", ""},
    {"what is to be forgotten is not started",
     "{'launch':[{'task_id':'" A "'}],'forget':['" A "']}", "", "", ""},
    {"forgetting goes before killing", "{'kill':[{'task_id':'" A "'}],'forget':['" A "']}", A, "",
     "forget:a "},
    {"several tasks each get their own",
     "{'launch':[{'task_id':'" A "'},{'task_id':'" B "'}],'kill':[{'task_id':'" C
     "','grace_s':0}]}",
     B C, "", "kill:c:0 start:a report:b "},
    {"unknown fields are skipped", "{'sing':[1],'launch':[{'task_id':'" A "','x':1}]}", "", "",
     "start:a "},
};

static const struct {
    const char *answer, *word;
} malformed[] = {
    {"{'launch':{}}", "launch"},
    {"{'launch':[1]}", "launch"},
    {"{'launch':[{'task_id':'../../etc'}]}", "launch"},
    {"{'launch':[{'task_id':null}]}", "launch"},
    {"{'kill':['" A "']}", "kill"},
    {"{'kill':[{'task_id':'" A "','grace_s':-1}]}", "grace_s"},
    {"{'kill':[{'task_id':'" A "','grace_s':'soon'}]}", "grace_s"},
    {"{'forget':[{'task_id':'" A "'}]}", "forget"},
    {"{'forget':'" A "'}", "forget"},
};

static json_t *answer_parse(const char *text)
{
    CLEANUP_FREE char *copy = mem_strdup(text);
    struct err err = {0};

    for (char *c = copy; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    json_t *answer = json_parse(copy, strlen(copy), &err);
    assert_non_null(answer);
    return answer;
}

static enum reconcile_holding holding(const char *task_id, void *arg)
{
    const struct row *row = arg;

    if (strstr(row->live, task_id) != NULL)
        return HOLDING_LIVE;
    return strstr(row->ended, task_id) != NULL ? HOLDING_ENDED : HOLDING_NONE;
}

static void actions_print(const struct reconcile_action *actions, size_t count, char *out,
                          size_t size)
{
    static const char *const verbs[] = {[RECONCILE_START] = "start",
                                        [RECONCILE_REPORT] = "report",
                                        [RECONCILE_KILL] = "kill",
                                        [RECONCILE_FORGET] = "forget"};
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(out + used, size - used, "%s:%c", verbs[actions[i].verb],
                                 actions[i].task_id[0]);
        if (actions[i].verb == RECONCILE_KILL)
            used +=
                (size_t)snprintf(out + used, size - used, ":%lld", (long long)actions[i].grace_ms);
        used += (size_t)snprintf(out + used, size - used, " ");
    }
}

static void test_each_row_gives_its_actions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP_JSON json_t *answer = answer_parse(rows[i].answer);
        CLEANUP_FREE struct reconcile_action *actions = NULL;
        struct row row = rows[i];
        struct err err = {0};
        size_t count = 0;
        char text[512];
        if (reconcile(answer, holding, &row, &actions, &count, &err) != 0)
            fail_msg("%s: %s", row.sentence, err.text);
        actions_print(actions, count, text, sizeof(text));
        if (strcmp(text, row.actions) != 0)
            fail_msg("%s: got \"%s\", wanted \"%s\"", row.sentence, text, row.actions);
    }
}

static void test_start_carries_the_launch(void **state)
{
    CLEANUP_JSON json_t *answer = answer_parse("{'launch':[{'task_id':'" A "','name':'x'}]}");
    CLEANUP_FREE struct reconcile_action *actions = NULL;
    struct row row = {.live = "", .ended = ""};
    struct err err = {0};
    size_t count = 0;

    (void)state;
    assert_int_equal(reconcile(answer, holding, &row, &actions, &count, &err), 0);
    assert_int_equal(count, 1);
    assert_string_equal(json_string_value(json_object_get(actions[0].launch, "name")), "x");
}

static void test_malformed_answers_do_nothing_and_name_the_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        CLEANUP_JSON json_t *answer = answer_parse(malformed[i].answer);
        struct reconcile_action *actions = NULL;
        struct row row = {.live = A, .ended = ""};
        struct err err = {0};
        size_t count = 0;
        assert_int_equal(reconcile(answer, holding, &row, &actions, &count, &err), -1);
        assert_null(actions);
        if (strstr(err.text, malformed[i].word) == NULL)
            fail_msg("%s: \"%s\" lacks \"%s\"", malformed[i].answer, err.text, malformed[i].word);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_row_gives_its_actions),
        cmocka_unit_test(test_start_carries_the_launch),
        cmocka_unit_test(test_malformed_answers_do_nothing_and_name_the_field),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
