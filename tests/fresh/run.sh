#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The two commands of the README in a pristine Debian: debootstrap makes a root with nothing but git and
# make added, a clone of this repository goes in, `make demo` and `make check` run there.
#
#   tests/fresh/run.sh [GOAL]...      demo check, or these goals
#
# Needs root, debootstrap, a Debian mirror and some GB of room. On demand only: it takes minutes. What is
# cloned is the last commit. Environment:
#   FRESH_CACHE   folder for the pristine root's tarball, made once (build/fresh)
#   FRESH_SUITE   Debian release (bookworm)
#   FRESH_MIRROR  where packages come from (the first archive that apt uses here); proxies and apt's
#                 settings of this machine are used
#   FRESH_KEEP    1: the root stays when it fails

set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
SUITE=${FRESH_SUITE:-bookworm}
MIRROR=${FRESH_MIRROR:-$(apt-get indextargets --format '$(SITE)' 2>/dev/null | head -n 1)}
CACHE=${FRESH_CACHE:-build/fresh}
[ $# -gt 0 ] || set -- demo check

stop() {
    echo "fresh: $*" >&2
    exit 1
}

[ "$(id -u)" -eq 0 ] || stop "debootstrap and chroot need root"
command -v debootstrap >/dev/null || stop "debootstrap is not installed"
mkdir -p "$CACHE" && CACHE=$(cd "$CACHE" && pwd -P) || exit 1
TARBALL=$CACHE/$SUITE.tar
ROOT=$(mktemp -d /var/tmp/howdah-fresh.XXXXXX) || exit 1
mount --bind "$ROOT" "$ROOT" || exit 1 # as the mount that a root is: `ip netns exec` remounts it

# Deepest mount first. Without this an rm could reach the host's own folders.
unmount_all() {
    local mount
    for mount in $(awk -v root="$ROOT" '$2 == root || index($2, root "/") == 1 { print $2 }' /proc/mounts | sort -r); do
        umount "$mount" || umount -l "$mount"
    done
    ! grep -q " $ROOT[/ ]" /proc/mounts
}

# Whatever runs in the root: a daemon that stayed would hold its files, and is a failure of its own.
leftovers() {
    local proc
    for proc in /proc/[0-9]*; do
        [ "$(readlink "$proc/root")" = "$ROOT" ] && printf '%s ' "${proc#/proc/}"
    done
}

cleanup() {
    local pids
    pids=$(leftovers)
    # shellcheck disable=SC2086
    [ -z "$pids" ] || kill -KILL $pids
    if [ "${FRESH_KEEP:-}" = 1 ] && [ "$RESULT" -ne 0 ]; then
        echo "fresh: the root stays in $ROOT, with proc, sys and dev mounted"
    elif unmount_all; then
        rm -rf --one-file-system "$ROOT"
    else
        echo "fresh: $ROOT stays: something in it could not be unmounted" >&2
    fi
}

pristine_make() {
    local new=$ROOT
    echo "fresh: debootstrap $SUITE from $MIRROR"
    debootstrap --variant=minbase --include=git,make,ca-certificates "$SUITE" "$new" "$MIRROR" \
        >"$CACHE/debootstrap.log" 2>&1 || stop "debootstrap failed: see $CACHE/debootstrap.log"
    tar -C "$new" -cf "$TARBALL.new" . && mv "$TARBALL.new" "$TARBALL"
}

# How this machine reaches the archive is part of the machine, not of what is tested.
network_copy() {
    cp -L /etc/resolv.conf "$ROOT/etc/resolv.conf"
    mkdir -p "$ROOT/etc/apt/apt.conf.d" "$ROOT/usr/local/share/ca-certificates"
    cp /etc/apt/apt.conf.d/*proxy* "$ROOT/etc/apt/apt.conf.d/" 2>/dev/null
    cp /usr/local/share/ca-certificates/*.crt "$ROOT/usr/local/share/ca-certificates/" 2>/dev/null &&
        chroot "$ROOT" update-ca-certificates >/dev/null 2>&1
    return 0
}

mounts_make() {
    mount -t proc proc "$ROOT/proc" &&
        mount --rbind /sys "$ROOT/sys" && mount --make-rslave "$ROOT/sys" &&
        mount --rbind /dev "$ROOT/dev" && mount --make-rslave "$ROOT/dev" &&
        { mountpoint -q "$ROOT/dev/shm" || mount -t tmpfs shm "$ROOT/dev/shm"; }
}

inside() { # COMMAND...: a clean environment but for proxies
    local keep=() name
    for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
        [ -n "${!name:-}" ] && keep+=("$name=${!name}")
    done
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
        "${keep[@]}" chroot "$ROOT" "$@"
}

RESULT=1
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

if [ -f "$TARBALL" ]; then
    tar -C "$ROOT" -xf "$TARBALL" || exit 1
else
    pristine_make
fi
chmod 755 "$ROOT" # mktemp's folder is its owner's alone, and becomes the root of everybody
network_copy
mounts_make || stop "mounting failed"
git -c safe.directory='*' clone -q "file://$PWD" "$ROOT/root/howdah" || stop "the repository cannot be cloned"

RESULT=0
for goal in "$@"; do
    echo "== fresh: make $goal"
    started=$SECONDS
    inside make -C /root/howdah "$goal" </dev/null || RESULT=1
    echo "== fresh: make $goal: exit code $RESULT after $((SECONDS - started)) s"
    pids=$(leftovers)
    if [ -n "$pids" ]; then
        echo "== fresh: make $goal left processes behind: $pids"
        RESULT=1
    fi
    [ $RESULT -eq 0 ] || break
done
[ $RESULT -eq 0 ] && echo "fresh: passed" || echo "fresh: FAILED"
exit $RESULT
