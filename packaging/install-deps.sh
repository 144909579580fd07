#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
#
# Installs what Howdah needs to be built and run and is not there yet.
#
#   packaging/install-deps.sh            to build, and for `make demo`
#   packaging/install-deps.sh --tests    and for `make check`, `make lint`, `make bench`
#   packaging/install-deps.sh --docker   what `make docker-test` needs, and nothing else
#   packaging/install-deps.sh --check    install nothing; name what is missing and fail if anything is
#
# Each need is checked by what it does (a header that compiles, a program that answers), so that a
# hand-made installation counts, too. On Debian and Ubuntu the missing ones are installed by apt-get, as
# root or through sudo. Elsewhere, or with neither root nor sudo, their names are printed and the exit
# code is 1; nothing is changed then.

set -u

PG_VERSIONS="15 16 17 18"

# need | Debian package | how to see that it is there. @V is PostgreSQL's major version.
NEEDS_BUILD='
C compiler          | gcc               | has gcc
C library headers   | libc6-dev         | header stdio.h
make                | make              | has make
pkg-config          | pkg-config        | has pkg-config
libpq               | libpq-dev         | library libpq
libevent            | libevent-dev      | library libevent
jansson             | libjansson-dev    | library jansson
libcgroup           | libcgroup-dev     | library libcgroup
PostgreSQL server   | postgresql-@V     | server
setpriv, setsid     | util-linux        | has setpriv
ps                  | procps            | has ps
python3             | python3           | has python3
psycopg2            | python3-psycopg2  | python_module psycopg2
'
NEEDS_TESTS='
cmocka              | libcmocka-dev     | library cmocka
prove               | perl              | has prove
pgTAP               | postgresql-@V-pgtap | extension pgtap
pg_prove            | libtap-parser-sourcehandler-pgtap-perl | has pg_prove
isolationtester     | postgresql-server-dev-@V | server_file pgxs/src/test/isolation/isolationtester
curl                | curl              | has curl
jq                  | jq                | has jq
git                 | git               | has git
clang               | clang             | has clang
clang-format        | clang-format      | has clang-format
clang-tidy          | clang-tidy        | has clang-tidy
ctags               | universal-ctags   | has ctags
Chromium            | chromium          | has chromium
QEMU                | qemu-system-x86   | has qemu-system-x86_64
static busybox      | busybox-static    | static_busybox
cpio                | cpio              | has cpio
ip                  | iproute2          | has ip
iptables            | iptables          | has iptables
libfaketime         | libfaketime       | shared_object faketime/libfaketime.so.1
etcd                | etcd-server       | has etcd
etcdctl             | etcd-client       | has etcdctl
Patroni             | patroni           | has patroni
'
NEEDS_DOCKER='
docker              | docker.io         | has docker
docker daemon       | docker.io         | has dockerd
firewall            | iptables          | has iptables
compose             | docker-compose    | compose
debootstrap         | debootstrap       | has debootstrap
'

say() { printf '%s\n' "$*"; }

# --- checks ------------------------------------------------------------------------------------

has() { command -v "$1" >/dev/null 2>&1; }
library() { has pkg-config && pkg-config --exists "$1"; }
header() { has gcc && echo "#include <$1>" | gcc -E -x c - >/dev/null 2>&1; }
python_module() { /usr/bin/python3 -c "import $1" 2>/dev/null || python3 -c "import $1" 2>/dev/null; }
shared_object() { compgen -G "/usr/lib/*-linux-gnu/$1" >/dev/null; }
compose() { docker compose version >/dev/null 2>&1 || has docker-compose; }
static_busybox() { has busybox && ! ldd "$(command -v busybox)" >/dev/null 2>&1; }

server_version() { # prints the newest installed major version, 15 or later
    local version found=""
    for version in $PG_VERSIONS; do
        [ -x "/usr/lib/postgresql/$version/bin/initdb" ] && found=$version
    done
    [ -n "$found" ] || found=$(postgres --version 2>/dev/null | sed -n 's/^[^0-9]*\([0-9]*\).*/\1/p')
    [ "${found:-0}" -ge 15 ] && printf '%s' "$found"
}

server() { [ -n "$(server_version)" ]; }
extension() { compgen -G "/usr/share/postgresql/$VERSION/extension/$1.control" >/dev/null; }
server_file() { compgen -G "/usr/lib/postgresql/$VERSION/lib/$1" >/dev/null; }

# --- what is missing ---------------------------------------------------------------------------

version_offered() { # prints the first version that apt can install
    local version
    for version in $PG_VERSIONS; do
        if has apt-cache && apt-cache show "postgresql-$version" >/dev/null 2>&1; then
            printf '%s' "$version"
            return
        fi
    done
    printf 15
}

