/* SPDX-License-Identifier: PostgreSQL */
/* Line by line; the first thing that is wrong is named with the line it stands in. */
#include "cli/manifest.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define MIGRATIONS "migrations/"
#define FUNCTIONS  "functions/"

static char *file_read(const char *path, struct err *err)
{
    CLEANUP_FREE char *text = NULL;
    FILE *file = fopen(path, "re");
    size_t size = 0;
    ssize_t len;

    if (!file) {
        err_set_errno(err, ERR_io_failed, "%s", path);
        return NULL;
    }
    /* Up to a NUL byte, which no text has: all of it. */
    len = getdelim(&text, &size, '\0', file);
    if (len < 0 && ferror(file)) {
        err_set_errno(err, ERR_io_failed, "%s", path);
        fclose(file);
        return NULL;
    }
    fclose(file);
    return len < 0 ? mem_strdup("") : take(&text);
}

/* The migration's number, 0 for a functions file, -1 with err for anything else. */
static int name_number(const char *name, struct err *err)
{
    const char *digits = name + strlen(MIGRATIONS);
    size_t len = strlen(name);

    if (len > 4 && strcmp(name + len - 4, ".sql") == 0 && !strstr(name, "..")) {
        if (strncmp(name, FUNCTIONS, strlen(FUNCTIONS)) == 0)
            return 0;
        if (strncmp(name, MIGRATIONS, strlen(MIGRATIONS)) == 0 && strspn(digits, "0123456789") == 4)
            return (int)strtol(digits, NULL, 10);
    }
    return err_set(err, ERR_input_invalid,
                   "\"%s\": expected migrations/NNNN_topic.sql or functions/topic.sql", name);
}

static int manifest_add(struct manifest *manifest, const char *dir, const char *name,
                        struct err *err)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", dir, name);
    int number = name_number(name, err), latest = manifest_latest(manifest);
    char *text;

    if (number < 0)
        return -1;
    if (number && number <= latest)
        return err_set(err, ERR_input_invalid, "\"%s\": its number must be higher than %04d", name,
                       latest);
    text = file_read(path, err);
    if (!text)
        return -1;
    manifest->files = mem_realloc(manifest->files, (manifest->count + 1) * sizeof *manifest->files);
    manifest->files[manifest->count++] =
        (struct manifest_file){.name = mem_strdup(name), .text = text, .number = number};
    return 0;
}

/* The path in a line, comment and white space cut off; empty if there is none. */
static char *line_trim(char *line)
{
    char *end = line + strcspn(line, "#\n");

    while (end > line && isspace((unsigned char)end[-1]))
        end--;
    *end = '\0';
    while (isspace((unsigned char)*line))
        line++;
    return line;
}

int manifest_load(const char *dir, struct manifest *manifest, struct err *err)
{
    CLEANUP_FREE char *path = mem_printf("%s/manifest", dir);
    CLEANUP_FREE char *line = NULL;
    FILE *file = fopen(path, "re");
    size_t size = 0;
    int rc = 0;

    *manifest = (struct manifest){0};
    if (!file)
        return err_set_errno(err, ERR_io_failed, "%s", path);
    for (int number = 1; rc == 0 && getline(&line, &size, file) > 0; number++) {
        const char *name = line_trim(line);

        if (*name && manifest_add(manifest, dir, name, err) < 0)
            rc = err_wrap(err, "%s, line %d", path, number);
    }
    fclose(file);
    if (rc == 0 && manifest_latest(manifest) == 0)
        rc = err_set(err, ERR_input_invalid, "%s: it lists no migration", path);
    if (rc < 0)
        manifest_free(manifest);
    return rc;
}

void manifest_free(struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->count; i++) {
        free(manifest->files[i].name);
        free(manifest->files[i].text);
    }
    free(manifest->files);
    *manifest = (struct manifest){0};
}

int manifest_latest(const struct manifest *manifest)
{
    int latest = 0;

    for (size_t i = 0; i < manifest->count; i++)
        if (manifest->files[i].number > latest)
            latest = manifest->files[i].number;
    return latest;
}
