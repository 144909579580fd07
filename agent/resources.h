/* SPDX-License-Identifier: PostgreSQL */
/* What a machine has, as the agent declares it. */
#ifndef HOWDAH_AGENT_RESOURCES_H
#define HOWDAH_AGENT_RESOURCES_H

#include <jansson.h>

#include "base/err.h"

/* Mesos' text form "cpus:4;mem:4096;ports:[31000-32000];gpu_ids:{0,1};licences:5", or JSON when it
 * begins with "{". New reference to {"cpus", "mem", "disk", "gpus", "scalars", "ports", "sets"},
 * each only if named. NULL with err naming item and value. text may be NULL: an empty object. */
json_t *resources_parse(const char *text, struct err *err) MUST_CHECK;

/* "rack:r1;zone:a" or a JSON object; numbers become numbers. New reference. */
json_t *attributes_parse(const char *text, struct err *err) MUST_CHECK;

/* Add cpus, mem, disk and ports where they are not named: all CPUs; memory and disk (of the file
 * system of work_dir) less what the system itself needs; ports 31000-32000. gpus 0. */
void resources_detect(json_t *resources, const char *work_dir);

#endif
