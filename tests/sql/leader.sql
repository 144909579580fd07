-- SPDX-License-Identifier: PostgreSQL
-- The leader's lease (compare-and-set, epoch, resign, expiry), the fence of the chores, the doorbell.

\ir lib/open.psql

\set one 00000000-0000-0000-0000-000000000001
\set two 00000000-0000-0000-0000-000000000002

create function t.acquire(id uuid, name text, ttl_ms integer default 5000)
returns table (leads boolean, epoch bigint, leader text, remaining integer)
language plpgsql
as $$
declare
    v_row text;
    v_parts text[];
begin
    perform set_config('session_authorization', 'co', false);
    return query select * from howdah.leader_acquire(id, acquire.name, ttl_ms);
    perform set_config('session_authorization', 'admin', false);
end
$$;
create function t.lease_ends(back interval)
returns void
language sql
as $$ update howdah_private.leader l set expires_at = clock_timestamp() - back; $$;

-- --- taking --------------------------------------------------------------------------------------

select is(l.leading, false, 'nobody leads a fresh cell') from howdah.leader l;
select is((select epoch from howdah.leader), 0::bigint, 'a fresh cell is in epoch 0');
select is(t.rows(format('select * from t.acquire(%L, ''one'')', :'one')), '(t,1,one,5000)',
              'the first one that asks leads, in epoch 1');
select is(l.leading, true, 'the view shows that somebody leads') from howdah.leader l;
select is(t.rows('select coordinator_id::text, name, epoch from howdah.leader'),
          '(00000000-0000-0000-0000-000000000001,one,1)',
              'the view shows who leads');
select is(leads, false, 'a second one does not lead') from t.acquire(:'two', 'two');
select is(t.rows(format('select leads, epoch, leader from t.acquire(%L, ''two'')', :'two')),
          '(f,1,one)',
              'a second one learns who leads and in which epoch');
select ok(remaining between 1 and 5000, 'a second one learns how long the lease still lasts')
from t.acquire(:'two', 'two');
select is(t.rows('select coordinator_id::text, epoch from howdah.leader'),
          '(00000000-0000-0000-0000-000000000001,1)',
              'asking in vain changes nothing');

-- --- renewing ------------------------------------------------------------------------------------

select expires_at as before, acquired_at as acquired from howdah.leader \gset
select is(t.rows(format('select leads, epoch from t.acquire(%L, ''one'', 60000)', :'one')), '(t,1)',
              'the leader renews in the same epoch');
select ok(expires_at > :'before'::timestamptz + interval '30 s',
          'renewing moves the end of the lease')
from howdah.leader;
select is(acquired_at, :'acquired'::timestamptz, 'renewing does not move its beginning')
from howdah.leader;
select is(t.rows(format('select leads, epoch from t.acquire(%L, ''one'', 100)', :'one')), '(t,1)',
              'a lease can be shortened by renewing it');
select is((select count(*) from howdah_private.event where cause = 'leader_acquire'), 1::bigint,
          'taking the lease is an event, renewing it is none');

-- --- expiry --------------------------------------------------------------------------------------

select t.lease_ends('1 ms');
select is(l.leading, false, 'an expired lease leads nobody') from howdah.leader l;
select is(t.rows(format('select leads, epoch, leader from t.acquire(%L, ''two'')', :'two')),
          '(t,2,two)',
              'an expired lease goes to whoever asks, in the next epoch');
select is(leads, false, 'the old leader does not lead any more') from t.acquire(:'one', 'one');
select t.lease_ends('1 ms');
select is(t.rows(format('select leads, epoch from t.acquire(%L, ''two'')', :'two')), '(t,3)',
              'a leader that lets its lease expire gets a new epoch, since somebody else might have led');
select is((select count(*) from howdah_private.event where cause = 'leader_acquire'), 3::bigint,
          'each taking is an event');

-- --- resigning -----------------------------------------------------------------------------------

select is(t.as_login('co', format('select howdah.leader_resign(%L, 3)', :'one')), 'false',
          'only the holder can resign');
select is(t.as_login('co', format('select howdah.leader_resign(%L, 2)', :'two')), 'false',
          'a holder with an old epoch cannot resign');
select is(l.leading, true, 'resigning in vain changes nothing') from howdah.leader l;
select is(t.as_login('co', format('select howdah.leader_resign(%L, 3)', :'two')), 'true',
          'the holder resigns');
select is(l.leading, false, 'after that nobody leads') from howdah.leader l;
select is(t.as_login('co', format('select howdah.leader_resign(%L, 3)', :'two')), 'false',
          'resigning twice is no error');
