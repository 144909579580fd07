-- SPDX-License-Identifier: PostgreSQL
-- Frameworks, offers and filters: what their tables refuse, and what is soft.

\ir lib/open.psql

select throws_ok($$ insert into howdah_private.framework (name, role, principal,
        failover_timeout_s) values ('x', 'no such role', 'p', 1) $$, '23503', null,
                 'a framework''s role exists');
select throws_ok($$ insert into howdah_private.framework (name, role, principal,
        failover_timeout_s) values ('x', 'default', 'p', -1) $$, '23514', null,
                 'a failover timeout is not negative');
select throws_ok($$ insert into howdah_private.framework (name, role, principal,
        failover_timeout_s) values (E'x\n', 'default', 'p', 1) $$, '23514', null,
                 'a framework''s name is a name');
select t.fw('a') as fw \gset
select throws_ok($$ delete from howdah_private.role where name = 'default' $$, '23503', null,
                 'a role with frameworks cannot vanish');
select t.ag('one') as ag \gset
insert into howdah_private.filter values (:'fw', :'ag', now(), 1, 1, 1, 1);
select throws_ok(format('insert into howdah_private.filter values (%L, %L, now(), 1, 1, 1, 1)',
                        :'fw', :'ag'), '23505', null, 'a framework has one filter for an agent');
select t.lead() is not null as led \gset
select t.offers() is not null as made \gset
select ok(change_seq > 0, 'a new offer draws a place in the order of changes')
from howdah_private.offer;
select ok(relpersistence = 'u', format('%s is soft state', relname)) from pg_class
where oid in ('howdah_private.offer'::regclass, 'howdah_private.filter'::regclass,
              'howdah_private.framework_heartbeat'::regclass) order by relname;
select ok(relpersistence = 'p', format('%s is not', relname)) from pg_class
where oid in ('howdah_private.framework'::regclass, 'howdah_private.framework_total'::regclass)
order by relname;

select * from finish();
