-- SPDX-License-Identifier: PostgreSQL
-- What frameworks want offered, by filters with names. Durable: a framework sets them once.

set local role howdah_owner;

create table howdah_private.offer_filter (
    framework_id uuid not null,
    name howdah_private.name_text not null,
    until timestamptz,
    wanted jsonb not null check (jsonb_typeof(wanted) = 'object'),
    primary key (framework_id, name)
);
comment on column howdah_private.offer_filter.until is 'null: until it is cleared';
comment on column howdah_private.offer_filter.wanted is
    'agents, attributes, resources: what an agent must have to be offered';

drop function if exists howdah.filters_clear(uuid, bigint, uuid[]);
