/* SPDX-License-Identifier: PostgreSQL */
/* The tables of *.def, and the few questions that C asks of them. An unknown event or a state from
 * a newer database is FSM_NONE, never a crash: rolling upgrades let old programs read new words. */
#include "fsm/fsm.h"

#include <stddef.h>
#include <string.h>

#define STATE(machine, name_, terminal_, meaning_)                                                 \
    {.name = #name_, .terminal = terminal_, .meaning = meaning_},
#define EDGE(machine, from, event, to, actor, cause)
static const struct fsm_state task_states[] = {
#include "fsm/task.def"
};
static const struct fsm_state agent_states[] = {
#include "fsm/agent.def"
};
static const struct fsm_state framework_states[] = {
#include "fsm/framework.def"
};
static const struct fsm_state offer_states[] = {
#include "fsm/offer.def"
};
#undef STATE
#undef EDGE

#define STATE(machine, name, terminal, meaning)
#define EDGE(machine, from_, event_, to_, actor_, cause_)                                          \
    {.from = machine##_##from_,                                                                    \
     .event = #event_,                                                                             \
     .to = machine##_##to_,                                                                        \
     .actor = #actor_,                                                                             \
     .cause = cause_},
static const struct fsm_edge task_edges[] = {
#include "fsm/task.def"
};
static const struct fsm_edge agent_edges[] = {
#include "fsm/agent.def"
};
static const struct fsm_edge framework_edges[] = {
#include "fsm/framework.def"
};
static const struct fsm_edge offer_edges[] = {
#include "fsm/offer.def"
};
#undef STATE
#undef EDGE

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define MACHINE(machine)                                                                           \
    {                                                                                              \
        .name = #machine, .states = machine##_states, .state_count = COUNT(machine##_states),      \
        .edges = machine##_edges, .edge_count = COUNT(machine##_edges)                             \
    }
const struct fsm_machine fsm_machines[FSM_MACHINE_COUNT] = {
    [FSM_TASK] = MACHINE(task),
    [FSM_AGENT] = MACHINE(agent),
    [FSM_FRAMEWORK] = MACHINE(framework),
    [FSM_OFFER] = MACHINE(offer),
};

int fsm_state_parse(enum fsm_machine_id id, const char *name)
{
    const struct fsm_machine *machine = &fsm_machines[id];

    for (size_t i = 0; name && i < machine->state_count; i++)
        if (!strcmp(machine->states[i].name, name))
            return (int)i;
    return FSM_NONE;
}

int fsm_next(enum fsm_machine_id id, int state, const char *event)
{
    const struct fsm_machine *machine = &fsm_machines[id];

    for (size_t i = 0; event && i < machine->edge_count; i++)
        if (machine->edges[i].from == state && !strcmp(machine->edges[i].event, event))
            return machine->edges[i].to;
    return FSM_NONE;
}

const char *task_state_name(enum task_state state)
{
    return (size_t)state < COUNT(task_states) ? task_states[state].name : "unknown";
}

int task_state_parse(const char *name)
{
    return fsm_state_parse(FSM_TASK, name);
}

bool task_state_terminal(enum task_state state)
{
    return (size_t)state < COUNT(task_states) && task_states[state].terminal;
}

const char *task_state_meaning(enum task_state state)
{
    return (size_t)state < COUNT(task_states) ? task_states[state].meaning
                                              : "a state this program does not know";
}

int task_next(enum task_state state, const char *event)
{
    return fsm_next(FSM_TASK, (int)state, event);
}
