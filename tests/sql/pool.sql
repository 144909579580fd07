-- SPDX-License-Identifier: PostgreSQL
-- The books: adding and taking away named amounts and items, and what tasks put in and take out.

\ir lib/open.psql

-- --- arithmetic ----------------------------------------------------------------------------------

select is(howdah_private.scalars_add(v.held, v.change, v.sign), v.sum,
          format('%s %s %s is %s', coalesce(v.held::text, 'nothing'),
          case v.sign when 1 then 'plus' else 'minus' end, coalesce(v.change::text, 'nothing'),
                 coalesce(v.sum::text, 'nothing')))
from (values (null::jsonb, '{"a": 1}'::jsonb, 1, '{"a": 1}'::jsonb),
      ('{"a": 1}', '{"a": 2.5}', 1, '{"a": 3.5}'),
             ('{"a": 1}', '{"b": 2}', 1, '{"a": 1, "b": 2}'),
      ('{"a": 3.5}', '{"a": 1}', -1, '{"a": 2.5}'),
             ('{"a": 1}', '{"a": 1}', -1, null), ('{"a": 1, "b": 1}', '{"a": 1}', -1, '{"b": 1}'),
      (null, null, 1, null),
             ('{"a": 1}', null, -1, '{"a": 1}'), ('{"a": 0.1}', '{"a": 0.2}', 1, '{"a": 0.3}'),
             ('{"a": 1000000000000}', '{"a": 0.001}', 1, '{"a": 1000000000000.001}')) as v (held,
                     change, sign, sum);
select is(howdah_private.sets_change(v.held, v.change, v.sign), v.items,
          format('%s %s %s is %s', coalesce(v.held::text, 'nothing'),
          case v.sign when 1 then 'with' else 'without' end, coalesce(v.change::text, 'nothing'),
                 coalesce(v.items::text, 'nothing')))
from (values (null::jsonb, '{"g": ["b", "a"]}'::jsonb, 1, '{"g": ["a", "b"]}'::jsonb),
      ('{"g": ["a"]}', '{"g": ["b"]}', 1, '{"g": ["a", "b"]}'),
             ('{"g": ["a", "b"]}', '{"g": ["a"]}', -1, '{"g": ["b"]}'),
      ('{"g": ["a"]}', '{"g": ["a"]}', -1, null),
             ('{"g": ["a"]}', '{"h": ["a"]}', -1, '{"g": ["a"]}'),
      ('{"g": ["a"]}', '{"h": ["x"]}', 1, '{"g": ["a"], "h": ["x"]}'),
             ('{"g": ["a"]}', null, 1, '{"g": ["a"]}'), (null, null, -1, null),
      ('{"g": ["a"]}', '{"g": ["zz"]}', -1, '{"g": ["a"]}'))
     as v (held, change, sign, items);

-- --- tasks in and out of the books ---------------------------------------------------------------

select t.fw('a') as fw \gset
select t.ag('one',
            '{"cpus": 8, "mem": 8000, "disk": 100, "gpus": 4, "ports": [[31000, 31099]], "scalars": {"l": 9},
                     "sets": {"g": ["0", "1", "2"]}}') as one \gset
select t.ag('two') as two \gset
select t.task(:'fw', :'one', 'plain', '{"cpus": 1, "mem": 10, "disk": 1, "gpus": 1}') as plain,
       t.task(:'fw', :'one', 'rich',
              '{"cpus": 2, "ports": 2, "scalars": {"l": 1.5}, "sets": {"g": 2}}') as rich,
       t.task(:'fw', :'two', 'far', '{"mem": 7}') as far \gset
select task_id as lent from t.claim(:'fw',
                                    jsonb_build_array(t.spec('lent', :'one',
                                            '{"cpus": 0.5, "mem": 5, "scalars": {"l": 1}}')),
                                    revocable => true) \gset
select t.books(:'one') as one_full, t.books(:'two') as two_full \gset
select is(:'one_full'::jsonb,
          '{"cpus_allocated": 3000, "cpus_revocable": 500, "mem_allocated": 10, "mem_revocable": 5, "disk_allocated": 1,
                                "gpus_allocated": 1, "ports_allocated": "{[31000,31002)}", "scalars_allocated": {"l": 1.5},
                                "scalars_revocable": {"l": 1}, "sets_allocated": {"g": ["0", "1"]}}',
          'the books hold what the tasks hold, lent and not');
select version as version from howdah_private.agent_pool where agent_id = :'one' \gset
select howdah_private.pools_change(array[:'plain', :'rich', :'far', :'lent']::uuid[], -1);
select is(t.books(:'one') || t.books(:'two'), '{}', 'all of them taken out, nothing is held');
select is((select version from howdah_private.agent_pool where agent_id = :'one'), :version::bigint,
          'giving back is no version step');
select howdah_private.pools_change(array[:'far']::uuid[], 1);
select is(t.books(:'one'), '{}', 'putting one back in touches its own agent');
select is(t.books(:'two'), :'two_full'::jsonb, 'and no other');
select howdah_private.pools_change(array[:'plain', :'rich', :'lent']::uuid[], 1);
select is(t.books(:'one'), :'one_full'::jsonb, 'all of them put back in, the books are as before');
select is((select version from howdah_private.agent_pool where agent_id = :'one'),
          (:version + 1)::bigint, 'taking is one version step');
select howdah_private.pools_change('{}'::uuid[], -1), howdah_private.pools_change(null, -1),
       howdah_private.pools_change(array[gen_random_uuid()], -1);
select is(t.books(:'one'), :'one_full'::jsonb, 'no tasks and unknown ones change nothing');
begin;
select howdah_private.pools_change(array[:'plain']::uuid[], -1) from generate_series(1, 2);
select isnt_empty('select * from howdah.audit() where invariant = ''I4 books''',
                  'a task that is taken out of the books twice is found by the auditor');
rollback;
select throws_ok(format('select howdah_private.pools_change(array[%L]::uuid[], 1) from generate_series(1, 8)',
                        :'plain'), '23514', null,
                 'a task cannot be put in until the books burst: the domain forbids less than nothing');
select lives_ok('select howdah_private.pools_lock(null)', 'locking no pools is no error');
select lives_ok(format('select howdah_private.pools_lock(array[%L, %L]::uuid[])', :'two', :'one'),
                'pools are locked in any order of asking');
select is((select string_agg(l.mode, ' ' order by l.mode) from pg_locks l
           where l.pid = pg_backend_pid() and l.relation = 'howdah_private.agent_pool'::regclass),
          null,
          'locks end with the transaction');
select t.audit_clean('the books are right');

select * from finish();
