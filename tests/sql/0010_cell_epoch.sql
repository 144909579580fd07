-- SPDX-License-Identifier: PostgreSQL
-- The tables of the cell's epoch and of idempotent registration.

\ir lib/open.psql

select throws_ok(format('update howdah_private.cell set %s = 0', c), '23514', null,
                 format('the cell''s %s is never zero', c))
from unnest('{epoch,generation}'::text[]) as c;
select throws_ok($$ update howdah_private.cell set name = '' $$, '23514', null, 'its name is a name');
select is(t.rows('select settled, drawn, xid from howdah_private.offer_horizon'), '(0,0,0)',
          'of no number of an offer is it known that it is settled');
select throws_ok('insert into howdah_private.offer_horizon default values', '23505', null,
                 'there is one horizon');
select ok(relpersistence = 'p', 'the epoch is logged: it survives a crash and reaches a standby')
from pg_class where oid = 'howdah_private.cell'::regclass;
select lives_ok($$ insert into howdah_private.framework (name, role, principal, failover_timeout_s)
                   values ('a', 'default', 'p', 1), ('b', 'default', 'p', 1) $$,
                'frameworks need no key');
select lives_ok($$ insert into howdah_private.framework (name, role, principal, failover_timeout_s, register_key)
                   values ('c', 'default', 'p', 1, '00000000-0000-0000-0000-000000000001') $$,
                'they may have one');
select throws_ok($$ insert into howdah_private.framework (name, role, principal, failover_timeout_s, register_key)
                    values ('d', 'default', 'p', 1, '00000000-0000-0000-0000-000000000001') $$,
                 '23505', null, 'which no other one has');

select * from finish();
