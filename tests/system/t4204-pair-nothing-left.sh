# SPDX-License-Identifier: PostgreSQL
# A pair of PostgreSQL servers runs out of things: connections, room on the standby's disk, room on the
# primary's; and a transaction holds an old snapshot. Claims wait at most, and nothing acknowledged is lost.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/ha.sh"
ha_case pair_exhausted
