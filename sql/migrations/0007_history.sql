-- SPDX-License-Identifier: PostgreSQL
-- History, partitioned by day. Partitions are made by the leader just before it moves rows into them
-- and dropped when they are older than the setting history_days. There is no default partition.

set local role howdah_owner;

create table howdah_private.task_history (
    like howdah_private.task including defaults
) partition by range (terminal_at);
create index task_history_id_idx on howdah_private.task_history (task_id);
create index task_history_framework_idx on howdah_private.task_history (framework_id, terminal_at);

create table howdah_private.event_history (
    event_id bigint not null,
    at timestamptz not null,
    object_kind text not null,
    object_id uuid not null,
    from_state text,
    to_state text,
    reason text,
    actor text not null,
    cause text not null,
    message text,
    detail jsonb
) partition by range (at);
create index event_history_object_idx on howdah_private.event_history (object_id);

create table howdah_private.claim_history (
    like howdah_private.claim including defaults
) partition by range (created_at);
create index claim_history_key_idx on howdah_private.claim_history (framework_id, claim_key);

-- Where the leader has read news to, and what it counted second by second.
create table howdah_private.news_cursor (
    name text primary key,
    position bigint not null default 0
);
insert into howdah_private.news_cursor (name) values
    ('claims'), ('updates'), ('offers'), ('offers_news'), ('offers_made_ms');

create unlogged table howdah_private.rate_sample (
    at timestamptz not null default now(),
    claims bigint not null,
    conflicts bigint not null,
    tasks bigint not null
);
create index rate_sample_at_idx on howdah_private.rate_sample (at);
