/* SPDX-License-Identifier: PostgreSQL */
/* Reading one offer. Resources arrive as JSON, cpus as a decimal number with up to three places,
 * which becomes an integer of thousandths here. An offer that cannot be understood is left out: its
 * agent may be newer than this library, and the others are still good. */
#include "offer_row.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/row.h"

static int64_t milli_from(const json_t *number)
{
    return (int64_t)(json_number_value(number) * 1000.0 + 0.5);
}

static int64_t whole_from(const json_t *number)
{
    return (int64_t)(json_number_value(number) + 0.5);
}

/* [[31000, 31001], [31005, 31005]] */
static int ports_from(struct fw_offer *offer, const json_t *ports)
{
    size_t count = json_array_size(ports);
    struct fw_port_range *ranges = mem_alloc((count + 1) * sizeof(*ranges));

    offer->ports = ranges;
    for (size_t i = 0; i < count; i++) {
        const json_t *range = json_array_get(ports, i);

        if (json_array_size(range) != 2)
            return -1;
        ranges[i].first = (int32_t)json_integer_value(json_array_get(range, 0));
        ranges[i].last = (int32_t)json_integer_value(json_array_get(range, 1));
    }
    offer->port_range_count = count;
    return 0;
}

static int resources_from(struct fw_offer *offer, const char *text)
{
    struct err err;
    CLEANUP_JSON json_t *resources = json_parse(text, strlen(text), &err);

    if (!json_is_object(resources))
        return -1;
    offer->cpus_milli = milli_from(json_object_get(resources, "cpus"));
    offer->mem = whole_from(json_object_get(resources, "mem"));
    offer->disk = whole_from(json_object_get(resources, "disk"));
    offer->gpus = whole_from(json_object_get(resources, "gpus"));
    return ports_from(offer, json_object_get(resources, "ports"));
}

static char *text_copy(const PGresult *result, int row, const char *column, const char *preset)
{
    const char *text = row_text(result, row, column);

    return mem_strdup(text != NULL ? text : preset);
}

int offer_row_read(struct fw_offer *offer, const PGresult *result, int row)
{
    memset(offer, 0, sizeof(*offer));
    offer->offer_id = text_copy(result, row, "offer_id", "");
    offer->agent_id = text_copy(result, row, "agent_id", "");
    offer->agent_name = text_copy(result, row, "agent_name", "");
    offer->host = text_copy(result, row, "host", "");
    offer->agent_version = row_int(result, row, "agent_version");
    offer->resources_json = text_copy(result, row, "resources", "{}");
    offer->attributes_json = text_copy(result, row, "attributes", "{}");
    offer->expires_in_ms =
        row_is_null(result, row, "expires_in_ms") ? -1 : row_int(result, row, "expires_in_ms");
    if (resources_from(offer, offer->resources_json) == 0)
        return 0;
    offer_row_free(offer);
    return -1;
}

void offer_row_free(struct fw_offer *offer)
{
    /* The const of the public members is for readers; the library allocated them. */
    free((void *)(uintptr_t)offer->offer_id);
    free((void *)(uintptr_t)offer->agent_id);
    free((void *)(uintptr_t)offer->agent_name);
    free((void *)(uintptr_t)offer->host);
    free((void *)(uintptr_t)offer->ports);
    free((void *)(uintptr_t)offer->resources_json);
    free((void *)(uintptr_t)offer->attributes_json);
    memset(offer, 0, sizeof(*offer));
}
