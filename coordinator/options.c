/* SPDX-License-Identifier: PostgreSQL */
/* Options: the table of options.def handed to base/conf, then the checks that span two options. The
 * margin by which the lease's holder distrusts itself (lease.h) only makes sense when at least two
 * renewals fit into the lease's time, so lease-renew may be a third of lease-ttl at most. */
#include "coordinator/options.h"

#include <stddef.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/mem.h"

static const struct conf_option option_rows[] = {
#define CONF_OPTION(field, kind, name_, short_name_, preset_, min_, max_, value_name_, help_)      \
    {                                                                                              \
        .name = name_,                                                                             \
        .short_name = short_name_,                                                                 \
        .type = CONF_##kind,                                                                       \
        .offset = offsetof(struct options, field),                                                 \
        .preset = preset_,                                                                         \
        .min = min_,                                                                               \
        .max = max_,                                                                               \
        .value_name = value_name_,                                                                 \
        .help = help_,                                                                             \
    },
#include "coordinator/options.def"
#undef CONF_OPTION
};

static const struct conf_spec option_spec = {
    .program = "howdah-coordinator",
    .synopsis = "[OPTION]...",
    .summary =
        "Runs the cell's chores while it holds the lead, and serves the cell's state over HTTP.",
    .options = option_rows,
    .option_count = sizeof(option_rows) / sizeof(option_rows[0]),
    .stop_at_operand = false,
};

static int options_check(struct options *options, struct err *err)
{
    enum log_level level;

    if (!options->db || !options->db[0])
        return err_set(err, ERR_input_invalid, "option --db is missing: a PostgreSQL conninfo");
    if (log_level_parse(options->log_level, &level) < 0)
        return err_set(err, ERR_input_invalid,
                       "option --log-level, value \"%s\": expected debug, info, warn or error",
                       options->log_level);
    if (options->lease_renew_ms * 3 > options->lease_ttl_ms)
        return err_set(
            err, ERR_input_invalid,
            "option --lease-renew, value %lldms: expected at most a third of --lease-ttl "
            "(%lldms)",
            (long long)options->lease_renew_ms, (long long)options->lease_ttl_ms);
    return 0;
}

static void options_name(struct options *options)
{
    char host[256] = "";

    if (options->name && options->name[0])
        return;
    if (gethostname(host, sizeof(host) - 1) < 0 || !host[0])
        host[0] = '-';
    free(options->name);
    options->name = mem_strdup(host);
}

int options_load(struct options *options, int argc, char **argv, struct err *err)
{
    int operand = argc;
    int rc = conf_load(&option_spec, options, argc, argv, &operand, err);

    if (rc != 0)
        return rc;
    if (operand < argc)
        rc = err_set(err, ERR_input_invalid, "argument \"%s\": no operands are expected",
                     argv[operand]);
    else
        rc = options_check(options, err);
    if (rc < 0)
        options_free(options);
    else
        options_name(options);
    return rc;
}

void options_free(struct options *options)
{
    conf_free(&option_spec, options);
}
