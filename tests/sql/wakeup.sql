-- SPDX-License-Identifier: PostgreSQL
-- Wake-ups: for what a framework is called, that it is called once per turn and channel, that the
-- cursors move, and what is said again for safety's sake.

\ir lib/open.psql

create function t.cursors()
returns text
language sql
as $$
    select string_agg(format('%s %s', c.name, c.position), ', ' order by c.name)
    from howdah_private.news_cursor c where c.name in ('offers', 'updates');
$$;

-- What was said a moment ago is not said again for its youth: updates made to look older.
create function t.age_updates()
returns void
language sql
as $$
    update howdah_private.task_update u set created_at = u.created_at - interval '3 s';
$$;

create function t.state_of(offer uuid, change text)
returns void
language plpgsql
as $$
begin
    execute format('update howdah_private.offer set state = %L, '
                   'change_seq = nextval(''howdah_private.offer_change_seq'') where offer_id = %L',
                   change, offer);
end
$$;

select t.lead() is not null as led \gset
select t.ag('one') as ag, t.ag('two') as two, t.fw('a') as fw,
       t.fw('b', login => 'fw_b') as other \gset

-- --- who may call, and a quiet cell --------------------------------------------------------------

select t.denied('select howdah.wakeups_send(1)', l, format('login %s may not send wake-ups', l))
from unnest('{fw_a,ag_a,op,obs,stranger}'::text[]) l;
select is(t.cursors(), 'offers 0, updates 0', 'a fresh cell has said nothing');
select is(t.chore('wakeups_send'), 0, 'and has nothing to say');
select is(t.cursors(), 'offers 0, updates 0', 'which moves no cursor');

-- --- offers --------------------------------------------------------------------------------------

select is(t.offers(), 4, 'two agents are offered to two frameworks');
select is(t.chore('wakeups_send'), 2, 'each framework is called once, however many offers it has');
select is((select position from howdah_private.news_cursor where name = 'offers'),
          (select max(change_seq) from howdah_private.offer), 'the cursor is at the newest offer');
select is(t.chore('wakeups_send'), 0, 'nobody is called for the same offers again');
select t.offer(:'fw', :'ag') as o1, t.offer(:'fw', :'two') as o2, t.offer(:'other', :'ag') as o3,
       t.offer(:'other', :'two') as o4 \gset
select t.as_login('fw_a', format('select howdah.offer_decline(%L, 1, array[%L]::uuid[], 0)', :'fw',
                                 :'o1'));
select is(t.chore('wakeups_send'), 0, 'a framework is not called for an offer that it declined');
select is((select position from howdah_private.news_cursor where name = 'offers'),
          (select max(change_seq) from howdah_private.offer), 'the cursor passes it all the same');
select is(t.reasons(:'other', jsonb_build_array(t.spec_on('used', :'o3'))), 'committed',
          'an offer is used');
select is(t.chore('wakeups_send'), 0, 'nor for one that it used');
select t.state_of(:'o2', 'rescinded');
select is(t.chore('wakeups_send'), 1, 'it is called for one that was taken back');
select t.state_of(:'o4', 'expired');
select is(t.chore('wakeups_send'), 1, 'and for one that ran out of time');
select is(t.chore('wakeups_send'), 0, 'once');
select is(t.offers(), 4, 'offers are made anew');
select is(t.chore('wakeups_send'), 2, 'that is news to both');
delete from howdah_private.offer;
select t.cursors() as before \gset
select is(t.chore('wakeups_send'), 0, 'without offers there is nothing to say');
select is(t.cursors(), :'before', 'and the cursor does not go back');
select is(t.offers(), 4, 'offers made after that');
select is(t.chore('wakeups_send'), 2, 'are news');

-- --- updates -------------------------------------------------------------------------------------

select t.task(:'fw', :'ag', 'u1') as u1, t.task(:'fw', :'ag', 'u2') as u2,
       t.task(:'other', :'ag', 'u3') as u3 \gset
select is(t.chore('wakeups_send'), 0, 'a claim itself is no news: its answer said all');
select t.report(:'u1', 'starting') is not null as x, t.report(:'u1', 'running') is not null as y,
       t.report(:'u2', 'starting') is not null as z \gset
select is(t.chore('wakeups_send'), 1, 'three updates of one framework are one call');
select is((select position from howdah_private.news_cursor where name = 'updates'),
          (select max(update_id) from howdah_private.task_update),
          'the cursor is at the newest update');
select t.age_updates();
select is(t.chore('wakeups_send'), 0, 'nobody is called for the same updates again');
select t.report(:'u3', 'running') is not null as x,
       t.report(:'u2', 'running') is not null as y \gset
