/* SPDX-License-Identifier: PostgreSQL */
/* The files belong to the task: they are opened beneath its sandbox, follow no symbolic link and
 * must be regular files, so that nobody reads anything else through them. */
#include "agent/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/common_sandbox.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/uuid.h"

char *logs_base64(const unsigned char *data, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = mem_alloc((len + 2) / 3 * 4 + 1);
    size_t used = 0;

    for (size_t i = 0; i < len; i += 3) {
        unsigned long word = (unsigned long)data[i] << 16;
        word |= i + 1 < len ? (unsigned long)data[i + 1] << 8 : 0;
        word |= i + 2 < len ? (unsigned long)data[i + 2] : 0;
        text[used++] = digits[word >> 18 & 63];
        text[used++] = digits[word >> 12 & 63];
        text[used++] = i + 1 < len ? digits[word >> 6 & 63] : '=';
        text[used++] = i + 2 < len ? digits[word & 63] : '=';
    }
    return text;
}

static int stream_open(const char *work_dir, const char *task_id, const char *stream,
                       struct stat *info, struct err *err)
{
    CLEANUP_FREE char *sandbox = sandbox_path(work_dir, task_id);
    CLEANUP_FD int dir = open(sandbox, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (dir < 0)
        return err_set(err, ERR_log_unavailable, "the task has no sandbox here (any more)");
    int fd = sandbox_open_beneath(dir, stream, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, ERR_log_unavailable, "%s", stream);
    if (fstat(fd, info) != 0 || !S_ISREG(info->st_mode)) {
        close(fd);
        return err_set(err, ERR_log_unavailable, "%s is not a regular file", stream);
    }
    return fd;
}

struct piece {
    const char *task_id, *stream;
    int64_t offset, length;
};

static int piece_parse(const json_t *request, struct piece *piece, struct err *err)
{
    *piece = (struct piece){.length = LOGS_CHUNK_MAX};
    if (json_get_string(request, "task_id", true, &piece->task_id, err) != 0 ||
        json_get_string(request, "stream", true, &piece->stream, err) != 0 ||
        json_get_int(request, "offset", false, 0, INT64_MAX / 2, &piece->offset, err) != 0 ||
        json_get_int(request, "length", false, 0, INT64_MAX, &piece->length, err) != 0)
        return -1;
    if (piece->length > LOGS_CHUNK_MAX)
        piece->length = LOGS_CHUNK_MAX;
    if (!uuid_valid(piece->task_id))
        return err_set(err, ERR_value_invalid, "field \"task_id\": expected a uuid");
    if (strcmp(piece->stream, "stdout") != 0 && strcmp(piece->stream, "stderr") != 0)
        return err_set(err, ERR_value_invalid,
                       "field \"stream\", value \"%.32s\": expected stdout or stderr",
                       piece->stream);
    return 0;
}

/* Text and end of file: a task that still starts has no file yet. */
static json_t *piece_read(const char *work_dir, const struct piece *piece, bool ended,
                          struct err *err)
{
    struct stat info = {0};
    CLEANUP_FD int fd = stream_open(work_dir, piece->task_id, piece->stream, &info, err);
    CLEANUP_FREE unsigned char *data = mem_alloc(LOGS_CHUNK_MAX);
    ssize_t got = 0;

    if (fd >= 0)
        got = pread(fd, data, (size_t)piece->length, (off_t)piece->offset);
    else if (ended)
        return NULL;
    if (got < 0)
        return (void)err_set_errno(err, ERR_log_unavailable, "%s", piece->stream), NULL;
    CLEANUP_FREE char *text = logs_base64(data, (size_t)got);
    return json_pack("{ss sI sb}", "data", text, "size", (json_int_t)info.st_size, "eof",
                     ended && piece->offset + got >= info.st_size);
}

json_t *logs_answer(const char *work_dir, const json_t *request, bool known, bool ended)
{
    json_t *id = json_object_get(request, "request_id");
    struct piece piece;
    struct err err = {0};
    json_t *answer = NULL;

    if (!json_is_integer(id))
        return NULL;
    if (!known)
        (void)err_set(&err, ERR_log_unavailable, "the agent does not have this task (any more)");
    else if (piece_parse(request, &piece, &err) == 0)
        answer = piece_read(work_dir, &piece, ended, &err);
    if (answer == NULL)
        answer = json_pack("{ss}", "error", err.text);
    json_object_set(answer, "request_id", id);
    return answer;
}
