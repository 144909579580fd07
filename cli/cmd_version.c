/* SPDX-License-Identifier: PostgreSQL */
/* howdah version */
#include <stdio.h>

#include "base/version.h"
#include "cli/cli.h"

int cmd_version(struct cli *cli, struct err *err)
{
    (void)cli;
    (void)err;
    printf("howdah %s (schema %d)\n", HOWDAH_VERSION, HOWDAH_SCHEMA_VERSION);
    return EXIT_OK;
}
