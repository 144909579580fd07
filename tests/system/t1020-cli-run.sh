# SPDX-License-Identifier: PostgreSQL
# howdah run: output, exit codes, environment, signals, time limits, and why it waits.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"

cluster_new
cluster_start --agents 2

exits 0 "a command that succeeds" howdah run -- echo hello
is "$OUT" hello "its output is printed and nothing else"
is "$(howdah run -- sh -c 'echo out; echo err >&2' 2>/dev/null)" out "standard output goes to standard output"
is "$(howdah run -- sh -c 'echo out; echo err >&2' 2>&1 >/dev/null)" err "standard error to standard error"
is "$(howdah run -- printf 'no line end')" "no line end" "a last line without its end is printed"
is "$(howdah run -- printf '%s|' 'two words' '$HOME' "it's")" "two words|\$HOME|it's|" \
    "arguments arrive as they were given"
is "$(howdah run --env A=1 --env 'B=two words' -- sh -c 'echo "$A $B"')" "1 two words" "--env sets variables"
is "$(howdah run -- seq 1 100000 | md5sum)" "$(seq 1 100000 | md5sum)" \
    "600 kB of output arrive whole and in order"

exits 3 "the exit code is the command's" howdah run -- sh -c 'exit 3'
like "$OUT" 'failed' "and the failure is said"
exits 137 "a command that is killed gives 128 plus the signal" howdah run -- sh -c 'kill -9 $$'
exits 7 "of many tasks the first that failed decides" \
    howdah run --count 5 -- sh -c 'case $HOWDAH_TASK_NAME in *-2) exit 7;; *-4) exit 9;; esac'
exits 127 "a command that does not exist ends as in a shell" howdah run -- /no/such/command
like "$OUT" 'value "/no/such/command": No such file' "and is named"
exits 127 "so does one that is in no folder of PATH" howdah run --env PATH=/nowhere:/bin -- no-such-command
like "$OUT" 'value "no-such-command": not found in PATH "/nowhere:/bin"' "and says where it was looked for"
exits 126 "a command that cannot be executed ends as in a shell" howdah run -- /etc/passwd
like "$OUT" '/etc/passwd is not executable for user' "and says why"
mkdir -m 0700 "$TEST_SCRATCH/private"
if [ "$(id -u)" -eq 0 ]; then
    exits 127 "a folder of PATH that the task's user may not enter does not hide the reason" \
        howdah run --env "PATH=$TEST_SCRATCH/private:/bin" -- no-such-command
    like "$OUT" "of which user nobody may not enter $TEST_SCRATCH/private" "it is named"
else
    skip "a folder of PATH that the task's user may not enter is named" "only root's tasks have another user"
fi

howdah run --json --count 2 -- sh -c 'printf "a\nb\377"; echo oops >&2; exit 4' >"$TEST_SCRATCH/json"
is $? 4 "with --json the exit code is the same"
is "$(jq -s 'length' <"$TEST_SCRATCH/json")" 8 "three lines and an end of each task, one object a line"
is "$(jq -rs 'map(select(.stream == "stdout") | .line) | sort | join("|")' <"$TEST_SCRATCH/json")" "a|a|b�|b�" \
    "lines come without their ends, and what is no UTF-8 is replaced"
is "$(jq -rs 'map(select(.stream == "stderr") | .line) | join("|")' <"$TEST_SCRATCH/json")" "oops|oops" \
    "standard error is told apart"
is "$(jq -rs 'map(select(.state)) | map("\(.state) \(.exit_code) \(.reason)") | unique[]' <"$TEST_SCRATCH/json")" \
    "failed 4 command_exited" "the end has state, exit code and reason"
TASK=$(jq -rs 'map(select(.state))[0].task_id' <"$TEST_SCRATCH/json")
is "$(howdah logs --json "$TASK" | jq -r .line | tr '\n' '|')" "a|b�|" "logs --json prints the same lines"
is "$(howdah logs --json --stderr "$TASK" | jq -r '"\(.stream) \(.line)"')" "stderr oops" "of either stream"

is "$(howdah run --count 20 -- sh -c 'echo $HOWDAH_TASK_ID' | sort -u | wc -l)" 20 "20 tasks have 20 ids"
is "$(howdah frameworks --json | jq length)" 0 "the framework is gone afterwards"

exits 0 "--stop-unreachable is taken" howdah run --stop-unreachable 1m --name stoppable -- true
is "$(cluster_sql "select spec ->> 'stop_unreachable_s' from howdah.tasks where name like 'stoppable%'")" 60 "in seconds"

SECONDS=0
exits 124 "--timeout kills the tasks" howdah run --timeout 2s --kill-grace 1s -- sleep 300
[ "$SECONDS" -lt 20 ]
ok $? "in time"
is "$(howdah tasks --json | jq length)" 0 "and no task is left"

howdah run --name long --count 2 -- sleep 300 >"$TEST_SCRATCH/long" 2>&1 &
RUN=$!
wait_until 30 "both tasks run" sh -c '[ "$(howdah tasks --state running --json | jq length)" = 2 ]'
kill -INT "$RUN"
wait "$RUN"
is $? 130 "Ctrl-C gives 130"
is "$(howdah tasks --json | jq length)" 0 "and no task is left"
like "$(cat "$TEST_SCRATCH/long")" 'killing 2 tasks' "it says what it does"

howdah run --name big --cpus 64 -- true >"$TEST_SCRATCH/big" 2>&1 &
RUN=$!
wait_until 30 "the reason is said" grep -q waiting "$TEST_SCRATCH/big"
like "$(cat "$TEST_SCRATCH/big")" 'no agent is large enough: 64 cpus wanted, the largest has 4 \(agent-1\)' \
    "a task that fits nowhere says why it waits"
kill -TERM "$RUN"
wait "$RUN"
is $? 143 "and can be ended"

howdah run --name orphan -- sleep 300 >/dev/null 2>&1 &
RUN=$!
wait_until 30 "the task runs" sh -c '[ "$(howdah tasks --state running --json | jq length)" = 1 ]'
TASK=$(howdah tasks --json | jq -r '.[0].task_id')
exits 0 "a task can be killed by another" howdah kill "${TASK:0:8}"
wait "$RUN"
[ $? -ne 0 ]
ok $? "and its run ends with a failure"

howdah run --quiet -- sh -c 'yes | head -c 300000; sleep 300' 2>/dev/null | head -n 1 >/dev/null
wait_until 30 "no task is left" sh -c '[ "$(howdah tasks --json | jq length)" = 0 ]'
ok $? "when nobody reads the output any more the tasks are killed"
exits 0 "the audit is empty" howdah audit

done_testing
