/* SPDX-License-Identifier: PostgreSQL */
/* howdah help [COMMAND]: what verbs.def and options.def say. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/output.h"

static void usage_print(FILE *out)
{
    fputs("howdah: a cluster scheduler on PostgreSQL\n\nUsage: howdah COMMAND [OPTION]... "
          "[OPERAND]...\n\n",
          out);
    for (size_t i = 0; i < VERB_COUNT; i++)
        fprintf(out, "  %-13s %s\n", verbs[i].word, verbs[i].summary);
    fputs("\nhowdah COMMAND --help tells more. Without --db or HOWDAH_DB the commands talk to the\n"
          "development cluster in --dir, HOWDAH_DIR or .howdah.\n",
          out);
}

static json_t *verb_json(const struct verb *verb)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:o}", "command", verb->word, "operands", verb->operands,
                     "summary", verb->summary, "example", verb->example, "options",
                     options_json(verb));
}

static json_t *verbs_json(void)
{
    json_t *list = json_array();

    for (size_t i = 0; i < VERB_COUNT; i++)
        json_array_append_new(list, verb_json(&verbs[i]));
    return list;
}

int cmd_help(struct cli *cli, struct err *err)
{
    const struct verb *verb = cli->operand_count ? verb_find(cli->operands[0]) : NULL;

    if (cli->operand_count && !verb)
        return err_set(err, ERR_input_invalid,
                       "no command is called \"%s\"; howdah help lists them", cli->operands[0]);
    if (cli->options.json)
        output_json(verb ? verb_json(verb) : verbs_json());
    else if (verb)
        options_help(verb);
    else
        usage_print(stdout);
    return EXIT_OK;
}
