/* SPDX-License-Identifier: PostgreSQL */
/* libframework: the client library of a Howdah framework (a scheduler).
 *
 * A session lives on the caller's libevent base. It registers the framework, keeps the registration
 * alive, receives offers and task updates, and carries the framework's requests. Nothing here
 * blocks, nothing starts a thread, and nothing is written to stdout or stderr.
 *
 * Connection. The session connects by itself and again whenever the connection breaks, with
 * jittered backoff, for as long as it exists. What was known is compared with what the database
 * says after each reconnect; the differences arrive through the usual callbacks. A request made
 * while there is no connection waits for it.
 *
 * Requests. A request whose outcome is unknown (connection lost, deadline passed, deadlock) is
 * repeated by the session until the outcome is known; all requests may be repeated without harm,
 * claims because they carry a key. Every request's callback runs exactly once, from the loop,
 * unless fw_session_destroy comes first (then never).
 *
 * Errors. Functions that check their input return 0, or -1 with *err filled and nothing sent; err
 * may be NULL. Callbacks get err == NULL on success.
 *
 * Memory. Everything passed in is copied. Everything handed out is borrowed: valid until the
 * callback returns, unless stated otherwise. Text is UTF-8. All callbacks may call every function
 * of this header, fw_session_destroy included.
 *
 * Threads. A session belongs to the thread that runs its event base. */
#ifndef FRAMEWORK_H
#define FRAMEWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct event_base;
struct fw_session;

/* ---- limits checked before anything is sent ---- */

#define FW_NAME_MAX        255           /* bytes of a framework's, role's or task's name */
#define FW_TEXT_MAX        65536         /* bytes of any other text */
#define FW_CLAIM_TASKS_MAX 10000         /* tasks of one claim */
#define FW_CPUS_MILLI_MAX  1000000000    /* a million cpus */
#define FW_RESOURCE_MAX    1000000000000 /* MiB of memory or disk, number of gpus */
#define FW_UPDATES_MAX     1000          /* updates handed out and not yet acknowledged */

/* ---- errors ---- */

enum fw_error_class {
    FW_ERROR_NONE,   /* no error */
    FW_ERROR_CALLER, /* the request is wrong; repeating it cannot help */
    FW_ERROR_RETRY,  /* repeat later; the session does so by itself wherever it can */
    FW_ERROR_FATAL,  /* the session has stopped, or will not start */
};

struct fw_error {
    enum fw_error_class error_class;
    const char *code; /* "epoch_stale"; the list is docs/errors.md. Static text */
    char text[768];   /* one line that names the field and its value */
};

const char *fw_error_class_name(enum fw_error_class error_class); /* "caller"; static text */

/* ---- what arrives ---- */

struct fw_port_range {
    int32_t first, last; /* inclusive */
};

/* What is free on one agent, as seen at one instant. Others may see the same resources: a claim
 * decides who gets them. */
struct fw_offer {
    const char *offer_id;
    const char *agent_id;
    const char *agent_name;
    const char *host;
    int64_t agent_version; /* for FW_CONFLICT_VERSION claims */
    int64_t cpus_milli;    /* thousandths of a cpu */
    int64_t mem;           /* MiB */
    int64_t disk;          /* MiB */
    int64_t gpus;
    const struct fw_port_range *ports;
    size_t port_range_count;
    const char *resources_json;  /* all of it, custom scalars and named sets included */
    const char *attributes_json; /* the agent's attributes, an object */
    int64_t expires_in_ms;       /* from the moment it was received; -1 = never */
};

struct fw_rescind {
    const char *offer_id;
    const char *reason; /* "offer_timeout", "superseded", …; "resync" = gone after a reconnect */
};

/* A change of a task's state. Updates of one task come in order; each comes at least once until it
 * is acknowledged, and only once to one session. */
struct fw_update {
    int64_t update_id;
    const char *task_id;
    const char *task_name;
    const char *agent_id;
    const char *agent_name;
    const char *state;   /* "running", "finished", … docs/state-machines.md */
    bool terminal;       /* no further update of this task will come */
    const char *reason;  /* NULL if none */
    const char *message; /* NULL if none */
    int exit_code;       /* -1 if there is none */
    int signal;          /* 0 if there is none */
};

