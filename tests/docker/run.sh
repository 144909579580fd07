#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
#
# The images and cells of docker/, for real: builds the images, starts the agent's in a virtual machine with
# cgroup v2, brings each cell up, runs work through it, kills its containers, checks that nothing was
# lost, tears it down. `make docker-test`.
#
#   tests/docker/run.sh [quick] [ha]      every cell, or these
#
# Where no docker daemon answers, root gets one of its own (daemon.sh); where no registry gives the
# base image, debootstrap makes it (images.sh). Images are named howdah-test-…, projects too.
#
# Environment: B (the build folder; logs go to $B/docker), HOWDAH_BASE (a base image), TEST_KEEP=1 (a
# cell that failed stays up, and so does our daemon).

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lib/tap.sh
. tests/lib/wait_until.sh
mkdir -p "${B:-build}/docker" && WORK=$(cd "${B:-build}/docker" && pwd -P) || exit 1
. tests/docker/daemon.sh
. tests/docker/images.sh
. tests/docker/cell.sh
. tests/docker/cgroup_v2.sh
. tests/docker/quick.sh
. tests/docker/ha.sh

CELLS=(quick ha)

cleanup() {
    local status=$?
    trap - EXIT
    if [ -n "${TEST_KEEP:-}" ] && [ "$TAP_FAILED" -gt 0 ]; then
        diag "kept: DOCKER_HOST=${DOCKER_HOST:-} COMPOSE_PROJECT_NAME=${COMPOSE_PROJECT_NAME:-}"
    else
        cell_down -v
        daemon_stop
    fi
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

[ $# -gt 0 ] || set -- "${CELLS[@]}"
daemon_need
compose_need
base_need || { ok 1 "a base image is to be had"; done_testing; }
images_build coordinator agent client postgres patroni etcd || done_testing
cgroup_v2_test
for cell in "$@"; do
    diag "cell $cell"
    "${cell}_test"
done
done_testing
