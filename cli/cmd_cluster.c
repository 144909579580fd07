/* SPDX-License-Identifier: PostgreSQL */
/* howdah up, down, status: the development cluster. The work is done by devcluster.sh, which this
 * process becomes; it is told where the programs and the SQL files lie, so that it need not guess.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cell.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/paths.h"

/* Runs devcluster.sh with these arguments (NULL-terminated, [0] is the script's path) and returns
 * its exit code. quiet: what it says is no output of ours. */
static int script_run(char *const *argv, bool quiet, struct err *err)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        if (quiet)
            dup2(STDERR_FILENO, STDOUT_FILENO);
        execv(argv[0], argv);
        perror(argv[0]);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return err_set_errno(err, ERR_io_failed, "cannot run %s", argv[0]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
}

static int devcluster(const struct cli *cli, const char *verb, const char *option, char *value,
                      struct err *err)
{
    CLEANUP_FREE char *script = path_of_devcluster(err);
    CLEANUP_FREE char *programs = script ? path_of_programs(err) : NULL;
    CLEANUP_FREE char *sql = programs ? path_of_sql(err) : NULL;
    char *argv[] = {script, (char *)verb, cli->options.dir, (char *)option, value, NULL};
    bool quiet = cli->options.json && cli->verb->id != VERB_status;

    if (!sql)
        return -1;
    setenv("HOWDAH_BIN", programs, 0);
    setenv("HOWDAH_SQL", sql, 0);
    return script_run(argv, quiet, err);
}

static void up_print(const struct cli *cli, const char *http)
{
    long long count = cli->options.agents;

    if (cli->options.json)
        output_json(json_pack("{s:s, s:I, s:s?}", "dir", cli->options.dir, "agents",
                              (json_int_t)count, "http", http));
    else
        printf("The cluster in %s is up: PostgreSQL, a coordinator, %lld agent%s.\n"
               "UI: %s\nTry: howdah agents; howdah run -- hostname; stop it with: howdah down\n",
               cli->options.dir, count, count == 1 ? "" : "s", http ? http : "-");
}

int cmd_up(struct cli *cli, struct err *err)
{
    CLEANUP_FREE char *count = mem_printf("%lld", (long long)cli->options.agents);
    CLEANUP_FREE char *http = NULL;
    int rc = devcluster(cli, "start", "--agents", count, err);

    if (rc != EXIT_OK)
        return rc;
    http = cell_env(cli, "HOWDAH_HTTP");
    up_print(cli, http);
    return EXIT_OK;
}

int cmd_down(struct cli *cli, struct err *err)
{
    bool keep = cli->options.keep;
    int rc = devcluster(cli, keep ? "stop" : "remove", NULL, NULL, err);

    if (rc == EXIT_OK && cli->options.json)
        output_json(json_pack("{s:s, s:b}", "dir", cli->options.dir, "removed", !keep));
    else if (rc == EXIT_OK)
        printf("The cluster in %s is stopped%s.\n", cli->options.dir,
               keep ? "; its data stays" : " and removed");
    return rc;
}

int cmd_status(struct cli *cli, struct err *err)
{
    return devcluster(cli, "status", cli->options.json ? "--json" : NULL, NULL, err);
}
