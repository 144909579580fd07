# SPDX-License-Identifier: PostgreSQL
# A framework is shut off while a new instance takes over and the database fails over: the former one is
# fenced. Another one dies for good: its tasks end after its failover timeout.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/ha.sh"
ha_case pair_framework
