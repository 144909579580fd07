/* SPDX-License-Identifier: PostgreSQL */
/* The leader's rhythm.
 *
 * Writers ring the bell only when the doorbell row says that the leader sleeps. Whatever was
 * written between the last look and that row rang nobody, so after dozing off the leader looks once
 * more before it really sleeps. A lost ring costs the idle time, never work. */
#include "coordinator/pace.h"

void pace_reset(struct pace *pace)
{
    pace->quiet = 0;
    /* A former leader may have left the row saying "asleep": the first turn corrects it. */
    pace->asleep = true;
}

enum pace_next pace_after_turn(struct pace *pace, int64_t found, bool rang)
{
    pace->quiet = found > 0 || rang ? 0 : pace->quiet + 1;
    if (pace->asleep)
        return pace->quiet == 0 ? PACE_WAKE : PACE_SLEEP;
    return pace->quiet < PACE_QUIET_TURNS ? PACE_BUSY : PACE_DOZE;
}

void pace_told(struct pace *pace, bool asleep)
{
    pace->asleep = asleep;
}
