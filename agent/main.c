/* SPDX-License-Identifier: PostgreSQL */
/* howdah-agent: see docs/man/howdah-agent.8.md.
 * SIGTERM, SIGINT  exit; tasks run on unless kill-on-exit is set
 * SIGUSR1          kill the tasks, report that, exit
 * Exit status: 0 stopped, 1 could not start or was refused, 3 fenced. */
#include <signal.h>
#include <sys/resource.h>

#include "agent/agent.h"
#include "agent/options.h"
#include "agent/transport_db.h"
#include "base/log.h"
#include "base/loop.h"

enum { EXIT_OK, EXIT_FAILED, EXIT_FENCED = 3 };

struct program {
    struct options options;
    struct event_base *base;
    struct agent *agent;
};

static const int signals[] = {SIGTERM, SIGINT, SIGUSR1};

#define SIGNAL_COUNT (sizeof(signals) / sizeof(signals[0]))

static void signal_caught(int signo, void *arg)
{
    struct program *program = arg;

    agent_stop(program->agent, signo == SIGUSR1 || program->options.kill_on_exit);
}

/* Each live task holds one descriptor. Tasks themselves get the usual limit back. */
static void open_files_raise(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &files) != 0)
            log_warn("cannot raise the limit of open files");
    }
}

static int options_load(struct options *options, int argc, char **argv, struct err *err)
{
    enum log_level level;
    int operand = argc;
    int rc = conf_load(&options_spec, options, argc, argv, &operand, err);

    if (rc != 0)
        return rc;
    if (operand < argc)
        return err_set(err, ERR_input_invalid, "operand \"%.64s\": expected options only",
                       argv[operand]);
    if (log_level_parse(options->log_level, &level) != 0)
        return err_set(err, ERR_input_invalid,
                       "option \"log-level\", value \"%.32s\": expected debug, info, warn or error",
                       options->log_level);
    log_init("agent", level);
    return options_complete(options, err);
}

static int agent_loop(struct program *program)
{
    event_base_dispatch(program->base);
    enum agent_end end = agent_ended(program->agent);
    agent_destroy(program->agent);
    return end == AGENT_STOPPED ? EXIT_OK : end == AGENT_FENCED ? EXIT_FENCED : EXIT_FAILED;
}

/* Signals are caught before tasks are adopted: SIGUSR1's own effect would leave them running. */
static int agent_run(struct program *program, struct err *err)
{
    struct event *caught[SIGNAL_COUNT];
    struct transport *transport =
        transport_db_create(program->base, program->options.db, program->options.name, err);

    if (transport == NULL)
        return EXIT_FAILED;
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        caught[i] = loop_signal(program->base, signals[i], signal_caught, program);
    program->agent = agent_create(program->base, &program->options, transport, err);
    int rc = program->agent != NULL ? agent_loop(program) : EXIT_FAILED;
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        event_free(caught[i]);
    return rc;
}

int main(int argc, char **argv)
{
    struct program program = {.base = NULL};
    struct err err = {0};

    log_init("agent", LOG_LEVEL_INFO);
    int rc = options_load(&program.options, argc, argv, &err);
    if (rc == 0) {
        signal(SIGPIPE, SIG_IGN);
        open_files_raise();
        program.base = event_base_new();
        rc = agent_run(&program, &err);
        event_base_free(program.base);
    } else {
        rc = rc > 0 ? EXIT_OK : EXIT_FAILED;
    }
    if (err.code != ERR_none)
        log_err(LOG_LEVEL_ERROR, &err, "not started");
    conf_free(&options_spec, &program.options);
    libevent_global_shutdown();
    return rc;
}
