-- SPDX-License-Identifier: PostgreSQL
-- Between two runs of claims.sh, as superuser: empty what claims filled and set the books back, so
-- that every run meets the same tables. The frameworks of the run before go, too.

truncate howdah_private.task, howdah_private.claim, howdah_private.task_update,
    howdah_private.event, howdah_private.offer, howdah_private.filter, howdah_private.framework,
    howdah_private.framework_heartbeat, howdah_private.framework_total, pgbench_history;

update howdah_private.agent_pool
set version = 1, cpus_free = cpus_capacity, cpus_revocable = 0, mem_free = mem_capacity,
    mem_revocable = 0, disk_free = disk_capacity, disk_revocable = 0, gpus_free = gpus_capacity,
    gpus_revocable = 0;

vacuum full howdah_private.agent_pool;
vacuum analyze howdah_private.agent_pool, howdah_private.task, howdah_private.claim,
    howdah_private.offer, howdah_private.framework;
vacuum analyze pgbench_accounts;
