/* SPDX-License-Identifier: PostgreSQL */
/* howdah help [COMMAND]: what verbs.def and options.def say. */
#include <stdio.h>

#include "cli/cli.h"

static void usage_print(FILE *out)
{
    fputs("howdah: a cluster scheduler on PostgreSQL\n\nUsage: howdah COMMAND [OPTION]... "
          "[OPERAND]...\n\n",
          out);
    for (size_t i = 0; i < VERB_COUNT; i++)
        fprintf(out, "  %-12s %s\n", verbs[i].word, verbs[i].summary);
    fputs("\nhowdah COMMAND --help tells more. Without --db or HOWDAH_DB the commands talk to the\n"
          "development cluster in --dir, HOWDAH_DIR or .howdah.\n",
          out);
}

int cmd_help(struct cli *cli, struct err *err)
{
    const struct verb *verb = cli->operand_count ? verb_find(cli->operands[0]) : NULL;

    if (cli->operand_count && !verb)
        return err_set(err, ERR_input_invalid, "no command is called \"%s\"", cli->operands[0]);
    if (verb)
        options_help(verb);
    else
        usage_print(stdout);
    return EXIT_OK;
}
