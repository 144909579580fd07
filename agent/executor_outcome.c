/* SPDX-License-Identifier: PostgreSQL */
/* Order of the questions: the memory limit explains a failure better than the signal that it was
 * carried out with; a kill that was asked for explains whatever came after it; then the command's
 * own result. A command that exits with 0 although one of its processes hit the limit has finished:
 * it knew what to do about it. */
#include "agent/executor_outcome.h"

#include <string.h>
#include <sys/wait.h>

void outcome_stopped(int64_t stop_ms, struct status *status)
{
    status_init(status, task_killed, "stopped_unreachable",
                "the cell was out of reach for %lld s (stop_unreachable_s)",
                (long long)stop_ms / 1000);
}

void outcome_decide(const struct outcome_facts *facts, struct status *status)
{
    bool exited = WIFEXITED(facts->wait_status);
    int code = exited ? WEXITSTATUS(facts->wait_status) : STATUS_NO_EXIT_CODE;
    int signo = WIFSIGNALED(facts->wait_status) ? WTERMSIG(facts->wait_status) : 0;

    if (facts->oom && code != 0)
        status_init(status, task_failed, "memory_limit",
                    "the memory limit of %lld MiB was exceeded", (long long)facts->limit_mib);
    else if (facts->kill_sent && facts->stop_ms > 0)
        outcome_stopped(facts->stop_ms, status);
    else if (facts->kill_sent)
        status_init(status, task_killed, "killed_by_request", "ended by a kill request");
    else if (code == 0)
        status_init(status, task_finished, "command_exited", "the command exited with code 0");
    else if (exited)
        status_init(status, task_failed, "command_exited", "the command exited with code %d", code);
    else
        status_init(status, task_failed, "command_exited",
                    "the command was ended by signal %d (%s)", signo, strsignal(signo));
    status->exit_code = code;
    status->signal = signo;
}
