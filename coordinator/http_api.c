/* SPDX-License-Identifier: PostgreSQL */
/* The read-only JSON API below /api/v1/: each name is one document of snapshot.h. How old the data
 * is travels in headers, so that a document that did not change keeps its ETag and costs a 304. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "coordinator/http_routes.h"
#include "coordinator/leader.h"
#include "coordinator/snapshot.h"

#define API_ROOT "/api/v1/"

static const struct {
    const char *name;
    enum snapshot_document document;
} api_names[] = {
    {"cell", SNAPSHOT_cell},     {"agents", SNAPSHOT_agents}, {"frameworks", SNAPSHOT_frameworks},
    {"tasks", SNAPSHOT_tasks},   {"offers", SNAPSHOT_offers}, {"roles", SNAPSHOT_roles},
    {"events", SNAPSHOT_events},
};

struct api_call {
    struct coordinator *root;
    struct evhttp_request *req;
};

static void api_cb(const struct snapshot_view *view, const struct err *err, void *arg)
{
    struct api_call *call = arg;
    struct coordinator *root = call->root;
    char age[24];

    if (!view) {
        http_error(root, call->req, 503, err ? err_code_name(err->code) : "not_connected",
                   "the database cannot be read: %s", err ? err->text : "it has not answered yet");
        free(call);
        return;
    }
    snprintf(age, sizeof(age), "%" PRId64, view->age_ms);
    http_reply(root, call->req,
               &(struct http_answer){
                   .code = 200,
                   .type = "application/json",
                   .body = view->text,
                   .len = view->len,
                   .tag = view->tag,
                   .headers =
                       (const struct http_header[]){
                           {"Howdah-Age-Ms", age},
                           {"Howdah-Stale", view->stale ? "true" : "false"},
                           {"Howdah-Coordinator", root->options.name},
                           {"Howdah-Leading", leader_leads(root->leader) ? "true" : "false"},
                           {NULL, NULL},
                       },
               });
    free(call);
}

void http_api_answer(struct coordinator *root, struct evhttp_request *req, const char *path)
{
    const char *name =
        strncmp(path, API_ROOT, strlen(API_ROOT)) == 0 ? path + strlen(API_ROOT) : "";
    struct api_call *call;

    for (size_t i = 0; i < sizeof(api_names) / sizeof(api_names[0]); i++) {
        if (strcmp(name, api_names[i].name) != 0)
            continue;
        call = mem_alloc(sizeof(*call));
        call->root = root;
        call->req = req;
        snapshot_get(root->snapshot, api_names[i].document, api_cb, call);
        return;
    }
    http_error(root, req, 404, "path_unknown",
               "there is no \"%s\"; " API_ROOT
               " has cell, agents, frameworks, tasks, offers, roles "
               "and events",
               path);
}
