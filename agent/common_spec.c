/* SPDX-License-Identifier: PostgreSQL */
/* From JSON to something that can be executed.
 *
 * The cell has checked a task spec when it was claimed; it is checked here again, because what runs
 * with root's rights trusts nobody and because some things are only known here: whether the user
 * exists, whether it may be switched to. The agent parses to refuse early (state error, reason
 * task_invalid), the executor parses again what the checkpoint holds. Unknown fields are skipped: a
 * newer cell may know more.
 *
 * Text that becomes a file name (task id, workdir, agent's name) is checked for its form. */
#include "agent/common_spec.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "agent/common_env.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/uuid.h"

#define MEM_MAX_MIB  (1LL << 40)
#define CPUS_MAX     1000000.0
#define NAME_BUF_MAX 16384

json_t *spec_document(const json_t *launch, const struct spec_context *context)
{
    return json_pack("{sO s{ss ss ss ss* ss ss sI sb}}", "launch", (json_t *)launch, "context",
                     "agent_id", context->agent_id, "agent_name", context->agent_name, "sandbox",
                     context->sandbox, "default_user", context->default_user, "isolator",
                     context->isolator, "cgroup_root", context->cgroup_root, "pids",
                     (json_int_t)context->pids, "cpu_ceiling", context->cpu_ceiling);
}

void spec_free(struct spec *spec)
{
    if (spec == NULL)
        return;
    env_free(spec->argv);
    env_free(spec->environ);
    free(spec->task_id);
    free(spec->framework_id);
    free(spec->name);
    free(spec->user);
    free(spec->workdir);
    free(spec->sandbox);
    free(spec->cgroup_path);
    free(spec);
}

static void spec_free_cleanup(struct spec **spec)
{
    spec_free(*spec);
}

struct isolator_group spec_group(const struct spec *spec, bool in_executor)
{
    return (struct isolator_group){.ops = spec->isolator,
                                   .path = spec->cgroup_path,
                                   .task_id = spec->task_id,
                                   .in_executor = in_executor};
}

static int id_copy(const json_t *object, const char *field, char **out, struct err *err)
{
    const char *text = NULL;

    if (json_get_string(object, field, true, &text, err) != 0)
        return -1;
    if (!uuid_valid(text))
        return err_set(err, ERR_value_invalid, "field \"%s\", value \"%.64s\": expected a uuid",
                       field, text);
    *out = mem_strdup(text);
    return 0;
}

static int argv_copy(const json_t *list, char ***out, struct err *err)
{
    size_t count = json_array_size(list);

    if (!json_is_array(list) || count == 0 || count > SPEC_ARGV_MAX)
        return err_set(err, ERR_value_invalid,
                       "field \"command.argv\": expected a list of 1 to %d texts", SPEC_ARGV_MAX);
    for (size_t i = 0; i < count; i++)
        if (!env_text_plain(json_array_get(list, i)))
            return err_set(err, ERR_value_invalid,
                           "field \"command.argv[%zu]\": expected a text without NUL", i);
    if (json_string_length(json_array_get(list, 0)) == 0)
        return err_set(err, ERR_value_invalid,
                       "field \"command.argv[0]\", value \"\": expected a program's name");
    *out = mem_alloc((count + 1) * sizeof(char *));
    for (size_t i = 0; i < count; i++)
        (*out)[i] = mem_strdup(json_string_value(json_array_get(list, i)));
    return 0;
}

static int command_parse(const json_t *task, struct spec *spec, struct err *err)
{
    const json_t *command = json_object_get(task, "command");
    const json_t *argv = json_object_get(command, "argv");
    const json_t *shell = json_object_get(command, "shell");

    if (!json_is_object(command))
        return err_set(err, ERR_field_missing,
                       "field \"command\": expected {\"argv\": [...]} or {\"shell\": \"...\"}");
    if ((argv != NULL) == (shell != NULL))
        return err_set(err, ERR_value_invalid,
                       "field \"command\": expected either \"argv\" or \"shell\"");
    if (argv != NULL)
        return argv_copy(argv, &spec->argv, err);
    if (!env_text_plain(shell) || json_string_length(shell) == 0)
        return err_set(err, ERR_value_invalid,
                       "field \"command.shell\": expected a text without NUL, not empty");
    spec->argv = mem_alloc(4 * sizeof(char *));
    spec->argv[0] = mem_strdup("/bin/sh");
    spec->argv[1] = mem_strdup("-c");
    spec->argv[2] = mem_strdup(json_string_value(shell));
    return 0;
}

/* Its form only; that it exists and does not leave the sandbox is found out by opening it. */
static int workdir_parse(const json_t *task, struct spec *spec, struct err *err)
{
    const char *workdir = ".";

    if (json_get_string(task, "workdir", false, &workdir, err) != 0)
        return -1;
    if (workdir[0] == '/' || workdir[0] == '\0' || strlen(workdir) > 1024)
        return err_set(err, ERR_value_invalid,
                       "field \"workdir\", value \"%.64s\": expected a path inside the sandbox",
                       workdir);
    spec->workdir = mem_strdup(workdir);
    return 0;
}

