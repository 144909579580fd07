/* SPDX-License-Identifier: PostgreSQL */
/* Checking a task and writing it as JSON. Only members that were given are written; what a missing
 * one means is the database's and the agent's business. Cpus are thousandths here and a decimal
 * number there: 15 significant digits print every allowed value with at most three places. */
#include "task_json.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "check.h"
#include "fw_error.h"

#define KILL_GRACE_MAX_S       86400
#define STOP_UNREACHABLE_MIN_S 5
#define STOP_UNREACHABLE_MAX_S 86400
#define PORTS_MAX              65536

/* Where we are, for error messages. */
struct place {
    size_t index;
    char field[64];
};

static const char *at(struct place *place, const char *member)
{
    snprintf(place->field, sizeof(place->field), "tasks[%zu].%s", place->index, member);
    return place->field;
}

static void set_string(json_t *object, const char *key, const char *value)
{
    if (value != NULL)
        json_object_set_new(object, key, json_string(value));
}

/* ---- where: offer or agent ---- */

static int write_target(json_t *spec, const struct fw_task *task, struct place *place,
                        struct fw_error *err)
{
    if ((task->offer_id == NULL) == (task->agent_id == NULL))
        return fw_error_input(err,
                              "claim: field \"%s\": expected exactly one of offer_id and agent_id",
                              at(place, "offer_id"));
    if (task->offer_id != NULL && check_uuid("claim", at(place, "offer_id"), task->offer_id, err))
        return -1;
    if (task->agent_id != NULL && check_uuid("claim", at(place, "agent_id"), task->agent_id, err))
        return -1;
    if (check_int("claim", at(place, "agent_version"), task->agent_version, 0, INT64_MAX, err))
        return -1;
    set_string(spec, "offer", task->offer_id);
    set_string(spec, "agent", task->agent_id);
    if (task->agent_id != NULL && task->agent_version != 0)
        json_object_set_new(spec, "version", json_integer(task->agent_version));
    return 0;
}

/* ---- resources ---- */

json_t *cpus_json(int64_t milli)
{
    return milli % 1000 == 0 ? json_integer(milli / 1000) : json_real((double)milli / 1000.0);
}

static int write_ports(json_t *resources, const struct fw_task *task, struct place *place,
                       struct fw_error *err)
{
    json_t *ports;

    if (check_int("claim", at(place, "port_count"), task->port_count, 0, PORTS_MAX, err))
        return -1;
    if (task->port_count > 0 && task->port_range_count > 0)
        return fw_error_input(err, "claim: field \"%s\": expected port_count or ports, not both",
                              at(place, "ports"));
    if (task->port_count > 0)
        json_object_set_new(resources, "ports", json_integer(task->port_count));
    if (task->port_range_count == 0)
        return 0;
    if (task->ports == NULL)
        return fw_error_input(err, "claim: field \"%s\" is missing", at(place, "ports"));
    ports = json_array();
    json_object_set_new(resources, "ports", ports);
    for (size_t i = 0; i < task->port_range_count; i++) {
        struct fw_port_range range = task->ports[i];

        if (check_int("claim", at(place, "ports"), range.first, 0, PORTS_MAX - 1, err) ||
            check_int("claim", at(place, "ports"), range.last, range.first, PORTS_MAX - 1, err))
            return -1;
        json_array_append_new(ports, json_pack("[i,i]", (int)range.first, (int)range.last));
    }
    return 0;
}

json_t *object_parse(const char *where, const char *field, const char *text, struct fw_error *err)
{
    CLEANUP_JSON json_t *object = NULL;
    struct err parse_err;

    if (check_text(where, field, text, err))
        return NULL;
    object = json_parse(text, strlen(text), &parse_err);
    if (json_is_object(object))
        return take(&object);
    fw_error_input(err, "%s: field \"%s\": expected a JSON object%s%s", where, field,
                   object == NULL ? ": " : "", object == NULL ? parse_err.text : "");
    return NULL;
}

int extra_merge(const char *where, const char *field, const char *text, json_t *resources,
                struct fw_error *err)
{
    CLEANUP_JSON json_t *extra = NULL;
    const char *key;
    json_t *value;

    if (text == NULL)
        return 0;
    extra = object_parse(where, field, text, err);
    if (extra == NULL)
        return -1;
    json_object_foreach (extra, key, value) {
        if (json_object_get(resources, key) != NULL)
            return fw_error_input(err, "%s: field \"%s\", value \"%.60s\": given twice", where,
                                  field, key);
        json_object_set(resources, key, value);
    }
    return 0;
}

static int write_resources(json_t *spec, const struct fw_task *task, struct place *place,
                           struct fw_error *err)
{
    const struct {
        const char *member, *key;
        int64_t amount, max;
    } amounts[] = {
        {"cpus_milli", "cpus", task->cpus_milli, FW_CPUS_MILLI_MAX},
        {"mem", "mem", task->mem, FW_RESOURCE_MAX},
        {"disk", "disk", task->disk, FW_RESOURCE_MAX},
        {"gpus", "gpus", task->gpus, FW_RESOURCE_MAX},
    };
    json_t *resources = json_object();

    json_object_set_new(spec, "resources", resources);
    for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
        int64_t amount = amounts[i].amount;

