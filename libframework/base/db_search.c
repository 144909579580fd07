/* SPDX-License-Identifier: PostgreSQL */
/* Every host has its attempts, deadlines and waits of its own (db_host.c), so a host that is
 * paused, cut off or a former primary holds up no other one. As soon as one server will do, the
 * others whose attempt began a moment ago may still answer, and then the best is taken: of those
 * that take writes the one with the highest timeline. A server whose timeline is lower than one
 * that was taken before is a former primary and never taken, unless it belongs to another cluster
 * (a restored one, say). Until one is found, each host is tried again and again: any standby may
 * become the primary at any moment. */
#include "base/db_search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/db_host.h"
#include "base/mem.h"

#define SEARCH_SETTLE_MS   300 /* a server that lives answers sooner */
#define SEARCH_WAIT_MIN_MS 50
#define SEARCH_REFUSED_MS  1000 /* the lead of the others before a server that was refused */

struct db_search {
    struct db_search_config config;
    struct db_host *hosts;
    unsigned host_count;
    struct timer *settle_timer;
    int64_t settle_until_ms; /* 0 = no server that will do has been found yet */
    struct backoff backoff;  /* before a search */
    uint32_t timeline;       /* the highest that was ever taken; 0 = none */
    char system_id[24];      /* of the cluster that it belongs to */
    struct db_host *taken;   /* the latest; NULL = none */
    bool refused;            /* and its owner does not want it */
};

/* ---- which one ---- */

/* Whether this server is behind one that was taken before. */
static bool search_stale(const struct db_search *search, const struct db_host *host)
{
    return host->timeline && host->timeline < search->timeline &&
           !strcmp(host->system_id, search->system_id);
}

static int search_refuse(struct db_host *host, const char *what, enum err_code code)
{
    struct err err;
    char name[256];

    err_set(&err, code, "%s %s", db_conn_name(host->conn, name, sizeof name), what);
    db_host_refuse(host, &err);
    return -1;
}

/* -1 = not this one; a found host that was refused waits for its next attempt. */
static int search_check(const struct db_search *search, struct db_host *host)
{
    enum db_choice choice = db_target_choice(search->config.target);
    char what[128];

    if (choice == DB_CHOOSE_WRITABLE && !host->writable)
        return search_refuse(host, "is a standby or read-only: expected a server that takes writes",
                             ERR_read_only);
    if (choice == DB_CHOOSE_STANDBY && host->writable)
        return search_refuse(host, "is not a standby", ERR_connection_failed);
    if (!host->writable || !search_stale(search, host))
        return 0;
    snprintf(what, sizeof what, "is a former primary: its timeline is %u, %u was seen",
             host->timeline, search->timeline);
    return search_refuse(host, what, ERR_server_stale);
}

/* The better of two that will do; the first one if they are alike. */
static struct db_host *search_better(const struct db_search *search, struct db_host *a,
                                     struct db_host *b)
{
    bool standby = db_target_choice(search->config.target) == DB_CHOOSE_PREFER_STANDBY;

    if (!a)
        return b;
    if (a->writable != b->writable)
        return a->writable != standby ? a : b;
    return b->timeline > a->timeline ? b : a;
}

/* How long this host's answer is still worth waiting for. */
static int64_t search_patience_ms(const struct db_host *host)
{
    if (host->state != DB_HOST_CONNECTING && host->state != DB_HOST_ASKING)
        return 0;
    return host->started_ms + SEARCH_SETTLE_MS - clock_mono_ms();
}

static void search_take(struct db_search *search, struct db_host *best)
{
    PGconn *conn = best->conn;

    search->taken = best;
    search->refused = false;
    if (best->timeline) {
        search->timeline = best->timeline;
        snprintf(search->system_id, sizeof search->system_id, "%s", best->system_id);
    }
    db_host_take(best);
    db_search_stop(search);
    search->config.found(conn, search->config.arg);
}

