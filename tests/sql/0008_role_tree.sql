-- SPDX-License-Identifier: PostgreSQL
-- Roles as a tree and their quota: what the tables themselves refuse.

\ir lib/open.psql
\set migration `cat sql/migrations/0008_role_tree.sql`

insert into howdah_private.role (name) values ('a'), ('a/b'), ('a/b/c');
select is(t.rows('select name, parent from howdah_private.role order by name'),
          '(a,) (a/b,a) (a/b/c,a/b) (default,)', 'a role''s parent is computed from its name');
select throws_ok('insert into howdah_private.role (name) values (''x/y'')', '23503', null,
                 'there are no orphans');
select throws_ok('delete from howdah_private.role where name = ''a/b''', '23503', null,
                 'nor does deleting a parent make one');
select throws_ok('update howdah_private.role set name = ''z'' where name = ''a''', '23503', null,
                 'nor renaming it');
select throws_ok('update howdah_private.role set parent = ''a/b/c'' where name = ''a''', '428C9',
                 null, 'the parent cannot be set, so there are no cycles');

select throws_ok(format('insert into howdah_private.quota values (''a'', ''cpus'', %s, %s)', v.g, v.l),
                 v.state, null, v.what)
from (values ('-1', 'null', '23514', 'no negative guarantee'),
             ('null', '-1', '23514', 'no negative limit'),
             ('null', 'null', '23514', 'no row without either'),
             ('2', '1', '23514', 'no guarantee above the limit')) as v (g, l, state, what);
select throws_ok('insert into howdah_private.quota values (''nope'', ''cpus'', 1, 1)', '23503', null,
                 'no quota without a role');
insert into howdah_private.quota values ('a/b/c', 'cpus', 1, null), ('a', 'mem', 1, 2);
delete from howdah_private.role where name = 'a/b/c';
select is(t.rows('select * from howdah_private.quota'), '(a,mem,1,2)', 'quota goes with its role');

-- --- a cell from before, when slashes meant nothing ----------------------------------------------

delete from howdah_private.role where name <> 'default' and parent is not null;
delete from howdah_private.role where name <> 'default';
drop table howdah_private.quota cascade;
alter table howdah_private.role drop column parent cascade;
insert into howdah_private.role (name, weight) values ('x/y/z', 2), ('a//b', 3), ('/top', 4), ('end/', 5), ('p', 6), ('p/q', 7);
begin;
\ir ../../sql/migrations/0008_role_tree.sql
commit;
reset role;
select is(t.rows('select name, parent, weight from howdah_private.role where name <> ''default'' order by name collate "C"'),
          '(/top,,4) (a,,1) (a/,a,1) (a//b,a/,3) (end,,1) (end/,end,5) (p,,6) (p/q,p,7) (x,,1) (x/y,x,1) (x/y/z,x/y,2)',
          'roles of older cells keep their names and weights, and get the parents that they lack');
drop table howdah_private.quota cascade;
alter table howdah_private.role drop column parent cascade;
insert into howdah_private.role (name) values ('odd /q');
select throws_ok('do ' || quote_literal(substring(:'migration' from 'do \$\$(.*?)\$\$;')),
                 'P0001', 'a role has the parent "odd ", which is no good name; delete that role and make it anew',
                 'one whose parent could have no name is told of');

select * from finish();
