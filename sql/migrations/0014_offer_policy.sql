-- SPDX-License-Identifier: PostgreSQL
-- Offer policies: what one answers, and whether the one in force works.

set local role howdah_owner;

create type howdah_private.offer_rank as (
    framework_id uuid,
    share_group text,
    group_level double precision,
    group_size double precision,
    own_level double precision
);
comment on type howdah_private.offer_rank is
    'a policy''s word on one framework: groups with the lowest level first, within a group who has the '
    'lowest of his own. While overlap is limited an offer of part x of the cell raises the level of '
    'the group by x / size and his own by x';

create table howdah_private.policy_fault (
    kind text primary key,
    faults bigint not null default 0,
    policy text,
    message text,
    at timestamptz
) with (fillfactor = 50);
insert into howdah_private.policy_fault (kind) values ('offer');
comment on column howdah_private.policy_fault.message is 'what is wrong; null while it works';

drop view if exists howdah_private.pool_offerable;
drop view if exists howdah_private.framework_share_offered;
drop function if exists howdah_private.offer_candidates();
drop function if exists howdah_private.offer_deal(integer, integer);
drop view if exists howdah_private.role_wanted;
