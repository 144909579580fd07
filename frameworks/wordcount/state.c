/* SPDX-License-Identifier: PostgreSQL */
/* The state file: {"framework_id": "…"}, replaced in one step. Everything else that a restart needs
 * is in the shared directory (which maps are done) and in the cell (which tasks live). */
#include "frameworks/wordcount/state.h"

#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/uuid.h"
#include "frameworks/wordcount/files.h"

int state_read(const char *path, char **framework_id, struct err *err)
{
    CLEANUP_JSON json_t *json = NULL;
    const char *id = NULL;

    if (access(path, F_OK) != 0)
        return 0;
    json = json_parse_file(path, err);
    if (json == NULL || json_get_string(json, "framework_id", true, &id, err) != 0)
        return err_wrap(err, "\"%s\"", path);
    if (!uuid_valid(id))
        return err_set(err, ERR_input_invalid,
                       "\"%s\": field \"framework_id\", value \"%.64s\": expected a uuid", path,
                       id);
    *framework_id = mem_strdup(id);
    return 0;
}

int state_write(const char *path, const char *framework_id, struct err *err)
{
    CLEANUP_JSON json_t *json = json_pack("{s:s}", "framework_id", framework_id);
    CLEANUP_FREE char *text = json_print(json);

    return file_replace(path, text, strlen(text), err);
}
