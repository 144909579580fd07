/* SPDX-License-Identifier: PostgreSQL */
/* What to run: one element of agent_sync's "launch", checked, plus what the agent adds. */
#ifndef HOWDAH_AGENT_COMMON_SPEC_H
#define HOWDAH_AGENT_COMMON_SPEC_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/common_isolator.h"
#include "base/err.h"

#define SPEC_KILL_GRACE_DEFAULT_MS 5000 /* known to task_stop_after in SQL */
#define SPEC_KILL_GRACE_MAX_S      86400
#define SPEC_STOP_MAX_S            86400
#define SPEC_ARGV_MAX              4096
#define SPEC_ENVIRONMENT_MAX       4096

/* What the agent adds to a launch when it writes spec.json. Strings are borrowed. */
struct spec_context {
    const char *agent_id, *agent_name;
    const char *sandbox;      /* absolute path */
    const char *default_user; /* for tasks that name none; NULL = the agent's own */
    const char *isolator;     /* driver's name */
    const char *cgroup_root;  /* <cgroup-root>/<agent name> */
    int64_t pids;
    bool cpu_ceiling;
};

struct spec { /* owns everything in it */
    char *task_id, *framework_id, *name;
    char *user; /* NULL = stay who we are */
    uid_t uid;  /* of user; own ids when it is NULL */
    gid_t gid;
    char **argv;    /* NULL-terminated; at least one */
    char **environ; /* NULL-terminated KEY=VALUE, HOWDAH_TASK_ID first */
    char *workdir;  /* below the sandbox, relative; "." by default */
    char *sandbox;
    char *cgroup_path;
    const struct isolator_ops *isolator;
    struct isolator_limits limits;
    int64_t mem_mib; /* as asked for, for messages */
    int64_t kill_grace_ms;
    int64_t stop_ms; /* stop_unreachable_s; 0 = it runs on when its agent is cut off */
    bool revocable;
};

/* The document that goes to spec.json: {"launch": launch, "context": {…}}. New reference. */
json_t *spec_document(const json_t *launch, const struct spec_context *context);

/* Check a whole document. NULL with err naming the field; nothing on the machine is changed. */
struct spec *spec_parse(const json_t *document, struct err *err) MUST_CHECK;
void spec_free(struct spec *spec); /* NULL is fine */

struct isolator_group spec_group(const struct spec *spec, bool in_executor); /* borrows from spec */

#endif
