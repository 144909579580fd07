/* SPDX-License-Identifier: PostgreSQL */
/* agent_life.h without isolation, as for an agent that has no rights. */
#include "agent_life.h"

int main(void)
{
    return life_run("agent life, not isolated", "none");
}
