/* SPDX-License-Identifier: PostgreSQL */
/* The REST API says at /config what is in force and at /patroni which release runs, but not which
 * store is used; the file says that, but not what was changed since the cluster was made. */
#include "cli/patroni.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/http_get.h"
#include "cli/yaml.h"

#define FILE_MAX    (1 << 20)
#define DEADLINE_MS 5000

static json_t *file_read(const char *path, struct err *err)
{
    CLEANUP_FREE char *text = mem_alloc(FILE_MAX + 1);
    FILE *file = fopen(path, "re");
    size_t len;
    json_t *doc;

    if (!file) {
        err_set(err, ERR_io_failed, "cannot open \"%s\": %s", path, strerror(errno));
        return NULL;
    }
    len = fread(text, 1, FILE_MAX + 1, file);
    fclose(file);
    if (len > FILE_MAX) {
        err_set(err, ERR_input_invalid, "\"%s\": expected at most %d bytes", path, FILE_MAX);
        return NULL;
    }
    text[len] = '\0';
    doc = yaml_parse(path, text, err);
    return doc ? json_pack("{s:o}", "file", doc) : NULL;
}

static json_t *page_read(const char *url, const char *path, struct err *err)
{
    CLEANUP_FREE char *body = http_get(url, path, DEADLINE_MS, err);

    return body ? json_parse(body, strlen(body), err) : NULL;
}

static json_t *url_read(const char *url, struct err *err)
{
    CLEANUP_JSON json_t *config = page_read(url, "/config", err);
    CLEANUP_JSON json_t *status = config ? page_read(url, "/patroni", err) : NULL;
    const char *version;

    if (!status)
        return NULL;
    version = json_string_value(json_object_get(json_object_get(status, "patroni"), "version"));
    if (!version) {
        err_set(err, ERR_input_invalid, "%s: expected the REST API of Patroni", url);
        return NULL;
    }
    return json_pack("{s:O, s:s}", "dynamic", config, "version", version);
}

json_t *patroni_read(const char *where, struct err *err)
{
    return strstr(where, "://") ? url_read(where, err) : file_read(where, err);
}
