-- SPDX-License-Identifier: PostgreSQL
-- One plain task in a claim: the commonest claim, and the way that every other test's first task went.
-- Here: that it keeps every rule although it is quick, at the very edge of what fits.

\ir lib/open.psql

select t.fw('a') as fw \gset
select t.ag('edge', '{"cpus": 1.001, "mem": 100, "disk": 50, "gpus": 2}') as ag \gset

create function t.last(what text)
returns text
language sql
as $$
    select format('%s %s', p.version, t.books(p.agent_id)) from howdah_private.agent_pool p
    join howdah_private.agent a using (agent_id) where a.name = what;
$$;

-- --- the edge of each resource -------------------------------------------------------------------

select is(t.reasons(:'fw', jsonb_build_array(t.spec('over-' || v.n, :'ag', v.resources))),
          'insufficient_resource',
          format('%s is more than there is', v.resources))
from (values (1, '{"cpus": 1.002}'::jsonb), (2, '{"mem": 101}'), (3, '{"disk": 51}'),
      (4, '{"gpus": 3}'),
             (5, '{"cpus": 1000000000000}'), (6, '{"mem": 1000000000000}'),
      (7, '{"cpus": 1.001, "mem": 100, "disk": 50, "gpus": 3}'))
     as v (n, resources);
select is(t.books(:'ag'), '{}', 'what did not fit is not in the books');
select is((select version from howdah_private.agent_pool where agent_id = :'ag'), 1::bigint,
          'what did not fit did not touch the version');
select is(t.rows(format($$ select reason, resource, trim_scale(wanted), trim_scale(free)
                        from t.claim(%L, %L) $$, :'fw',
                        jsonb_build_array(t.spec('over', :'ag', v.resources)))), v.answer,
          format('the refusal of %s says what was wanted and what is free', v.resources))
from (values ('{"cpus": 1.002}'::jsonb, '(insufficient_resource,cpus,1.002,1.001)'),
      ('{"mem": 200}', '(insufficient_resource,mem,200,100)'),
             ('{"disk": 51}', '(insufficient_resource,disk,51,50)'),
      ('{"gpus": 3}', '(insufficient_resource,gpus,3,2)'),
             ('{"cpus": 2, "mem": 200}', '(insufficient_resource,cpus,2,1.001)'))
     as v (resources, answer);
select is(t.reasons(:'fw', jsonb_build_array(t.spec('all', :'ag',
                                                    '{"cpus": 1.001, "mem": 100, "disk": 50, "gpus": 2}'))),
          'committed',
          'exactly all there is fits');
select is(t.last('edge'),
          '2 {"mem_allocated": 100, "cpus_allocated": 1001, "disk_allocated": 50, "gpus_allocated": 2}',
          'and stands in the books');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('more-' || v.n, :'ag', v.resources))),
          'insufficient_resource',
          format('not even %s fits after that', v.resources))
from (values (1, '{"cpus": 0.001}'::jsonb), (2, '{"mem": 1}'), (3, '{"disk": 1}'),
      (4, '{"gpus": 1}')) as v (n, resources);
select is(t.reasons(:'fw', jsonb_build_array(t.spec('nothing', :'ag', '{}'))), 'committed',
          'a task that needs nothing still fits');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('zero', :'ag', '{"cpus": 0, "mem": 0}'))),
          'committed', 'so does one that needs zero');
select is((select version from howdah_private.agent_pool where agent_id = :'ag'), 4::bigint,
          'each commit is a version');

-- --- names ---------------------------------------------------------------------------------------

select t.refused(:'fw', jsonb_build_array(t.spec('all', :'ag', '{}')), 'name_in_use',
                 'field "name", value "all": expected a name that no live task of the framework has',
                 'a live task''s name is refused');
select is(t.last('edge'),
          '4 {"mem_allocated": 100, "cpus_allocated": 1001, "disk_allocated": 50, "gpus_allocated": 2}',
          'after a refused name books and version are as before');
select t.report(task_id, 'finished') is not null as done from howdah_private.task
where name = 'all' \gset
select is(t.reasons(:'fw', jsonb_build_array(t.spec('all', :'ag', '{"cpus": 1}'))), 'committed',
          'an ended task''s name is free again');
