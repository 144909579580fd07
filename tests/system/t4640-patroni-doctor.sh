# SPDX-License-Identifier: PostgreSQL
# howdah doctor before a real Patroni: recognised from PostgreSQL alone, its file and its REST API read, a mode
# that is not strict and a primary that acknowledges alone found.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/ha.sh"
ha_case patroni_doctor
