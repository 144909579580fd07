/* SPDX-License-Identifier: PostgreSQL */
/* Finding files, splitting them, and the shared directory.
 *
 * Only regular files count, symbolic links are not followed: so each text is counted once and the
 * list is the same at every look. Files are sorted by path and dealt out in turn, which spreads
 * large ones well enough. Lists end paths by NUL, so any name will do. The split is fixed by
 * split.json, renamed into place last: a restarted scheduler takes the same lists, whatever has
 * changed in the meantime, and counts that are already there stay valid. */
#include "frameworks/wordcount/corpus.h"

#include <errno.h>
#include <ftw.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "frameworks/wordcount/files.h"

#define WALK_FDS   32
#define AGENT_USER "nobody" /* who runs tasks that name no user, where root runs the agent */

/* What Debian ships: a directory and, if not NULL, the only file name that counts below it. */
static const struct source {
    const char *path, *name;
} debian[] = {
    {"/usr/share/common-licenses", NULL},
    {"/usr/share/doc", "copyright"},
};

struct found {
    char **paths; /* owned, each owned */
    size_t count, size;
    int64_t bytes;
    const char *name; /* of the present walk; NULL = every file */
};

/* nftw has no argument for its callback: the walk's results go here. Used by one walk at a time. */
static struct found *walking;

static void found_add(struct found *found, const char *path, int64_t bytes)
{
    if (found->count == found->size) {
        found->size = found->size * 2 + 64;
        found->paths = mem_realloc(found->paths, found->size * sizeof(*found->paths));
    }
    found->paths[found->count++] = mem_strdup(path);
    found->bytes += bytes;
}

static void found_free(struct found *found)
{
    for (size_t i = 0; i < found->count; i++)
        free(found->paths[i]);
    free(found->paths);
}

static int walk_visit(const char *path, const struct stat *stat, int type, struct FTW *where)
{
    bool wanted = walking->name == NULL || strcmp(path + where->base, walking->name) == 0;

    if (type == FTW_F && S_ISREG(stat->st_mode) && wanted && access(path, R_OK) == 0)
        found_add(walking, path, stat->st_size);
    return 0;
}

static int walk(struct found *found, const char *path, const char *name, struct err *err)
{
    CLEANUP_FREE char *real = realpath(path, NULL);

    walking = found;
    found->name = name;
    if (real == NULL || nftw(real, walk_visit, WALK_FDS, FTW_PHYS) != 0)
        return err_set_errno(err, ERR_io_failed, "cannot read \"%s\"", path);
    return 0;
}

static int path_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void found_sort(struct found *found)
{
    size_t kept = 0;

    if (found->count > 0)
        qsort(found->paths, found->count, sizeof(*found->paths), path_compare);
    for (size_t i = 0; i < found->count; i++) {
        if (kept > 0 && strcmp(found->paths[i], found->paths[kept - 1]) == 0)
            free(found->paths[i]);
        else
            found->paths[kept++] = found->paths[i];
    }
    found->count = kept;
}

static int files_find(struct found *found, char *const *operands, int operand_count,
                      struct err *err)
{
    for (int i = 0; i < operand_count; i++)
        if (walk(found, operands[i], NULL, err) != 0)
            return -1;
    for (size_t i = 0; operand_count == 0 && i < sizeof(debian) / sizeof(debian[0]); i++)
        if (access(debian[i].path, R_OK) == 0 &&
            walk(found, debian[i].path, debian[i].name, err) != 0)
            return -1;
    found_sort(found);
    if (found->count == 0)
        return err_set(err, ERR_input_invalid, "no file to count");
    return 0;
}

/* ---- the split ---- */

static char *path_in(const struct corpus *corpus, const char *folder, int map)
{
    return mem_printf("%s/%s/%04d", corpus->dir, folder, map);
}

char *corpus_list_path(const struct corpus *corpus, int map)
{
    return path_in(corpus, "lists", map);
}

char *corpus_out_path(const struct corpus *corpus, int map)
{
    return path_in(corpus, "out", map);
}

char *corpus_result_path(const struct corpus *corpus)
{
    return mem_printf("%s/out/result", corpus->dir);
}

static int list_write(const struct corpus *corpus, const struct found *found, int map,
                      struct err *err)
{
    CLEANUP_FREE char *path = corpus_list_path(corpus, map);
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&text, &len);

    if (stream == NULL)
        return err_set_errno(err, ERR_io_failed, "cannot make a list");
    for (size_t i = (size_t)map - 1; i < found->count; i += (size_t)corpus->maps)
        fwrite(found->paths[i], 1, strlen(found->paths[i]) + 1, stream);
    fclose(stream);
    return file_replace(path, text, len, err);
}

