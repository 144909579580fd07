# SPDX-License-Identifier: PostgreSQL
# Help for every command; mistakes on the command line name what is wrong and give exit code 2.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"

cluster_new
exits 0 "howdah without arguments lists the commands" howdah
VERBS=$(printf '%s\n' "$OUT" | sed -n 's/^  \([a-z-]*\) .*/\1/p')
like "$VERBS" run "run is among them"
is "$(howdah --help)" "$OUT" "howdah --help prints the same"
for verb in $VERBS; do
    exits 0 "howdah $verb --help succeeds" howdah "$verb" --help
    like "$OUT" "^Usage: howdah $verb" "its usage names the command"
    like "$OUT" "^Example: howdah $verb" "and shows an example"
    is "$(howdah help "$verb")" "$OUT" "howdah help $verb prints the same"
done
like "$(howdah version)" '^howdah [0-9]+\.[0-9]+\.[0-9]+ \(schema [0-9]+\)$' "version prints version and schema"

is "$(howdah version --json | jq -r '"howdah \(.version) (schema \(.schema))"')" "$(howdah version)" "--json: the same"
is "$(howdah help --json | jq -r '.[].command' | tr '\n' ' ')" "$(howdah help | sed -n 's/^  \([a-z-]*\) .*/\1/p' | tr '\n' ' ')" \
    "help --json lists the same commands"
is "$(howdah help run --json | jq -r '.options[] | select(.short == "n") | "\(.name) \(.type) \(.default)"')" "count integer 1" \
    "and the options of one"

usage() { # MESSAGE ARGUMENT...
    local message=$1
    shift
    exits 2 "howdah $* is a usage error" howdah "$@"
    like "$OUT" "$message" "howdah $*: the message says what is wrong"
}
usage 'no command is called "fly"' fly
usage 'no command is called "fly"' help fly
usage 'no option is called --fast' agents --fast
usage 'option --count: value "0": expected between 1 and 10000' run --count 0 -- true
usage 'option --count: value "many": expected a whole number' run --count many -- true
usage 'option --mem: value "-1": expected between' run --mem=-1 -- true
usage 'option --mem: value "99999999999999999999": expected' run --mem 99999999999999999999 -- true
usage 'option --timeout: value "soon": expected a duration' run --timeout soon -- true
usage 'option --kill-grace: needs a value' kill x --kill-grace
usage 'an operand is missing: howdah run' run
usage 'an operand is missing: howdah task TASK' task
usage 'argument "two" is one too many' task one two
export HOWDAH_AGENTS=x
usage 'environment variable HOWDAH_AGENTS: value "x"' up
unset HOWDAH_AGENTS

done_testing
