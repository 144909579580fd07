-- SPDX-License-Identifier: PostgreSQL
-- Placing: answers by key, and what the choice of agents works on.

set local role howdah_owner;

create table howdah_private.placement (
    claim_key uuid primary key,
    framework_id uuid not null,
    body_hash bigint not null,
    answer jsonb,
    created_at timestamptz not null default now()
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
create index placement_created_idx on howdah_private.placement using brin (created_at);
comment on column howdah_private.placement.body_hash is
    'of what the caller said; the claim that was made of it has its own';
comment on column howdah_private.placement.answer is 'the rows that place answered';

create type howdah_private.place_agent as (
    agent_id uuid,
    domain text,
    preferred numeric,
    barred boolean,
    cpus bigint,
    mem bigint,
    disk bigint,
    gpus bigint,
    cpus_capacity bigint,
    mem_capacity bigint
);
comment on type howdah_private.place_agent is
    'an agent that tasks may be placed on, with what is free of it less what was placed already; cpus '
    'in milli';

create type howdah_private.place_row as (
    ordinal integer,
    name text,
    task_id uuid,
    agent_id uuid,
    committed boolean,
    reason text,
    resource text,
    wanted numeric,
    free numeric,
    message text,
    replayed boolean
);
comment on type howdah_private.place_row is 'a row of a claim''s answer';
