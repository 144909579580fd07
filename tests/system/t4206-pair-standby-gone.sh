# SPDX-License-Identifier: PostgreSQL
# A pair of PostgreSQL servers that is never to acknowledge on the word of one: without its standby claims
# wait, with it they go on, and it has everything when it takes over.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/ha.sh"
ha_case pair_standby_gone
