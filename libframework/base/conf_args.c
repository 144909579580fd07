/* SPDX-License-Identifier: PostgreSQL */
/* The command line: long and short options, --help, --version and --config. The arguments are
 * walked twice: first for the three built-in ones (help must work however wrong the rest is, and
 * the file must be read before the options that overrule it), then for the values. The second walk
 * moves operands that stand between options behind them, so that the caller finds all of them in a
 * row. */
#include <stdio.h>
#include <string.h>

#include "base/conf_internal.h"
#include "base/mem.h"
#include "base/version.h"

#define CONF_SHOWN_MAX   64 /* an option as it is shown in messages */
#define CONF_HELP_COLUMN 30 /* where the help texts start */

const struct conf_option *conf_find(const struct conf_spec *spec, const char *name, size_t len)
{
    for (size_t i = 0; i < spec->option_count; i++)
        if (strlen(spec->options[i].name) == len && !strncmp(spec->options[i].name, name, len))
            return &spec->options[i];
    return NULL;
}

static const struct conf_option *conf_find_short(const struct conf_spec *spec, char name)
{
    for (size_t i = 0; i < spec->option_count; i++)
        if (spec->options[i].short_name && spec->options[i].short_name == name)
            return &spec->options[i];
    return NULL;
}

/* One argument of argv, taken apart. */
struct conf_arg {
    const struct conf_option *option; /* NULL for --help, --version, --config */
    const char *builtin;              /* "help", "version", "config" or NULL */
    const char *value;                /* NULL if it is the next argument, or none is needed */
    char shown[CONF_SHOWN_MAX];       /* "--name" or "-n", for messages */
};

static int conf_split_long(const struct conf_spec *spec, const char *text, struct conf_arg *arg,
                           struct err *err)
{
    static const char *const builtins[] = {"help", "version", "config"};
    size_t len = strcspn(text, "=");

    snprintf(arg->shown, sizeof arg->shown, "--%.*s", (int)(len < 60 ? len : 60), text);
    arg->value = text[len] == '=' ? text + len + 1 : NULL;
    arg->option = conf_find(spec, text, len);
    for (size_t i = 0; !arg->option && i < sizeof builtins / sizeof builtins[0]; i++)
        if (strlen(builtins[i]) == len && !strncmp(builtins[i], text, len))
            arg->builtin = builtins[i];
    if (!arg->option && !arg->builtin)
        return err_set(err, ERR_input_invalid, "no option is called %s; try --help", arg->shown);
    return 0;
}

static int conf_split_short(const struct conf_spec *spec, const char *text, struct conf_arg *arg,
                            struct err *err)
{
    snprintf(arg->shown, sizeof arg->shown, "-%c", text[0]);
    arg->value = text[1] ? text + 1 : NULL;
    arg->option = conf_find_short(spec, text[0]);
    if (!arg->option && text[0] == 'h' && !text[1])
        arg->builtin = "help";
    if (arg->option && arg->option->type == CONF_BOOL && arg->value)
        return err_set(err, ERR_input_invalid, "option -%s: expected one short option", text);
    if (!arg->option && !arg->builtin)
        return err_set(err, ERR_input_invalid, "no option is called %s; try --help", arg->shown);
    return 0;
}

/* Take argv[*at] apart and fetch a value that stands in the next argument; *at moves on. */
static int conf_next_arg(const struct conf_spec *spec, int argc, char **argv, int *at,
                         struct conf_arg *arg, struct err *err)
{
    const char *text = argv[(*at)++];
    bool flag;

    *arg = (struct conf_arg){0};
    if (text[1] == '-' ? conf_split_long(spec, text + 2, arg, err) < 0
                       : conf_split_short(spec, text + 1, arg, err) < 0)
        return -1;
    flag = arg->builtin ? strcmp(arg->builtin, "config") != 0 : arg->option->type == CONF_BOOL;
    if (arg->value && arg->builtin && flag)
        return err_set(err, ERR_input_invalid, "option %s: takes no value", arg->shown);
    if (arg->value)
        return 0;
    if (flag)
        arg->value = "true";
    else if (*at < argc)
        arg->value = argv[(*at)++];
    else
        return err_set(err, ERR_input_invalid, "option %s: needs a value", arg->shown);
    return 0;
}

