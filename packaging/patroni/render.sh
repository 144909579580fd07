#!/bin/sh
# SPDX-License-Identifier: PostgreSQL
#
# Prints Patroni's configuration for one server: patroni.yml.in with values from the environment.
#
#   NAME=pg1 ADDRESS=10.0.0.1 ETCD_HOSTS=10.0.0.9:2379 SUPERUSER_PASSWORD=… REPLICATION_PASSWORD=… \
#       REWIND_PASSWORD=… REST_PASSWORD=… NETWORK=10.0.0.0/24 packaging/patroni/render.sh >patroni.yml
#
# Needed: NAME (of this server), ADDRESS (as the others reach it), ETCD_HOSTS (host:port, host:port, …),
# NETWORK (who may log in, as in pg_hba.conf), the four passwords; the same on every server but the first two.
# Preset: SCOPE howdah, PORT 5432, REST_PORT 8008, DATA_DIR /var/lib/postgresql/VERSION/SCOPE,
# BIN_DIR (the newest PostgreSQL), SOCKET_DIR /var/run/postgresql, PGPASS (a file that Patroni writes)
# /var/lib/postgresql/.pgpass.patroni, SUPERUSER postgres, MAX_CONNECTIONS 200, WAL_KEEP_SIZE 1GB,
# WAL_KEEP_SIZE_MAX 8GB, TTL 10, LOOP_WAIT 2, RETRY_TIMEOUT 3, WATCHDOG automatic (off, required).
# PARAMETERS_EXTRA: further server settings of this server, "name: value" a line; INITDB_EXTRA: options of
# initdb, one a line.

set -u

fail() {
    echo "render.sh: $*" >&2
    exit 1
}

newest_bin() {
    for version in 18 17 16 15; do
        [ -x "/usr/lib/postgresql/$version/bin/postgres" ] && echo "/usr/lib/postgresql/$version/bin" && return
    done
}

: "${SCOPE:=howdah}" "${PORT:=5432}" "${REST_PORT:=8008}" "${BIN_DIR:=$(newest_bin)}" "${SUPERUSER:=postgres}"
version=$(basename "$(dirname "${BIN_DIR:-none/bin}")")
: "${DATA_DIR:=/var/lib/postgresql/$version/$SCOPE}" "${SOCKET_DIR:=/var/run/postgresql}"
: "${PGPASS:=/var/lib/postgresql/.pgpass.patroni}" "${MAX_CONNECTIONS:=200}"
: "${WAL_KEEP_SIZE:=1GB}" "${WAL_KEEP_SIZE_MAX:=8GB}" "${TTL:=10}" "${LOOP_WAIT:=2}" "${RETRY_TIMEOUT:=3}"
: "${WATCHDOG:=automatic}"
PARAMETERS_EXTRA=$(printf '%s\n' "${PARAMETERS_EXTRA:-}" | sed '/^$/d; s/^/    /')
INITDB_EXTRA=$(printf '%s\n' "${INITDB_EXTRA:-}" | sed '/^$/d; s/^/    - /')

template=$(dirname "$0")/patroni.yml.in
[ "$((LOOP_WAIT + 2 * RETRY_TIMEOUT))" -le "$TTL" ] ||
    fail "TTL, value $TTL: expected at least LOOP_WAIT + 2 * RETRY_TIMEOUT = $((LOOP_WAIT + 2 * RETRY_TIMEOUT))"

# One expression for each word; a value stands within single quotes in YAML, or alone on its line.
script=
for word in $(grep -o '@[A-Z_]*@' "$template" | sort -u | tr -d @); do
    eval "value=\${$word-}"
    case $word in
    *_EXTRA) [ -n "$value" ] || { script="$script
/^@$word@\$/d"; continue; } ;;
    *)
        [ -n "$value" ] || fail "$word is not set: expected a value in the environment"
        case $value in
        *"
"*) fail "$word: expected one line" ;;
        esac
        ;;
    esac
    # Single quotes are doubled, as YAML wants them; then what sed takes for itself gets a backslash.
    case $word in
    *_EXTRA) ;;
    *) value=$(printf '%s' "$value" | sed "s/'/''/g") ;;
    esac
    value=$(printf '%s' "$value" | sed 's/[\\&|]/\\&/g; $!s/$/\\/')
    script="$script
s|@$word@|$value|g"
done
exec sed -e "$script" "$template"
