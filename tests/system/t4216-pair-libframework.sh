# SPDX-License-Identifier: PostgreSQL
# A framework upon libframework claims through fail-overs of the database: the primary is killed, cut off,
# paused and switched over. No acknowledged claim is lost, none is refused, and it is never stuck.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/ha.sh"
ha_case pair_library
