#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# System tests: real daemons, each file with throwaway clusters of its own, two files at a time.
#
#   tests/system/run.sh [FILE]...      all, or these
#
# Environment: B (the build folder), JOBS (2), TEST_SECONDS (limit for one file, 300).

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
[ $# -gt 0 ] || set -- tests/system/t[0-9]*.sh
exec prove --timer -j "${JOBS:-2}" \
    -e "timeout --kill-after=30 ${TEST_SECONDS:-300} /bin/bash" "$@"
