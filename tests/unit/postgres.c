/* SPDX-License-Identifier: PostgreSQL */
/* See postgres.h. initdb and pg_ctl are run through the shell with arguments made here, never with
 * text from outside. */
#include "tests/unit/postgres.h"

#include <glob.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char postgres_dir[64];   /* "/tmp/howdah-unit.XXXXXX" */
static char postgres_bin[256];  /* folder of initdb and pg_ctl */
static const char *postgres_as; /* prefix that changes the user, or "" */

static bool postgres_run(const char *command)
{
    int status = system(command);

    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Data directory and socket folder of each server, below postgres_dir. */
static const char *const postgres_data[] = {
    [POSTGRES_FIRST] = "data",
    [POSTGRES_SECOND] = "standby/data",
};

static bool postgres_ctl(enum postgres_server server, const char *what)
{
    char command[1024];

    snprintf(command, sizeof command,
             "cd '%s' && %s '%s/pg_ctl' -D '%s/%s' -w -t 60 -l '%s/log' %s >/dev/null 2>&1",
             postgres_dir, postgres_as, postgres_bin, postgres_dir, postgres_data[server],
             postgres_socket(server), what);
    return postgres_run(command);
}

bool postgres_installed(void)
{
    glob_t found;
    bool ok = glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) == 0;

    if (ok) {
        const char *path = found.gl_pathv[found.gl_pathc - 1];

        snprintf(postgres_bin, sizeof postgres_bin, "%.*s", (int)(strrchr(path, '/') - path), path);
        globfree(&found);
    }
    return ok;
}

static bool postgres_init(void)
{
    const struct passwd *user = getpwnam("postgres");
    char command[1024];

    if (!getuid() && !user)
        return false;
    postgres_as = getuid() ? "" : "setpriv --reuid=postgres --regid=postgres --init-groups";
    snprintf(postgres_dir, sizeof postgres_dir, "/tmp/howdah-unit.XXXXXX");
    if (!mkdtemp(postgres_dir))
        return false;
    if (!getuid() && chown(postgres_dir, user->pw_uid, user->pw_gid) < 0)
        return false;
    snprintf(command, sizeof command,
             "cd '%s' && %s '%s/initdb' -D data -U postgres -A trust -N -E UTF8 --locale=C "
             ">initdb.log 2>&1",
             postgres_dir, postgres_as, postgres_bin);
    return postgres_run(command);
}

const char *postgres_socket(enum postgres_server server)
{
    static char standby[80];

    if (server == POSTGRES_FIRST)
        return postgres_dir;
    snprintf(standby, sizeof standby, "%s/standby", postgres_dir);
    return standby;
}

bool postgres_up_of(enum postgres_server server)
{
    char what[256];

    snprintf(what, sizeof what,
             "start -o \"-c listen_addresses= -c unix_socket_directories=%s -c fsync=off\"",
             postgres_socket(server));
    return postgres_ctl(server, what);
}

bool postgres_down_of(enum postgres_server server)
{
    postgres_signal(server, SIGCONT);
    return postgres_ctl(server, "stop -m immediate");
}

bool postgres_up(void)
{
    return postgres_up_of(POSTGRES_FIRST);
}

bool postgres_down(void)
{
    return postgres_down_of(POSTGRES_FIRST);
}

void postgres_signal(enum postgres_server server, int signo)
{
    char path[128];
    FILE *file;
    int pid;

    snprintf(path, sizeof path, "%s/%s/postmaster.pid", postgres_dir, postgres_data[server]);
    file = fopen(path, "re");
    if (file && fscanf(file, "%d", &pid) == 1 && pid > 1)
        kill(pid, signo);
    if (file)
        fclose(file);
}

bool postgres_standby_start(void)
{
    char command[1024];

    postgres_down_of(POSTGRES_SECOND);
    snprintf(command, sizeof command,
             "cd '%s' && rm -rf standby && %s mkdir standby && %s '%s/pg_basebackup' -h '%s' "
             "-U postgres -D standby/data -R -X stream -c fast -N >standby.log 2>&1",
             postgres_dir, postgres_as, postgres_as, postgres_bin, postgres_dir);
    return postgres_run(command) && postgres_up_of(POSTGRES_SECOND);
}

bool postgres_start(void)
{
    if (postgres_installed() && postgres_init() && postgres_up())
        return true;
    fprintf(stderr, "no private PostgreSQL could be started (%s)\n",
            postgres_dir[0] ? postgres_dir : "no initdb in /usr/lib/postgresql");
    return false;
}

void postgres_stop(void)
{
    char command[128];

    if (!postgres_dir[0])
        return;
    postgres_down_of(POSTGRES_SECOND);
    postgres_down();
    snprintf(command, sizeof command, "rm -rf '%s'", postgres_dir);
    postgres_run(command);
}

const char *postgres_conninfo(const char *more)
{
    static char conninfo[512];

    snprintf(conninfo, sizeof conninfo, "host=%s user=postgres dbname=postgres %s", postgres_dir,
             more);
    return conninfo;
}

char *postgres_sql_on(enum postgres_server server, const char *sql)
{
    char conninfo[256];
    PGconn *conn;
    PGresult *result;
    ExecStatusType status;
    char *field = NULL;

    snprintf(conninfo, sizeof conninfo, "host=%s user=postgres dbname=postgres",
             postgres_socket(server));
    conn = PQconnectdb(conninfo);
    result = PQexec(conn, sql);
    status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        fprintf(stderr, "%s: %s\n", sql, PQerrorMessage(conn));
        abort();
    }
    if (status == PGRES_TUPLES_OK && PQntuples(result) && !PQgetisnull(result, 0, 0))
        field = strdup(PQgetvalue(result, 0, 0));
    PQclear(result);
    PQfinish(conn);
    return field;
}

char *postgres_sql(const char *sql)
{
    return postgres_sql_on(POSTGRES_FIRST, sql);
}