static int user_find(struct spec *spec, struct err *err)
{
    struct passwd entry, *found = NULL;
    CLEANUP_FREE char *buf = mem_alloc(NAME_BUF_MAX);

    spec->uid = geteuid();
    spec->gid = getegid();
    if (spec->user == NULL)
        return 0;
    int error = getpwnam_r(spec->user, &entry, buf, NAME_BUF_MAX, &found);
    if (found == NULL)
        return err_set(err, ERR_value_invalid, "field \"user\", value \"%.64s\": %s", spec->user,
                       error != 0 ? strerror(error) : "no such user on this machine");
    if (geteuid() != 0 && found->pw_uid != geteuid())
        return err_set(err, ERR_value_invalid,
                       "field \"user\", value \"%.64s\": the agent does not run as root and "
                       "cannot switch to another user",
                       spec->user);
    spec->uid = found->pw_uid;
    spec->gid = found->pw_gid;
    return 0;
}

/* The cell's word first, then the spec's, then the agent's default. */
static int user_parse(const json_t *launch, const json_t *task, const json_t *context,
                      struct spec *spec, struct err *err)
{
    const char *user = NULL;

    if (json_get_string(context, "default_user", false, &user, err) != 0 ||
        json_get_string(task, "user", false, &user, err) != 0 ||
        json_get_string(launch, "user", false, &user, err) != 0)
        return -1;
    spec->user = mem_strdup(user);
    return user_find(spec, err);
}

static int limits_parse(const json_t *resources, const json_t *context, struct spec *spec,
                        struct err *err)
{
    const json_t *cpus = json_object_get(resources, "cpus");
    int64_t pids = 0;

    if (resources != NULL && !json_is_null(resources) && !json_is_object(resources))
        return err_set(err, ERR_value_invalid, "field \"resources\": expected an object");
    if (cpus != NULL && (!json_is_number(cpus) || !(json_number_value(cpus) >= 0) ||
                         json_number_value(cpus) > CPUS_MAX))
        return err_set(err, ERR_value_invalid,
                       "field \"resources.cpus\": expected a number from 0 to %.0f", CPUS_MAX);
    if (json_get_int(resources, "mem", false, 0, MEM_MAX_MIB, &spec->mem_mib, err) != 0 ||
        json_get_int(context, "pids", true, 1, INT32_MAX, &pids, err) != 0 ||
        json_get_bool(context, "cpu_ceiling", false, &spec->limits.cpu_ceiling, err) != 0)
        return -1;
    spec->limits.cpus_milli = (int64_t)(json_number_value(cpus) * 1000 + 0.5);
    spec->limits.mem_bytes = spec->mem_mib << 20;
    spec->limits.pids = pids;
    return 0;
}

static int isolation_parse(const json_t *context, struct spec *spec, struct err *err)
{
    const char *name = NULL, *root = NULL, *sandbox = NULL;

    if (json_get_string(context, "isolator", true, &name, err) != 0 ||
        json_get_string(context, "cgroup_root", true, &root, err) != 0 ||
        json_get_string(context, "sandbox", true, &sandbox, err) != 0)
        return -1;
    spec->isolator = isolator_find(name);
    if (spec->isolator == NULL)
        return err_set(err, ERR_value_invalid, "field \"isolator\", value \"%s\": unknown", name);
    spec->cgroup_path = mem_printf("%s/%s", root, spec->task_id);
    spec->sandbox = mem_strdup(sandbox);
    return 0;
}

static int task_parse(const json_t *launch, const json_t *context, struct spec *spec,
                      struct err *err)
{
    const json_t *task = json_object_get(launch, "spec");
    const char *name = NULL;
    int64_t grace_s = SPEC_KILL_GRACE_DEFAULT_MS / 1000, stop_s = 0;

    if (!json_is_object(task))
        return err_set(err, ERR_field_missing, "field \"spec\": expected the task's description");
    if (id_copy(launch, "task_id", &spec->task_id, err) != 0 ||
        id_copy(launch, "framework_id", &spec->framework_id, err) != 0 ||
        json_get_string(launch, "name", true, &name, err) != 0 ||
        json_get_bool(launch, "revocable", false, &spec->revocable, err) != 0 ||
        json_get_int(task, "kill_grace_s", false, 0, SPEC_KILL_GRACE_MAX_S, &grace_s, err) != 0 ||
        json_get_int(task, "stop_unreachable_s", false, 1, SPEC_STOP_MAX_S, &stop_s, err) != 0)
        return -1;
    spec->stop_ms = stop_s * 1000;
    spec->name = mem_strdup(name);
    spec->kill_grace_ms = grace_s * 1000;
    if (command_parse(task, spec, err) != 0 || workdir_parse(task, spec, err) != 0 ||
        user_parse(launch, task, context, spec, err) != 0)
        return -1;
    return 0;
}

struct spec *spec_parse(const json_t *document, struct err *err)
{
    const json_t *launch = json_object_get(document, "launch");
    const json_t *context = json_object_get(document, "context");
    __attribute__((cleanup(spec_free_cleanup))) struct spec *spec = mem_alloc(sizeof(*spec));

    if (task_parse(launch, context, spec, err) != 0 ||
        limits_parse(json_object_get(launch, "resources"), context, spec, err) != 0 ||
        isolation_parse(context, spec, err) != 0)
        return NULL;
    spec->environ = env_make(launch, context, spec->user, err);
    return spec->environ != NULL ? take(&spec) : NULL;
}
