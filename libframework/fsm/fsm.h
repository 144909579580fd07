/* SPDX-License-Identifier: PostgreSQL */
/* The state machines of *.def as C enums and tables. The database decides every transition; C uses
 * this to name states, to know which are terminal, and to check what it is about to report.
 * fsm_dump prints the same tables as SQL, Mermaid and text. */
#ifndef HOWDAH_FSM_H
#define HOWDAH_FSM_H

#include <stdbool.h>
#include <stddef.h>

#define FSM_NONE (-1)

#define STATE(machine, name, terminal, meaning) machine##_##name,
#define EDGE(machine, from, event, to, actor, cause)
enum task_state {
#include "fsm/task.def"
    task_state_count
};
enum agent_state {
#include "fsm/agent.def"
    agent_state_count
};
enum framework_state {
#include "fsm/framework.def"
    framework_state_count
};
enum offer_state {
#include "fsm/offer.def"
    offer_state_count
};
#undef STATE
#undef EDGE

const char *task_state_name(enum task_state state);
int task_state_parse(const char *name); /* enum task_state or FSM_NONE */
bool task_state_terminal(enum task_state state);
const char *task_state_meaning(enum task_state state);

/* The same tables for all machines. States are numbered as in the machine's enum. */
struct fsm_state {
    const char *name;
    bool terminal;
    const char *meaning;
};

struct fsm_edge {
    int from;
    const char *event;
    int to;
    const char *actor; /* who brings the event about: agent, coordinator, framework, operator */
    const char *cause; /* what an event row says when nothing better is known */
};

struct fsm_machine {
    const char *name;
    const struct fsm_state *states;
    size_t state_count;
    const struct fsm_edge *edges;
    size_t edge_count;
};

enum fsm_machine_id { FSM_TASK, FSM_AGENT, FSM_FRAMEWORK, FSM_OFFER, FSM_MACHINE_COUNT };

extern const struct fsm_machine fsm_machines[FSM_MACHINE_COUNT];

int fsm_state_parse(enum fsm_machine_id id,
                    const char *name); /* number or FSM_NONE; NULL is fine */
int fsm_next(enum fsm_machine_id id, int state, const char *event); /* number or FSM_NONE */

/* The state that `event` leads to from `state`, or FSM_NONE where there is no such edge. */
int task_next(enum task_state state, const char *event);

#endif
