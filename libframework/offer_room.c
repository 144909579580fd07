/* SPDX-License-Identifier: PostgreSQL */
/* The scarcest kind decides. */
#include "include/framework.h"

static int64_t ports_of(const struct fw_offer *offer)
{
    int64_t count = 0;

    for (size_t i = 0; i < offer->port_range_count; i++)
        count += (int64_t)offer->ports[i].last - offer->ports[i].first + 1;
    return count;
}

int64_t fw_offer_room(const struct fw_offer *offer, const struct fw_task *task)
{
    const struct {
        int64_t free, need;
    } kinds[] = {
        {offer->cpus_milli, task->cpus_milli},
        {offer->mem, task->mem},
        {offer->disk, task->disk},
        {offer->gpus, task->gpus},
        {ports_of(offer), task->port_count},
        {1, task->port_range_count > 0},
    };
    int64_t room = FW_CLAIM_TASKS_MAX;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i].need > 0 && kinds[i].free / kinds[i].need < room)
            room = kinds[i].free / kinds[i].need;
    return room > 0 ? room : 0;
}
