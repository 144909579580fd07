/* SPDX-License-Identifier: PostgreSQL */
/* Reading one offer. Resources arrive as JSON, cpus as a decimal number with up to three places,
 * which becomes an integer of thousandths here. An offer that cannot be understood is left out: its
 * agent may be newer than this library, and the others are still good. */
#include "offer_row.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/row.h"

#define AMOUNT_MAX 9e15 /* what a double holds exactly */
#define PORT_MAX   65535

/* The amount times scale, rounded; 0 if there is none. -1 if it is no amount. */
static int amount_from(const json_t *resources, const char *key, double scale, int64_t *amount)
{
    const json_t *number = json_object_get(resources, key);
    double value = json_number_value(number) * scale;

    if (number != NULL && (!json_is_number(number) || value < 0 || value > AMOUNT_MAX))
        return -1;
    *amount = (int64_t)(value + 0.5);
    return 0;
}

static int port_from(const json_t *number, int32_t *port)
{
    json_int_t value = json_integer_value(number);

    if (!json_is_integer(number) || value < 0 || value > PORT_MAX)
        return -1;
    *port = (int32_t)value;
    return 0;
}

/* [[31000, 31001], [31005, 31005]] */
static int ports_from(struct fw_offer *offer, const json_t *ports)
{
    size_t count = json_array_size(ports);
    struct fw_port_range *ranges = mem_alloc((count + 1) * sizeof(*ranges));

    offer->ports = ranges;
    if (ports != NULL && !json_is_array(ports))
        return -1;
    for (size_t i = 0; i < count; i++) {
        const json_t *range = json_array_get(ports, i);

        if (json_array_size(range) != 2 || port_from(json_array_get(range, 0), &ranges[i].first) ||
            port_from(json_array_get(range, 1), &ranges[i].last))
            return -1;
    }
    offer->port_range_count = count;
    return 0;
}

static int resources_from(struct fw_offer *offer, const char *text)
{
    struct err err;
    CLEANUP_JSON json_t *resources = json_parse(text, strlen(text), &err);

    if (!json_is_object(resources) || amount_from(resources, "cpus", 1000, &offer->cpus_milli) ||
        amount_from(resources, "mem", 1, &offer->mem) ||
        amount_from(resources, "disk", 1, &offer->disk) ||
        amount_from(resources, "gpus", 1, &offer->gpus))
        return -1;
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
