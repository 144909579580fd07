#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Runs a test program inside a small virtual machine whose kernel has every controller on cgroup v2,
# whatever the host has: Debian's cloud kernel, an initramfs of busybox and the program with its
# libraries, qemu with software emulation (no rights and no KVM needed).
#
#   tests/vm/run.sh [VARIABLE=VALUE]... PROGRAM
#   tests/vm/run.sh --root DIR
#
# With --root the file system is DIR instead, whose /init prints "vm-exit-code N" and ends the machine.
# PROGRAM is a path below the build folder, such as tests/test_agent_life; bin/howdah-executor comes
# along. Its output goes to stdout, its exit code is ours. 77 = skipped, with the reason on stderr:
# qemu or busybox missing, or no kernel to be had. The kernel is fetched once with apt and kept in
# $B/vm. Environment: B (the build folder), VM_SECONDS (limit, 240), VM_MEM (MiB, 768).

set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
BUILD=${B:-build}
CACHE=$BUILD/vm
WORK=
QEMU=

skip() {
    printf 'tests/vm: skipped: %s\n' "$*" >&2
    exit 77
}

cleanup() {
    [ -n "$QEMU" ] && kill "$QEMU" 2>/dev/null
    [ -n "$WORK" ] && rm -rf "$WORK"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

tools_check() {
    local tool
    for tool in qemu-system-x86_64 busybox cpio gzip ldd dpkg-deb; do
        command -v "$tool" >/dev/null || skip "$tool is not installed"
    done
    [ "$(uname -m)" = x86_64 ] || skip "the virtual machine is for x86_64 only"
    ldd "$(command -v busybox)" >/dev/null 2>&1 && skip "busybox is not static (install busybox-static)"
    return 0
}

# The metapackage names the kernel of the day.
kernel_package() {
    apt-cache depends linux-image-cloud-amd64 2>/dev/null |
        sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1
}

# Two runs at once may both fetch; the last rename wins and both have a whole kernel.
kernel_fetch() {
    local package scratch
    [ -s "$CACHE/vmlinuz" ] && return
    package=$(kernel_package)
    [ -n "$package" ] || skip "apt knows no linux-image-cloud-amd64"
    mkdir -p "$CACHE"
    scratch=$(mktemp -d "$CACHE/fetch.XXXXXX")
    chmod 0755 "$scratch"
    (cd "$scratch" && apt-get -o APT::Sandbox::User=root download "$package" >/dev/null 2>&1 &&
        dpkg-deb -x "$package"_*.deb . && mv boot/vmlinuz-* ../vmlinuz)
    rm -rf "$scratch"
    [ -s "$CACHE/vmlinuz" ] || skip "cannot fetch $package"
}

library_copy() { # PROGRAM: what ldd names, at the same path
    local library
    ldd "$1" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p; s/^\t\(\/[^ ]*\) .*/\1/p' | while read -r library; do
        [ -e "$WORK/root$library" ] && continue
        mkdir -p "$WORK/root$(dirname "$library")"
        cp -L "$library" "$WORK/root$library"
    done
}

program_copy() { # PATH below the build folder
    mkdir -p "$WORK/root/build/$(dirname "$1")"
    cp "$BUILD/$1" "$WORK/root/build/$1"
    library_copy "$BUILD/$1"
}

init_write() { # PROGRAM VARIABLE=VALUE...
    local program=$1 setting
    shift
    {
        cat <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs -o mode=1777 tmp /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
INIT
        for setting in "$@"; do
            printf "export %s='%s'\n" "${setting%%=*}" "${setting#*=}"
        done
        printf 'cd /\n/build/%s 2>&1\necho "vm-exit-code $?"\npoweroff -f\n' "$program"
    } >"$WORK/root/init"
    chmod 0755 "$WORK/root/init"
}

root_make() { # PROGRAM VARIABLE=VALUE...
    mkdir -p "$WORK/root"/{bin,etc,proc,sys,dev,tmp}
    cp "$(command -v busybox)" "$WORK/root/bin/busybox"
    printf 'root:x:0:0::/:/bin/sh\ndaemon:x:1:1::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' \
        >"$WORK/root/etc/passwd"
    printf 'root:x:0:\ndaemon:x:1:\nnogroup:x:65534:\n' >"$WORK/root/etc/group"
    program_copy "$1"
    program_copy bin/howdah-executor
    init_write "$@"
}

initrd_make() { # ROOT
    (cd "$1" && find . | cpio --quiet -o -H newc -R 0:0 | gzip -1) >"$WORK/initrd"
}

machine_run() {
    timeout "${VM_SECONDS:-240}" qemu-system-x86_64 -accel tcg -cpu max -smp 2 \
        -m "${VM_MEM:-768}" -kernel "$CACHE/vmlinuz" -initrd "$WORK/initrd" \
        -append "console=ttyS0 quiet loglevel=1 panic=-1 cgroup_no_v1=all" -nographic -no-reboot \
        -nic none </dev/null >"$WORK/console" 2>&1 &
    QEMU=$!
    wait "$QEMU"
    QEMU=
}

SETTINGS=()
ROOT=
[ "${1:-}" != --root ] || { ROOT=${2:-}; set -- init; }
while [ $# -gt 1 ]; do
    SETTINGS+=("$1")
    shift
done
[ $# -eq 1 ] || { sed -n 's/^# \{0,1\}//p' "${BASH_SOURCE[0]}" | sed -n 2,15p >&2; exit 2; }
tools_check
[ -x "${ROOT:-$BUILD}/$1" ] || { echo "tests/vm: there is no ${ROOT:-$BUILD}/$1" >&2; exit 2; }
kernel_fetch
WORK=$(mktemp -d "${TMPDIR:-/tmp}/howdah-vm.XXXXXX")
[ -n "$ROOT" ] || root_make "$1" "${SETTINGS[@]}"
initrd_make "${ROOT:-$WORK/root}"
machine_run
tr -d '\r' <"$WORK/console" >"$WORK/output"
sed '/^vm-exit-code /d' "$WORK/output"
code=$(sed -n 's/^vm-exit-code //p' "$WORK/output")
[ -n "$code" ] || echo "tests/vm: the machine ended without a result" >&2
exit "${code:-1}"
