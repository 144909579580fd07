# SPDX-License-Identifier: PostgreSQL
# The network between any two fails, one way or both: coordinator, agent, framework and the database, the
# primary and its standby; then a fifth of all packets is lost. Nothing is lost, doubled or started twice.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/ha.sh"
ha_case pair_network
