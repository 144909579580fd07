/* SPDX-License-Identifier: PostgreSQL */
/* A `howdah run` of some tasks without cell: the database is framework_fake.h's, what is said and
 * what tasks write goes to files that the test reads. */
#ifndef HOWDAH_TESTS_CLI_FAKE_RUN_H
#define HOWDAH_TESTS_CLI_FAKE_RUN_H

#include "framework_fake.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/run.h"

/* The rest of base/db.h: these tests make no blocking call. */
PGconn *db_open_blocking(const char *conninfo, const char *application_name, enum db_want want,
                         struct err *err)
{
    (void)conninfo, (void)application_name, (void)want;
    err_set(err, ERR_not_connected, "made up for the test");
    return NULL;
}

PGresult *db_call_blocking(PGconn *conn, const struct db_stmt *stmt, const char *const *params,
                           struct err *err)
{
    (void)conn, (void)params;
    err_set(err, ERR_not_connected, "%s: made up for the test", stmt->name);
    return NULL;
}

PGresult *db_call_until_known(const struct db_login *login, const struct db_stmt *stmt,
                              const char *const *params, enum err_code done, struct err *err)
{
    (void)login, (void)done;
    return db_call_blocking(NULL, stmt, params, err);
}

int db_script_blocking(PGconn *conn, const char *sql, uint32_t deadline_ms, struct err *err)
{
    (void)conn, (void)sql, (void)deadline_ms;
    return err_set(err, ERR_not_connected, "made up for the test");
}

#define FAKE_RUN_TASKS 3

static struct cli fake_cli;
static struct run fake_run;
static struct run_task fake_tasks[FAKE_RUN_TASKS];
static int fake_streams[3]; /* the test's own stdout and stderr, put aside */
static char fake_outputs[3][64];

static inline void fake_stream_begin(int number)
{
    snprintf(fake_outputs[number], sizeof(fake_outputs[number]), "/tmp/howdah-test-run.XXXXXX");
    int fd = mkstemp(fake_outputs[number]);

    assert_true(fd >= 0);
    fflush(NULL);
    fake_streams[number] = dup(number);
    assert_int_equal(dup2(fd, number), number);
    close(fd);
}

static inline void fake_stream_end(int number)
{
    fflush(NULL);
    dup2(fake_streams[number], number);
    close(fake_streams[number]);
    unlink(fake_outputs[number]);
}

/* All that went to stdout (1) or stderr (2) since the test began; valid until the next call. */
static inline const char *fake_output(int number)
{
    static char text[65536];
    FILE *file;
    size_t len;

    fflush(NULL);
    file = fopen(fake_outputs[number], "r");
    assert_non_null(file);
    len = fread(text, 1, sizeof(text) - 1, file);
    text[len] = '\0';
    fclose(file);
    return text;
}

static inline int fake_run_set_up(void **state)
{
    const struct db_config config = {.conninfo = "good", .application_name = "test"};
    const struct fw_config session = {.conninfo = "good", .name = "test"};
    struct err err;

    (void)state;
    fake_cli = (struct cli){.verb = verb_find("run")};
    fake_cli.options.dir = (char *)"/nowhere";
    fake_cli.options.db = (char *)"good";
    fake_cli.options.away = 3600000;
    memset(fake_tasks, 0, sizeof(fake_tasks));
    fake_run = (struct run){.cli = &fake_cli,
                            .base = event_base_new(),
                            .tasks = fake_tasks,
                            .task_count = FAKE_RUN_TASKS,
                            .conninfo = (char *)"good"};
    for (int i = 0; i < FAKE_RUN_TASKS; i++)
        fake_tasks[i].name = mem_printf("x-%d", i + 1);
    fake_run.session = fw_session_create(fake_run.base, &session, NULL, NULL, NULL);
    fake_run.db = db_create(fake_run.base, &config, &err);           /* this one is `fake` */
    fake_run.end_timer = timer_create_on(fake_run.base, free, NULL); /* free(NULL) does nothing */
    fake->up = true;
    fake_stream_begin(1);
    fake_stream_begin(2);
    return 0;
}

static inline int fake_run_tear_down(void **state)
{
    struct timer *timers[] = {fake_run.log_timer, fake_run.wait_timer, fake_run.away_timer,
                              fake_run.end_timer, fake_run.timeout_timer};

    (void)state;
    fake_stream_end(2);
    fake_stream_end(1);
    for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++)
        timer_free(timers[i]);
    for (int i = 0; i < FAKE_RUN_TASKS; i++) {
        free(fake_tasks[i].name);
        free(fake_tasks[i].task_id);
        run_logs_free(&fake_tasks[i]);
    }
    fw_session_destroy(fake_run.session);
    db_destroy(fake_run.db);
    event_base_free(fake_run.base);
    return 0;
}

static inline void assert_output(int number, const char *part)
{
    const char *text = fake_output(number);

    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" does not hold \"%s\"", text, part);
}

#define RUN_TEST(name) cmocka_unit_test_setup_teardown(name, fake_run_set_up, fake_run_tear_down)

#endif
