-- SPDX-License-Identifier: PostgreSQL
-- The general way of a claim: ports, sets and named amounts, dealt out spec by spec, and every refusal
-- with its numbers.

\ir lib/open.psql

select t.fw('a') as fw \gset
select t.ag('rich', '{"cpus": 8, "mem": 8000, "ports": [[31000, 31009], [32000, 32001]],
                      "scalars": {"licences": 5, "bandwidth": 100},
                      "sets": {"gpu": ["0", "1", "2"], "disk": ["sda", "sdb"]}}') as ag \gset
select t.ag('poor', '{"cpus": 1, "mem": 100}') as poor \gset

create function t.got(name text)
returns text
language sql
as $$
    select format('%s %s %s', howdah_private.ranges_to_json(k.ports), k.sets, k.scalars)
    from howdah_private.task k where k.name = got.name and k.terminal_at is null;
$$;
create function t.why(framework uuid, tasks jsonb, mode text default 'all')
returns text
language sql
as $$
    select string_agg(case when c.committed then 'committed'
                           else concat_ws(' ', c.reason, c.resource, trim_scale(c.wanted),
                                          trim_scale(c.free)) end, ', '
                      order by c.ordinal)
    from t.claim(framework, tasks, mode) c;
$$;

-- --- ports ---------------------------------------------------------------------------------------

select is(t.why(:'fw', jsonb_build_array(t.spec('p1', :'ag', '{"ports": [[31002, 31003]]}'))),
          'committed', 'named ports are given');
select is(t.got('p1'), '[[31002, 31003]]  ', 'exactly those');
select is(t.books(:'ag'), '{"ports_allocated": "{[31002,31004)}"}', 'they stand in the books');
select is(t.why(:'fw', jsonb_build_array(t.spec('p2', :'ag', '{"ports": 3}'))), 'committed',
          'any three ports are given');
select is(t.got('p2'), '[[31000, 31001], [31004, 31004]]  ', 'the lowest that are free');
select is(t.why(:'fw', jsonb_build_array(t.spec('p3', :'ag', '{"ports": [[31004, 31004]]}'))),
          'port_taken ports 1 7',
          'a port that is held is refused, with how many are free');
select is(t.why(:'fw', jsonb_build_array(t.spec('p3', :'ag', '{"ports": [[31004, 31006]]}'))),
          'port_taken ports 3 7',
          'a range that is held in part is refused');
select is(t.why(:'fw', jsonb_build_array(t.spec('p3', :'ag', '{"ports": [[30000, 30000]]}'))),
          'port_taken ports 1 7',
          'a port that the agent does not have is refused');
select is(t.why(:'fw', jsonb_build_array(t.spec('p3', :'ag', '{"ports": 8}'))),
          'port_taken ports 8 7', 'more ports than are free are refused');
select t.refused(:'fw', jsonb_build_array(t.spec('p3', :'ag', '{"ports": 8}')), 'port_taken',
                 'agent %: wanted 8 ports, free 7',
                 'the refusal of ports says how many were wanted and are free');
select is(t.why(:'fw', jsonb_build_array(t.spec('p3', :'ag', '{"ports": 6}'),
                                         t.spec('p4', :'ag', '{"ports": 2}')), 'any'),
          'committed, port_taken ports 2 1',
          'within a claim ports are dealt out in the order of the specs');
select is(t.got('p3'), '[[31005, 31009], [32000, 32000]]  ', 'a count may span ranges');
select is(t.why(:'fw', jsonb_build_array(t.spec('p4', :'ag', '{"ports": 1}'),
                                         t.spec('p5', :'ag', '{"ports": [[32001, 32001]]}'))),
          'gang_incomplete, port_taken ports 1 0',
          'a count may take what a later spec wanted by number');
select is(t.why(:'fw', jsonb_build_array(t.spec('p5', :'ag', '{"ports": [[32001, 32001]]}'),
                                         t.spec('p4', :'ag', '{"ports": 0}'))),
          'committed, committed', 'no ports are always to be had');
select is(t.got('p4'), '  ', 'and leave no trace');
select is(t.why(:'fw', jsonb_build_array(t.spec('p6', :'poor', '{"ports": 1}'))),
          'port_taken ports 1 0', 'an agent without ports gives none');
select t.audit_clean('the books are right while all ports are held');
select t.report(task_id, 'finished') is not null as done from howdah_private.task where name = 'p3';
select is(t.books(:'ag'), '{"ports_allocated": "{[31000,31005),[32001,32002)}"}',
          'an ended task gives exactly its ports back');
select is(t.why(:'fw', jsonb_build_array(t.spec('p7', :'ag',
                                                '{"ports": [[31005, 31006], [31006, 31008]]}'))),
          'committed',
          'ranges that overlap are one');
