-- SPDX-License-Identifier: PostgreSQL
-- Why a share is what it is, and why a request waits.

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

-- --- why a request waits ------------------------------------------------------------------------

create function t.why(framework uuid, n integer default 1, login text default 'fw_a')
returns text
language sql
as $$
    select string_agg(x, '; ')
    from t.as_login(login, format(
        'select format(''%%s %%s/%%s/%%s %%s %%s'', w.test, w.failing, w.only_this, w.agents, trim_scale(w.wanted), trim_scale(w.best))
         from howdah.why_pending(%L) w where w.request = %s', framework, n)) x;
$$;
select t.as_login('op', format('select howdah.agent_remove(%L)', :'big')) is not null as x \gset
select t.request(:'ml', '[]') \gset x_
select is(t.why(:'ml'), null, 'who needs nothing waits for nothing');
select t.request(:'ml', '[{"count": 3, "resources": {"cpus": 1}}]') \gset x_
select is(t.why(:'ml'), 'fits 0//0 3 0', 'in a cell without agents nothing fits');
select t.ag('a' || i, '{"cpus": 4, "mem": 400, "ports": [[1, 4]], "scalars": {"l": 2}, "sets": {"s": ["x", "y"]}}',
            attributes => jsonb_build_object('zone', chr(96 + i))) is not null as made
from generate_series(1, 3) i;
select t.ag('small', '{"cpus": 2, "mem": 4000}', attributes => '{"zone": "a", "ssd": true}') is not null as made \gset
select is(t.why(:'ml'), 'open 0/0/4  ; cpus 0/0/4 1 4; fits 0//4 3 14', 'what fits is counted, with how often');
select t.request(:'ml', '[{"count": 1, "resources": {"cpus": 3, "mem": 1000}},
                          {"count": 1, "resources": {"cpus": 1, "mem": 10}, "constraints": {"attributes": {"zone": ["a", "z"], "ssd": true}}},
                          {"count": 1, "resources": {"cpus": 1, "ports": 2, "scalars": {"l": 3}, "sets": {"s": ["x"]}}},
                          {"count": 1, "resources": {"cpus": 1, "ports": [[4, 5]]}, "constraints": {"agents": []}},
                          {"count": 1, "resources": {"sets": {"s": 2, "t": 1}, "mem": 0}}]') \gset x_
select is(t.why(:'ml'), 'open 0/0/4  ; cpus 1/1/4 3 4; mem 3/3/4 1000 4000; fits 4//4 1 0',
          'each agent fails one test: relaxing either would help');
select is(t.why(:'ml', 2), 'open 0/0/4  ; attributes.ssd 3/1/4  ; attributes.zone 2/0/4  ; cpus 0/0/4 1 4; mem 0/0/4 10 4000; fits 3//4 1 2',
          'constraints are tests, one for each attribute');
select is(t.why(:'ml', 3), 'open 0/0/4  ; cpus 0/0/4 1 4; ports 1/0/4 2 4; scalars.l 4/3/4 3 2; sets.s 1/0/4 1 2; fits 4//4 1 0',
          'so are ports, custom scalars and items');
select is(t.why(:'ml', 4), 'open 0/0/4  ; agents 4/0/4  ; cpus 0/0/4 1 4; ports 4/0/4 2 4; fits 4//4 1 0', 'and the very ports that are named, and the agents');
select is(t.why(:'ml', 5), 'open 0/0/4  ; sets.s 1/0/4 2 2; sets.t 4/3/4 1 0; fits 4//4 1 0', 'what nobody has is short everywhere; zero is no test');
select t.task(:'d', (select agent_id from howdah_private.agent where name = 'small'), 'y', '{"cpus": 1.5, "mem": 3500}') is not null as made \gset
select is(t.why(:'ml'), 'open 0/0/4  ; cpus 1/0/4 3 4; mem 4/3/4 1000 500; fits 4//4 1 0', 'what is free counts, not what there is');
select t.lead() is not null as led \gset
select is(t.fall_silent((select agent_id from howdah_private.agent where name = 'a1')), 1, 'an agent falls silent');
select is(t.why(:'ml'), 'open 1/0/4  ; cpus 1/0/4 3 4; mem 4/2/4 1000 500; fits 4//4 1 0', 'who takes no claims now fails, too');
select is(t.why(:'ml', 1, 'obs'), t.why(:'ml'), 'observers may ask about all');
select is(t.as_login('fw_a', format('select howdah.filter_set(%L, %s, ''zone'', ''{"attributes": {"zone": ["a"]}}'')', :'ml',
                                    t.epoch_of(:'ml'))), '', 'a filter leaves zone a');
select is(t.why(:'ml', 2), 'open 1/0/4  ; attributes.ssd 3/0/4  ; attributes.zone 2/0/4  ; cpus 1/1/4 1 4; mem 0/0/4 10 500; filters 2/0/4  ; fits 4//4 1 0',
          'what the framework''s own filters keep from being offered fails them');
select is(t.as_login('fw_a', format('select howdah.filters_clear(%L, %s)', :'ml', t.epoch_of(:'ml'))), '1', 'no filter, no such line');
select is(t.rows(format('select distinct request from howdah.why_pending(%L, 2) order by 1', :'ml')), '(1) (2)', 'as many requests as asked for');
select t.raises(format('select howdah.why_pending(%L)', :'ml'), 'not_permitted', 'framework_id', :'ml', 'not others'' frameworks', 'fw_b');
select t.raises('select howdah.why_pending(gen_random_uuid())', 'framework_unknown', 'framework_id', null, 'nor one that there is not', 'op');

-- The same predicate: what fits here is what a claim finds room for.
create function t.agrees(resources jsonb)
returns boolean
language plpgsql
as $$
declare
    v_framework uuid := (select framework_id from howdah_private.framework where name = 'm');
    v_best numeric;
begin
    perform t.request(v_framework, jsonb_build_array(jsonb_build_object('count', 1, 'resources', resources))::text);
    select best into v_best from howdah.why_pending(v_framework) where test = 'fits';
    return (v_best > 0) = exists (
        select 1 from howdah_private.agent a
        cross join lateral t.claim(v_framework, jsonb_build_array(t.spec('probe', a.agent_id, resources)), dry_run => true) c
        where a.state <> 'gone' and c.committed);
end
$$;
select is(t.agrees(v::jsonb), true, format('a claim of %s agrees', v))
from unnest(array['{"cpus": 4}', '{"cpus": 4.001}', '{"mem": 500}', '{"mem": 501}', '{"ports": 4}', '{"ports": 5}', '{"ports": [[2, 3]]}',
                  '{"ports": [[4, 5]]}', '{"scalars": {"l": 2}}', '{"scalars": {"l": 2.5}}', '{"sets": {"s": 2}}', '{"sets": {"s": 3}}',
                  '{"sets": {"s": ["y"]}}', '{"sets": {"s": ["z"]}}', '{"cpus": 1, "disk": 1}', '{"gpus": 1}']) as v;

select * from finish();
