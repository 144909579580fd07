-- SPDX-License-Identifier: PostgreSQL
-- Claims, tasks and what became of them. Live tables stay small; the leader moves what has ended to
-- tables partitioned by time. No foreign keys: a claim must not lock rows that others share.

set local role howdah_owner;

create table howdah_private.task (
    task_id uuid primary key,
    framework_id uuid not null,
    agent_id uuid not null,
    claim_key uuid not null,
    name text not null,
    state howdah.task_state not null default 'staging',
    reason text,
    message text,
    exit_code integer,
    signal integer,
    pool text not null default '*',
    revocable boolean not null,
    cpus_milli bigint not null,
    mem bigint not null,
    disk bigint not null,
    gpus bigint not null,
    ports int4multirange,
    scalars jsonb,
    sets jsonb,
    kill_grace_s integer,
    spec jsonb not null,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    state_at timestamptz not null default now(),
    terminal_at timestamptz
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);
create unique index task_live_name_key on howdah_private.task (framework_id, name)
    where terminal_at is null;
create index task_live_agent_idx on howdah_private.task (agent_id) where terminal_at is null;
create index task_ended_idx on howdah_private.task (terminal_at) where terminal_at is not null;

create table howdah_private.claim (
    framework_id uuid not null,
    claim_key uuid not null,
    body_hash bigint not null,
    mode text not null,
    conflict text not null,
    revocable boolean not null,
    task_count integer not null,
    committed_count integer not null,
    task_ids uuid[] not null,
    refusals jsonb,
    created_at timestamptz not null default now(),
    xid bigint not null default (pg_current_xact_id()::text)::bigint,
    primary key (claim_key)
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);
create index claim_news_idx on howdah_private.claim using brin (xid, created_at)
    with (pages_per_range = 32, autosummarize = on);
comment on column howdah_private.claim.task_ids is 'per ordinal; null where that spec was refused';
comment on column howdah_private.claim.xid is
    'the transaction that made it: lets the leader read news without missing late commits';

-- Status updates that wait for their framework's acknowledgement. A writer holds the task's row lock
-- when it draws update_id, so per task the order of ids is the order of commits.
create table howdah_private.task_update (
    framework_id uuid not null,
    update_id bigint generated always as identity,
    task_id uuid not null,
    state howdah.task_state not null,
    reason text,
    message text,
    exit_code integer,
    signal integer,
    created_at timestamptz not null default now(),
    primary key (framework_id, update_id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);
create index task_update_task_idx on howdah_private.task_update (task_id);
create index task_update_id_idx on howdah_private.task_update (update_id);

-- Append-only log of state changes, each with its cause.
create table howdah_private.event (
    event_id bigint generated always as identity,
    at timestamptz not null default now(),
    object_kind text not null,
    object_id uuid not null,
    from_state text,
    to_state text,
    reason text,
    actor text not null,
    cause text not null,
    message text,
    detail jsonb
) with (autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 0);
create index event_object_idx on howdah_private.event (object_id);
create index event_at_idx on howdah_private.event (at);

create unlogged table howdah_private.task_usage (
    task_id uuid primary key,
    at timestamptz not null,
    cpu_ms bigint,
    mem_bytes bigint,
    mem_peak_bytes bigint,
    pids bigint
) with (fillfactor = 50);

-- Somebody wants to read a task's output; its agent answers with its next sync.
create unlogged table howdah_private.log_request (
    request_id bigint generated always as identity primary key,
    task_id uuid not null,
    agent_id uuid not null,
    stream text not null check (stream in ('stdout', 'stderr')),
    start_offset bigint not null check (start_offset >= 0),
    length integer not null,
    requested_by name not null default session_user,
    created_at timestamptz not null default now(),
    answered_at timestamptz,
    data bytea,
    size bigint,
    eof boolean,
    error text
);
create index log_request_open_idx on howdah_private.log_request (agent_id)
    where answered_at is null;

-- One spec of a claim on its way through claim_decide.
create type howdah_private.claim_row as (
    n integer,
    spec jsonb,
    name text,
    agent_id uuid,
    seen bigint,
    offer_id uuid,
    reason text,
    resource text,
    wanted numeric,
    free numeric,
    message text,
    task_id uuid,
    ports int4multirange,
    sets jsonb
);
