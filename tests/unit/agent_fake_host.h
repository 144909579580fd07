/* SPDX-License-Identifier: PostgreSQL */
/* What tasks need from an agent, without one: a work directory, a loop, and executors that do
 * nothing. Files of a task's checkpoint are written by the test. Include it in one .c file of a
 * test program. */
#ifndef HOWDAH_TESTS_AGENT_FAKE_HOST_H
#define HOWDAH_TESTS_AGENT_FAKE_HOST_H

#include "tests/unit/cmocka_all.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/common_meta.h"
#include "agent/common_proc.h"
#include "agent/common_status.h"
#include "agent/task.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"

#define HOST_TASK      "77777777-0000-4000-8000-000000000007"
#define HOST_FRAMEWORK "11111111-1111-4111-8111-111111111111"
#define HOST_TURNS     20000 /* bound of every wait; about a millisecond each */
#define HOST_STATUS                                                                                \
    "{\"state\": \"failed\", \"reason\": \"command_exited\", \"message\": \"exit code 7\", "       \
    "\"exit_code\": 7, \"started_ms\": 1000, \"ended_ms\": 2000}"

static char host_dir[64];
static char *host_executor; /* path of the program that plays the executor */
static struct task_host host;
static int host_changes;
static struct err host_err;

static void host_changed(void *arg)
{
    assert_ptr_equal(arg, &host);
    host_changes++;
}

/* A program that takes the executor's arguments: meta directory, news path, descriptor. */
static inline void host_executor_is(const char *script)
{
    FILE *file = fopen(host_executor, "we");

    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n%s\n", script);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(host_executor, 0755), 0);
}

static inline int host_start(void **state)
{
    CLEANUP_FREE char *news = NULL, *trash = NULL;

    (void)state;
    snprintf(host_dir, sizeof(host_dir), "/tmp/howdah test host XXXXXX");
    assert_non_null(mkdtemp(host_dir));
    host_executor = mem_printf("%s/executor", host_dir);
    news = mem_printf("%s/meta/news", host_dir);
    assert_int_equal(meta_mkdirs(news, 0700, &host_err), 0);
    trash = mem_printf("%s/meta/trash", host_dir);
    assert_int_equal(meta_mkdirs(trash, 0700, &host_err), 0);
    host_changes = 0;
    host = (struct task_host){.base = event_base_new(),
                              .work_dir = host_dir,
                              .executor = host_executor,
                              .context = {.agent_id = HOST_FRAMEWORK,
                                          .agent_name = "a1",
                                          .isolator = "none",
                                          .cgroup_root = "howdah/a1",
                                          .pids = 100},
                              .changed = host_changed,
                              .arg = &host};
    return 0;
}

static inline int host_stop(void **state)
{
    CLEANUP_FREE char *command = mem_printf("rm -rf '%s'", host_dir);

    (void)state;
    event_base_free(host.base);
    free(host_executor);
    clock_mono_set(-1);
    return system(command);
}

/* ---- checkpoints ---- */

/* Directory of a task, made if it is not there; valid until the next call. */
static inline const char *task_dir(const char *id)
{
    static char dir[256];
    CLEANUP_FREE char *path = meta_dir(host_dir, id);

    snprintf(dir, sizeof(dir), "%s", path);
    assert_int_equal(meta_mkdirs(dir, 0700, &host_err), 0);
    return dir;
}

static inline void task_file(const char *id, const char *name, const char *text)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", task_dir(id), name);
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static inline void executor_file(const char *id, int pid, uint64_t ticks, const char *boot_id)
{
    CLEANUP_FREE char *text =
        mem_printf("{\"pid\": %d, \"start_ticks\": %llu, \"boot_id\": \"%s\"}", pid,
                   (unsigned long long)ticks, boot_id);

    task_file(id, META_EXECUTOR, text);
}

/* What the task would report now, as compact JSON {"updates":…,"running":…}; valid until the next
 * call. */
static inline const char *report_of(struct task *task)
{
    static char text[2048];
    CLEANUP_JSON json_t *updates = json_array();
    CLEANUP_JSON json_t *running = json_array();
    CLEANUP_FREE char *first = NULL, *second = NULL;

    task_report(task, updates, running);
    first = json_print(updates);
    second = json_print(running);
    snprintf(text, sizeof(text), "%s %s", first, second);
    return text;
}

static inline void assert_reports(struct task *task, const char *part)
{
    const char *text = report_of(task);

    if (!strstr(text, part))
        fail_msg("%s does not say %s", text, part);
}

/* Turn the loop and look until the task is in this phase. */
static inline void wait_phase(struct task *task, enum task_phase phase)
{
    for (int i = 0; i < HOST_TURNS && task_phase(task) != phase; i++) {
        event_base_loop(host.base, EVLOOP_NONBLOCK);
        task_look(task);
        usleep(1000);
    }
    assert_int_equal(task_phase(task), phase);
}

#endif
