# SPDX-License-Identifier: PostgreSQL
# PostgreSQL's primary, the leading coordinator and an agent die in the same moment, while tasks and
# howdah run are at work: the others take over, running tasks notice nothing, each end is reported once.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/ha.sh"
ha_case pair_daemons