/* Any member may be NULL. */
struct fw_callbacks {
    /* Once, after the first successful registration. Keep the id: with it a later process fails
     * over to this framework and its tasks. */
    void (*registered)(struct fw_session *session, const char *framework_id, int64_t epoch,
                       void *arg);
    /* New offers. They stay listed in fw_offers until claimed on, declined or rescinded. */
    void (*offers)(struct fw_session *session, const struct fw_offer *offers, size_t count,
                   void *arg);
    /* Offers that can no longer be claimed on, other than those the framework itself answered. */
    void (*rescinded)(struct fw_session *session, const struct fw_rescind *rescinds, size_t count,
                      void *arg);
    void (*update)(struct fw_session *session, const struct fw_update *update, void *arg);
    /* The connection is lost, or an attempt to make one failed (called for each attempt). The
     * session goes on trying. */
    void (*disconnected)(struct fw_session *session, const struct fw_error *err, void *arg);
    /* Connected again after `disconnected`; id and epoch are the same as before, unless `restored`
     * follows. */
    void (*reconnected)(struct fw_session *session, void *arg);
    /* The end: fenced by a newer instance (epoch_stale), removed, refused, wrong schema. The
     * session makes no further call; the callbacks of open requests run with this error, then
     * nothing. */
    void (*error)(struct fw_session *session, const struct fw_error *err, void *arg);
    /* A request without a callback (decline, suppress, …) was refused, or a poll failed with an
     * error that is on no list. The session goes on. */
    void (*warning)(struct fw_session *session, const struct fw_error *err, void *arg);
    /* The cell was restored from a backup, and the session has registered again under its id, in
     * this new epoch. What was claimed, acknowledged or killed since the backup is not known any
     * more: tasks of that time are killed by their agents, updates may come again. Requests under
     * way go on. Time to fw_reconcile. */
    void (*restored)(struct fw_session *session, int64_t epoch, void *arg);
};

/* ---- session ---- */

struct fw_config {
    const char *conninfo;   /* libpq connection string or URI; several hosts allowed */
    const char *name;       /* for people; need not be unique */
    const char *role;       /* NULL = "default" */
    int failover_timeout_s; /* how long tasks outlive a silent framework; 0 = one week */
    const char
        *framework_id; /* fail over to this framework, fencing its former instance; NULL = new */
    bool suppressed;   /* start without asking for offers; fw_revive asks */
    bool auto_acknowledge; /* acknowledge each update when the update callback has returned */
    int poll_ms;           /* how often to look without having been woken; 0 = 2000, jittered */
    /* A uuid that makes registering a new framework again the same one, should the process die
     * before it learns the id: keep it where the next process finds it. NULL = the session makes
     * one, which covers lost answers only. */
    const char *register_key;
};

/* NULL with *err filled when a value is not valid; problems with the database arrive through the
 * callbacks, never from here. base is borrowed and must outlive the session. */
struct fw_session *fw_session_create(struct event_base *base, const struct fw_config *config,
                                     const struct fw_callbacks *callbacks, void *arg,
                                     struct fw_error *err);

/* Drops the connection; no callback runs afterwards. The framework and its tasks live on until its
 * failover timeout: see fw_teardown. Acknowledgements that have not been sent are lost, so those
 * updates come again to the next instance. From within a callback the memory is released at the
 * next turn of the loop. NULL is fine. */
void fw_session_destroy(struct fw_session *session);

/* For a program that is one framework and nothing else: a session is made, the loop runs until the
 * session has ended or the caller broke the loop, and the session is destroyed. base NULL: one is
 * made for that time. 0 after a teardown or a loopbreak; -1 with *err filled when a value is not
 * valid or the session failed (the error callback has run, if there is one). The session is not for
 * fw_session_destroy. */
int fw_run(struct event_base *base, const struct fw_config *config,
           const struct fw_callbacks *callbacks, void *arg, struct fw_error *err);

const char *fw_session_framework_id(
    const struct fw_session *session);                      /* NULL before registration */
int64_t fw_session_epoch(const struct fw_session *session); /* 0 before registration */
bool fw_session_connected(
    const struct fw_session *session); /* registered and the connection is up */

/* The offers that can be claimed on now, in no particular order. Valid until control returns to the
 * loop or another function of this header is called. Returns their number. */
size_t fw_offers(const struct fw_session *session, const struct fw_offer **offers);

