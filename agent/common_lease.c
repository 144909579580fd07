/* SPDX-License-Identifier: PostgreSQL */
/* One small file for all tasks of an agent. It is not flushed: it need not outlive the machine,
 * whose end is the end of all tasks, and names the boot that it belongs to. A lease that cannot be
 * written is not renewed: the tasks end then, which is the safe side. */
#include "agent/common_lease.h"

#include <string.h>

#include "agent/common_meta.h"
#include "agent/common_proc.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

int lease_keep(const char *dir, int64_t asked_ms, struct err *err)
{
    CLEANUP_JSON json_t *doc =
        json_pack("{ss sI}", "boot_id", proc_boot_id(), "asked_ms", (json_int_t)asked_ms);

    return meta_write(dir, LEASE_FILE, doc, 0, err);
}

static int lease_read(const char *dir, int64_t *asked_ms, struct err *err)
{
    CLEANUP_JSON json_t *doc = NULL;
    const char *boot_id;
    int rc = meta_read(dir, LEASE_FILE, &doc, err);

    if (rc > 0)
        return err_set(err, ERR_field_missing, "%s/%s is missing", dir, LEASE_FILE);
    if (rc < 0 || json_get_string(doc, "boot_id", true, &boot_id, err) != 0 ||
        json_get_int(doc, "asked_ms", true, 0, INT64_MAX, asked_ms, err) != 0)
        return -1;
    if (strcmp(boot_id, proc_boot_id()) != 0 || *asked_ms > clock_boot_ms())
        return err_set(err, ERR_value_invalid, "%s/%s is not of this boot", dir, LEASE_FILE);
    return 0;
}

static int64_t due_of(const struct lease *lease)
{
    return lease->asked_ms == LEASE_NONE ? 0 : lease->asked_ms + lease->stop_ms;
}

int64_t lease_due_ms(struct lease *lease)
{
    struct err err = {0};
    int64_t asked_ms;

    if (lease->stop_ms == 0)
        return LEASE_NEVER;
    if (clock_boot_ms() < due_of(lease))
        return due_of(lease);
    if (lease_read(lease->dir, &asked_ms, &err) != 0)
        log_err(LOG_LEVEL_WARN, &err, "until when the task may run is not known");
    else if (asked_ms > lease->asked_ms)
        lease->asked_ms = asked_ms;
    return due_of(lease);
}

bool lease_ask(int64_t asked_ms, int64_t stop_ms)
{
    return stop_ms > 0 &&
           (asked_ms == LEASE_NONE || clock_boot_ms() - asked_ms >= stop_ms / LEASE_PARTS);
}
