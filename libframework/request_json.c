/* SPDX-License-Identifier: PostgreSQL */
/* Checking a statement of demand and writing it as JSON; what a missing member means is the
 * database's business. */
#include "request_json.h"

#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "check.h"
#include "task_json.h"

#define COUNT_MAX 1000000
#define PORTS_MAX 65536

static const char *at(char *field, size_t size, size_t index, const char *member)
{
    snprintf(field, size, "requests[%zu].%s", index, member);
    return field;
}

static json_t *resources_json(const struct fw_request *request, size_t index, struct fw_error *err)
{
    const struct {
        const char *member, *key;
        int64_t amount, max;
    } amounts[] = {
        {"cpus_milli", "cpus", request->cpus_milli, FW_CPUS_MILLI_MAX},
        {"mem", "mem", request->mem, FW_RESOURCE_MAX},
        {"disk", "disk", request->disk, FW_RESOURCE_MAX},
        {"gpus", "gpus", request->gpus, FW_RESOURCE_MAX},
        {"port_count", "ports", request->port_count, PORTS_MAX},
    };
    CLEANUP_JSON json_t *resources = json_object();
    char field[64];

    for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
        int64_t amount = amounts[i].amount;

        if (check_int("request", at(field, sizeof(field), index, amounts[i].member), amount, 0,
                      amounts[i].max, err))
            return NULL;
        if (amount > 0)
            json_object_set_new(resources, amounts[i].key,
                                i == 0 ? cpus_json(amount) : json_integer(amount));
    }
    if (extra_merge("request", at(field, sizeof(field), index, "extra_json"), request->extra_json,
                    resources, err))
        return NULL;
    return take(&resources);
}

static json_t *request_json(const struct fw_request *request, size_t index, struct fw_error *err)
{
    CLEANUP_JSON json_t *object = json_object();
    json_t *part;
    char field[64];

    if (check_int("request", at(field, sizeof(field), index, "count"), request->count, 1, COUNT_MAX,
                  err))
        return NULL;
    json_object_set_new(object, "count", json_integer(request->count));
    part = resources_json(request, index, err);
    if (part == NULL)
        return NULL;
    json_object_set_new(object, "resources", part);
    if (request->constraints_json == NULL)
        return take(&object);
    part = object_parse("request", at(field, sizeof(field), index, "constraints_json"),
                        request->constraints_json, err);
    if (part == NULL)
        return NULL;
    json_object_set_new(object, "constraints", part);
    return take(&object);
}

char *requests_json(const struct fw_request *requests, size_t count, struct fw_error *err)
{
    CLEANUP_JSON json_t *array = json_array();

    for (size_t i = 0; i < count; i++) {
        json_t *object = request_json(&requests[i], i, err);

        if (object == NULL)
            return NULL;
        json_array_append_new(array, object);
    }
    return json_dumps(array, JSON_COMPACT | JSON_REAL_PRECISION(15));
}
