/* SPDX-License-Identifier: PostgreSQL */
/* The web page's files, held in memory. */
#ifndef HOWDAH_COORDINATOR_HTTP_STATIC_H
#define HOWDAH_COORDINATOR_HTTP_STATIC_H

#include <stddef.h>

#include "coordinator/coordinator.h"

struct page {
    char *path; /* as requested: "/components/task-table/task-table.js" */
    const char *type;
    char *body;
    size_t len;
    char tag[24];
};

struct pages;

/* Reads the folder once. A missing folder is logged and leaves no pages; it is no error. */
int pages_create(struct coordinator *root, struct err *err) MUST_CHECK;
void pages_destroy(struct coordinator *root);

/* Borrowed; NULL = no such page. "/" is "/index.html". */
const struct page *pages_find(const struct pages *pages, const char *path);

/* Content type by the name's ending; NULL = such files are not served. */
const char *page_type(const char *name);

#endif
