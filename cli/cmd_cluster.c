/* SPDX-License-Identifier: PostgreSQL */
/* howdah up, down, status: the development cluster. The work is done by devcluster.sh, which this
 * process becomes; it is told where the programs and the SQL files lie, so that it need not guess.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cell.h"
#include "cli/cli.h"
#include "cli/paths.h"

/* Runs devcluster.sh with these arguments (NULL-terminated, [0] is the script's path) and returns
 * its exit code. */
static int script_run(char *const *argv, struct err *err)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
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

    if (!sql)
        return -1;
    setenv("HOWDAH_BIN", programs, 0);
    setenv("HOWDAH_SQL", sql, 0);
    return script_run(argv, err);
}

int cmd_up(struct cli *cli, struct err *err)
{
    CLEANUP_FREE char *count = mem_printf("%lld", (long long)cli->options.agents);
    CLEANUP_FREE char *http = NULL;
    int rc = devcluster(cli, "start", "--agents", count, err);

    if (rc != EXIT_OK)
        return rc;
    http = cell_env(cli, "HOWDAH_HTTP");
    printf("The cluster in %s is up: PostgreSQL, a coordinator, %s agent%s.\n"
           "UI: %s\nTry: howdah agents; howdah run -- hostname; stop it with: howdah down\n",
           cli->options.dir, count, strcmp(count, "1") == 0 ? "" : "s", http ? http : "-");
    return EXIT_OK;
}

int cmd_down(struct cli *cli, struct err *err)
{
    int rc = devcluster(cli, cli->options.keep ? "stop" : "remove", NULL, NULL, err);

    if (rc == EXIT_OK)
        printf("The cluster in %s is stopped%s.\n", cli->options.dir,
               cli->options.keep ? "; its data stays" : " and removed");
    return rc;
}

int cmd_status(struct cli *cli, struct err *err)
{
    return devcluster(cli, "status", NULL, NULL, err);
}
