/* SPDX-License-Identifier: PostgreSQL */
/* A task's sandbox: its directory and the files that its output goes to. */
#ifndef HOWDAH_AGENT_COMMON_SANDBOX_H
#define HOWDAH_AGENT_COMMON_SANDBOX_H

#include <sys/types.h>

#include "base/err.h"

char *sandbox_path(const char *work_dir, const char *task_id); /* caller frees */

/* Make it (0750, owned by uid and gid where we are root). Returns a directory fd that the caller
 * closes, -1 on failure. */
int sandbox_make(const char *path, uid_t uid, gid_t gid, struct err *err) MUST_CHECK;

/* Open dir/name for appending, made new and owned by uid and gid. */
int sandbox_output_open(int dir, const char *name, uid_t uid, gid_t gid,
                        struct err *err) MUST_CHECK;

/* Open a path inside the sandbox; nothing outside can be reached, not even by symbolic links.
 * flags as open(2). -1 with errno. */
int sandbox_open_beneath(int dir, const char *path, int flags);

#endif
