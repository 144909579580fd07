/* SPDX-License-Identifier: PostgreSQL */
/* What a killed agent, executor or machine can leave in a task's directory, and what follows:
 *
 *   status.json                    ended: report it unless "reported" is there too
 *   lock held                      an executor lives: adopt it (it may not have written its
 *                                  executor.json yet: then wait for it)
 *   executor.json, lock free       the executor died: kill what is left, then failed with
 *                                  executor_lost, or agent_restarted when the machine was rebooted
 *   none of these                  never started. The cell was not told that it was: it will ask
 *                                  again if it still wants the task, so the directory goes
 *
 * task_adopt finds out which; this walks the directories. An agent that cannot see them all does
 * not start: it would tell the cell that tasks are gone which run on. */
#include "agent/recover.h"

#include <dirent.h>
#include <errno.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/uuid.h"

static void task_recover(const struct task_host *host, const char *id, struct task_table *table,
                         struct sandbox_bin *bin, struct recover_counts *counts)
{
    struct task *task = task_adopt(host, id);

    if (task == NULL) {
        counts->discarded++;
        sandbox_discard(bin, id);
        return;
    }
    if (task_phase(task) == PHASE_ENDED) {
        counts->ended += task_waiting(task);
    } else {
        counts->running++;
        log_info("task adopted task=%s", id);
    }
    task_table_add(table, task);
}

/* The directory to its end. An error in the middle would hide tasks as a missing directory would.
 */
static int tasks_walk(DIR *stream, const struct task_host *host, struct task_table *table,
                      struct sandbox_bin *bin, struct recover_counts *counts)
{
    struct dirent *entry;

    for (errno = 0; (entry = readdir(stream)) != NULL; errno = 0)
        if (uuid_valid(entry->d_name))
            task_recover(host, entry->d_name, table, bin, counts);
    return errno == 0 ? 0 : -1;
}

int recover_tasks(const struct task_host *host, struct task_table *table, struct sandbox_bin *bin,
                  struct recover_counts *counts, struct err *err)
{
    CLEANUP_FREE char *path = mem_printf("%s/meta/tasks", host->work_dir);
    DIR *stream = opendir(path);
    int rc = -1;

    *counts = (struct recover_counts){0};
    if (stream != NULL)
        rc = tasks_walk(stream, host, table, bin, counts);
    if (rc != 0)
        (void)err_set_errno(err, ERR_io_failed, "cannot read the tasks in %s", path);
    if (stream != NULL)
        closedir(stream);
    task_table_settle(table);
    return rc;
}
