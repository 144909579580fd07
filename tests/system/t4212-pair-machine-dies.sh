# SPDX-License-Identifier: PostgreSQL
# An agent's machine dies, another is cut off, and the database is away for longer than the agents' timeout:
# what is unreachable, what the books hold, what comes back.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/ha.sh"
ha_case pair_machine
