/* SPDX-License-Identifier: PostgreSQL */
/* howdah-executor META-DIR NEWS-FILE LOCK-FD: started by howdah-agent, once per task, in a session
 * of its own, with the locked lock file as LOCK-FD. Not for people. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/executor.h"
#include "base/log.h"
#include "base/version.h"

int main(int argc, char **argv)
{
    struct executor_place place;
    struct err err = {0};

    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("howdah-executor %s\n", HOWDAH_VERSION);
        return 0;
    }
    if (argc != 4) {
        fprintf(stderr,
                "usage: howdah-executor META-DIR NEWS-FILE LOCK-FD (howdah-agent runs it)\n");
        return 2;
    }
    log_init("executor", LOG_LEVEL_INFO);
    place = (struct executor_place){
        .meta_dir = argv[1], .news_path = argv[2], .lock_fd = (int)strtol(argv[3], NULL, 10)};
    if (fcntl(place.lock_fd, F_SETFD, FD_CLOEXEC) != 0) {
        log_error("the lock was not handed over fd=%s", argv[3]);
        return 2;
    }
    if (executor_run(&place, &err) != 0) {
        log_err(LOG_LEVEL_ERROR, &err, "task not run");
        return 1;
    }
    return 0;
}
