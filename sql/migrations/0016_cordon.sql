-- SPDX-License-Identifier: PostgreSQL
-- Cordons: agents that operators closed to new tasks.

set local role howdah_owner;

create table howdah_private.agent_cordon (
    agent_id uuid primary key,
    reason text,
    cordoned_by name not null default session_user,
    cordoned_at timestamptz not null default now()
);
comment on table howdah_private.agent_cordon is
    'a row while an agent is cordoned; who writes or relies on it holds the agent''s pools';
comment on column howdah_private.agent_pool.open is
    'takes claims: the agent is active and not cordoned';