select is(t.got('p7'), '[[31005, 31008]]  ', 'and are held once');
select t.report(task_id, 'finished') is not null as done from howdah_private.task where name = 'p7';

-- --- named sets ----------------------------------------------------------------------------------

select is(t.why(:'fw', jsonb_build_array(t.spec('s1', :'ag', '{"sets": {"gpu": ["1"]}}'))),
          'committed', 'a named item is given');
select is(t.got('s1'), ' {"gpu": ["1"]} ', 'exactly that');
select is(t.why(:'fw', jsonb_build_array(t.spec('s2', :'ag', '{"sets": {"gpu": ["1"]}}'))),
          'set_item_taken gpu 1 2', 'an item that is held is refused');
select is(t.why(:'fw', jsonb_build_array(t.spec('s2', :'ag', '{"sets": {"gpu": ["0", "1"]}}'))),
          'set_item_taken gpu 2 2',
          'two of which one is held are refused');
select is(t.why(:'fw', jsonb_build_array(t.spec('s2', :'ag', '{"sets": {"gpu": ["9"]}}'))),
          'set_item_taken gpu 1 2', 'an item that is not there is refused');
select is(t.why(:'fw', jsonb_build_array(t.spec('s2', :'ag', '{"sets": {"gpu": 3}}'))),
          'set_item_taken gpu 3 2', 'more items than are free are refused');
select is(t.why(:'fw', jsonb_build_array(t.spec('s2', :'ag', '{"sets": {"fpga": 1}}'))),
          'set_item_taken fpga 1 0', 'a set that is not there has nothing free');
select is(t.why(:'fw', jsonb_build_array(t.spec('s2', :'ag',
                                                '{"sets": {"gpu": 2, "disk": ["sdb"]}}'))),
          'committed', 'several sets at once are given');
select is(t.got('s2'), ' {"gpu": ["0", "2"], "disk": ["sdb"]} ',
          'a count takes the first that are free');
select is(t.books(:'ag') -> 'sets_allocated', '{"gpu": ["0", "1", "2"], "disk": ["sdb"]}',
          'the books hold every item');
select is(t.why(:'fw', jsonb_build_array(t.spec('s3', :'ag', '{"sets": {"disk": 1, "gpu": 1}}'))),
          'set_item_taken gpu 1 0',
          'one set that lacks an item refuses the spec');
select is(t.books(:'ag') -> 'sets_allocated', '{"gpu": ["0", "1", "2"], "disk": ["sdb"]}',
          'and takes nothing of the other');
select is(t.why(:'fw', jsonb_build_array(t.spec('s4', :'ag',
                                                '{"sets": {"gpu": 0, "nothing": []}}'))),
          'committed', 'no items are always to be had');
select is(t.got('s4'), '  ', 'and leave no trace');
select t.audit_clean('the books are right while items are held');
select t.report(task_id, 'finished') is not null as done from howdah_private.task where name = 's2';
select is(t.books(:'ag') -> 'sets_allocated', '{"gpu": ["1"]}',
          'an ended task gives exactly its items back');

-- --- named amounts -------------------------------------------------------------------------------

select is(t.why(:'fw', jsonb_build_array(t.spec('n1', :'ag',
                                                '{"scalars": {"licences": 2.5, "bandwidth": 40}}'))),
          'committed', 'named amounts are given');
select is(t.books(:'ag') -> 'scalars_allocated', '{"licences": 2.5, "bandwidth": 40}',
          'they stand in the books');
select is(t.why(:'fw', jsonb_build_array(t.spec('n2', :'ag', '{"scalars": {"licences": 2.6}}'))),
          'insufficient_resource licences 2.6 2.5',
          'more than is free is refused, with the numbers');
select is(t.why(:'fw', jsonb_build_array(t.spec('n2', :'ag', '{"scalars": {"licences": 2.5}}'))),
          'committed', 'exactly what is free is given');
select is(t.why(:'fw', jsonb_build_array(t.spec('n3', :'ag', '{"scalars": {"licences": 0.001}}'))),
          'insufficient_resource licences 0.001 0', 'then there is none');
select is(t.why(:'fw', jsonb_build_array(t.spec('n3', :'ag', '{"scalars": {"tokens": 1}}'))),
          'insufficient_resource tokens 1 0',
          'an amount that the agent does not have is refused');
select is(t.why(:'fw', jsonb_build_array(t.spec('n3', :'ag', '{"scalars": {"tokens": 0}}'))),
          'committed', 'none of it is always to be had');
select is(t.why(:'fw', jsonb_build_array(t.spec('n4', :'ag',
                                                '{"cpus": 9, "scalars": {"tokens": 1}}'))),
          'insufficient_resource cpus 9 8',
          'where several are short the plain ones are named first');
