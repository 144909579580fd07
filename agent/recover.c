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
 * task_adopt finds out which; this walks the directories. */
#include "agent/recover.h"

#include <dirent.h>

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

void recover_tasks(const struct task_host *host, struct task_table *table, struct sandbox_bin *bin,
                   struct recover_counts *counts)
{
    CLEANUP_FREE char *path = mem_printf("%s/meta/tasks", host->work_dir);
    DIR *stream = opendir(path);

    *counts = (struct recover_counts){0};
    for (struct dirent *entry; stream != NULL && (entry = readdir(stream)) != NULL;)
        if (uuid_valid(entry->d_name))
            task_recover(host, entry->d_name, table, bin, counts);
    if (stream != NULL)
        closedir(stream);
    task_table_settle(table);
}
