-- SPDX-License-Identifier: PostgreSQL
-- Offer policies: the order of each that ships, and what becomes of one that fails. What all must do is in
-- tests/policy/kit.psql.

\ir lib/open.psql

select t.lead() is not null as led \gset
select t.as_login('op', 'select howdah.setting_set(''overlap'', ''1'')');
select t.as_login('op', 'select howdah.setting_set(''offer_min_mem'', ''1'')');
select t.as_login('op', 'select howdah.principal_permit(''public'', ''*'')');
select t.as_login('op', format('select howdah.role_set(%L, %s)', n, w)) is null as made
from (values ('eng', 3), ('eng/ads', 1), ('eng/ml', 2), ('ops', 2)) as r (n, w);
create function t.ranks(policy text)
returns text
language sql
as $$
    select string_agg(f.name, ' ' order by r.group_level, r.own_level, f.name)
    from howdah_private.offer_ranks(policy) r join howdah_private.framework f using (framework_id);
$$;
create function t.request(framework uuid, requests text)
returns text
language sql
as $$ select x from t.as_login('fw_a', format('select howdah.request(%L, 1, %L)', framework, requests)) x; $$;

select t.ag('big', '{"cpus": 12, "mem": 1200}') as big \gset
select t.fw('ads', 'eng/ads') as ads \gset
select t.fw('ml', 'eng/ml') as ml \gset
select t.fw('ops', 'ops') as ops \gset
select t.fw('ops2', 'ops') as ops2 \gset
select t.fw('other') as other \gset

-- --- drf -----------------------------------------------------------------------------------------

-- Fair: eng 6 (ads 2, ml 4), ops 4, default 2 of 12.
select t.task(:'ads', :'big', 'a', '{"cpus": 1, "mem": 10}') is not null as a,
       t.task(:'ml', :'big', 'b', '{"cpus": 1, "mem": 10}') is not null as b,
       t.task(:'ops', :'big', 'c', '{"cpus": 1.5, "mem": 10}') is not null as c,
       t.task(:'other', :'big', 'd', '{"cpus": 1.5, "mem": 10}') is not null as d \gset
