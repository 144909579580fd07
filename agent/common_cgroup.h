/* SPDX-License-Identifier: PostgreSQL */
/* Control files of a cgroup: read and write them, kill and remove the directory. */
#ifndef HOWDAH_AGENT_COMMON_CGROUP_H
#define HOWDAH_AGENT_COMMON_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Write text in one write(2), as the kernel wants it. */
int cgroup_file_write(const char *dir, const char *file, const char *text,
                      struct err *err) MUST_CHECK;
int cgroup_file_write_int(const char *dir, const char *file, int64_t value,
                          struct err *err) MUST_CHECK;
bool cgroup_file_exists(const char *dir, const char *file);

/* The number in a file that holds one; -1 when it cannot be read or says "max". */
int64_t cgroup_file_int(const char *dir, const char *file);
/* The number after `key ` in a file of "key number" lines; -1 when it is not there. */
int64_t cgroup_file_key(const char *dir, const char *file, const char *key);
/* Whether a space separated list such as cgroup.controllers has the word. */
bool cgroup_file_has_word(const char *dir, const char *file, const char *word);

/* SIGKILL to each process listed in dir/cgroup.procs; how many there were. */
int cgroup_procs_kill(const char *dir);

/* rmdir, tried again for a moment while the kernel still counts dying processes; children first. */
int cgroup_dir_remove(const char *dir, struct err *err) MUST_CHECK;

#endif
