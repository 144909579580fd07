# SPDX-License-Identifier: PostgreSQL
# All faults of PostgreSQL under Patroni; beyond those of t4400: Patroni alone is killed, etcd is away, two
# of three servers are.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/ha.sh"
ha_case patroni_faults
