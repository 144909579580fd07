/* SPDX-License-Identifier: PostgreSQL */
/* The handlers behind the routes; each answers as http_handler_f demands. */
#ifndef HOWDAH_COORDINATOR_HTTP_ROUTES_H
#define HOWDAH_COORDINATOR_HTTP_ROUTES_H

#include "coordinator/http.h"

void http_status_health(struct coordinator *root, struct evhttp_request *req, const char *path);
void http_status_metrics(struct coordinator *root, struct evhttp_request *req, const char *path);
void http_api_answer(struct coordinator *root, struct evhttp_request *req, const char *path);
void http_static_answer(struct coordinator *root, struct evhttp_request *req, const char *path);

#endif
