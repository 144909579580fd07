/* SPDX-License-Identifier: PostgreSQL */
/* howdah version */
#include <stdio.h>

#include "base/version.h"
#include "cli/cli.h"
#include "cli/output.h"

int cmd_version(struct cli *cli, struct err *err)
{
    (void)err;
    if (cli->options.json)
        output_json(
            json_pack("{s:s, s:i}", "version", HOWDAH_VERSION, "schema", HOWDAH_SCHEMA_VERSION));
    else
        printf("howdah %s (schema %d)\n", HOWDAH_VERSION, HOWDAH_SCHEMA_VERSION);
    return EXIT_OK;
}