/* ---- claims ---- */

enum fw_claim_mode {
    FW_CLAIM_ALL, /* all tasks or none (gang) */
    FW_CLAIM_ANY, /* each task that fits */
};

enum fw_conflict {
    FW_CONFLICT_FIT,     /* refused only if the resources are no longer there */
    FW_CONFLICT_VERSION, /* refused if anything was claimed on the agent since it was seen */
};

/* One task to run. Zeroed members mean "not given". Exactly one of offer_id and agent_id, and
 * exactly one of argv and shell, must be given. */
struct fw_task {
    const char *name; /* unique among the framework's live tasks */

    const char *offer_id;  /* place on this offer's agent, using up the offer, … */
    const char *agent_id;  /* … or on this agent without an offer */
    int64_t agent_version; /* with agent_id: what was seen; 0 = not given */

    int64_t cpus_milli; /* thousandths of a cpu */
    int64_t mem;        /* MiB */
    int64_t disk;       /* MiB */
    int64_t gpus;
    int port_count;                    /* any so many ports, or … */
    const struct fw_port_range *ports; /* … these */
    size_t port_range_count;
    const char *extra_json; /* object merged into the resources: {"scalars": {…}, "sets": {…}} */

    const char *const *argv;        /* NULL-terminated */
    const char *shell;              /* run by /bin/sh -c */
    const char *const *environment; /* "NAME=value", NULL-terminated */
    const char *user;               /* OS user; NULL = the agent's choice */
    const char *workdir;            /* relative to the sandbox */
    int kill_grace_s;               /* SIGTERM to SIGKILL; 0 = the cell's default, -1 = at once */
    const char *const *labels;      /* "name=value", NULL-terminated */
    /* Seconds, 5 to 86400, after which the task is stopped when its agent is cut off from the cell,
     * so that a replacement after its terminal update never runs beside it. 0 = it runs on. */
    int stop_unreachable_s;
};

struct fw_claim {
    enum fw_claim_mode mode;
    enum fw_conflict conflict;
    bool revocable; /* the tasks may be killed when others need what they use */
    bool dry_run;   /* only say what would happen */
    const struct fw_task *tasks;
    size_t task_count;
    /* A uuid: the same key again (by a restarted framework, say) gets the first answer. NULL = the
     * session makes one; it repeats the claim with it until the outcome is known either way. */
    const char *claim_key;
};

/* What became of one task of the claim, in the order of the tasks. */
struct fw_claim_result {
    const char *name;
    const char *task_id;  /* NULL unless committed for real */
    const char *offer_id; /* that the task named; NULL if it named none */
    const char *agent_id;
    bool committed; /* dry run: would have been */
    bool replayed;  /* the claim key had been used before; this is its first answer */
    /* Only if refused: */
    const char *reason;   /* from the closed list in docs/errors.md: "insufficient_resource", … */
    bool conflict;        /* true: what was seen was out of date; false: the task itself is wrong */
    const char *resource; /* "cpus"; NULL if the reason is not about one */
    double wanted, free;  /* of that resource, in its own unit (cpus, MiB, …) */
    const char *message;
};

/* With err (the claim as a whole was refused or the session stopped) results is NULL. */
typedef void (*fw_claim_f)(struct fw_session *session, const struct fw_claim_result *results,
                           size_t count, const struct fw_error *err, void *arg);

/* From this call to its answer the offers named in the claim are not listed by fw_offers (except
 * for a dry run); afterwards those not used up are listed again. cb may be NULL. */
int fw_claim(struct fw_session *session, const struct fw_claim *claim, fw_claim_f cb, void *arg,
             struct fw_error *err);

/* ---- offers ---- */

/* How many tasks like this one the offer has room for, one beside the other; at most
 * FW_CLAIM_TASKS_MAX, and at most one that wants ports by number. Custom scalars and sets are not
 * looked at. */
int64_t fw_offer_room(const struct fw_offer *offer, const struct fw_task *task);

/* Give offers back and, for refuse_ms milliseconds, do not get such an offer of those agents again
 * (0 = no filter). Ids that are not outstanding are ignored. */
int fw_decline(struct fw_session *session, const char *const *offer_ids, size_t count,
               int64_t refuse_ms, struct fw_error *err);