missing_list() { # prints "need | package" for each need that is not met
    local need package check
    printf '%s' "$1" | while IFS='|' read -r need package check; do
        [ -n "$need" ] || continue
        # Words of the table, never input: splitting is wanted.
        # shellcheck disable=SC2086
        $check || printf '%s|%s\n' "${need%"${need##*[![:space:]]}"}" "${package//[[:space:]]/}"
    done
}

# --- installing --------------------------------------------------------------------------------

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

can_be_root() { [ "$(id -u)" -eq 0 ] || { has sudo && sudo -v; }; }

# Debian's server packages create and start a default cluster. Ours is private, so the packages are
# told not to, for the time of this installation only and unless a server is there already.
default_cluster_off() {
    server && return
    as_root mkdir -p /etc/postgresql-common/createcluster.d
    echo 'create_main_cluster = false' |
        as_root tee /etc/postgresql-common/createcluster.d/howdah-install.conf >/dev/null
}

default_cluster_on() { as_root rm -f /etc/postgresql-common/createcluster.d/howdah-install.conf; }

# etcd and Patroni come as services that start at once and at every boot. The tests run them privately, so
# a service that this installation brought is stopped and stays off. One that was there is left alone.
services_off() { # PACKAGE...
    local package service
    for package in "$@"; do
        case $package in
        etcd-server) service=etcd ;;
        patroni) service=patroni ;;
        *) continue ;;
        esac
        if [ -d /run/systemd/system ]; then
            as_root systemctl disable --now "$service" >/dev/null 2>&1
        else
            as_root service "$service" stop >/dev/null 2>&1
            as_root update-rc.d "$service" disable >/dev/null 2>&1
        fi
        service_runs "$service" && say "install-deps: service $service was started and cannot be stopped" >&2
    done
}

service_runs() { # NAME: as a service, with the service's own configuration
    case $1 in
    etcd) ps -u etcd -o comm= 2>/dev/null | grep -qx etcd ;;
    patroni) ps -eo args= | grep -q '[p]atroni /etc/patroni/' ;;
    esac
}

# apt's own output only matters when it fails.
install_packages() { # PACKAGE...
    local status=0 log
    log=$(mktemp) || return
    default_cluster_off
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" \
        >"$log" 2>&1 </dev/null || status=$?
    default_cluster_on
    services_off "$@"
    [ $status -eq 0 ] || tail -n 15 "$log" | sed 's/^/    apt-get: /' >&2
    rm -f "$log"
    return $status
}

refuse() { # WHY PACKAGE...
    local why=$1
    shift
    say "$why. Please install, by your system's names for them:" >&2
    say "    $*" >&2
    exit 1
}

# --- command line ------------------------------------------------------------------------------

TESTS=no DOCKER=no CHECK=no
for option in "$@"; do
    case $option in
    --tests) TESTS=yes ;;
    --docker) DOCKER=yes ;;
    --check) CHECK=yes ;;
    -h | --help) sed -n '4,14s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) say "install-deps: unknown option \"$option\": expected --tests, --docker or --check" >&2; exit 2 ;;
    esac
done

VERSION=$(server_version)
NEEDS=$NEEDS_BUILD
[ $TESTS = yes ] && NEEDS=$NEEDS$NEEDS_TESTS
[ $DOCKER = yes ] && NEEDS=$NEEDS_DOCKER
MISSING=$(missing_list "$NEEDS")

if [ -z "$MISSING" ]; then
    say "everything that is needed is installed"
    exit 0
fi

if has apt-get && [ $CHECK = no ] && can_be_root 2>/dev/null; then
    say "reading the package lists"
    as_root apt-get update -q >/dev/null || say "install-deps: apt-get update failed; trying with the lists at hand" >&2
fi
PACKAGES=$(printf '%s\n' "$MISSING" | cut -d'|' -f2 | sort -u | sed "s/@V/${VERSION:-$(version_offered)}/" | tr '\n' ' ')
say "missing:"
printf '%s\n' "$MISSING" | sed "s/@V/${VERSION:-$(version_offered)}/; s/^\(.*\)|\(.*\)$/    \1 (\2)/"

[ $CHECK = yes ] && exit 1
has apt-get || refuse "This is neither Debian nor Ubuntu" "$PACKAGES"
can_be_root || refuse "Installing needs root or sudo, and neither is to be had" "$PACKAGES"
say "installing by apt-get: $PACKAGES"
# shellcheck disable=SC2086
install_packages $PACKAGES || refuse "apt-get could not install everything" "$PACKAGES"

VERSION=$(server_version)
LEFT=$(missing_list "$NEEDS" | cut -d'|' -f1)
if [ -n "$LEFT" ]; then
    say "install-deps: still missing after the installation: $LEFT" >&2
    exit 1
fi
say "everything that is needed is installed"
