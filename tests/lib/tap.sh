# SPDX-License-Identifier: PostgreSQL
# The Test Anything Protocol for shell tests (bash). Each helper is one test and one line of output;
# its last argument is the test's name, a sentence about behaviour.
#
#   ok STATUS NAME                 STATUS is an exit code: ok $? "the file is there"
#   is GOT WANTED NAME             equal texts
#   like GOT REGEX NAME            GOT matches the extended regular expression somewhere
#   unlike GOT REGEX NAME
#   exits CODE NAME COMMAND...     COMMAND ends with CODE; its output is in $OUT (both streams)
#   skip NAME WHY                  counted as passed, and says why it did not run
#   skip_all WHY                   ends the file as skipped
#   diag TEXT                      a remark
#   done_testing                   at the end: the plan, and the file's exit code

TAP_COUNT=0
TAP_FAILED=0

diag() { printf '%s\n' "$*" | sed 's/^/# /' >&2; }

ok() {
    TAP_COUNT=$((TAP_COUNT + 1))
    if [ "$1" -eq 0 ]; then
        printf 'ok %d - %s\n' "$TAP_COUNT" "$2"
        return 0
    fi
    TAP_FAILED=$((TAP_FAILED + 1))
    printf 'not ok %d - %s\n' "$TAP_COUNT" "$2"
    return 1
}

is() {
    if [ "$1" = "$2" ]; then
        ok 0 "$3"
    else
        ok 1 "$3"
        diag "got:    $1"
        diag "wanted: $2"
    fi
}

like() {
    if printf '%s' "$1" | grep -Eq -- "$2"; then
        ok 0 "$3"
    else
        ok 1 "$3"
        diag "got:           $1"
        diag "does not match: $2"
    fi
}

unlike() {
    if printf '%s' "$1" | grep -Eq -- "$2"; then
        ok 1 "$3"
        diag "got:     $1"
        diag "matches: $2"
    else
        ok 0 "$3"
    fi
}

exits() {
    local wanted=$1 name=$2 status=0
    shift 2
    OUT=$("$@" 2>&1 </dev/null) || status=$?
    if [ "$status" -eq "$wanted" ]; then
        ok 0 "$name"
    else
        ok 1 "$name"
        diag "exit code $status, wanted $wanted; output:"
        diag "$OUT"
    fi
}

skip() {
    TAP_COUNT=$((TAP_COUNT + 1))
    printf 'ok %d - %s # SKIP %s\n' "$TAP_COUNT" "$1" "$2"
}

skip_all() {
    printf '1..0 # SKIP %s\n' "$1"
    exit 0
}

done_testing() {
    printf '1..%d\n' "$TAP_COUNT"
    [ "$TAP_FAILED" -eq 0 ] || diag "$TAP_FAILED of $TAP_COUNT failed"
    exit $((TAP_FAILED > 0))
}
