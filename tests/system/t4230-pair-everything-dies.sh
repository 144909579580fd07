# SPDX-License-Identifier: PostgreSQL
# Every server of the pair, every coordinator and every agent are killed in the same moment: tasks run on,
# and the books are right after the restart.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/ha.sh"
ha_case pair_everything
