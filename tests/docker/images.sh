# SPDX-License-Identifier: PostgreSQL
# The images of a test run (bash). Source it.
#
#   base_need               sets BASE: $HOWDAH_BASE, debian:12-slim if a registry gives it, else one that
#                           debootstrap makes from where this machine's apt has its packages
#   images_build TARGET...  builds docker/Dockerfile's targets as howdah-test-TARGET
#
# Builds use the host's network and its proxies. Needs $WORK, a directory.

IMAGES=howdah-test
SUITE=${HOWDAH_TEST_SUITE:-bookworm}

# "deb URI SUITE COMPONENT" for each archive of our suite that apt uses here.
apt_lines() {
    apt-get indextargets --format '$(CREATED_BY) deb $(SITE) $(RELEASE) $(COMPONENT)' 2>/dev/null |
        sed -n "s/^Packages \(deb [^ ]* $SUITE\(-[a-z]*\)\{0,1\} .*\)/\1/p" | sort -u
}

apt_mirror() {
    apt_lines | awk -v suite="$SUITE" '$3 == suite { print $2; exit }' | grep . ||
        echo http://deb.debian.org/debian
}

# How this machine reaches the archive is part of the machine, not of what is tested.
root_network() { # ROOT
    [ -z "$(apt_lines)" ] || apt_lines >"$1/etc/apt/sources.list"
    cp /etc/apt/apt.conf.d/*proxy* "$1/etc/apt/apt.conf.d/" 2>/dev/null
    mkdir -p "$1/usr/local/share/ca-certificates"
    cp /usr/local/share/ca-certificates/*.crt "$1/usr/local/share/ca-certificates/" 2>/dev/null &&
        chroot "$1" update-ca-certificates >/dev/null 2>&1
    rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/*
}

base_make() {
    local root=$WORK/root
    [ "$(id -u)" -eq 0 ] || skip_all "no registry gives debian:12-slim, and debootstrap needs root"
    command -v debootstrap >/dev/null ||
        skip_all "no registry gives debian:12-slim, and there is no debootstrap: make deps-docker"
    diag "no registry gives debian:12-slim: debootstrap makes $BASE from $(apt_mirror)"
    rm -rf --one-file-system "$root"
    debootstrap --variant=minbase --include=ca-certificates "$SUITE" "$root" "$(apt_mirror)" \
        >"$WORK/debootstrap.log" 2>&1 || return
    root_network "$root"
    tar -C "$root" -c . | docker import - "$BASE" >/dev/null && rm -rf --one-file-system "$root"
}

image_there() { docker image inspect "$1" >/dev/null 2>&1; }

base_need() {
    BASE=${HOWDAH_BASE:-debian:12-slim}
    [ -z "${HOWDAH_BASE:-}" ] || return 0
    image_there "$BASE" || timeout 60 docker pull -q "$BASE" >/dev/null 2>&1 && return
    BASE=howdah-test-base:$SUITE
    image_there "$BASE" || base_make
}

image_build() { # TARGET
    local arguments=() name
    for name in http_proxy https_proxy no_proxy; do
        [ -z "${!name:-}" ] || arguments+=(--build-arg "$name=${!name}")
    done
    docker buildx version >/dev/null 2>&1 || local -x DOCKER_BUILDKIT=0
    docker build --network host --build-arg BASE="$BASE" "${arguments[@]}" -f docker/Dockerfile \
        --target "$1" -t "$IMAGES-$1" . >"$WORK/build-$1.log" 2>&1 || {
        tail -n 15 "$WORK/build-$1.log" | sed 's/^/# /' >&2
        return 1
    }
}

images_build() { # TARGET...
    local target
    for target in "$@"; do
        image_build "$target"
        ok $? "target $target builds: $(image_size "$target") MB on a base of $(image_size base) MB" || return
    done
}

image_size() { # TARGET or base
    local image=$IMAGES-$1
    [ "$1" != base ] || image=$BASE
    docker image inspect --format '{{.Size}}' "$image" 2>/dev/null | awk '{ printf "%d", $1 / 1000000 }'
}
