-- SPDX-License-Identifier: PostgreSQL
-- The books' own guard: no update, however wrong, can hold more than there is, or less than nothing.

\ir lib/open.psql

select t.ag('one', '{"cpus": 4, "mem": 400, "disk": 40, "gpus": 4}') as ag \gset
create function t.write(assignment text, agent uuid)
returns text
language sql
as $$
    select format('update howdah_private.agent_pool set %s where agent_id = %L', assignment, agent);
$$;
select throws_ok(t.write(format('%1$s_%2$s = -1', k.kind, s.side), :'ag'), '23514', null,
                 format('%s %s below zero is refused', s.what, k.kind))
from unnest('{cpus,mem,disk,gpus}'::text[]) as k (kind)
cross join (values ('free', 'free'), ('revocable', 'lent'), ('capacity', 'a capacity of'))
     as s (side, what);
select throws_ok(t.write(format('%1$s_free = %1$s_free - %1$s_capacity - 1', kind), :'ag'), '23514',
                 null, format('holding one more of %s than there is is refused', kind))
from unnest('{cpus,mem,disk,gpus}'::text[]) as kind;
select lives_ok(t.write(format('%1$s_free = %1$s_free - %1$s_capacity', kind), :'ag'),
                format('all %s may be held', kind))
from unnest('{cpus,mem,disk,gpus}'::text[]) as kind;
select throws_ok(t.write(format('%s_free = %s_free - 1', kind, kind), :'ag'), '23514', null,
                 format('after that there are no more %s', kind))
from unnest('{cpus,mem,disk,gpus}'::text[]) as kind;
select throws_ok(t.write(format('%s = null', c), :'ag'), null, null,
                 format('%s cannot be unknown', c))
from unnest('{cpus_free,mem_revocable,disk_capacity,gpus_free,version,open}'::text[]) as c;
select throws_ok(format('insert into howdah_private.agent_pool (agent_id, cpus_capacity, cpus_free, mem_capacity, '
                        'mem_free, disk_capacity, disk_free, gpus_capacity, gpus_free) '
                        'values (%L, 1, 1, 1, 1, 1, 1, 1, 1)',
                        :'ag'), '23505', null,
                 'an agent has one unreserved pool');

-- What keeps the hot row hot: no index on what ever changes, so every update can stay on its page.
select is((select string_agg(distinct a.attname, ' ') from pg_index i
           join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey::smallint[])
           where i.indrelid = 'howdah_private.agent_pool'::regclass),
          'agent_id pool',
          'the books have no index but on their key');
select is_empty($$ select 1 from pg_constraint k where k.contype = 'f'
                and k.conrelid in ('howdah_private.task'::regclass,
                                   'howdah_private.claim'::regclass,
                       'howdah_private.agent_pool'::regclass,
                                   'howdah_private.task_update'::regclass) $$,
                'no table that a claim writes has a foreign key: it would lock rows that others share');

-- --- names ---------------------------------------------------------------------------------------

select throws_ok($$ insert into howdah_private.agent (name, host, principal) values ('one', 'h',
        'p') $$, '23505', null, 'two live agents cannot have one name');
update howdah_private.agent set state = 'gone' where agent_id = :'ag';
select lives_ok($$ insert into howdah_private.agent (name, host, principal) values ('one', 'h',
        'p') $$, 'the name of one that is gone is free');
select throws_ok($$ insert into howdah_private.agent (name, host, principal,
                                                      attributes) values ('x', 'h', 'p', '[]') $$,
                 '23514', null, 'attributes are an object');
select throws_ok($$ insert into howdah_private.agent (name, host, principal) values ('', 'h',
        'p') $$, '23514', null, 'an agent has a name');
select ok(relpersistence = 'u', 'heartbeats are unlogged') from pg_class
where oid = 'howdah_private.agent_heartbeat'::regclass;
select ok(relpersistence = 'p', 'the books are not') from pg_class
where oid = 'howdah_private.agent_pool'::regclass;

select * from finish();