/* True when the search is over. */
static bool search_choose(struct db_search *search)
{
    struct db_host *best = NULL;
    int64_t patience_ms = 0;

    for (unsigned i = 0; i < search->host_count; i++) {
        struct db_host *host = &search->hosts[i];

        if (host->state == DB_HOST_FOUND && search_check(search, host) == 0)
            best = search_better(search, best, host);
        if (search_patience_ms(host) > patience_ms)
            patience_ms = search_patience_ms(host);
    }
    if (!best)
        return false;
    if (!search->settle_until_ms)
        search->settle_until_ms = clock_mono_ms() + SEARCH_SETTLE_MS;
    if (patience_ms > 0 && clock_mono_ms() < search->settle_until_ms)
        timer_start(search->settle_timer, patience_ms);
    else
        search_take(search, best);
    return true;
}

/* ---- none ---- */

/* The error that says most about the chances: a standby may be promoted, what is class RETRY may
 * pass. */
static int search_hope(const struct err *err)
{
    if (err->code == ERR_read_only)
        return 2;
    return err_class_of(err->code) == ERR_RETRY;
}

static void search_failed(struct db_search *search)
{
    struct err all = search->hosts[0].err;

    err_clear(&search->hosts[0].err);
    for (unsigned i = 1; i < search->host_count; i++) {
        struct err *err = &search->hosts[i].err;

        if (search_hope(err) > search_hope(&all))
            all.code = err->code;
        err_set(&all, all.code, "%s; %s", all.text, err->text);
        err_clear(err);
    }
    search->config.failed(&all, search->config.arg);
}

static void search_changed_cb(void *arg)
{
    struct db_search *search = arg;

    if (search_choose(search))
        return;
    for (unsigned i = 0; i < search->host_count; i++)
        if (search->hosts[i].err.code == ERR_none)
            return;
    search_failed(search);
}

static void search_settled_cb(void *arg)
{
    search_changed_cb(arg);
}

/* ---- owner's side ---- */

struct db_search *db_search_create(const struct db_search_config *config)
{
    struct db_search *search = mem_alloc(sizeof *search);
    struct backoff backoff = {.min_ms = SEARCH_WAIT_MIN_MS, .max_ms = config->wait_max_ms};

    search->config = *config;
    search->backoff = backoff;
    search->host_count = db_target_hosts(config->target);
    search->hosts = mem_alloc(search->host_count * sizeof *search->hosts);
    search->settle_timer = timer_create_on(config->base, search_settled_cb, search);
    for (unsigned i = 0; i < search->host_count; i++)
        search->hosts[i] = (struct db_host){.base = config->base,
                                            .target = config->target,
                                            .index = i,
                                            .attempt_ms = config->attempt_ms,
                                            .changed = search_changed_cb,
                                            .arg = search,
                                            .backoff = backoff};
    return search;
}

void db_search_destroy(struct db_search *search)
{
    if (!search)
        return;
    db_search_stop(search);
    timer_free(search->settle_timer);
    free(search->hosts);
    free(search);
}

static void search_start(struct db_search *search, int64_t wait_ms)
{
    search->settle_until_ms = 0;
    for (unsigned i = 0; i < search->host_count; i++) {
        struct db_host *host = &search->hosts[i];
        bool last = search->refused && host == search->taken;

        err_clear(&host->err);
        db_host_start(host, wait_ms + (last ? SEARCH_REFUSED_MS : 0));
    }
}

void db_search_start(struct db_search *search)
{
    search_start(search, 0);
}

void db_search_start_later(struct db_search *search)
{
    search_start(search, backoff_next_ms(&search->backoff));
}

void db_search_stop(struct db_search *search)
{
    timer_stop(search->settle_timer);
    for (unsigned i = 0; i < search->host_count; i++)
        db_host_stop(&search->hosts[i]);
}

void db_search_refused(struct db_search *search)
{
    search->refused = true;
}

void db_search_held(struct db_search *search)
{
    backoff_reset(&search->backoff);
    for (unsigned i = 0; i < search->host_count; i++)
        backoff_reset(&search->hosts[i].backoff);
}
