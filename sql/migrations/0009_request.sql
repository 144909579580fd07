-- SPDX-License-Identifier: PostgreSQL
-- Demand: what frameworks say they still need. Durable, and no claim reads or writes it.

set local role howdah_owner;

alter table howdah_private.framework add column requested_at timestamptz;
comment on column howdah_private.framework.requested_at is
    'when it last said what it needs; null: it did not, and counts as wanting all it can get';

create table howdah_private.request (
    framework_id uuid not null,
    n integer not null,
    count integer not null check (count > 0),
    cpus_milli bigint not null check (cpus_milli >= 0),
    mem bigint not null check (mem >= 0),
    disk bigint not null check (disk >= 0),
    gpus bigint not null check (gpus >= 0),
    resources jsonb not null,
    constraints jsonb,
    primary key (framework_id, n)
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
comment on column howdah_private.request.resources is
    'of one of the count; ports, scalars and sets stand only here';
