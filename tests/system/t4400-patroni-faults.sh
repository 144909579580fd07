# SPDX-License-Identifier: PostgreSQL
# PostgreSQL under Patroni: a switchover, the postmaster killed, the primary's machine killed, cut off with a
# client shut in with it, paused for longer than ttl. Another leads, nothing acknowledged is lost.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/ha.sh"
ha_case patroni_faults switchover postmaster node partition pause
