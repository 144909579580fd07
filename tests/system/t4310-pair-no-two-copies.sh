# SPDX-License-Identifier: PostgreSQL
# Tasks that asked to be stopped when they are cut off: the network, the agent or the agent's primary is lost,
# their framework replaces them when it is told, and no two copies ever ran at the same time.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/ha.sh"
ha_case pair_copies
