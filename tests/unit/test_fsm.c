/* SPDX-License-Identifier: PostgreSQL */
/* The tables of fsm: well-formed, reachable, complete where the protocol relies on it. */
#include "tests/unit/cmocka_all.h"

#include <stdbool.h>
#include <string.h>

#include "fsm/fsm.h"

#define EACH_MACHINE(id) for (enum fsm_machine_id id = FSM_TASK; id < FSM_MACHINE_COUNT; id++)

/* Labels are for life: task "lost" is one of Mesos' states that this cell never needs, as it always
 * knows unreachable from gone. It is kept for programs that were written against Mesos. */
static bool is_reserved(const struct fsm_machine *machine, size_t state)
{
    return machine == &fsm_machines[FSM_TASK] && state == task_lost;
}

static void every_state_can_be_reached(void **state)
{
    (void)state;
    EACH_MACHINE(id)
    {
        const struct fsm_machine *machine = &fsm_machines[id];
        bool reached[32] = {true};

        for (size_t turn = 0; turn < machine->state_count; turn++)
            for (size_t i = 0; i < machine->edge_count; i++)
                if (reached[machine->edges[i].from])
                    reached[machine->edges[i].to] = true;
        for (size_t i = 0; i < machine->state_count; i++)
            if (!reached[i] && !is_reserved(machine, i))
                fail_msg("%s: nothing leads to %s", machine->name, machine->states[i].name);
    }
}

static void no_edge_leaves_a_final_state_and_some_edge_leaves_every_other(void **state)
{
    (void)state;
    EACH_MACHINE(id)
    {
        const struct fsm_machine *machine = &fsm_machines[id];

        for (size_t i = 0; i < machine->state_count; i++) {
            size_t leaving = 0;

            for (size_t j = 0; j < machine->edge_count; j++)
                leaving += machine->edges[j].from == (int)i;
            assert_int_equal(machine->states[i].terminal, leaving == 0);
        }
    }
}

static void an_event_leads_from_a_state_to_one_state_only(void **state)
{
    (void)state;
    EACH_MACHINE(id)
    {
        const struct fsm_machine *machine = &fsm_machines[id];

        for (size_t i = 0; i < machine->edge_count; i++) {
            const struct fsm_edge *edge = &machine->edges[i];

            assert_int_equal(fsm_next(id, edge->from, edge->event), edge->to);
            for (size_t j = i + 1; j < machine->edge_count; j++)
                assert_false(machine->edges[j].from == edge->from &&
                             !strcmp(machine->edges[j].event, edge->event));
        }
    }
}

static void every_edge_names_a_known_actor_and_a_cause(void **state)
{
    static const char *const actors[] = {"agent", "coordinator", "framework", "operator"};

    (void)state;
    EACH_MACHINE(id)
    {
        const struct fsm_machine *machine = &fsm_machines[id];

        for (size_t i = 0; i < machine->edge_count; i++) {
            bool known = false;

            for (size_t j = 0; j < sizeof actors / sizeof actors[0]; j++)
                known |= !strcmp(machine->edges[i].actor, actors[j]);
            assert_true(known);
            assert_true(strlen(machine->edges[i].cause) > 0);
        }
    }
}

static void every_live_task_can_lose_its_agent_and_be_killed(void **state)
{
    (void)state;
    for (int s = 0; s < task_state_count; s++) {
        if (task_state_terminal((enum task_state)s))
            continue;
        assert_int_equal(task_next((enum task_state)s, "agent_removed"), task_gone_by_operator);
        if (s != task_unreachable)
            assert_int_equal(task_next((enum task_state)s, "agent_lost"), task_unreachable);
        if (s != task_unreachable && s != task_killing)
            assert_int_equal(task_next((enum task_state)s, "kill"), task_killing);
        assert_int_equal(task_next((enum task_state)s, "report_finished"), task_finished);
        assert_int_equal(task_next((enum task_state)s, "report_failed"), task_failed);
        assert_int_equal(task_next((enum task_state)s, "report_killed"), task_killed);
    }
}

static void task_states_have_names_that_parse_back(void **state)
{
    (void)state;
    for (int s = 0; s < task_state_count; s++) {
        assert_int_equal(task_state_parse(task_state_name((enum task_state)s)), s);
        assert_true(strlen(task_state_meaning((enum task_state)s)) > 0);
    }
    assert_string_equal(task_state_name(task_gone_by_operator), "gone_by_operator");
    assert_int_equal(fsm_state_parse(FSM_OFFER, "rescinded"), offer_rescinded);
    assert_int_equal(fsm_state_parse(FSM_AGENT, "gone"), agent_gone);
    assert_int_equal(fsm_state_parse(FSM_FRAMEWORK, "completed"), framework_completed);
}

static void unknown_words_are_none_and_never_a_crash(void **state)
{
    (void)state;
    assert_int_equal(task_state_parse("flying"), FSM_NONE);
    assert_int_equal(task_state_parse(NULL), FSM_NONE);
    assert_int_equal(task_next(task_running, "applause"), FSM_NONE);
    assert_int_equal(task_next(task_running, NULL), FSM_NONE);
    assert_int_equal(task_next(task_finished, "kill"), FSM_NONE);
    assert_string_equal(task_state_name((enum task_state)99), "unknown");
    assert_false(task_state_terminal((enum task_state)99));
    assert_true(strlen(task_state_meaning((enum task_state) - 1)) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_can_be_reached),
        cmocka_unit_test(no_edge_leaves_a_final_state_and_some_edge_leaves_every_other),
        cmocka_unit_test(an_event_leads_from_a_state_to_one_state_only),
        cmocka_unit_test(every_edge_names_a_known_actor_and_a_cause),
        cmocka_unit_test(every_live_task_can_lose_its_agent_and_be_killed),
        cmocka_unit_test(task_states_have_names_that_parse_back),
        cmocka_unit_test(unknown_words_are_none_and_never_a_crash),
    };

    return cmocka_run_group_tests_name("fsm", tests, NULL, NULL);
}
