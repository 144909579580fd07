/* SPDX-License-Identifier: PostgreSQL */
/* Reading the command line, and the one value that conf does not know: cpus with decimals. */
#include "frameworks/wordcount/options.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "base/conf.h"

static const struct conf_option rows[] = {
#define CONF_OPTION(field, type_, name_, short_name_, preset_, min_, max_, value_name_, help_)     \
    {.name = name_,                                                                                \
     .short_name = short_name_,                                                                    \
     .type = CONF_##type_,                                                                         \
     .offset = offsetof(struct options, field),                                                    \
     .preset = preset_,                                                                            \
     .min = min_,                                                                                  \
     .max = max_,                                                                                  \
     .value_name = value_name_,                                                                    \
     .help = help_},
#include "options.def"
#undef CONF_OPTION
};

static const struct conf_spec spec = {
    .program = "wordcount",
    .synopsis = "[OPTION]... [FILE|DIRECTORY]...",
    .summary = "Count the words of many files with map tasks and a reduce task on a Howdah cell.\n"
               "Without operands: the texts that Debian ships in /usr/share.",
    .options = rows,
    .option_count = sizeof(rows) / sizeof(rows[0]),
};

int options_parse_cpus(const char *text, int64_t *milli, struct err *err)
{
    int64_t value = 0;
    int places = -1; /* digits after the point; -1 before it */
    const char *at = text;

    for (; *at != '\0' && value < INT32_MAX && places < 4; at++) {
        if (*at == '.' && places < 0) {
            places = 0;
            continue;
        }
        if (!isdigit((unsigned char)*at))
            break;
        value = value * 10 + (*at - '0');
        places += places >= 0;
    }
    for (int i = places < 0 ? 0 : places; i < 3; i++)
        value *= 10;
    if (*at != '\0' || places > 3 || value < 1 || value > 1000000000)
        return err_set(err, ERR_input_invalid,
                       "option \"cpus\", value \"%.32s\": expected 0.001 to 1000000, at most three "
                       "decimals",
                       text);
    *milli = value;
    return 0;
}

int options_load(struct options *options, int argc, char **argv, int *operand, struct err *err)
{
    int outcome = conf_load(&spec, options, argc, argv, operand, err);

    if (outcome != 0)
        return outcome;
    if (options->db == NULL || options->db[0] == '\0') {
        options_free(options);
        return err_set(err, ERR_input_invalid, "option \"db\" is missing (or set HOWDAH_DB)");
    }
    if (options_parse_cpus(options->cpus, &options->cpus_milli, err) == 0)
        return 0;
    options_free(options);
    return -1;
}

void options_free(struct options *options)
{
    conf_free(&spec, options);
}
