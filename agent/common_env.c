/* SPDX-License-Identifier: PostgreSQL */
/* A task's environment: nothing of the agent's own but PATH and LANG, then who and where the task
 * is (HOWDAH_*), then what its framework asked for. Names that begin with HOWDAH_ are ours: a
 * framework cannot set them, and HOWDAH_TASK_ID comes first because killing without cgroups looks
 * for it. */
#include "agent/common_env.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"

#define PATH_DEFAULT     "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define VARIABLES_MAX    4096
#define PORT_NUMBERS_MAX 64 /* HOWDAH_PORT0 … for so many; HOWDAH_PORTS has all */

struct env {
    char **list;
    size_t used, room;
};

bool env_text_plain(const json_t *value)
{
    return json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
}

void env_free(char **list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        free(list[i]);
    free(list);
}

static void env_cleanup(struct env *env)
{
    env_free(env->list);
}

/* Replaces an earlier value of the same name. */
static void variable_set(struct env *env, const char *name, const char *value)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < env->used; i++) {
        if (strncmp(env->list[i], name, len) == 0 && env->list[i][len] == '=') {
            free(env->list[i]);
            env->list[i] = mem_printf("%s=%s", name, value);
            return;
        }
    }
    if (env->used + 2 > env->room) {
        env->room = env->room * 2 + 32;
        env->list = mem_realloc(env->list, env->room * sizeof(char *));
    }
    env->list[env->used++] = mem_printf("%s=%s", name, value);
    env->list[env->used] = NULL;
}

static void copy_texts(struct env *env, const json_t *object, const char *const (*pairs)[2],
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *value = json_string_value(json_object_get(object, pairs[i][0]));
        if (value != NULL)
            variable_set(env, pairs[i][1], value);
    }
}

static void identity_set(struct env *env, const json_t *launch, const json_t *context)
{
    static const char *const of_launch[][2] = {{"task_id", "HOWDAH_TASK_ID"},
                                               {"name", "HOWDAH_TASK_NAME"},
                                               {"framework_id", "HOWDAH_FRAMEWORK_ID"}};
    static const char *const of_context[][2] = {{"agent_id", "HOWDAH_AGENT_ID"},
                                                {"agent_name", "HOWDAH_AGENT_NAME"},
                                                {"sandbox", "HOWDAH_SANDBOX"},
                                                {"sandbox", "HOME"}};

    copy_texts(env, launch, of_launch, sizeof(of_launch) / sizeof(of_launch[0]));
    copy_texts(env, context, of_context, sizeof(of_context) / sizeof(of_context[0]));
}

/* "31000-31001,31005" and one variable for each port. */
static void ports_set(struct env *env, const json_t *ranges)
{
    CLEANUP_FREE char *text = mem_strdup("");
    size_t index;
    json_t *range;
    int number = 0;

    json_array_foreach ((json_t *)ranges, index, range) {
        json_int_t from = json_integer_value(json_array_get(range, 0));
        json_int_t to = json_integer_value(json_array_get(range, 1));
        char item[64];
        if (from == to)
            snprintf(item, sizeof(item), "%lld", (long long)from);
        else
            snprintf(item, sizeof(item), "%lld-%lld", (long long)from, (long long)to);
        char *longer = mem_printf("%s%s%s", text, index > 0 ? "," : "", item);
        free(text);
        text = longer;
        for (json_int_t port = from; port <= to && number < PORT_NUMBERS_MAX; port++) {
            char name[32];
            snprintf(name, sizeof(name), "HOWDAH_PORT%d", number++);
            snprintf(item, sizeof(item), "%lld", (long long)port);
            variable_set(env, name, item);
        }
    }
    if (json_array_size(ranges) > 0)
        variable_set(env, "HOWDAH_PORTS", text);
}

/* Set "gpu_ids" with items 0 and 1 becomes HOWDAH_SET_GPU_IDS=0,1. */
static void set_set(struct env *env, const char *name, const json_t *items)
{
    char variable[128];
    CLEANUP_FREE char *text = mem_strdup("");
    size_t index;
    json_t *item;

    snprintf(variable, sizeof(variable), "HOWDAH_SET_%s", name);
    for (char *c = variable; *c != '\0'; c++)
        *c = isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
    json_array_foreach ((json_t *)items, index, item) {
        const char *value = json_string_value(item);
        char *longer = mem_printf("%s%s%s", text, index > 0 ? "," : "", value != NULL ? value : "");
        free(text);
        text = longer;
    }
    variable_set(env, variable, text);
}

static void resources_set(struct env *env, const json_t *resources)
{
    const json_t *cpus = json_object_get(resources, "cpus");
    const json_t *mem = json_object_get(resources, "mem");
    const char *name;
    json_t *items;
    char text[64];

    if (json_is_number(cpus)) {
        snprintf(text, sizeof(text), "%.10g", json_number_value(cpus));
        variable_set(env, "HOWDAH_CPUS", text);
    }
    if (json_is_integer(mem)) {
        snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(mem));
        variable_set(env, "HOWDAH_MEM", text);
    }
    ports_set(env, json_object_get(resources, "ports"));
    json_object_foreach (json_object_get(resources, "sets"), name, items)
        if (json_is_array(items))
            set_set(env, name, items);
}

static bool name_allowed(const char *name)
{
    return name[0] != '\0' && strchr(name, '=') == NULL && strncmp(name, "HOWDAH_", 7) != 0;
}

static int wishes_set(struct env *env, const json_t *wishes, struct err *err)
{
    const char *name;
    json_t *value;

    if (wishes == NULL || json_is_null(wishes))
        return 0;
    if (!json_is_object(wishes) || json_object_size(wishes) > VARIABLES_MAX)
        return err_set(err, ERR_value_invalid,
                       "field \"environment\": expected an object of at most %d texts",
                       VARIABLES_MAX);
    json_object_foreach ((json_t *)wishes, name, value) {
        if (!name_allowed(name))
            return err_set(err, ERR_value_invalid,
                           "field \"environment\", value \"%.64s\": not a name that a task may set",
                           name);
        if (!env_text_plain(value))
            return err_set(err, ERR_value_invalid,
                           "field \"environment.%.64s\": expected a text without NUL", name);
        variable_set(env, name, json_string_value(value));
    }
    return 0;
}

char **env_make(const json_t *launch, const json_t *context, const char *user, struct err *err)
{
    __attribute__((cleanup(env_cleanup))) struct env env = {0};
    const char *path = getenv("PATH"), *lang = getenv("LANG");

    identity_set(&env, launch, context);
    variable_set(&env, "PATH", path != NULL ? path : PATH_DEFAULT);
    if (lang != NULL)
        variable_set(&env, "LANG", lang);
    if (user != NULL) {
        variable_set(&env, "USER", user);
        variable_set(&env, "LOGNAME", user);
    }
    resources_set(&env, json_object_get(launch, "resources"));
    if (wishes_set(&env, json_object_get(json_object_get(launch, "spec"), "environment"), err) != 0)
        return NULL;
    return take(&env.list);
}
