# SPDX-License-Identifier: PostgreSQL
# howdah doctor: a cell as it should be has nothing worse than notes; each loss of safety is found, on
# the primary and on a standby; exit codes; Patroni's configuration from file and REST API.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$TEST_ROOT/tests/lib/standby.sh"

TEST_FSYNC=on # with fsync off there is no good cell
export HOWDAH_PG_OPTIONS="-c wal_log_hints=on"

finding() { howdah doctor --json "${@:2}" | jq -r --arg id "$1" '.[] | select(.id == $id) | "\(.severity): \(.found)"'; }
names_are() { cluster_sql "alter system set synchronous_standby_names = '$1'" && cluster_sql "select pg_reload_conf()"; }
synchronous() { [ "$(cluster_sql "select count(*) from pg_stat_replication where sync_state = 'quorum'")" = "$1" ]; }

cluster_new
cluster_start --agents 1

# --- from a lone server to a cell as it should be ----------------------------------------------------

exits 1 "a cell on one server with one coordinator is warned about" howdah doctor
like "$OUT" 'warning +commit.standby +no standby' "there is no standby"
like "$OUT" 'warning +cell.coordinators +coordinator-1 leads in term [0-9]+; 1 connected' "and no second coordinator"
like "$OUT" 'risk: the loss of this server stops the cell' "each finding says what it risks"
like "$OUT" 'do: +add a synchronous standby' "and what to do"
like "$OUT" '^doctor: 0 danger, 2 warning, [0-9]+ note, [0-9]+ ok$' "they are counted"

standby_options one "$HOWDAH_PG_OPTIONS"
standby_options two "$HOWDAH_PG_OPTIONS"
standby_start one && standby_start two || exit 1
exits 4 "standbys that are not synchronous are dangerous" howdah doctor
like "$OUT" 'danger +commit.standby +2 standby.s., none of them synchronous' "and named"

names_are 'ANY 1 (one, two)'
wait_until 20 "both standbys are synchronous" synchronous 2
howdah-coordinator --db "$HOWDAH_DB_COORDINATOR" --name deputy --listen 127.0.0.1 --port 0 >/dev/null 2>&1 &
DEPUTY=$!
deputy_seen() { finding cell.coordinators | grep -q '2 connected'; }
wait_until 20 "the second coordinator is there" deputy_seen
exits 0 "a cell as it should be has nothing worse than notes" howdah doctor
is "$(finding commit.standby)" "ok: synchronous_standby_names ANY 1 (one, two): 2 of 2 standby(s) synchronous now" \
    "both standbys are synchronous"
like "$(finding replication.lag)" '^ok: one streaming quorum, .* behind; two streaming quorum, ' "the standbys are listed"
is "$(finding failover.rewind)" "ok: data_checksums off, wal_log_hints on" "and can be rewound"

# Somebody forgets a transaction; it is looked for when it has had its minute, at the end.
mkfifo "$TEST_SCRATCH/fifo"
PGAPPNAME=forgotten psql -X -q -d "$HOWDAH_DB_ADMIN" <"$TEST_SCRATCH/fifo" >/dev/null 2>&1 &
exec 8>"$TEST_SCRATCH/fifo"
echo 'begin isolation level repeatable read; select count(*) from howdah.agents;' >&8

# --- on a standby --------------------------------------------------------------------------------------

standby_caught_up one
STANDBY=$(standby_conninfo one operator)
exits 0 "the doctor works on a standby" howdah doctor --db "$STANDBY"
like "$OUT" 'ok +server.role +standby' "it says that this is one"
like "$(finding replication.lag --db "$STANDBY")" '^ok: receiver streaming' "it looks at what comes in"
is "$(finding commit.standby --db "$STANDBY")" "" "and leaves out what it cannot know"
is "$(finding cell.audit --db "$STANDBY")" "ok: violations of invariants: 0" "the cell's books are checked there, too"

# --- losses ----------------------------------------------------------------------------------------------

standby_stop two
wait_until 20 "one standby is left" synchronous 1
like "$(finding commit.standby)" '^note: .*: 1 of 1 standby' "the last standby is noted"
standby_stop one
wait_until 20 "no standby is left" synchronous 0
like "$(finding commit.standby)" '^danger: .* ANY 1 \(one, two\): 0 of 0 standby' "none left: commits wait"
standby_launch one
wait_until 20 "one standby is back" synchronous 1
names_are ''
wait_until 20 "nobody is synchronous" synchronous 0
like "$(finding commit.standby)" '^danger: 1 standby\(s\), none of them synchronous' "an emptied list is found"
standby_stop one
kill "$DEPUTY" && wait "$DEPUTY"
cluster_kill KILL coordinator
leaderless() { finding cell.coordinators | grep -q '^danger: nobody leads since'; }
wait_until 30 "nobody has led for a while" leaderless
ok $? "a cell without a leader is found"

