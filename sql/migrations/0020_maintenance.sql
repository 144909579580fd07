-- SPDX-License-Identifier: PostgreSQL
-- Maintenance windows: agents that are drained ahead of a time and opened after another.

set local role howdah_owner;

-- GiST compares no uuids without an extension, but addresses of as many bits.
create table howdah_private.maintenance (
    window_id uuid primary key default gen_random_uuid(),
    agent_id uuid not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    reason text,
    set_by name not null default session_user,
    set_at timestamptz not null default now(),
    began_at timestamptz,
    cancelled boolean not null default false,
    constraint maintenance_order check (starts_at < ends_at),
    constraint maintenance_overlap exclude using gist (
        (regexp_replace(replace(agent_id::text, '-', ''), '(....)(?=.)', '\1:', 'g')::inet) inet_ops with =,
        tstzrange(starts_at, ends_at) with &&)
);
create index maintenance_agent_idx on howdah_private.maintenance (agent_id, starts_at);
comment on column howdah_private.maintenance.began_at is 'when the drain ahead of it began';

alter table howdah_private.agent_cordon add column by_window boolean not null default false;
comment on column howdah_private.agent_cordon.by_window is
    'a window made it and no operator has since; ends with the window';
alter table howdah_private.drain add column by_window boolean not null default false;
comment on column howdah_private.drain.by_window is
    'a window made it and no operator has since; ends with the window';

drop function if exists howdah.offers_since(uuid, bigint, bigint);
