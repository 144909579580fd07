-- SPDX-License-Identifier: PostgreSQL
-- The cell that claims.sh claims from: 5,000 agents that cannot be filled within a run. Written as
-- superuser, since 5,000 agents that poll would be a bench of its own.

insert into howdah_private.agent (agent_id, name, host, principal)
select gen_random_uuid(), format('bench-%s', i), format('host-%s', i), 'agent'
from generate_series(1, 5000) as i;

insert into howdah_private.agent_pool (agent_id, cpus_capacity, cpus_free, mem_capacity, mem_free,
                                       disk_capacity, disk_free, gpus_capacity, gpus_free)
select a.agent_id, 1000000000, 1000000000, 1000000000, 1000000000, 1000000000, 1000000000, 0, 0
from howdah_private.agent a;

insert into howdah_private.agent_heartbeat (agent_id, seen_at)
select a.agent_id, clock_timestamp()
from howdah_private.agent a;

-- These agents never sync: nobody is to take them for lost.
update howdah_private.setting
set value = '999999'
where name = 'agent_timeout_s';
