/* SPDX-License-Identifier: PostgreSQL */
/* agent_life.h with the best isolation of this machine, or with the driver that the environment's
 * HOWDAH_TEST_ISOLATION names. */
#include "agent_life.h"

int main(void)
{
    const char *driver = getenv("HOWDAH_TEST_ISOLATION");

    return life_run("agent life, isolated", driver != NULL ? driver : "auto");
}
