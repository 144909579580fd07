# SPDX-License-Identifier: PostgreSQL
# wait_until SECONDS "name of the condition" COMMAND...
#
# Polls COMMAND (a function is fine) until it succeeds; its output is dropped. Fails when SECONDS have
# passed, and says which condition it waited for. The one way in which tests wait: a bounded poll of
# a named condition costs nothing when it holds at once, and a slow machine just takes longer.

wait_until() {
    local seconds=$1 condition=$2 deadline
    shift 2
    deadline=$((SECONDS + seconds))
    until "$@" >/dev/null 2>&1; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            printf '# not within %s s: %s\n' "$seconds" "$condition" >&2
            return 1
        fi
        sleep 0.1
    done
}
