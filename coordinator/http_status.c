/* SPDX-License-Identifier: PostgreSQL */
/* What machines that watch this program ask: /healthz for "is it of use", /metrics for figures.
 * Health is the database's last answer about the lease, which is asked for several times a second
 * whoever leads, and a schema that this program was made for; no request waits for it. /metrics
 * waits for the cell's figures for their short deadline at most and prints its own in any case. */
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "coordinator/http_conns.h"
#include "coordinator/http_routes.h"
#include "coordinator/leader.h"
#include "coordinator/metrics.h"
#include "coordinator/snapshot.h"

#define HEALTHY_MS   3000
#define TYPE_METRICS "text/plain; version=0.0.4; charset=utf-8"

void http_status_health(struct coordinator *root, struct evhttp_request *req, const char *path)
{
    int64_t age = leader_answer_age_ms(root->leader);
    char text[512];
    const char *unfit = leader_schema_problem(root->leader);
    bool healthy = !unfit && age >= 0 && age <= HEALTHY_MS;

    (void)path;
    if (unfit)
        snprintf(text, sizeof(text), "unhealthy\n%.400s\n", unfit);
    else if (healthy && leader_leads(root->leader))
        snprintf(text, sizeof(text), "ok\nleader, epoch %" PRId64 "\n", leader_epoch(root->leader));
    else if (healthy)
        snprintf(text, sizeof(text), "ok\nstandby, leader is %s\n",
                 leader_name(root->leader)[0] ? leader_name(root->leader) : "nobody yet");
    else if (age < 0)
        snprintf(text, sizeof(text), "unhealthy\nthe database has not answered since the start\n");
    else
        snprintf(text, sizeof(text), "unhealthy\nthe database has not answered for %.1f s\n",
                 (double)age / 1000);
    http_reply(root, req,
               &(struct http_answer){
                   .code = healthy ? 200 : 503,
                   .type = "text/plain; charset=utf-8",
                   .body = text,
                   .len = strlen(text),
               });
}

struct scrape {
    struct coordinator *root;
    struct evhttp_request *req;
};

static void scrape_cb(const struct snapshot_view *view, const struct err *err, void *arg)
{
    struct scrape *scrape = arg;
    struct coordinator *root = scrape->root;
    struct metrics *metrics = root->metrics;
    struct evbuffer *out = evbuffer_new();
    bool fresh = view && !view->stale && !err;

    metrics->scrape_success = fresh;
    metrics_sample_process(metrics);
    metrics_print(metrics, out);
    if (fresh)
        evbuffer_add(out, view->text, view->len);
    http_reply(root, scrape->req,
               &(struct http_answer){
                   .code = 200,
                   .type = TYPE_METRICS,
                   .body = evbuffer_pullup(out, -1),
                   .len = evbuffer_get_length(out),
               });
    evbuffer_free(out);
    free(scrape);
}

void http_status_metrics(struct coordinator *root, struct evhttp_request *req, const char *path)
{
    struct metrics *metrics = root->metrics;
    struct scrape *scrape = mem_alloc(sizeof(*scrape));
    int64_t age = leader_answer_age_ms(root->leader);

    (void)path;
    scrape->root = root;
    scrape->req = req;
    metrics->leading = leader_leads(root->leader);
    metrics->epoch = (double)leader_epoch(root->leader);
    metrics->answer_age = age < 0 ? -1 : (double)age / 1000;
    metrics->http_connections = (double)http_connections(root);
    snapshot_get(root->snapshot, SNAPSHOT_metrics, scrape_cb, scrape);
}
