# SPDX-License-Identifier: PostgreSQL
# A pair of PostgreSQL servers: the primary is cut off with a client shut in with it, paused for longer than
# the supervisor's patience and resumed, switched over as planned, and loses one server process.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/ha.sh"
ha_case pair_partition
