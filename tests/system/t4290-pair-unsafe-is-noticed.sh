# SPDX-License-Identifier: PostgreSQL
# A pair without synchronous replication and without fencing does lose acknowledged claims, and the
# comparison that the other tests of t42xx and t44xx rest on finds every one of them.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/ha.sh"
ha_case pair_unsafe