select is(t.chore('wakeups_send'), 2, 'each framework with updates is called');
select t.age_updates();
select is(t.chore('wakeups_send'), 0, 'once');
select t.report(:'u3', 'finished') is not null as x \gset
select t.as_login('fw_b', format('select howdah.update_acknowledge(%L, 1, array(select update_id
                                  from howdah.updates_pending(%L, 1)))', :'other', :'other'));
select t.cursors() as before \gset
select is(t.chore('wakeups_send'), 0, 'what was acknowledged before the turn is no news any more');
select is(t.cursors(), :'before', 'nor does it move the cursor');
select t.report(:'u1', 'running') is not null as x \gset
select is(t.chore('wakeups_send'), 0, 'a repeated report is no update');

-- --- offers and updates in one turn --------------------------------------------------------------

select t.offers() is not null as x, t.report(:'u1', 'finished') is not null as y \gset
delete from howdah_private.offer;
select is(t.offers(), 4, 'there are new offers, and an update');
select is(t.chore('wakeups_send'), 3, 'a framework that has both is called for each');
select t.age_updates();
select is(t.chore('wakeups_send'), 0, 'after that all is quiet');

-- --- the look-back -------------------------------------------------------------------------------
-- An update with a lower id may become visible after one with a higher id was told of.

update howdah_private.task_update set created_at = clock_timestamp() where task_id = :'u1';
select is(t.chore('wakeups_send'), 1,
          'an update at or below the cursor is told again while it is young');
select is(t.chore('wakeups_send'), 1, 'which may happen more than once');
select t.age_updates();
select is(t.chore('wakeups_send'), 0, 'and ends after two seconds');
select t.cursors() as before \gset
update howdah_private.task_update set created_at = clock_timestamp() where task_id = :'u1';
select t.chore('wakeups_send') as x \gset
select is(t.cursors(), :'before', 'telling again does not move the cursor back');
update howdah_private.news_cursor set position = position + 200 where name = 'updates';
select is(t.chore('wakeups_send'), 0,
          'two hundred below the cursor it is not told again, however young');
update howdah_private.news_cursor set position = position - 200 where name = 'updates';
select is(t.chore('wakeups_send'), 1, 'less than that below it is');
update howdah_private.news_cursor set position = 0 where name = 'updates';
select t.age_updates();
select is(t.chore('wakeups_send'), 1, 'an update above the cursor is told, however old');
select is(t.cursors(), :'before', 'and the cursor is at the newest again');

-- --- what is heard -------------------------------------------------------------------------------
-- psql says what it heard on the channel, after the statement during which it came.

select format('howdah_framework_%s', replace(:'fw', '-', '')) as channel,
       format('howdah_framework_%s', replace(:'other', '-', '')) as foreign_channel \gset
select is(:'channel', (select x from t.as_login('fw_a', format(
              'select channel from howdah.framework_register(''a'', framework_id => %L)',
              :'fw')) x),
          'the channel is the one that the framework was told');
\set box `mktemp`
listen :"channel";
delete from howdah_private.offer;
select t.offers() as made, t.report(:'u2', 'finished') is not null as x \gset
\o :box
select t.chore('wakeups_send');
\o
\set offers `grep -c '"offers"' :'box'`
\set updates `grep -c '"updates"' :'box'`
\set all `grep -c '"howdah_framework_' :'box'`
select is(:offers, 1, 'a listener hears of offers, once');
select is(:updates, 1, 'and of updates, once');
select is(:all, 2, 'and of nothing else: what others are told it does not hear');
select t.age_updates();
\o :box
select t.chore('wakeups_send');
\o
\set all `grep -c '"howdah_framework_' :'box'`
select is(:all, 0, 'a turn without news is silent');
unlisten *;
listen :"foreign_channel";
delete from howdah_private.offer;
select t.offers() as made \gset
\o :box
begin;
select t.chore('wakeups_send');
rollback;
\o
\set all `grep -c '"howdah_framework_' :'box'`
select is(:all, 0, 'a turn that fails tells nobody');
\o :box
select t.chore('wakeups_send');
\o
\set all `grep -c '"howdah_framework_' :'box'`
select is(:all, 1, 'the next one tells instead, since the cursor did not move');
\set gone `rm -f :'box'`
unlisten *;

-- --- frameworks that have ended ------------------------------------------------------------------

select t.task(:'other', :'ag', 'last') as last \gset
select t.chore('wakeups_send') as x \gset
select t.as_login('fw_b', format('select howdah.framework_teardown(%L, 1)', :'other'));
select is(t.chore('wakeups_send'), 1, 'a framework that ends is told that its offers are gone');
select t.report(:'last', 'killed') is not null as x \gset
select is(t.chore('wakeups_send'), 0, 'and never called again');

select * from finish();
