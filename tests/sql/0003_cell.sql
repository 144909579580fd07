-- SPDX-License-Identifier: PostgreSQL
-- The cell's own tables: one row where there is one, checks where a bug must not get through.

\ir lib/open.psql

select is((select count(*) from howdah_private.cell), 1::bigint, 'a fresh database is one cell');
select throws_ok('insert into howdah_private.cell default values', '23505', null,
                 'it cannot be two');
select throws_ok('insert into howdah_private.cell (only_row) values (false)', '23514', null,
                 'in no way');
select is((select count(*) from howdah_private.leader), 1::bigint, 'there is one lease');
select throws_ok('insert into howdah_private.leader default values', '23505', null,
                 'and never a second');
select throws_ok('insert into howdah_private.doorbell (asleep) values (true), (false)', '23505',
                 null, 'there is one doorbell');
select throws_ok(format('insert into howdah_private.role (name, weight) values (''x'', %s)', w),
                 '23514', null, format('a weight of %s cannot be stored', w))
from unnest('{0,-1,1000001}'::text[]) as w;
select throws_ok('insert into howdah_private.role (name) values ('' x'')', '23514', null,
                 'nor a bad name');
select throws_ok($$ insert into howdah_private.permission (principal) values ('p') $$, '23514',
                 null, 'a permission is for something');
select throws_ok($$ insert into howdah_private.permission (principal, role, os_user) values ('p',
        'r', 'u') $$, '23514', null, 'and for one thing');
select lives_ok($$ insert into howdah_private.permission (principal, role) values ('p', 'r') $$,
                'a permission for a role');
select throws_ok($$ insert into howdah_private.permission (principal, role) values ('p', 'r') $$,
                 '23505', null, 'is stored once');
select is(t.rows('select principal, role, os_user from howdah_private.permission where principal = ''public'''),
          '(public,default,)',
                  'a fresh cell permits role default to everybody, and no OS user to anybody');
select ok(relpersistence = 'u', 'the doorbell is unlogged: after a crash writers ring')
from pg_class where oid = 'howdah_private.doorbell'::regclass;
select ok(relpersistence = 'p', 'the lease is not: it survives a crash and reaches a standby')
from pg_class where oid = 'howdah_private.leader'::regclass;

select * from finish();
