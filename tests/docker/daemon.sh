# SPDX-License-Identifier: PostgreSQL
# The docker daemon of a test run (bash): the one that answers, else one of our own, on a private socket.
# Source it.
#
#   daemon_need             after it `docker` works, or the test is skipped and says why
#   daemon_stop             ends the daemon if it is ours; its images stay below $WORK for the next run
#
# Ours touches nothing of the host's: no default bridge, no firewall rule, no forwarding. Containers of one
# network reach each other, published ports go through docker's own proxy, and nothing leads
# outside. Only where the firewall drops what is forwarded it must write rules of its own.
#
# Needs $WORK, a directory.

DAEMON_PID=

daemon_missing() { # prints the first program that is missing
    local program
    for program in dockerd containerd iptables; do
        command -v "$program" >/dev/null || { printf "%s" "$program"; return; }
    done
}

daemon_options() {
    printf '%s\n' --bridge=none
    iptables -S FORWARD 2>/dev/null | grep -q -- '-P FORWARD DROP' ||
        printf '%s\n' --iptables=false --ip-masq=false --ip-forward=false
}

# The kernel allows about 100 characters for a socket's path: it and what belongs to it lie in /tmp.
daemon_start() { # [OPTION]...
    DAEMON_RUN=$(mktemp -d /tmp/howdah-docker.XXXXXX) || return
    export DOCKER_HOST=unix://$DAEMON_RUN/docker.sock
    # shellcheck disable=SC2046
    setsid dockerd --host "$DOCKER_HOST" --data-root "$WORK/data" --exec-root "$DAEMON_RUN/exec" \
        --pidfile "$DAEMON_RUN/pid" $(daemon_options) "$@" >"$WORK/dockerd.log" 2>&1 </dev/null &
    DAEMON_PID=$!
    wait_until 60 "dockerd answers, or has ended" daemon_settled
    docker info >/dev/null 2>&1 && return
    daemon_stop
    return 1
}

daemon_settled() { docker info || ! kill -0 "$DAEMON_PID"; }

daemon_gone() { ! kill -0 "$DAEMON_PID"; }

daemon_stop() {
    [ -n "$DAEMON_PID" ] || return 0
    kill "$DAEMON_PID" 2>/dev/null
    wait_until 60 "dockerd has stopped" daemon_gone || kill -KILL "$DAEMON_PID"
    DAEMON_PID=
    umount "$DAEMON_RUN"/exec/netns/* 2>/dev/null
    rm -rf --one-file-system "$DAEMON_RUN"
    unset DOCKER_HOST
}

daemon_need() {
    local missing
    command -v docker >/dev/null ||
        skip_all "there is no docker here: make deps-docker installs it on Debian and Ubuntu"
    docker info >/dev/null 2>&1 && return
    [ "$(id -u)" -eq 0 ] || skip_all "no docker daemon answers, and only root can start one"
    missing=$(daemon_missing)
    [ -z "$missing" ] ||
        skip_all "no docker daemon answers, and there is no $missing to start one: make deps-docker"
    diag "no docker daemon answers: starting one on a private socket, data in $WORK/data"
    daemon_start || daemon_start --storage-driver=vfs ||
        skip_all "dockerd does not start here: $(grep -o 'failed to start daemon.*' "$WORK/dockerd.log" | tail -n 1)"
}