static void conf_version(const struct conf_spec *spec)
{
    printf("%s %s (schema %d)\n", spec->program, HOWDAH_VERSION, HOWDAH_SCHEMA_VERSION);
}

/* Is argv[at] an option? Sets *rest when all that follows are operands. */
static bool conf_is_option(const struct conf_spec *spec, char **argv, int at, bool *rest)
{
    bool option = argv[at][0] == '-' && argv[at][1];

    if (option ? !strcmp(argv[at], "--") : spec->stop_at_operand)
        *rest = true;
    return option && !*rest;
}

int conf_args_scan(const struct conf_spec *spec, int argc, char **argv, const char **config,
                   struct err *err)
{
    struct conf_arg arg;
    bool rest = false;

    for (int at = 1; at < argc && !rest;) {
        if (!conf_is_option(spec, argv, at, &rest)) {
            at++;
            continue;
        }
        if (conf_next_arg(spec, argc, argv, &at, &arg, err) < 0)
            return -1;
        if (!arg.builtin)
            continue;
        if (!strcmp(arg.builtin, "config")) {
            *config = arg.value;
            continue;
        }
        if (!strcmp(arg.builtin, "help"))
            conf_help(spec, stdout);
        else
            conf_version(spec);
        return 1;
    }
    return 0;
}

int conf_args_take(const struct conf_spec *spec, void *target, int argc, char **argv, int *operand,
                   struct err *err)
{
    CLEANUP_FREE char **operands = mem_alloc(sizeof *operands * (size_t)(argc + 1));
    int operand_count = 0, option_end = 1;
    struct conf_arg arg;
    bool rest = false;

    for (int at = 1; at < argc;) {
        bool rest_before = rest;
        int from = at;

        if (rest || !conf_is_option(spec, argv, at, &rest)) {
            if (rest && !rest_before && !strcmp(argv[at], "--"))
                argv[option_end++] = argv[at++];
            else
                operands[operand_count++] = argv[at++];
            continue;
        }
        if (conf_next_arg(spec, argc, argv, &at, &arg, err) < 0)
            return -1;
        if (arg.option && conf_assign(arg.option, target, arg.value, err) < 0)
            return err_wrap(err, "option %s", arg.shown);
        while (from < at)
            argv[option_end++] = argv[from++];
    }
    memcpy(argv + option_end, operands, sizeof *operands * (size_t)operand_count);
    *operand = option_end;
    return 0;
}

static void conf_help_line(const char *left, const char *help, const char *preset, FILE *out)
{
    fprintf(out, "  %-*s", CONF_HELP_COLUMN - 2, left);
    if (strlen(left) > CONF_HELP_COLUMN - 4)
        fprintf(out, "\n%*s", CONF_HELP_COLUMN, "");
    fputs(help, out);
    if (preset && *preset)
        fprintf(out, " [%s]", preset);
    fputc('\n', out);
}

void conf_help(const struct conf_spec *spec, FILE *out)
{
    char left[160];

    fprintf(out, "Usage: %s %s\n%s\n\nOptions [default]:\n", spec->program, spec->synopsis,
            spec->summary);
    for (size_t i = 0; i < spec->option_count; i++) {
        const struct conf_option *option = &spec->options[i];
        char brief[8] = "    ";

        if (option->short_name)
            snprintf(brief, sizeof brief, "-%c, ", option->short_name);
        snprintf(left, sizeof left, "%s--%s%s%s", brief, option->name,
                 option->type == CONF_BOOL ? "" : "=",
                 option->type == CONF_BOOL ? ""
                 : option->value_name      ? option->value_name
                                           : "VALUE");
        conf_help_line(left, option->help, option->type == CONF_BOOL ? NULL : option->preset, out);
    }
    conf_help_line("    --config=PATH", "read options from this file (name = value lines)", NULL,
                   out);
    conf_help_line("    --help", "show this and exit", NULL, out);
    conf_help_line("    --version", "show the version and exit", NULL, out);
    fputs("\nEvery option may also be set in the environment: --some-name is HOWDAH_SOME_NAME.\n",
          out);
}
