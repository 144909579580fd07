/* SPDX-License-Identifier: PostgreSQL */
/* meta/agent.json. Knowing the id of one's former life is what tells a restarted agent from a
 * second one of the same name: the cell refuses the latter while the former is alive. */
#include "agent/identity.h"

#include <stdio.h>
#include <string.h>

#include "agent/common_meta.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"

#define FILE_NAME "agent.json"

void identity_load(const char *work_dir, const char *name, char agent_id[UUID_TEXT_SIZE])
{
    CLEANUP_FREE char *dir = mem_printf("%s/meta", work_dir);
    CLEANUP_JSON json_t *doc = NULL;
    struct err err = {0};
    const char *id = "", *former = "";

    agent_id[0] = '\0';
    int rc = meta_read(dir, FILE_NAME, &doc, &err);
    if (rc == 0 && json_get_string(doc, "agent_id", true, &id, &err) == 0 &&
        json_get_string(doc, "name", true, &former, &err) == 0 && uuid_valid(id)) {
        if (strcmp(former, name) == 0)
            snprintf(agent_id, UUID_TEXT_SIZE, "%s", id);
        else
            log_warn(
                "the agent has another name than before, it will get a new id name=%s before=%s",
                name, former);
    }
    if (err.code != ERR_none)
        log_err(LOG_LEVEL_WARN, &err, "the agent's id is not readable, it will get it by name");
}

int identity_save(const char *work_dir, const char *name, const struct transport_session *session,
                  struct err *err)
{
    CLEANUP_FREE char *dir = mem_printf("%s/meta", work_dir);
    CLEANUP_JSON json_t *doc = json_pack("{ss ss ss}", "agent_id", session->agent_id, "name", name,
                                         "cell_id", session->cell_id);

    return meta_write(dir, FILE_NAME, doc, META_DURABLE, err);
}
