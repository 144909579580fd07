# SPDX-License-Identifier: PostgreSQL
# Tests upon highly available PostgreSQL (bash): tests/ha is the kit, in Python.
#
#   ha_case NAME [ARGUMENT]...    runs tests/ha/cases/NAME.py in place of this shell

HA_LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

ha_python() { # prints a python3 that has psycopg2: the system's own, where both exist
    local python
    for python in /usr/bin/python3 python3; do
        "$python" -c 'import psycopg2' 2>/dev/null && printf '%s' "$python" && return
    done
}

ha_case() {
    local python case=$1
    python=$(ha_python)
    if [ -z "$python" ]; then
        echo "1..0 # SKIP no python3 with psycopg2"
        exit 0
    fi
    export PYTHONPATH=$HA_LIB PYTHONDONTWRITEBYTECODE=1
    shift
    exec "$python" "$HA_LIB/ha/cases/$case.py" "$@"
}
