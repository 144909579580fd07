# SPDX-License-Identifier: PostgreSQL
# packaging/patroni/render.sh: names what is missing, refuses what cannot work, and puts any value in
# unchanged; the template keeps to the choices that lose nothing.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/cluster.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/ha.sh"

RENDER=$TEST_ROOT/packaging/patroni/render.sh
PYTHON=$(ha_python)
[ -n "$PYTHON" ] && "$PYTHON" -c 'import yaml' 2>/dev/null || skip_all "no python3 with yaml"

ODD="it's \"odd\" & a|b\\c \$d"
GIVEN=(NAME=pg1 ADDRESS=10.0.0.1 NETWORK=10.0.0.0/24 ETCD_HOSTS=10.0.0.9:2379,10.0.0.8:2379
    "SUPERUSER_PASSWORD=$ODD" REPLICATION_PASSWORD=r REWIND_PASSWORD=w REST_PASSWORD=s)
field() { # PATH: a value of the rendered file
    "$PYTHON" -c 'import sys, yaml
value = yaml.safe_load(open(sys.argv[1]))
for name in sys.argv[2].split("."):
    value = value[name]
print(value)' "$TEST_SCRATCH/patroni.yml" "$1"
}

exits 1 "without values it fails" "$RENDER"
like "$OUT" 'ADDRESS is not set: expected a value' "and names the first one that is missing"
exits 1 "a ttl that is too short for its retries is refused" env "${GIVEN[@]}" TTL=5 RETRY_TIMEOUT=3 "$RENDER"
like "$OUT" 'TTL, value 5: expected at least LOOP_WAIT \+ 2 \* RETRY_TIMEOUT = 8' "with the reason"
exits 1 "a value of two lines is refused" env "${GIVEN[@]}" NAME=$'one\ntwo' "$RENDER"
like "$OUT" 'NAME: expected one line' "by name"

env "${GIVEN[@]}" "PARAMETERS_EXTRA=work_mem: '8MB'
jit: 'off'" "$RENDER" >"$TEST_SCRATCH/patroni.yml"
ok $? "with values it prints a configuration"
unlike "$(cat "$TEST_SCRATCH/patroni.yml")" '@[A-Z_]+@' "in which no word is left over"
is "$(field postgresql.authentication.superuser.password)" "$ODD" "an odd password arrives unchanged"
is "$(field postgresql.parameters.jit)" off "further settings are put in"
is "$(field etcd.hosts)" 10.0.0.9:2379,10.0.0.8:2379 "etcd is spoken to by its v2 interface"
is "$(field bootstrap.dcs.synchronous_mode_strict)" True "commits wait for a standby, always"
is "$(field bootstrap.dcs.postgresql.use_pg_rewind)" True "former primaries rejoin by pg_rewind"
is "$(field bootstrap.dcs.postgresql.parameters.wal_log_hints)" on "which is possible"
done_testing
