# SPDX-License-Identifier: PostgreSQL
# A cell of docker/ for a test (bash): docker-compose or compose v2, whichever there is. Source it.
#
#   cell_use FOLDER               quick or ha; a project of its own name, on free ports
#   cell_up                       starts it and waits until every service is healthy
#   cell_down [OPTION]...         ends it; -v: with its volumes
#   compose ARGUMENT...           of that cell
#   container SERVICE             prints its id
#   container_kill SERVICE        SIGKILL; it stays down until container_start
#   client COMMAND...             in the service client, as login operator
#   sql SQL                       rows as a|b text, as login operator
#   work_start NAME COMMAND...    the client's COMMAND in the background
#   work_end NAME                 waits; exit code in $CODE, output in $OUT
#   tasks_run COUNT               so many tasks run
#   tasks_finished IDS            how many of them are finished, by the database
#   agent_busy NAME, agent_active NAME
#   http PATH [PORT]              prints an answer of the cell's page
#
# Needs $WORK and images.sh.

COMPOSE=()
CELL=

compose_need() {
    if docker compose version >/dev/null 2>&1; then
        COMPOSE=(docker compose)
    elif command -v docker-compose >/dev/null; then
        COMPOSE=(docker-compose)
    else
        skip_all "there is neither \"docker compose\" nor docker-compose here: make deps-docker"
    fi
    diag "$("${COMPOSE[@]}" version | head -n 1)"
}

port_free() { # FIRST: prints a port of loopback that nobody uses
    local port
    for port in $(seq "$1" 18999); do
        (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { printf '%s' "$port"; return; }
    done
}

cell_use() { # FOLDER
    CELL=$1
    export COMPOSE_PROJECT_NAME=howdah-test-$1-$$ HOWDAH_IMAGES=$IMAGES HOWDAH_BASE=$BASE
    HOWDAH_HTTP_PORT=$(port_free 18080)
    HOWDAH_HTTP_PORT_2=$(port_free $((HOWDAH_HTTP_PORT + 1)))
    export HOWDAH_HTTP_PORT HOWDAH_HTTP_PORT_2
    export HOWDAH_NET=172.29.$(($$ % 100 * 2)) HOWDAH_NET_DCS=172.29.$(($$ % 100 * 2 + 1))
}

compose() { (cd "docker/$CELL" && exec "${COMPOSE[@]}" "$@"); }

container() {
    docker ps -aq --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" \
        --filter "label=com.docker.compose.service=$1" --filter label=com.docker.compose.oneoff=False
}

# NAME STATUS HEALTH EXITCODE of each container of the cell.
containers_state() {
    docker ps -aq --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" | xargs -r docker inspect --format \
        '{{.Name}} {{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{else}}-{{end}} {{.State.ExitCode}}'
}

# What has a health check is healthy; what has none has done its work.
cell_healthy() {
    containers_state | awk '
        { seen = 1 }
        $3 == "-" ? $2 != "exited" || $4 != 0 : $3 != "healthy" { bad = 1 }
        END { exit bad || !seen }'
}

cell_up() {
    compose up -d --no-build >"$WORK/up-$CELL.log" 2>&1 &&
        wait_until "${1:-180}" "every service of $CELL is healthy" cell_healthy && return
    tail -n 10 "$WORK/up-$CELL.log" | sed 's/^/# /' >&2
    containers_state | sed 's/^/# /' >&2
    compose logs --no-color --tail 15 2>&1 | sed 's/^/# /' >&2
    return 1
}

cell_down() {
    [ -n "$CELL" ] || return 0
    compose logs --no-color --timestamps >"$WORK/$CELL.log" 2>&1
    compose down --remove-orphans "$@" >"$WORK/down-$CELL.log" 2>&1 || return
    [ "${1:-}" != -v ] || CELL=
}

container_kill() { docker kill --signal KILL "$(container "$1")" >/dev/null; }
container_start() { docker start "$(container "$1")" >/dev/null; }

container_healthy() {
    [ "$(docker inspect --format '{{.State.Health.Status}}' "$(container "$1")")" = healthy ]
}

client() { docker exec -i "$(container client)" "$@"; }

sql() {
    client sh -c 'exec psql -X -q -A -t -v ON_ERROR_STOP=1 \
        -d "$HOWDAH_DB target_session_attrs=read-write" -c "$1"' - "$1"
}

declare -A WORKING=()

work_start() { # NAME COMMAND...
    local name=$1
    shift
    client "$@" >"$WORK/$name.out" 2>"$WORK/$name.err" </dev/null &
    WORKING[$name]=$!
}

work_end() { # NAME
    CODE=0
    wait "${WORKING[$1]}" || CODE=$?
    OUT=$(<"$WORK/$1.out")
    [ "$CODE" -eq 0 ] || tail -n 5 "$WORK/$1.err" | sed 's/^/# /' >&2
}

tasks_run() { [ "$(sql "select count(*) from howdah.tasks where live and state = 'running'")" -ge "$1" ]; }

tasks_finished() {
    sql "select count(*) from howdah.tasks where state = 'finished' and task_id = any ('{$(paste -sd, <<<"$1")}')"
}

agent_busy() {
    [ "$(sql "select count(*) from howdah.tasks t join howdah.agents a on a.agent_id = t.agent_id
              where t.live and a.name = '$1'")" -gt 0 ]
}

agent_active() { [ "$(sql "select string_agg(state::text, ',') from howdah.agents where name = '$1'")" = active ]; }

http() { # PATH [PORT]
    exec 5<>"/dev/tcp/127.0.0.1/${2:-$HOWDAH_HTTP_PORT}" || return
    printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$1" >&5
    cat <&5
    exec 5<&-
}
