/* SPDX-License-Identifier: PostgreSQL */
/* howdah VERB [OPTION]... [OPERAND]...
 *
 * main finds the verb, reads its options, checks the number of operands and runs its cmd_*
 * function, which returns an exit code or fails with an error. The error is printed here and
 * nowhere else; its code decides the exit code (cli.h). */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/output.h"

static int operands_check(const struct cli *cli, struct err *err)
{
    const struct verb *verb = cli->verb;

    if (cli->operand_count < verb->least)
        return err_set(err, ERR_input_invalid, "an operand is missing: howdah %s %s", verb->word,
                       verb->operands);
    if (verb->most >= 0 && cli->operand_count > verb->most)
        return err_set(err, ERR_input_invalid, "argument \"%s\" is one too many: howdah %s %s",
                       cli->operands[verb->most], verb->word, verb->operands);
    return 0;
}

static int exit_code_of(const struct verb *verb, const struct err *err)
{
    if (err->code == ERR_input_invalid)
        return EXIT_USAGE;
    if (verb->id == VERB_run)
        return EXIT_TROUBLE;
    switch (err->code) {
    case ERR_not_connected:
    case ERR_connection_failed:
    case ERR_connection_lost:
    case ERR_deadline_passed:
    case ERR_commit_unconfirmed:
    case ERR_read_only:
    case ERR_server_stale:
    case ERR_auth_failed:
    case ERR_auth_refused:
    case ERR_database_missing:
    case ERR_schema_missing:
    case ERR_schema_newer:
    case ERR_schema_older: return EXIT_UNREACHABLE;
    default: return EXIT_FAILED;
    }
}

/* What the message lacks. */
static const char *hint_of(const struct err *err)
{
    return err->code == ERR_read_only ? ": give --db the primary, or all servers (host=a,b,c)" : "";
}

static void error_print(const struct cli *cli, const struct err *err)
{
    CLEANUP_FREE char *text = mem_printf("%s%s", err->text, hint_of(err));
    const char *code = err_code_name(err->code);

    if (!cli->options.json)
        fprintf(stderr, "howdah %s: %s (%s)\n", cli->verb->word, text, code);
    else
        output_json_line(stderr, json_pack("{s:{s:s, s:o}}", "error", "code", code, "message",
                                           output_text_json(text, strlen(text))));
}

static int verb_run(const struct verb *verb, int argc, char **argv)
{
    struct cli cli = {.verb = verb};
    struct err err = {0};
    int operand = argc, rc;

    rc = options_load(verb, &cli.options, argc, argv, &operand, &err);
    if (rc > 0)
        return EXIT_OK;
    if (rc == 0) {
        cli.operand_count = argc - operand;
        cli.operands = argv + operand;
        rc = operands_check(&cli, &err);
    }
    if (rc == 0)
        rc = verb->run(&cli, &err);
    if (rc < 0)
        error_print(&cli, &err);
    PQfinish(cli.conn);
    options_free(verb, &cli.options);
    return rc < 0 ? exit_code_of(verb, &err) : rc;
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "help";
    const struct verb *verb;
    int rc;

    setlocale(LC_CTYPE, "");
    log_init("howdah", LOG_LEVEL_WARN);
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        word = "help";
    else if (strcmp(word, "--version") == 0)
        word = "version";
    verb = verb_find(word);
    if (!verb) {
        fprintf(stderr, "howdah: no command is called \"%s\"; howdah help lists them\n", word);
        return EXIT_USAGE;
    }
    rc = argc > 1 ? verb_run(verb, argc - 1, argv + 1) : verb_run(verb, 1, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("howdah: cannot write the output");
        return rc ? rc : EXIT_FAILED;
    }
    return rc;
}