# --- Patroni -----------------------------------------------------------------------------------------------

SCOPE=s NAME=pg1 ADDRESS=10.0.0.1 ETCD_HOSTS=10.0.0.9:2379 NETWORK=10.0.0.0/24 SUPERUSER_PASSWORD=a \
    REPLICATION_PASSWORD=b REWIND_PASSWORD=c REST_PASSWORD=d "$TEST_ROOT/packaging/patroni/render.sh" >"$TEST_SCRATCH/good.yml"
is "$(howdah doctor --json --patroni "$TEST_SCRATCH/good.yml" | jq -r '.[] | select(.id | startswith("patroni.")) |
      select(.severity == "danger" or .severity == "warning")')" "" "the configuration that we recommend is good"
is "$(finding patroni.dcs --patroni "$TEST_SCRATCH/good.yml")" "ok: section etcd (v2)" "it was read"
sed -e 's/^etcd:/etcd3:/' -e 's/synchronous_mode_strict: true/synchronous_mode_strict: false/' \
    -e 's/loop_wait: .*/loop_wait: 100/' "$TEST_SCRATCH/good.yml" >"$TEST_SCRATCH/bad.yml"
exits 4 "a configuration that loses claims is dangerous" howdah doctor --patroni "$TEST_SCRATCH/bad.yml"
like "$OUT" 'danger +patroni.dcs +section etcd3, release unknown' "the unsafe store is named"
like "$OUT" 'danger +patroni.synchronous_mode +synchronous_mode true, synchronous_mode_strict false' "and the mode"
like "$OUT" 'danger +patroni.ttl +ttl [0-9]+, loop_wait 100' "and the times"
exits 2 "a file that is no configuration is refused" howdah doctor --patroni "$TEST_ROOT/README.md"
like "$OUT" 'README.md", line [0-9]+: expected "name: value"' "with the line"
exits 1 "a file that is not there is named" howdah doctor --patroni /no/such/file
like "$OUT" 'cannot open "/no/such/file"' "in the message"

python3 - "$TEST_SCRATCH/port" <<'PY' &
import http.server, json, os, sys
PAGES = {"/config": {"ttl": 30, "loop_wait": 10, "retry_timeout": 10, "synchronous_mode": True},
         "/patroni": {"patroni": {"version": "3.0.2", "scope": "s"}}}
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        page = PAGES.get(self.path)
        self.send_response(200 if page else 404)
        self.end_headers()
        self.wfile.write(json.dumps(page).encode())
    def log_message(self, *args):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open(sys.argv[1] + ".new", "w") as file:
    file.write(str(server.server_port))
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
PY
REST=$!
wait_until 20 "the REST API answers" test -f "$TEST_SCRATCH/port"
URL=http://127.0.0.1:$(<"$TEST_SCRATCH/port")
like "$(finding patroni.synchronous_mode --patroni "$URL")" '^danger: synchronous_mode true, synchronous_mode_strict not set' \
    "the REST API says what is in force"
like "$(finding patroni.dcs --patroni "$URL")" 'Patroni 3.0.2' "and which release runs"
exits 1 "an address that answers something else is an error" howdah doctor --patroni "$URL/else"
like "$OUT" 'HTTP status 404' "with the status"
kill "$REST"
exits 1 "an address that does not answer is one, too" howdah doctor --patroni "$URL"
like "$OUT" "$URL/config: no connection" "with the address"
exits 2 "only plain HTTP is read" howdah doctor --patroni https://127.0.0.1:8008
like "$OUT" 'expected http://HOST' "and that is said"

# --- the forgotten transaction ----------------------------------------------------------------------------

forgotten() { finding sessions.snapshots | grep -Eq '^warning: pid [0-9]+ \(admin, forgotten\) idle in transaction for [0-9]+ s$'; }
wait_until 90 "the transaction is older than a minute" forgotten
ok $? "a transaction that was forgotten is found, with whose it is"
exec 8>&-
ended() { [ "$(finding sessions.snapshots)" = "ok: none over 60 s" ]; }
wait_until 20 "it has ended" ended
ok $? "and no longer when it has ended"
done_testing