        if (check_int("claim", at(place, amounts[i].member), amount, 0, amounts[i].max, err))
            return -1;
        if (amount > 0)
            json_object_set_new(resources, amounts[i].key,
                                i == 0 ? cpus_json(amount) : json_integer(amount));
    }
    if (write_ports(resources, task, place, err))
        return -1;
    return extra_merge("claim", at(place, "extra_json"), task->extra_json, resources, err);
}

/* ---- what to run ---- */

static int write_command(json_t *spec, const struct fw_task *task, struct place *place,
                         struct fw_error *err)
{
    json_t *command = json_object();
    json_t *argv;

    json_object_set_new(spec, "command", command);
    if ((task->argv == NULL) == (task->shell == NULL))
        return fw_error_input(err, "claim: field \"%s\": expected exactly one of argv and shell",
                              at(place, "argv"));
    if (task->shell != NULL) {
        if (task->shell[0] == '\0')
            return fw_error_input(err, "claim: field \"%s\": expected a command",
                                  at(place, "shell"));
        set_string(command, "shell", task->shell);
        return check_text("claim", at(place, "shell"), task->shell, err);
    }
    if (task->argv[0] == NULL || task->argv[0][0] == '\0')
        return fw_error_input(err, "claim: field \"%s\": expected a program", at(place, "argv"));
    argv = json_array();
    json_object_set_new(command, "argv", argv);
    for (size_t i = 0; task->argv[i] != NULL; i++) {
        if (check_text("claim", at(place, "argv"), task->argv[i], err))
            return -1;
        json_array_append_new(argv, json_string(task->argv[i]));
    }
    return 0;
}

/* "name=value" texts as an object: environment, labels. */
static int write_pairs(json_t *spec, const char *key, const char *const *pairs, struct place *place,
                       struct fw_error *err)
{
    json_t *object;

    if (pairs == NULL || pairs[0] == NULL)
        return 0;
    object = json_object();
    json_object_set_new(spec, key, object);
    for (size_t i = 0; pairs[i] != NULL; i++) {
        const char *equals = strchr(pairs[i], '=');
        CLEANUP_FREE char *name = NULL;

        if (check_text("claim", at(place, key), pairs[i], err))
            return -1;
        if (equals == NULL)
            return fw_error_input(err, "claim: field \"%s\", value \"%.60s\": expected name=value",
                                  at(place, key), pairs[i]);
        name = mem_strndup(pairs[i], (size_t)(equals - pairs[i]));
        if (check_name("claim", at(place, key), name, err))
            return -1;
        if (json_object_get(object, name) != NULL)
            return fw_error_input(err, "claim: field \"%s\", value \"%.60s\": given twice",
                                  at(place, key), name);
        json_object_set_new(object, name, json_string(equals + 1));
    }
    return 0;
}

static bool path_leaves(const char *path)
{
    for (const char *part = path; part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
            return true;
    }
    return path[0] == '/';
}

static int write_ending(json_t *spec, const struct fw_task *task, struct place *place,
                        struct fw_error *err)
{
    if (check_int("claim", at(place, "kill_grace_s"), task->kill_grace_s, -1, KILL_GRACE_MAX_S,
                  err))
        return -1;
    if (task->stop_unreachable_s != 0 &&
        check_int("claim", at(place, "stop_unreachable_s"), task->stop_unreachable_s,
                  STOP_UNREACHABLE_MIN_S, STOP_UNREACHABLE_MAX_S, err))
        return -1;
    if (task->kill_grace_s != 0)
        json_object_set_new(spec, "kill_grace_s",
                            json_integer(task->kill_grace_s < 0 ? 0 : task->kill_grace_s));
    if (task->stop_unreachable_s != 0)
        json_object_set_new(spec, "stop_unreachable_s", json_integer(task->stop_unreachable_s));
    return 0;
}

static int write_rest(json_t *spec, const struct fw_task *task, struct place *place,
                      struct fw_error *err)
{
    if (task->user != NULL && check_name("claim", at(place, "user"), task->user, err))
        return -1;
    if (task->workdir != NULL && check_name("claim", at(place, "workdir"), task->workdir, err))
        return -1;
    if (task->workdir != NULL && path_leaves(task->workdir))
        return fw_error_input(err,
                              "claim: field \"%s\", value \"%.60s\": expected a relative path that "
                              "stays in the sandbox",
                              at(place, "workdir"), task->workdir);
    set_string(spec, "user", task->user);
    set_string(spec, "workdir", task->workdir);
    if (write_ending(spec, task, place, err) ||
        write_pairs(spec, "environment", task->environment, place, err))
        return -1;
    return write_pairs(spec, "labels", task->labels, place, err);
}

json_t *task_json(const struct fw_task *task, size_t index, struct fw_error *err)
{
    CLEANUP_JSON json_t *spec = json_object();
    struct place place = {.index = index};

    if (check_name("claim", at(&place, "name"), task->name, err))
        return NULL;
    set_string(spec, "name", task->name);
    if (write_target(spec, task, &place, err) || write_resources(spec, task, &place, err) ||
        write_command(spec, task, &place, err) || write_rest(spec, task, &place, err))
        return NULL;
    return take(&spec);
}

char *tasks_json(const struct fw_task *tasks, size_t count, struct fw_error *err)
{
    CLEANUP_JSON json_t *array = json_array();

    for (size_t i = 0; i < count; i++) {
        json_t *spec = task_json(&tasks[i], i, err);

        if (spec == NULL)
            return NULL;
        json_array_append_new(array, spec);
    }
    return json_dumps(array, JSON_COMPACT | JSON_REAL_PRECISION(15));
}
