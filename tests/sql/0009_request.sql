-- SPDX-License-Identifier: PostgreSQL
-- Demand: what the table itself refuses.

\ir lib/open.psql

select t.fw('a') as fw \gset
select throws_ok(format('insert into howdah_private.request values (%L, 1, %s, %s, 0, 0, 0, ''{}'', null)',
                        :'fw', v.count, v.cpus), v.state, null, v.what)
from (values ('0', '1', '23514', 'no request for none'), ('1', '-1', '23514', 'no negative amount'),
             ('null', '1', '23502', 'no request without a count')) as v (count, cpus, state, what);
insert into howdah_private.request values (:'fw', 1, 1, 0, 0, 0, 0, '{}', null);
select throws_ok(format('insert into howdah_private.request values (%L, 1, 1, 0, 0, 0, 0, ''{}'', null)', :'fw'),
                 '23505', null, 'each has a number of its own');
select is((select relpersistence from pg_class where oid = 'howdah_private.request'::regclass), 'p',
          'demand outlives a crash of the server');
select is((select requested_at from howdah_private.framework where framework_id = :'fw'), null,
          'a framework has said nothing at first');

select * from finish();