int fw_suppress(struct fw_session *session, struct fw_error *err); /* no further offers, please */
int fw_revive(struct fw_session *session,
              struct fw_error *err); /* ends fw_suppress; keeps filters */

/* Be offered only agents that are or have all of this, until refuse_ms have passed (-1: until it is
 * cleared; 0: forget the filter). wanted_json is an object:
 * {"agents": ["…"], "attributes": {"zone": ["a", "b"], "disks": {"min": 2}}, "resources": {"gpus":
 * 1}}. Replaces the session's filter of that name; agents must pass all of them. */
int fw_filter_set(struct fw_session *session, const char *name, const char *wanted_json,
                  int64_t refuse_ms, struct fw_error *err);

/* Forget the filters that declines set, for these agents; (NULL, 0): all filters, those with names,
 * too. */
int fw_filters_clear(struct fw_session *session, const char *const *agent_ids, size_t count,
                     struct fw_error *err);

/* ---- demand ---- */

/* `count` times these resources, beyond what the framework's tasks hold. Zeroed members mean none.
 */
struct fw_request {
    int64_t count;      /* 1 to 1000000 */
    int64_t cpus_milli; /* thousandths of a cpu, of each; likewise the others */
    int64_t mem;        /* MiB */
    int64_t disk;       /* MiB */
    int64_t gpus;
    int port_count;
    const char *extra_json; /* object merged into the resources: {"scalars": {…}, "sets": {…}} */
    /* Object: {"attributes": {"zone": ["a", "b"]}, "agents": ["…"]}; NULL = any agent. */
    const char *constraints_json;
};

/* Say what the framework still needs; replaces what it said before. At most 1000 requests; count 0
 * (requests not NULL) says that it needs nothing more and brings no offers. (NULL, 0) takes the
 * statement back: who says nothing counts as wanting all it can get. It places nothing, and a
 * claim does not lower it. It is forgotten by a fail-over and at the end. */
int fw_request(struct fw_session *session, const struct fw_request *requests, size_t count,
               struct fw_error *err);

/* ---- tasks ---- */

/* The update was dealt with: do not deliver it again. Acknowledgements are sent in batches and
 * repeated until they arrive. When FW_UPDATES_MAX updates are unacknowledged, no more are handed
 * out. An id that is not outstanding is an error. */
int fw_acknowledge(struct fw_session *session, int64_t update_id, struct fw_error *err);

/* The caller has itself called howdah.update_acknowledge for this update, in a transaction of its
 * own that is now committed (which is what makes handling exactly once). Nothing is sent. */
int fw_acknowledged(struct fw_session *session, int64_t update_id, struct fw_error *err);

struct fw_kill_result {
    const char *task_id;
    const char *state; /* after the call; NULL if not known */
    bool known;        /* false: the framework has no such task */
};

typedef void (*fw_kill_f)(struct fw_session *session, const struct fw_kill_result *results,
                          size_t count, const struct fw_error *err, void *arg);

/* Ask for tasks to be killed. grace_s seconds from SIGTERM to SIGKILL; -1 = as the task's spec
 * says. Tasks end when their terminal update says so. cb may be NULL. */
int fw_kill(struct fw_session *session, const char *const *task_ids, size_t count, int grace_s,
            fw_kill_f cb, void *arg, struct fw_error *err);

struct fw_task_status {
    const char *task_id;
    const char *task_name; /* NULL if not known */
    const char *state;     /* "unknown": the cell has no such task of this framework */
    bool terminal;
    const char *reason;
    const char *message;
    int exit_code; /* -1 if there is none */
    const char *agent_id;
    const char *agent_name;
};

typedef void (*fw_reconcile_f)(struct fw_session *session, const struct fw_task_status *tasks,
                               size_t count, const struct fw_error *err, void *arg);

/* The present state of these tasks, or (NULL, 0) of all that live or have updates waiting. */
int fw_reconcile(struct fw_session *session, const char *const *task_ids, size_t count,
                 fw_reconcile_f cb, void *arg, struct fw_error *err);

typedef void (*fw_done_f)(struct fw_session *session, int64_t count, const struct fw_error *err,
                          void *arg);

/* Remove the framework for good: its tasks are killed (count = how many), its id is never used
 * again. The session makes no further call afterwards. cb may be NULL. */
int fw_teardown(struct fw_session *session, fw_done_f cb, void *arg, struct fw_error *err);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