select is(t.reasons(t.fw('b'), jsonb_build_array(t.spec('all', :'ag', '{}'))), 'committed',
          'another framework may use the same name');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('ALL', :'ag', '{}'))), 'committed',
          'names differ by their case');
select is((select count(*) from howdah_private.task where name = 'all' and framework_id = :'fw'),
          2::bigint,
          'the ended and the live task of one name are two tasks');

-- --- plain specs that have more fields -----------------------------------------------------------

select t.as_login('op', 'select howdah.principal_permit(''fw_a'', null, ''alice'')');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('full', :'ag', '{"mem": 1}',
    '{"environment": {"A": "1"}, "user": "alice", "workdir": "w", "kill_grace_s": 11, "labels": {"l": "1"}, "version": 1}'))),
    'committed', 'a spec with every field is committed');
select is(t.rows($$ select kill_grace_s, spec -> 'environment', spec -> 'labels', spec ->> 'user',
                 spec ->> 'workdir'
                    from howdah_private.task where name = 'full' $$),
          '(11,"{""A"": ""1""}","{""l"": ""1""}",alice,w)',
          'and every field is kept');
select is((t.sync(:'ag') #> '{launch}' -> (select count(*)::integer - 1 from howdah_private.task
                                           where agent_id = :'ag'
                                           and state = 'staging') ->> 'name'), 'full',
          'the agent is told to launch it, newest last');

-- --- the fence -----------------------------------------------------------------------------------

select t.as_login('fw_a',
                  format('select epoch from howdah.framework_register(''a'', framework_id => %L)',
                         :'fw')) as epoch \gset
select t.raises(format('select howdah.claim(%L, 1, gen_random_uuid(), %L)', :'fw',
                       jsonb_build_array(t.spec('late', :'ag', '{}'))),
                'epoch_stale', 'epoch', '1', 'after a fail-over the former self claims nothing',
                'fw_a');
select is(t.as_login('fw_a',
                     format('select committed from howdah.claim(%L, %L, gen_random_uuid(), %L)',
                            :'fw', :'epoch',
                                    jsonb_build_array(t.spec('new', :'ag', '{}')))), 'true',
          'the new self does');
select is(t.problem(format('select howdah.framework_teardown(%L, %L)', :'fw', :'epoch'), 'fw_a'),
          null, 'it is torn down');
select t.raises(format('select howdah.claim(%L, %L, gen_random_uuid(), %L)', :'fw',
                       t.epoch_of(:'fw'), jsonb_build_array(t.spec('late', :'ag', '{}'))),
                'framework_completed', 'framework_id', :'fw',
                'a completed framework claims nothing', 'fw_a');
select t.audit_clean('the books are right');

-- --- many of them, one after the other, to the last drop -----------------------------------------

select t.fw('c') as fw \gset
select t.ag('drops', '{"cpus": 10, "mem": 100000}') as ag \gset
select is((select string_agg(r, ' ') from (select r, count(*) from (
               select t.reasons(:'fw', jsonb_build_array(t.spec('drop-' || i, :'ag',
                       '{"cpus": 0.1}'))) as r
               from generate_series(1, 120) i) x
                                           group by r having (r, count(*)) in (('committed', 100),
                                                   ('insufficient_resource', 20))
               order by r) y), 'committed insufficient_resource',
          'of 120 tenths, exactly 100 fit into ten cpus');
select is(t.books(:'ag'), '{"cpus_allocated": 10000}', 'the books hold ten cpus');
select t.report(task_id, 'finished') is not null as done from howdah_private.task
where name like 'drop-_' and framework_id = :'fw';
select is(t.books(:'ag'), '{"cpus_allocated": 9100}', 'ended ones give theirs back');
select is((select count(*) from (select t.reasons(:'fw',
                                                  jsonb_build_array(t.spec('again-' || i, :'ag',
                                                          '{"cpus": 0.1}'))) as r
           from generate_series(1, 20) i) x where r = 'committed'), 9::bigint,
          'and exactly as many new ones fit');
select t.audit_clean('the books are right at the end');

select * from finish();
