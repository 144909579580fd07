-- SPDX-License-Identifier: PostgreSQL
-- Frameworks, their filters, and the offers made to them. Offers and filters are soft state.

set local role howdah_owner;

create table howdah_private.framework (
    framework_id uuid primary key default gen_random_uuid(),
    name howdah_private.name_text not null,
    role text not null references howdah_private.role (name),
    principal name not null,
    state howdah.framework_state not null default 'active',
    epoch bigint not null default 1,
    suppressed boolean not null default false,
    failover_timeout_s integer not null check (failover_timeout_s >= 0),
    registered_at timestamptz not null default now(),
    state_at timestamptz not null default now()
);
create index framework_live_idx on howdah_private.framework (role) where state <> 'completed';

create unlogged table howdah_private.framework_heartbeat (
    framework_id uuid primary key,
    seen_at timestamptz not null
) with (fillfactor = 30, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 200);

-- Totals for reports, rolled up by the leader from what claims and offers left behind.
create table howdah_private.framework_total (
    framework_id uuid primary key,
    claims bigint not null default 0,
    conflicts bigint not null default 0,
    tasks bigint not null default 0,
    offers bigint not null default 0,
    rescinds bigint not null default 0
) with (fillfactor = 50);

create unlogged table howdah_private.filter (
    framework_id uuid not null,
    agent_id uuid not null,
    until timestamptz not null,
    cpus_milli bigint not null,
    mem bigint not null,
    disk bigint not null,
    gpus bigint not null,
    primary key (framework_id, agent_id)
);

create sequence howdah_private.offer_change_seq;

create unlogged table howdah_private.offer (
    offer_id uuid primary key default gen_random_uuid(),
    framework_id uuid not null,
    agent_id uuid not null,
    agent_version bigint not null,
    state howdah.offer_state not null default 'outstanding',
    reason text,
    cpus_milli bigint not null,
    mem bigint not null,
    disk bigint not null,
    gpus bigint not null,
    ports int4multirange,
    scalars jsonb,
    sets jsonb,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    change_seq bigint not null default nextval('howdah_private.offer_change_seq')
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);
create index offer_framework_idx on howdah_private.offer (framework_id, change_seq);
create index offer_change_idx on howdah_private.offer (change_seq);
create index offer_outstanding_idx on howdah_private.offer (agent_id, framework_id)
    where state = 'outstanding';
comment on column howdah_private.offer.change_seq is
    'set when the row is made and again when it is closed: a cursor for its framework';
