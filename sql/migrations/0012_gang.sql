-- SPDX-License-Identifier: PostgreSQL
-- What claims of many tasks need to be quick.

set local role howdah_owner;

-- Every claim looks its agents' books up; a hash finds them with a quarter of a btree's instructions.
create index agent_pool_agent_idx on howdah_private.agent_pool using hash (agent_id);

-- A gang locks and debits the books in one statement, in agent_id order, whether it fits or not; what
-- it found at each agent is handed from the update to its own RETURNING in this column.
alter table howdah_private.agent_pool add column gang_short boolean not null default false;
comment on column howdah_private.agent_pool.gang_short is
    'scratch of gang_take, false at every commit: the gang does not fit here';

-- Names are told apart byte by byte: no collation's comparison is run for each of a gang's names.
drop index howdah_private.task_live_name_key;
create unique index task_live_name_key on howdah_private.task (framework_id, name collate "C")
    where terminal_at is null;

-- A task's name and place are columns of their own; gangs of a hundred need not carry them twice.
comment on column howdah_private.task.spec is 'the spec as it was claimed, less name and place';
update howdah_private.task set spec = spec - '{name,offer,agent,version}'::text[];
update howdah_private.task_history set spec = spec - '{name,offer,agent,version}'::text[];

-- The specs of a claim on their way through claim_gang. Lists are in the specs' order. Specs that are
-- alike share body and amounts; otherwise these are null and the lists say it for each.
create type howdah_private.gang as (
    cpus bigint,
    mem bigint,
    disk bigint,
    gpus bigint,
    body jsonb,
    ids uuid[],
    names text[],
    agents uuid[],
    offers uuid[],
    seen bigint[],
    bodies jsonb[],
    each_cpus bigint[],
    each_mem bigint[],
    each_disk bigint[],
    each_gpus bigint[]
);

drop function if exists howdah_private.claim_gang(howdah_private.framework, uuid, bigint, jsonb, text, text);
drop function if exists howdah_private.gang_parse(jsonb, howdah_private.framework);
drop function if exists howdah_private.gang_lock(text, uuid[], bigint[], bigint[], bigint[], bigint[], bigint[]);
drop function if exists howdah_private.gang_take(uuid[], bigint[], bigint[], bigint[], bigint[]);
drop function if exists howdah_private.gang_write(uuid, uuid, uuid[], text[], uuid[], jsonb[], bigint[],
                                        bigint[], bigint[], bigint[]);
