# SPDX-License-Identifier: PostgreSQL
# A pair of PostgreSQL servers: the primary's machine is killed under claims and status reports. The
# standby takes over, nothing that was acknowledged is lost or doubled, the killed one comes back.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/ha.sh"
ha_case pair_primary_killed
