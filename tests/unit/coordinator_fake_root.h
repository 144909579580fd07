/* SPDX-License-Identifier: PostgreSQL */
/* A coordinator on the fake database: metrics, chores and lease, no HTTP. Nobody answers until the
 * test does. Include it in one file per program, instead of coordinator_fake_db.h. */
#ifndef HOWDAH_TESTS_COORDINATOR_FAKE_ROOT_H
#define HOWDAH_TESTS_COORDINATOR_FAKE_ROOT_H

#include "tests/unit/coordinator_fake_db.h"

#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"
#include "coordinator/leader.h"
#include "coordinator/metrics.h"
#include "coordinator/turn.h"

#define SCHEMA_TEXT_(n) #n
#define SCHEMA_TEXT(n)  SCHEMA_TEXT_(n)
#define SCHEMA_VERSION  SCHEMA_TEXT(HOWDAH_SCHEMA_VERSION)

static struct coordinator root;
static int stops;
static enum coordinator_exit stop_code;

static void note_stop(struct coordinator *stopped, enum coordinator_exit exit_code)
{
    (void)stopped;
    stops++;
    stop_code = exit_code;
}

static inline int root_start(void **state)
{
    struct err err = {.code = ERR_none};

    (void)state;
    fake_forget();
    stops = 0;
    root = (struct coordinator){.base = event_base_new(), .stop = note_stop, .id = "me"};
    root.options = (struct options){.name = mem_strdup("c1"),
                                    .turn_ms = 1,
                                    .idle_ms = 60000,
                                    .lease_ttl_ms = 60000,
                                    .lease_renew_ms = 20000};
    assert_int_equal(metrics_create(&root, &err), 0);
    assert_int_equal(turn_create(&root, &err), 0);
    return leader_create(&root, &err);
}

static inline int root_stop(void **state)
{
    (void)state;
    leader_destroy(&root);
    turn_destroy(&root);
    metrics_destroy(&root);
    free(root.options.name);
    event_base_free(root.base);
    clock_mono_set(-1);
    return 0;
}

/* Let timers fire until a statement was called, or for a while if none is. */
static inline bool loop_until_called(void)
{
    for (int i = 0; i < 200 && fake_call_count == 0; i++) {
        event_base_loop(root.base, EVLOOP_NONBLOCK);
        usleep(1000);
    }
    return fake_call_count > 0;
}

static inline void lease_answer_of(const char *leading, const char *epoch, const char *name,
                                   const char *remaining_ms)
{
    static const char *const columns[] = {"leading", "epoch", "leader_name", "remaining_ms"};
    const char *const values[] = {leading, epoch, name, remaining_ms};

    fake_answer("leader_acquire", 4, columns, values);
}

static inline void lease_answer(const char *leading, const char *epoch)
{
    lease_answer_of(leading, epoch, "c1", "60000");
}

/* The lease's session comes up and finds a schema of this version. */
static inline void lease_up(const char *version)
{
    fake_up("lease");
    fake_answer_one("schema_present", "present", "t");
    fake_answer_one("schema_version", "version", version);
}

static inline void become_leader(void)
{
    fake_up("chores");
    lease_up(SCHEMA_VERSION);
    lease_answer("t", "5");
    fake_said[0] = '\0';
}

#endif
