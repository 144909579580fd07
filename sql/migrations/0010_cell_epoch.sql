-- SPDX-License-Identifier: PostgreSQL
-- The cell's epoch, the keys that make first registrations idempotent, and the functions whose
-- signatures change with them.

set local role howdah_owner;

alter table howdah_private.cell
    add column name howdah_private.name_text not null default current_database()::text,
    add column epoch bigint not null default 1 check (epoch > 0),
    add column timeline text,
    add column epoch_at timestamptz not null default now(),
    add column generation integer not null default 1 check (generation > 0);
comment on column howdah_private.cell.epoch is
    'grows with each term of a leader, each timeline of PostgreSQL and each restore; see cell_epoch_next';
comment on column howdah_private.cell.timeline is
    'PostgreSQL''s timeline when the epoch was raised last; null before the first leader';
comment on column howdah_private.cell.epoch_at is 'when the epoch was raised last: silence counts from here';
comment on column howdah_private.cell.generation is
    'grows with each restore from a backup: who registered under an older one registers again';

alter table howdah_private.agent add column register_key uuid;
comment on column howdah_private.agent.register_key is
    'made by the agent before it registered first: tells a repeated registration from another agent';

alter table howdah_private.framework add column register_key uuid;
create unique index framework_register_key on howdah_private.framework (register_key)
    where register_key is not null;
comment on column howdah_private.framework.register_key is
    'made by the framework before it registered first: a repeated registration finds this row';

-- How far change_seq is settled: every transaction that drew a number up to `settled` has ended, and
-- those up to `drawn` will have when no transaction below `xid` is left.
create table howdah_private.offer_horizon (
    only_row boolean primary key default true check (only_row),
    settled bigint not null default 0,
    drawn bigint not null default 0,
    xid bigint not null default 0
) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
insert into howdah_private.offer_horizon default values;

drop function if exists howdah.leader_acquire(uuid, text, integer);
drop function if exists howdah.agent_register(text, text, jsonb, jsonb, text, uuid);
drop function if exists howdah.framework_register(text, text, integer, uuid);
drop function if exists howdah.framework_heartbeat(uuid, bigint);
