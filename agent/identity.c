/* SPDX-License-Identifier: PostgreSQL */
/* meta/agent.json. Knowing the id of one's former life is what tells a restarted agent from a
 * second one of the same name: the cell refuses the latter while the former is alive. The key does
 * the same for an agent that registered and never got the answer, so it is on disk before it asks.
 * The mark of the cell tells a former primary, a backup and another cell from the cell itself. */
#include "agent/identity.h"

#include <stdio.h>
#include <string.h>

#include "agent/common_meta.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"

#define FILE_NAME "agent.json"

static int id_read(const json_t *doc, const char *field, char id[UUID_TEXT_SIZE], struct err *err)
{
    const char *text = "";

    if (json_get_string(doc, field, false, &text, err) != 0)
        return -1;
    if (uuid_valid(text))
        snprintf(id, UUID_TEXT_SIZE, "%s", text);
    return 0;
}

static int cell_read(const json_t *doc, struct cell_mark *cell, struct err *err)
{
    const json_t *object = json_object_get(doc, "cell");

    return json_is_object(object) ? cell_mark_read(cell, object, err) : 0;
}

static int identity_read(const json_t *doc, const char *name, struct identity *identity,
                         struct err *err)
{
    const char *former = "";

    if (cell_read(doc, &identity->cell, err) != 0 ||
        json_get_string(doc, "name", true, &former, err) != 0)
        return -1;
    if (strcmp(former, name) != 0) {
        log_warn("the agent has another name than before, it will get a new id name=%s before=%s",
                 name, former);
        return 0;
    }
    if (id_read(doc, "agent_id", identity->agent_id, err) != 0)
        return -1;
    return id_read(doc, "key", identity->key, err);
}

void identity_load(const char *work_dir, const char *name, struct identity *identity)
{
    CLEANUP_FREE char *dir = mem_printf("%s/meta", work_dir);
    CLEANUP_JSON json_t *doc = NULL;
    struct err err = {0};

    *identity = (struct identity){.cell = {.epoch = 0}};
    int rc = meta_read(dir, FILE_NAME, &doc, &err);
    if (rc < 0 || (rc == 0 && identity_read(doc, name, identity, &err) != 0))
        log_err(LOG_LEVEL_WARN, &err, "the agent's id is not readable, it will get it by name");
    if (identity->key[0] == '\0')
        uuid_make(identity->key);
}

int identity_save(const char *work_dir, const char *name, const struct identity *identity,
                  struct err *err)
{
    CLEANUP_FREE char *dir = mem_printf("%s/meta", work_dir);
    CLEANUP_JSON json_t *doc = json_pack(
        "{ss* ss ss so}", "agent_id", identity->agent_id[0] != '\0' ? identity->agent_id : NULL,
        "name", name, "key", identity->key, "cell", cell_mark_json(&identity->cell));

    return meta_write(dir, FILE_NAME, doc, META_DURABLE, err);
}