select is(t.rows('select round(r.group_level::numeric, 3), round(r.group_size::numeric, 3), round(r.own_level::numeric, 3)
                  from howdah_private.offer_ranks(''drf'') r order by 1, 3'),
          '(0.250,0.333,0.083) (0.375,0.333,0.000) (0.375,0.333,0.125) (0.500,0.167,0.083) (0.750,0.167,0.125)',
          'drf: level is the part of the fair share that is held, size the fair share');
select is(t.ranks('drf'), 'ml ops2 ops ads other', 'who has least of it is first; within a role who holds least');
select t.request(:'other', '[{"count": 99, "resources": {"cpus": 1}}]') \gset x_
select t.request(:'ops', '[]') \gset x_
select t.request(:'ops2', '[]') \gset x_
select t.request(:'ads', '[{"count": 1, "resources": {"cpus": 1}}]') \gset x_
select is(t.rows('select round(r.group_level::numeric, 3), round(r.group_size::numeric, 3) from howdah_private.offer_ranks(''drf'') r order by 1'),
          '(0.170,0.490) (0.500,0.167) (0.571,0.219)', 'what others do not want makes fair shares larger');
select is(t.ranks('drf'), 'ml ads other', 'and who needs nothing more is not ranked');
select t.as_login('op', 'select howdah.quota_set(''eng/ml'', limits => ''{"cpus": 1}'')') \gset x_
select is(t.ranks('drf'), 'other ads ml', 'who has all that his limit allows is last');
select t.as_login('op', 'select howdah.quota_set(''eng/ml'', limits => ''{"cpus": 0}'')') \gset x_
select is(t.rows('select r.group_level, r.group_size from howdah_private.offer_ranks(''drf'') r order by 1 desc limit 1'),
          '(Infinity,1)', 'whose fair share is nothing is behind everybody');
select t.as_login('op', 'select howdah.quota_clear(''eng/ml'')') is not null as x \gset
select t.request(f, null) as x from unnest(array[:'ops', :'ops2', :'ads', :'other']::uuid[]) f;

-- --- the others ----------------------------------------------------------------------------------

select is(t.ranks('strict_priority'), 'ml ads ops2 ops other',
          'strict_priority: the heaviest role first on each level; within a role who holds least');
select is(t.ranks('first_come'), 'ads ml ops ops2 other', 'first_come: in order of registration');
select t.as_login('op', 'select howdah.setting_set(''offer_policy'', ''first_come'')');
select t.ag('more-' || i, '{"cpus": 1, "mem": 100}') is not null as made from generate_series(1, 3) i;
select is(t.offers(), 4, 'the setting chooses');
select is((select string_agg(distinct f.name, ' ') from howdah_private.offer o join howdah_private.framework f using (framework_id)
           where o.state = 'outstanding'), 'ads', 'with first_come the first gets all while overlap is 1');
update howdah_private.offer set state = 'declined' where state = 'outstanding';
select t.as_login('op', 'select howdah.setting_set(''offer_policy'', ''strict_priority'')');
select t.offers() is not null as made \gset
select is((select string_agg(distinct f.name, ' ') from howdah_private.offer o join howdah_private.framework f using (framework_id)
           where o.state = 'outstanding'), 'ml', 'with strict_priority the heaviest');
update howdah_private.offer set state = 'declined' where state = 'outstanding';

-- --- a policy that fails -------------------------------------------------------------------------

create function howdah_private.offer_policy_broken()
returns setof howdah_private.offer_rank
language plpgsql stable
as $$ begin raise 'out of ideas'; end $$;
create table t.odd (level float8, size float8, own float8);
grant select on t.odd to public;
create function howdah_private.offer_policy_odd()
returns setof howdah_private.offer_rank
language sql stable
as $$ select f.framework_id, f.role, l.level, l.size, l.own from howdah_private.framework f, t.odd l; $$;
alter function howdah_private.offer_policy_broken() owner to howdah_owner;
alter function howdah_private.offer_policy_odd() owner to howdah_owner;

set client_min_messages = error;
select t.as_login('op', 'select howdah.setting_set(''offer_policy'', ''broken'')');
select is(t.offers(), 0, 'a policy that raises: the turn makes no offers');
select is(t.rows('select faults, policy, message from howdah_private.policy_fault'), '(1,broken,"out of ideas")', 'the fault is kept');
select is(t.rows('select object_kind, from_state, to_state, cause, reason, message from howdah_private.event where object_kind = ''policy'''),
          '(policy,working,failing,policy_failed,"offer broken","out of ideas")', 'and is an event');
select is(t.offers() + t.offers(), 0, 'so it goes on');
select is((select count(*) from howdah_private.event where object_kind = 'policy'), 1::bigint, 'without an event for each turn');
select is(t.rows($$ select name, value from howdah.metrics() where name like 'howdah_policy%' order by 1 $$),
          '(howdah_policy_failing,1) (howdah_policy_faults_total,3)', 'metrics count them all');
select is(t.reasons(:'ml', jsonb_build_array(t.spec('goes on', :'big'))), 'committed', 'claims go on');
select is(t.chore('offers_expire') is not null, true, 'and so do the other chores');
select t.as_login('op', 'select howdah.setting_set(''offer_policy'', ''drf'')');
select is(t.offers(), 4, 'with a good one there are offers at once');
select is((select to_state || ' ' || cause from howdah_private.event where object_kind = 'policy' order by event_id desc limit 1),
          'working policy_works', 'the recovery is an event, too');
select is(t.rows('select faults, message from howdah_private.policy_fault'), '(3,)', 'the count stays');

create function t.odd(level float8, size float8, own float8)
returns text
language sql
as $$
    delete from t.odd;
    insert into t.odd values (level, size, own);
    select t.problem('select count(*) from howdah_private.offer_ranks(''odd'')') ->> 'message';
$$;
select alike(t.odd(v.level, v.size, v.own), v.message, format('%s is nonsense', v.what))
from (values (null::float8, 1::float8, 1::float8, '%numbers that can be ordered%', 'no level'), (1, null, 1, '%numbers that can be ordered%', 'no size'),
             (1, 1, null, '%numbers that can be ordered%', 'no level of its own'),
             ('NaN', 1, 1, '%numbers that can be ordered%', 'a level that is no number'),
             (1, 0, 1, '%size above 0%', 'a size of zero'), (1, -1, 1, '%size above 0%', 'a negative size'),
             (1, 'NaN', 1, '%numbers that can be ordered%', 'a size that is no number'))
     as v (level, size, own, message, what);
select is(t.odd(1, 1, 1), null, 'good numbers are none');
insert into t.odd values (1, 1, 1);
select alike(t.problem('select count(*) from howdah_private.offer_ranks(''odd'')') ->> 'message', '%is ranked twice', 'a framework ranked twice is');
create or replace function howdah_private.offer_policy_odd()
returns setof howdah_private.offer_rank
language sql stable
as $$ select f.framework_id, 'all', row_number() over (), 1.0::float8, 1.0::float8 from howdah_private.framework f; $$;
select alike(t.problem('select count(*) from howdah_private.offer_ranks(''odd'')') ->> 'message', '%group "all" has two levels or sizes',
             'so is a group with two levels');
create or replace function howdah_private.offer_policy_odd()
returns setof howdah_private.offer_rank
language sql stable
as $$ select gen_random_uuid(), 'all', 1.0::float8, 1.0::float8, 1.0::float8; $$;
select alike(t.problem('select count(*) from howdah_private.offer_ranks(''odd'')') ->> 'message', '%there is no framework%', 'and a framework that there is not');
drop function howdah_private.offer_policy_odd();
update howdah_private.setting set value = 'odd' where name = 'offer_policy';
select is(t.offers(), 0, 'a policy that was removed makes no offers');
select alike((select message from howdah_private.policy_fault), '%offer_policy_odd() does not exist', 'and is told of');
select t.raises('select howdah.setting_set(''offer_policy'', ''odd'')', 'value_invalid', 'offer_policy', 'odd', 'nor can it be chosen', 'op');
select t.audit_clean('the books are right at the end');

select * from finish();
