-- SPDX-License-Identifier: PostgreSQL
-- The cell itself: identity, settings, leader lease, doorbell, sharing roles, who may use what.

set local role howdah_owner;

create table howdah_private.cell (
    only_row boolean primary key default true check (only_row),
    cell_id uuid not null default gen_random_uuid(),
    created_at timestamptz not null default now()
);
insert into howdah_private.cell default values;

create table howdah_private.setting (
    name text primary key,
    value text not null,
    preset text not null,
    pattern text not null,
    unit text not null,
    help text not null,
    changed_at timestamptz,
    changed_by name
);
comment on column howdah_private.setting.pattern is
    'regular expression that a value must match as a whole';

-- One row, changed by compare-and-set on database time. It outlives fail-over, which a lock would not.
create table howdah_private.leader (
    only_row boolean primary key default true check (only_row),
    coordinator_id uuid,
    name text,
    epoch bigint not null default 0,
    acquired_at timestamptz,
    renewed_at timestamptz,
    expires_at timestamptz not null default '-infinity'
) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
insert into howdah_private.leader default values;

-- Whether the leader sleeps, so that writers know when to ring. No row means: ring.
create unlogged table howdah_private.doorbell (
    only_row boolean primary key default true check (only_row),
    asleep boolean not null
) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);

create table howdah_private.role (
    name howdah_private.name_text primary key,
    weight numeric not null default 1 check (weight > 0 and weight <= 1000000),
    created_at timestamptz not null default now()
);
insert into howdah_private.role (name) values ('default');

-- principal 'public' means every login. Exactly one of role and os_user is set; os_user '*' = any.
create table howdah_private.permission (
    principal name not null,
    role text,
    os_user text,
    granted_at timestamptz not null default now(),
    granted_by name not null default session_user,
    check (num_nonnulls(role, os_user) = 1)
);
create unique index permission_role_key on howdah_private.permission (principal, role)
    where role is not null;
create unique index permission_os_user_key on howdah_private.permission (principal, os_user)
    where os_user is not null;
insert into howdah_private.permission (principal, role) values ('public', 'default');
