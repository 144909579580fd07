/* SPDX-License-Identifier: PostgreSQL */
/* struct fw_request as the JSON that howdah.request takes. */
#ifndef HOWDAH_FRAMEWORK_REQUEST_JSON_H
#define HOWDAH_FRAMEWORK_REQUEST_JSON_H

#include "include/framework.h"

/* All requests as one JSON array in text; caller frees. NULL with *err naming the member, as in
 * requests[index].cpus_milli. */
char *requests_json(const struct fw_request *requests, size_t count, struct fw_error *err);

#endif
