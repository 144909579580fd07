/* SPDX-License-Identifier: PostgreSQL */
/* A verb's options are the rows of options.def that name it, handed to base/conf. */
#include "cli/options.h"

#include <stddef.h>

#include "base/conf.h"
#include "base/mem.h"

#define ON(verb)    (UINT64_C(1) << VERB_##verb)
#define ON_CLUSTER  (ON(up) | ON(down) | ON(status))
#define ON_ALL      UINT64_MAX
#define ON_DATABASE (~(ON_CLUSTER | ON(version) | ON(help)))

static const struct {
    uint64_t verbs;
    struct conf_option option;
} option_rows[] = {
#define CONF_OPTION(field, type_, name_, short_name_, preset_, min_, max_, value_name_, help_,     \
                    verbs_)                                                                        \
    {.verbs = (verbs_),                                                                            \
     .option = {                                                                                   \
         .name = name_,                                                                            \
         .short_name = short_name_,                                                                \
         .type = CONF_##type_,                                                                     \
         .offset = offsetof(struct options, field),                                                \
         .preset = preset_,                                                                        \
         .min = min_,                                                                              \
         .max = max_,                                                                              \
         .value_name = value_name_,                                                                \
         .help = help_,                                                                            \
     }},
#include "cli/options.def"
#undef CONF_OPTION
};

#define OPTION_COUNT (sizeof option_rows / sizeof option_rows[0])

/* A verb's share of the table, with the texts that --help shows. */
struct option_set {
    struct conf_option rows[OPTION_COUNT];
    struct conf_spec spec;
    char *program, *synopsis, *summary;
};

static void option_set_init(struct option_set *set, const struct verb *verb)
{
    size_t count = 0;

    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (option_rows[i].verbs & (UINT64_C(1) << verb->id))
            set->rows[count++] = option_rows[i].option;
    set->program = mem_printf("howdah %s", verb->word);
    set->synopsis = mem_printf("[OPTION]...%s%s", verb->operands[0] ? " " : "", verb->operands);
    set->summary = mem_printf("%s.\nExample: %s", verb->summary, verb->example);
    set->spec = (struct conf_spec){
        .program = set->program,
        .synopsis = set->synopsis,
        .summary = set->summary,
        .options = set->rows,
        .option_count = count,
        .stop_at_operand = verb->id == VERB_run,
    };
}

static void option_set_free(struct option_set *set)
{
    free(set->program);
    free(set->synopsis);
    free(set->summary);
}

int options_load(const struct verb *verb, struct options *options, int argc, char **argv,
                 int *operand, struct err *err)
{
    struct option_set set;
    int rc;

    option_set_init(&set, verb);
    rc = conf_load(&set.spec, options, argc, argv, operand, err);
    option_set_free(&set);
    return rc;
}

void options_free(const struct verb *verb, struct options *options)
{
    struct option_set set;

    option_set_init(&set, verb);
    conf_free(&set.spec, options);
    option_set_free(&set);
}

json_t *options_json(const struct verb *verb)
{
    static const char *const types[] = {
        [CONF_STRING] = "text", [CONF_INT] = "integer",  [CONF_DURATION] = "duration",
        [CONF_LIST] = "list",   [CONF_BOOL] = "boolean",
    };
    struct option_set set;
    json_t *list = json_array();

    option_set_init(&set, verb);
    for (size_t i = 0; i < set.spec.option_count; i++) {
        const struct conf_option *option = &set.rows[i];
        const char short_name[] = {option->short_name, '\0'};

        json_array_append_new(list,
                              json_pack("{s:s, s:s?, s:s, s:s?, s:s?, s:s}", "name", option->name,
                                        "short", option->short_name ? short_name : NULL, "type",
                                        types[option->type], "default", option->preset,
                                        "value_name", option->value_name, "help", option->help));
    }
    option_set_free(&set);
    return list;
}

void options_help(const struct verb *verb)
{
    struct option_set set;

    option_set_init(&set, verb);
    conf_help(&set.spec, stdout);
    option_set_free(&set);
}
