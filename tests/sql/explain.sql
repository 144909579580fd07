-- SPDX-License-Identifier: PostgreSQL
-- Why a share is what it is.

\ir lib/open.psql

create function t.bounds(role text)
returns text
language sql
as $$
    select string_agg(format('%s: %s of %s, %s', e.resource, trim_scale(e.fair), trim_scale(e.total), e.bound), '; ')
    from howdah.explain_share(role) e;
$$;
select t.as_login('op', format('select howdah.role_set(%L, %s)', n, w)) is null as made
from (values ('eng', 2), ('eng/ads', 1), ('eng/ml', 3), ('idle', 1)) as r (n, w);
select t.as_login('op', 'select howdah.principal_permit(''public'', ''*'')');
select t.ag('big', '{"cpus": 12, "mem": 1200}') as big \gset
select t.fw('m', 'eng/ml') as ml, t.fw('d') as d \gset
create function t.request(framework uuid, requests text)
returns text
language sql
as $$ select x from t.as_login('fw_a', format('select howdah.request(%L, 1, %L)', framework, requests)) x; $$;

select t.task(:'d', :'big', 'x', '{"cpus": 1, "mem": 100}') is not null as made \gset
select t.request(:'d', '[{"count": 2, "resources": {"cpus": 0.5}}]') \gset x_
select is(t.bounds('default'), 'cpus: 2 of 12, all that is wanted; mem: 100 of 1200, all that is wanted',
          'who gets all that it wants is told so');
select is(t.bounds('idle'), 'cpus: 0 of 12, nothing is wanted; mem: 0 of 1200, nothing is wanted', 'who wants nothing, too');
select is(t.bounds('eng/ml'), 'cpus: 10 of 12, the cell''s is dealt out; mem: 1000 of 1200, what goes with it: cpus',
          'who would have more if the cell had, which kind is short');
select t.as_login('op', 'select howdah.quota_set(''eng'', limits => ''{"mem": 300}'')') \gset x_
select is(t.bounds('eng/ml'), 'cpus: 3 of 12, what goes with it: mem; mem: 300 of 1200, limit of eng', 'a limit above is named');
select is(t.bounds('eng'), 'cpus: 3 of 12, what goes with it: mem; mem: 300 of 1200, limit of eng', 'so is the role''s own');
select is(t.rows('select resource, total, held, wanted, guarantee, at_most, entitled, fair from howdah.explain_share(''default'')'),
          '(cpus,12.000,1.000,1.000,,,3.000,2.000) (mem,1200.000,100.000,0.000,,,300.000,100.000)', 'the numbers are there');
select is(t.rows($$ select role, held, wanted, entitled, fair, held_share, entitled_share, fair_share from howdah.shares() where role in ('default', 'eng') $$),
          '(default,"{""mem"": 100, ""cpus"": 1}","{""mem"": 0, ""cpus"": 1}","{""mem"": 300, ""cpus"": 3}","{""mem"": 100, ""cpus"": 2}",'
          '0.08333333333333333,0.25,0.16666666666666666) '
          '(eng,"{""mem"": 0, ""cpus"": 0}","{""mem"": 1200, ""cpus"": 12}","{""mem"": 300, ""cpus"": 6}","{""mem"": 300, ""cpus"": 3}",0,0.25,0.25)',
          'shares has a row for each role');
select is(t.rows('select role from howdah.shares()'), '(default) (eng) (eng/ads) (eng/ml) (idle)', 'in the order of the tree');
select t.raises('select howdah.explain_share(''nope'')', 'role_unknown', 'role', 'nope', 'an unknown role is refused', 'obs');
select t.raises('select howdah.explain_share(null)', 'role_unknown', 'role', null, 'no role is refused', 'fw_a');
select is(t.problem('select howdah.shares()', l.login), null, format('login %s may ask', l.login))
from unnest('{fw_a,co,op,obs}'::text[]) as l (login);

select * from finish();