select t.report(task_id, 'finished') is not null as done from howdah_private.task
where name in ('n1', 'n2');
select is(t.books(:'ag') -> 'scalars_allocated', null,
          'ended tasks give their amounts back, and no zero stays');

-- --- all kinds in one gang over two agents -------------------------------------------------------

select t.refused(:'fw', jsonb_build_array(
    t.spec('m1', :'ag',
           '{"cpus": 1, "mem": 100, "ports": 2, "sets": {"gpu": 1}, "scalars": {"licences": 1}}'),
    t.spec('m2', :'poor', '{"cpus": 1, "mem": 101}')), 'gang_incomplete insufficient_resource',
                 'fits, but%',
    'a gang with all kinds of resources stands or falls together');
select is(t.why(:'fw', jsonb_build_array(
    t.spec('m1', :'ag',
           '{"cpus": 1, "mem": 100, "ports": 2, "sets": {"gpu": 1}, "scalars": {"licences": 1}}'),
    t.spec('m2', :'poor', '{"cpus": 1, "mem": 100}'),
    t.spec('m3', :'ag',
           '{"cpus": 1, "mem": 100, "ports": 2, "sets": {"gpu": 1}, "scalars": {"licences": 1}}'))),
    'committed, committed, committed', 'and is committed when all fits');
select isnt(t.got('m1'), t.got('m3'), 'two alike get different ports and items');
select t.audit_clean('the books are right');
select is((select count(*) from t.claim(:'fw',
                                        jsonb_build_array(t.spec('m4', :'ag', '{"ports": 1}')),
                                        revocable => true) where committed), 1::bigint,
          'ports can be held by a revocable task');
select t.audit_clean('and the books are right');

-- --- what refusals are kept as -------------------------------------------------------------------

select is(t.why(:'fw', jsonb_build_array(t.spec('k1', :'ag'), t.spec('k2', :'poor', '{"cpus": 5}'),
                                         '7'::jsonb), 'any'),
          'committed, insufficient_resource cpus 5 0, task_invalid',
          'a claim of three gets one through');
select is((select jsonb_path_query_array(refusals, '$[*].ordinal') from howdah_private.claim
           order by created_at desc limit 1), '[2, 3]',
          'the claim keeps the refusals of the second and third');
select is((select refusals -> 0 from howdah_private.claim order by created_at desc limit 1),
          jsonb_build_object('ordinal', 2, 'reason', 'insufficient_resource', 'resource', 'cpus',
                             'wanted', 5, 'free', 0.0,
                             'agent_id', :'poor', 'message',
                             format('agent %s: wanted 5 cpus, free 0', :'poor')),
          'a kept refusal has reason, resource, wanted, free, message and agent');

-- --- the small functions -------------------------------------------------------------------------

select is(howdah_private.ports_pick(v.free, v.wanted), v.got,
          format('of %s, %s gets %s', v.free, v.wanted, coalesce(v.got::text, 'nothing')))
from (values ('{[1,5)}'::int4multirange, '2'::jsonb, '{[1,3)}'::int4multirange),
      ('{[1,5)}', '4', '{[1,5)}'), ('{[1,5)}', '5', null),
             ('{[1,2),[4,6)}', '2', '{[1,2),[4,5)}'), ('{}', '0', '{}'), ('{}', '1', null),
      (null, '1', null), (null, '0', '{}'),
             ('{[1,5)}', '[[2, 3]]', '{[2,4)}'), ('{[1,5)}', '[[4, 5]]', null),
      ('{[1,5)}', '[]', '{}'),
             ('{[0,65536)}', '65536', '{[0,65536)}')) as v (free, wanted, got);
select is(howdah_private.sets_pick(v.free, v.wanted)::text, v.got,
          format('of %s, %s gets %s', v.free, v.wanted, v.got))
from (values ('{"g": ["a", "b"]}'::jsonb, '{"g": 1}'::jsonb, '("{""g"": [""a""]}",,,)'),
      ('{"g": ["a", "b"]}', '{"g": ["b"]}', '("{""g"": [""b""]}",,,)'),
             ('{"g": ["a"]}', '{"g": 2}', '({},g,2,1)'),
      ('{"g": ["a"]}', '{"g": ["x"]}', '({},g,1,1)'), ('{}', '{"g": 1}', '({},g,1,0)'),
             (null, '{"g": 1}', '({},g,1,0)'), ('{"g": ["a"]}', '{}', '({},,,)'),
      ('{"g": ["a"]}', '{"g": 0}', '({},,,)'))
     as v (free, wanted, got);

select * from finish();
