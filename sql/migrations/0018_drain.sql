-- SPDX-License-Identifier: PostgreSQL
-- Drains: agents that are being emptied, what frameworks were told and said, what was killed.

set local role howdah_owner;

create table howdah_private.drain (
    agent_id uuid primary key,
    deadline_s integer not null,
    started_at timestamptz not null default clock_timestamp(),
    deadline timestamptz not null,
    drained_at timestamptz
);
comment on table howdah_private.drain is
    'a row from the beginning of an agent''s drain to the end of its cordon';
comment on column howdah_private.drain.drained_at is 'when its last task was gone; null before';

create sequence howdah_private.inverse_offer_change_seq;

create table howdah_private.inverse_offer (
    inverse_offer_id uuid primary key default gen_random_uuid(),
    framework_id uuid not null,
    agent_id uuid not null,
    accepted boolean,
    reason text,
    answered_at timestamptz,
    created_at timestamptz not null default now(),
    change_seq bigint not null default nextval('howdah_private.inverse_offer_change_seq'),
    unique (framework_id, agent_id)
);
create index inverse_offer_agent_idx on howdah_private.inverse_offer (agent_id);
create index inverse_offer_change_idx on howdah_private.inverse_offer (change_seq);
comment on table howdah_private.inverse_offer is
    'a framework is asked to move its tasks from an agent that is being drained, as long as it has any';
comment on column howdah_private.inverse_offer.accepted is 'what it answered; null: nothing yet';
comment on column howdah_private.inverse_offer.change_seq is
    'set when the row is made and when its deadline changes: tells whom to wake';

-- What counts against a framework's disruption budget.
create table howdah_private.drain_kill (
    task_id uuid primary key,
    framework_id uuid not null,
    agent_id uuid not null,
    killed_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    replaced_by uuid unique
);
create index drain_kill_framework_idx on howdah_private.drain_kill (framework_id);
comment on column howdah_private.drain_kill.replaced_by is
    'a task of its framework that began elsewhere since the drain, and runs';

alter table howdah_private.framework
    add column disruption_budget integer not null default 1
        constraint framework_disruption_budget_check check (disruption_budget between 0 and 1000000);
comment on column howdah_private.framework.disruption_budget is
    'how many of its tasks a drain takes down at a time before its deadline';

insert into howdah_private.news_cursor (name) values ('inverse_offers');
