# SPDX-License-Identifier: PostgreSQL
# A headless Chromium for tests of the page (bash). Source it after cluster.sh.
#
#   browser_start             fails, and says so, when there is no Chromium or no python3
#   browser COMMAND...        one command of browser.py; prints its value, status 1 on failure
#   browser_wait SECONDS JS   until the expression is true; names it when it does not come true
#   browser_stop
#
# The page's own clock and network are real: conditions are polled, never slept for.

BROWSER_LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)

browser_find() { # prints the path of a Chromium
    command -v chromium || command -v chromium-browser || command -v google-chrome
}

browser_start() {
    local program line
    program=$(browser_find) && command -v python3 >/dev/null || return 1
    coproc BROWSER {
        exec python3 "$BROWSER_LIB/browser.py" "$program" 2>"$TEST_SCRATCH/browser.log"
    }
    read -r -t 60 -u "${BROWSER[0]}" line || {
        diag "the browser does not start: $(tail -3 "$TEST_SCRATCH/browser.log")"
        return 1
    }
}

browser() {
    local answer
    printf '%s\n' "$*" >&"${BROWSER[1]}"
    read -r -t 90 -u "${BROWSER[0]}" answer || {
        diag "the browser does not answer: $*"
        return 1
    }
    if [ "$(jq .ok <<<"$answer")" != true ]; then
        diag "browser: $(jq -r .error <<<"$answer")"
        return 1
    fi
    jq -r '.value | if . == null then empty elif type == "string" then . else tojson end' \
        <<<"$answer"
}

browser_wait() { browser wait "$@" >/dev/null; }

browser_stop() {
    local pid=${BROWSER_PID:-}
    [ -n "$pid" ] || return 0
    printf 'quit\n' >&"${BROWSER[1]}"
    wait "$pid" 2>/dev/null
}
