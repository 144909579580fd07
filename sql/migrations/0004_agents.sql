-- SPDX-License-Identifier: PostgreSQL
-- Agents: a cold row of identity and attributes, a hot narrow row of books per pool, and heartbeats
-- apart from both. Units: cpus in milli, mem and disk in MiB, gpus whole.

set local role howdah_owner;

-- An amount that is there or is held. As a domain its check is compiled once for each session, and
-- not, like a table's, in every statement: the books are written by every claim.
create domain howdah_private.amount as bigint
    constraint amount_not_negative check (value >= 0);

create table howdah_private.agent (
    agent_id uuid primary key default gen_random_uuid(),
    name howdah_private.name_text not null,
    host howdah_private.name_text not null,
    state howdah.agent_state not null default 'active',
    epoch bigint not null default 1,
    boot_id text,
    attributes jsonb not null default '{}' check (jsonb_typeof(attributes) = 'object'),
    principal name not null,
    registered_at timestamptz not null default now(),
    state_at timestamptz not null default now()
);
create unique index agent_name_key on howdah_private.agent (name) where state <> 'gone';

-- The books. No index but the key and no column of it ever changes: every update stays HOT.
-- open and version stand here so that a claim checks them under the lock it takes anyway.
create table howdah_private.agent_pool (
    agent_id uuid not null,
    pool text not null default '*',
    open boolean not null default true,
    version bigint not null default 1,
    cpus_capacity howdah_private.amount not null,
    cpus_free howdah_private.amount not null,
    cpus_revocable howdah_private.amount not null default 0,
    mem_capacity howdah_private.amount not null,
    mem_free howdah_private.amount not null,
    mem_revocable howdah_private.amount not null default 0,
    disk_capacity howdah_private.amount not null,
    disk_free howdah_private.amount not null,
    disk_revocable howdah_private.amount not null default 0,
    gpus_capacity howdah_private.amount not null,
    gpus_free howdah_private.amount not null,
    gpus_revocable howdah_private.amount not null default 0,
    ports_capacity int4multirange,
    ports_allocated int4multirange,
    scalars_capacity jsonb,
    scalars_allocated jsonb,
    scalars_revocable jsonb,
    sets_capacity jsonb,
    sets_allocated jsonb,
    primary key (agent_id, pool)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05,
        autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);

comment on column howdah_private.agent_pool.pool is
    'the unreserved pool is *; a reserved pool has its role''s name';
comment on column howdah_private.agent_pool.cpus_free is
    'capacity less what is held, guaranteed or revocable; the domain keeps it from overcommitting';
comment on column howdah_private.agent_pool.open is 'takes claims: the agent is active';
comment on column howdah_private.agent_pool.version is 'bumped by every claim, not by task ends';

-- Soft state: after a crash nobody counts as silent until a grace period has passed.
create unlogged table howdah_private.agent_heartbeat (
    agent_id uuid primary key,
    seen_at timestamptz not null,
    report_seq bigint not null default 0
) with (fillfactor = 30, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 500,
        autovacuum_vacuum_cost_delay = 0);
comment on column howdah_private.agent_heartbeat.report_seq is
    'the newest report of this incarnation; an older one that arrives late is ignored';