static int split_write(const struct corpus *corpus, const struct found *found, struct err *err)
{
    CLEANUP_FREE char *path = mem_printf("%s/split.json", corpus->dir);
    CLEANUP_JSON json_t *json =
        json_pack("{s:i, s:I, s:I}", "maps", corpus->maps, "files", (json_int_t)corpus->files,
                  "bytes", (json_int_t)corpus->bytes);
    CLEANUP_FREE char *text = json_print(json);

    for (int map = 1; map <= corpus->maps; map++)
        if (list_write(corpus, found, map, err) != 0)
            return -1;
    return file_replace(path, text, strlen(text), err);
}

/* What a former split may have left behind is not this one's. */
static void outputs_clear(const struct corpus *corpus, int maps)
{
    CLEANUP_FREE char *result = corpus_result_path(corpus);

    unlink(result);
    for (int map = 1; map <= maps; map++) {
        CLEANUP_FREE char *out = corpus_out_path(corpus, map);

        unlink(out);
    }
}

static int split_make(struct corpus *corpus, char *const *operands, int operand_count, int maps,
                      struct err *err)
{
    struct found found = {0};
    int outcome;

    outputs_clear(corpus, maps);
    outcome = files_find(&found, operands, operand_count, err);
    corpus->maps = found.count < (size_t)maps ? (int)found.count : maps;
    corpus->files = (int64_t)found.count;
    corpus->bytes = found.bytes;
    if (outcome == 0)
        outcome = split_write(corpus, &found, err);
    found_free(&found);
    return outcome;
}

static int split_read(struct corpus *corpus, const char *path, struct err *err)
{
    CLEANUP_JSON json_t *json = json_parse_file(path, err);
    int64_t maps = 0;

    if (json == NULL || json_get_int(json, "maps", true, 1, 4000, &maps, err) != 0 ||
        json_get_int(json, "files", true, 1, INT64_MAX, &corpus->files, err) != 0 ||
        json_get_int(json, "bytes", true, 0, INT64_MAX, &corpus->bytes, err) != 0)
        return err_wrap(err, "\"%s\"", path);
    corpus->maps = (int)maps;
    return 0;
}

/* ---- the directory ---- */

static int folder_make(const char *path, struct err *err)
{
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return err_set_errno(err, ERR_io_failed, "cannot make directory \"%s\"", path);
    return 0;
}

/* Tasks run as `user`, by default as an agent run by root chooses, and must be able to write
 * counts. Where we are not root, nor is the agent, and tasks run as ourselves. */
static int folder_give(const char *path, const char *user, struct err *err)
{
    struct passwd *entry;

    if (geteuid() != 0)
        return 0;
    if (user == NULL)
        user = AGENT_USER;
    entry = getpwnam(user);
    if (entry == NULL)
        return err_set(err, ERR_input_invalid, "option \"user\", value \"%.64s\": no such user",
                       user);
    if (chown(path, entry->pw_uid, (gid_t)-1) != 0)
        return err_set_errno(err, ERR_io_failed, "cannot give directory \"%s\" to %s", path, user);
    return 0;
}

static int folders_make(struct corpus *corpus, const char *dir, const char *user, struct err *err)
{
    CLEANUP_FREE char *lists = mem_printf("%s/lists", dir);
    CLEANUP_FREE char *out = mem_printf("%s/out", dir);

    if (folder_make(dir, err) != 0 || folder_make(lists, err) != 0 || folder_make(out, err) != 0 ||
        folder_give(out, user, err) != 0)
        return -1;
    corpus->dir = realpath(dir, NULL);
    if (corpus->dir == NULL)
        return err_set_errno(err, ERR_io_failed, "cannot find \"%s\"", dir);
    return 0;
}

int corpus_open(struct corpus *corpus, const char *dir, char *const *operands, int operand_count,
                int maps, const char *user, struct err *err)
{
    CLEANUP_FREE char *split = mem_printf("%s/split.json", dir);
    int outcome;

    memset(corpus, 0, sizeof(*corpus));
    if (folders_make(corpus, dir, user, err) != 0)
        return -1;
    if (access(split, F_OK) == 0)
        outcome = split_read(corpus, split, err);
    else
        outcome = split_make(corpus, operands, operand_count, maps, err);
    if (outcome != 0)
        corpus_close(corpus);
    return outcome;
}

int corpus_count(const struct corpus *corpus, struct counts *counts, struct err *err)
{
    for (int map = 1; map <= corpus->maps; map++) {
        CLEANUP_FREE char *path = corpus_list_path(corpus, map);
        CLEANUP_FREE char *list = NULL;
        size_t len = 0;

        if (file_read(path, &list, &len, err) != 0)
            return -1;
        for (size_t at = 0; at < len; at += strlen(list + at) + 1)
            if (counts_text_file(counts, list + at, err) != 0)
                return -1;
    }
    return 0;
}

void corpus_retire(const struct corpus *corpus)
{
    file_remove(corpus->dir, "split.json");
}

void corpus_remove(const char *dir)
{
    files_remove(dir, "lists");
    files_remove(dir, "out");
    file_remove(dir, "split.json");
    rmdir(dir);
}

void corpus_close(struct corpus *corpus)
{
    free(corpus->dir);
    memset(corpus, 0, sizeof(*corpus));
}
