/* SPDX-License-Identifier: PostgreSQL */
/* A task's checkpoint: small JSON files in a directory per task, each replaced whole by rename. */
#ifndef HOWDAH_AGENT_COMMON_META_H
#define HOWDAH_AGENT_COMMON_META_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

#define META_SPEC     "spec.json"     /* agent: what to run; there before an executor starts */
#define META_LOCK     "lock"          /* flock: held by the task's executor as long as it lives */
#define META_EXECUTOR "executor.json" /* executor: who it is; the task may have run from now on */
#define META_RUNNING  "running.json"  /* executor: the command was executed */
#define META_STATUS   "status.json"   /* executor, or agent when that is lost: how it ended */
#define META_KILL     "kill.json"     /* agent: end it, with this grace */
#define META_REPORTED "reported"      /* agent: the end is known to the cell */

enum meta_flag {
    META_DURABLE = 1, /* on disk, with its directory entry, before the call returns */
    META_ONCE = 2,    /* never replaces: 1 is returned when the file is there already */
};

/* Directory of one task's files. Caller frees. */
char *meta_dir(const char *work_dir, const char *task_id);
/* Empty file beside the task directories whose closing tells the agent to look at the task. */
char *meta_news_path(const char *work_dir, const char *task_id);

/* mkdir -p with mode for the directories that are made. */
int meta_mkdirs(const char *path, unsigned mode, struct err *err) MUST_CHECK;

/* Write dir/name, all or nothing. flags: enum meta_flag. 0; 1 see META_ONCE; -1. */
int meta_write(const char *dir, const char *name, const json_t *doc, unsigned flags,
               struct err *err) MUST_CHECK;

/* 0 and *doc is a new reference; 1 when there is no such file; -1 when it cannot be read. */
int meta_read(const char *dir, const char *name, json_t **doc, struct err *err) MUST_CHECK;

bool meta_exists(const char *dir, const char *name);
int meta_touch(const char *dir, const char *name, struct err *err) MUST_CHECK;
int meta_remove(const char *dir, const char *name, struct err *err) MUST_CHECK; /* if it is there */

/* The open, locked lock file (close-on-exec; the lock goes when the last copy is closed), or -1:
 * err->code is ERR_try_again when somebody else holds it. */
int meta_lock(const char *dir, struct err *err) MUST_CHECK;

/* True while an executor holds the lock. False too when there is no lock file. */
bool meta_locked(const char *dir);

#endif
