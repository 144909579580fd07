/* SPDX-License-Identifier: PostgreSQL */
/* Static files. The folder is read once, at the start, into a table of exact request paths:
 * requests open no files, so nothing outside the folder can be reached whatever a path holds, and
 * no request waits for a disk. Only regular files of known types and modest size get in; names that
 * begin with a dot and symbolic links do not. A changed page needs a restart of the coordinator. */
#include "coordinator/http_static.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "coordinator/hash.h"
#include "coordinator/http_routes.h"

#define FILE_MOST  (1 << 20) /* bytes */
#define FILES_MOST 512
#define DEPTH_MOST 8

struct pages {
    struct page *table;
    size_t count;
};

static const struct {
    const char *ending, *type;
} page_types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".json", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".txt", "text/plain; charset=utf-8"},
    {".woff2", "font/woff2"},
};

/* Where the page may stand as seen from the program's folder: installed, build tree, sanitizer
 * build. */
static const char *const page_places[] = {"../share/howdah/ui-static", "../../ui-static",
                                          "../../../ui-static"};

const char *page_type(const char *name)
{
    const char *ending = strrchr(name, '.');

    for (size_t i = 0; ending && i < sizeof(page_types) / sizeof(page_types[0]); i++)
        if (strcmp(ending, page_types[i].ending) == 0)
            return page_types[i].type;
    return NULL;
}

static void page_add(struct pages *pages, char *path, char *body, size_t len)
{
    struct page *page;

    pages->table = mem_realloc(pages->table, (pages->count + 1) * sizeof(*pages->table));
    page = &pages->table[pages->count++];
    page->path = path;
    page->type = page_type(path);
    page->body = body;
    page->len = len;
    snprintf(page->tag, sizeof(page->tag), "%016" PRIx64, hash_bytes(HASH_START, body, len));
}

/* The whole file, or NULL with a log line. */
static char *file_read(int dir, const char *name, const char *path, size_t *len)
{
    CLEANUP_FD int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    CLEANUP_FREE char *body = NULL;
    struct stat info;
    ssize_t got = 1;

    if (fd < 0 || fstat(fd, &info) < 0 || !S_ISREG(info.st_mode) || info.st_size > FILE_MOST) {
        log_warn("page left out path=%s reason=\"no readable regular file of at most %d bytes\"",
                 path, FILE_MOST);
        return NULL;
    }
    body = mem_alloc((size_t)info.st_size + 1);
    for (*len = 0; *len < (size_t)info.st_size && got > 0; *len += (size_t)(got > 0 ? got : 0))
        got = read(fd, body + *len, (size_t)info.st_size - *len);
    return take(&body);
}

static void folder_read(struct pages *pages, int fd, const char *prefix, int depth);

static void entry_read(struct pages *pages, int dir, const struct dirent *entry, const char *prefix,
                       int depth)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", prefix, entry->d_name);
    struct stat info;
    size_t len = 0;
    char *body;

    if (entry->d_name[0] == '.' || pages->count >= FILES_MOST ||
        fstatat(dir, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    if (S_ISDIR(info.st_mode) && depth < DEPTH_MOST)
        folder_read(pages,
                    openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
                    path, depth + 1);
    if (!S_ISREG(info.st_mode) || !page_type(entry->d_name))
        return;
    body = file_read(dir, entry->d_name, path, &len);
    if (body)
        page_add(pages, take(&path), body, len);
}

/* Takes fd; -1 is an unreadable folder and left out. */
static void folder_read(struct pages *pages, int fd, const char *prefix, int depth)
{
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

    if (!dir) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        entry_read(pages, dirfd(dir), entry, prefix, depth);
    closedir(dir);
}

/* The folder that belongs to this program; caller frees; NULL = none found. */
static char *folder_find(void)
{
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (len <= 0)
        return NULL;
    self[len] = '\0';
    *strrchr(self, '/') = '\0';
    for (size_t i = 0; i < sizeof(page_places) / sizeof(page_places[0]); i++) {
        CLEANUP_FREE char *index = mem_printf("%s/%s/index.html", self, page_places[i]);

        if (access(index, R_OK) == 0)
            return mem_printf("%s/%s", self, page_places[i]);
    }
    return NULL;
}

static int page_order(const void *a, const void *b)
{
    return strcmp(((const struct page *)a)->path, ((const struct page *)b)->path);
}

int pages_create(struct coordinator *root, struct err *err)
{
    const char *wanted = root->options.ui_dir;
    CLEANUP_FREE char *dir = wanted && wanted[0] ? mem_strdup(wanted) : folder_find();
    struct pages *pages = mem_alloc(sizeof(*pages));

    (void)err;
    root->pages = pages;
    if (dir)
        folder_read(pages, open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), "", 0);
    if (pages->count == 0) {
        log_warn("no web page found, serving the API only ui-dir=%s", dir ? dir : "(none)");
        return 0;
    }
    qsort(pages->table, pages->count, sizeof(*pages->table), page_order);
    log_debug("web page loaded ui-dir=%s files=%zu", dir, pages->count);
    return 0;
}

void pages_destroy(struct coordinator *root)
{
    if (!root->pages)
        return;
    for (size_t i = 0; i < root->pages->count; i++) {
        free(root->pages->table[i].path);
        free(root->pages->table[i].body);
    }
    free(root->pages->table);
    free(root->pages);
    root->pages = NULL;
}

static int page_match(const void *path, const void *page)
{
    return strcmp(path, ((const struct page *)page)->path);
}

const struct page *pages_find(const struct pages *pages, const char *path)
{
    const char *wanted = strcmp(path, "/") == 0 ? "/index.html" : path;

    if (pages->count == 0)
        return NULL;
    return bsearch(wanted, pages->table, pages->count, sizeof(*pages->table), page_match);
}

void http_static_answer(struct coordinator *root, struct evhttp_request *req, const char *path)
{
    const struct page *page = pages_find(root->pages, path);

    if (!page) {
        http_error(
            root, req, 404, "path_unknown",
            "there is no \"%s\"; / is the page%s, /api/v1/cell the cell as JSON, /healthz and "
            "/metrics are for monitoring",
            path, root->pages->count == 0 ? " (not installed here, see --ui-dir)" : "");
        return;
    }
    http_reply(root, req,
               &(struct http_answer){
                   .code = 200,
                   .type = page->type,
                   .body = page->body,
                   .len = page->len,
                   .tag = page->tag,
                   .cache = "no-cache",
               });
}