select is(t.rows(format('select leads, epoch from t.acquire(%L, ''one'')', :'one')), '(t,4)',
              'another one leads at once, in the next epoch');
select is(t.as_login('co', 'select howdah.leader_resign(null, 4)'), 'false',
          'nobody cannot resign');

-- --- bad input -----------------------------------------------------------------------------------

select t.raises(format('select * from howdah.leader_acquire(%L, ''x'', %L)', :'two', v.ttl),
                'value_invalid',
                'ttl_ms', v.ttl, format('a lease of %s ms is refused', v.ttl), 'co')
from (values ('0'), ('99'), ('-5'), ('600001'), ('2147483647')) as v (ttl);
select t.raises(format('select * from howdah.leader_acquire(%L, ''x'', null)', :'two'),
                'value_invalid',
                'ttl_ms', null, 'a lease of no length is refused', 'co');
select t.raises('select * from howdah.leader_acquire(null, ''x'', 5000)', 'field_missing',
                'coordinator_id', null, 'nobody cannot lead', 'co');
select t.denied(format('select howdah.leader_acquire(%L, ''x'', 5000)', :'two'), l.login,
                format('login %s cannot lead', l.login))
from unnest('{fw_a,ag_a,op,obs,stranger}'::text[]) as l (login);

-- --- the fence: every chore, every wrong epoch ---------------------------------------------------

select t.raises(format('select howdah.%s(%s)', c.chore, e.epoch), 'epoch_stale', 'epoch',
                e.epoch::text,
                format('%s refuses %s', c.chore, e.what), 'co')
from unnest('{offers_make,offers_expire,agents_expire,tasks_expire,frameworks_expire,history_roll,stats_roll,wakeups_send}'
            ::text[]) as c (chore)
cross join (values (3, 'the epoch before'), (5, 'an epoch that nobody has yet'), (0, 'epoch 0'))
     as e (epoch, what);
select t.raises('select howdah.doorbell_set(3, true)', 'epoch_stale', 'epoch', '3',
                'doorbell_set refuses the epoch before', 'co');
select t.raises('select howdah.offers_make(null)', 'epoch_stale', 'epoch', null,
                'a chore needs an epoch', 'co');
select is(t.problem(format('select howdah.%s(4)', c.chore), 'co'), null,
          format('%s takes the present epoch', c.chore))
from unnest('{offers_make,offers_expire,agents_expire,tasks_expire,frameworks_expire,history_roll,stats_roll,wakeups_send}'
            ::text[]) as c (chore);
select ok(howdah_private.leader_enter('x', 4) >= pg_postmaster_start_time(),
          'silence never counts from before the server''s start');
select ok(howdah_private.leader_enter('x', 4) >= (select acquired_at from howdah.leader),
          'silence never counts from before the lease was taken');

-- --- the doorbell --------------------------------------------------------------------------------

select is_empty('select 1 from howdah_private.doorbell',
                'a fresh cell has no word about sleep, so writers ring');
select is(t.problem('select howdah.doorbell_set(4, true)', 'co'), null,
          'the leader says that it sleeps');
select is((select asleep from howdah_private.doorbell), true, 'that is kept');
select is(t.problem('select howdah.doorbell_set(4, false)', 'co'), null,
          'the leader says that it is up');
select is((select asleep from howdah_private.doorbell), false, 'that is kept, too');
select is(t.problem('select howdah.doorbell_set(4, false)', 'co'), null,
          'saying so twice is no error');
select is((select count(*) from howdah_private.doorbell), 1::bigint, 'there is one row of it');

-- psql says what it heard on the channel, after the statement during which it came.
\set box `mktemp`
listen howdah_bell;

\o :box
select t.fw('quiet');
\o
\set heard `grep -c '"howdah_bell"' :'box'`
select is(:heard, 0, 'nobody rings for a leader that is up');
select t.as_login('co', 'select howdah.doorbell_set(4, true)');
\o :box
select t.fw('loud');
\o
\set heard `grep -c '"howdah_bell"' :'box'`
select is(:heard, 1, 'a sleeping leader is woken, once');
select t.ag('agent-1') as ag, t.fw('claimer') as fw \gset
\o :box
select t.task(:'fw', :'ag', 'silent');
\o
\set heard `grep -c '"howdah_bell"' :'box'`
select is(:heard, 0, 'a claim never rings, not even for a sleeping leader');
delete from howdah_private.doorbell;
\o :box
select t.ag('agent-2');
\o
\set heard `grep -c '"howdah_bell"' :'box'`
select is(:heard, 1, 'where nothing is known about the leader''s sleep, writers ring');
\set gone `rm -f :'box'`
unlisten *;

select * from finish();
