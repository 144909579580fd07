/* SPDX-License-Identifier: PostgreSQL */
/* One task as the agent sees it: started here or adopted, looked at, killed, reported. */
#ifndef HOWDAH_AGENT_TASK_H
#define HOWDAH_AGENT_TASK_H

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/common_spec.h"
#include "base/err.h"

enum task_phase {
    PHASE_LAUNCHING, /* an executor was started and has not yet taken the task */
    PHASE_STARTING,  /* the executor has it and prepares */
    PHASE_RUNNING,   /* the command was executed */
    PHASE_CLEARING, /* the executor died without a word; what is left of the task is being killed */
    PHASE_ENDED,    /* the status is known */
};

/* What tasks need from the agent; lives longer than they do. */
struct task_host {
    struct event_base *base;
    const char *work_dir, *executor;
    struct spec_context context; /* sandbox is filled in per task */
    void (*changed)(void *arg);  /* a task has news; runs on the loop or inside task_* calls */
    void *arg;
};

struct task;

/* Start what the cell asked for. Always gives a task: if it could not be started it has ended and
 * says why. launch is borrowed; its task_id is a valid uuid. */
struct task *task_launch(const struct task_host *host, const json_t *launch);

/* Take up what an earlier agent left in the task's meta directory. NULL when it was never started:
 * the directory is then of no use. */
struct task *task_adopt(const struct task_host *host, const char *task_id);

void task_free(struct task *task); /* memory and watches only; the task runs on. NULL is fine */

const char *task_id(const struct task *task);
enum task_phase task_phase(const struct task *task);
/* For how long it may run without contact with the cell; 0 = it runs on, or has ended. */
int64_t task_stop_ms(const struct task *task);
int64_t task_ended_ms(const struct task *task); /* Unix time, 0 while it has not */

/* Find out how it stands and do what follows. Idempotent; called whenever something may be new. */
void task_look(struct task *task);

/* Its time without contact was over at due_ms (clock_boot_ms), and its grace is: kill an executor
 * that has not seen to it, which ends the task. */
void task_overdue(struct task *task, int64_t due_ms);

/* SIGTERM now, SIGKILL after the grace; -1 = the grace of its description. A repeated call may
 * shorten the grace, never extend it. */
void task_kill(struct task *task, int64_t grace_ms);
void task_forget(struct task *task); /* kill at once, report nothing */

/* Something the cell has not confirmed yet. */
bool task_waiting(const struct task *task);
/* Ended and confirmed (or forgotten): nothing will change any more. */
bool task_rests(const struct task *task);

/* Append to the lists of a report. */
void task_report(struct task *task, json_t *updates, json_t *running);
void task_report_confirmed(struct task *task); /* the last task_report is durable in the cell */
void task_report_again(struct task *task);     /* the cell missed what was confirmed */
void task_unconfirm(struct task *task); /* the same, also for the next agent; not if forgotten */

/* New reference to a usage sample; NULL unless it runs. */
json_t *task_usage(const struct task *task);

/* Remove what is left of its cgroup; for tasks that rest. */
void task_group_remove(struct task *task);

#endif
