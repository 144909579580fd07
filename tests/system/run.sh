#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# System tests: real daemons, each file with throwaway clusters of its own. They wait most of
# the time, so twice as many files as there are processors run at once.
#
#   tests/system/run.sh [FILE]...      all, or these
#
# Environment: B (the build folder), JOBS, TEST_SECONDS (limit for one file, 300).

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
[ $# -gt 0 ] || set -- tests/system/t[0-9]*.sh
exec prove --timer --failures -j "${JOBS:-$(($(nproc) * 2))}" \
    -e "timeout --kill-after=30 ${TEST_SECONDS:-300} /bin/bash" "$@"
