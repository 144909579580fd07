# SPDX-License-Identifier: PostgreSQL
# The kit of t42xx and t44xx: a run that is killed, or told to end, leaves no namespace, mount, process or
# folder behind.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/ha.sh"
ha_case kit_cleans_up
