-- SPDX-License-Identifier: PostgreSQL
-- Offers as a framework sees them: reading with a cursor, declining, filters, expiry, supersession.

\ir lib/open.psql

select t.as_login('op', 'select howdah.setting_set(''offer_refresh_s'', ''0'')');
select t.lead() is not null as led \gset
select t.fw('a') as fw, t.fw('b', login => 'fw_b') as other \gset
select t.ag('one',
            '{"cpus": 4, "mem": 4000, "disk": 100, "ports": [[31000, 31001]], "scalars": {"l": 2}, "sets": {"g": ["0"]}}',
            attributes => '{"rack": "r1"}') as one,
       t.ag('two', '{"cpus": 2, "mem": 2000}') as two \gset
create function t.since(framework uuid, cursor text default '0')
returns text
language sql
as $$
    select string_agg(x, ', ') from t.as_login(t.principal_of(framework), format(
        'select concat_ws('' '', o.agent_name, o.state, o.reason) from howdah.offers_since(%L, %s, %s) o',
                framework, t.epoch_of(framework), cursor)) x;
$$;
-- Of a transaction that has ended two looks settle all that it drew: one that notes it, one after it.
create function t.settle()
returns void
language sql
as $$
    update howdah_private.offer_horizon h set xid = 0;
    select howdah_private.offer_horizon_move();
    update howdah_private.offer_horizon h set xid = 0;
    select howdah_private.offer_horizon_move();
$$;
create function t.cursor_of(framework uuid)
returns text
language plpgsql
as $$
/* The newest change, after the leader's turns have settled all numbers up to it. */
begin
    perform t.settle();
    return (select coalesce(max(o.change_seq), 0) from howdah_private.offer o
            where o.framework_id = framework);
end
$$;

-- --- reading -------------------------------------------------------------------------------------

select is(t.since(:'fw'), null, 'before the leader''s first turn there are no offers');
select is(t.offers(), 4, 'two frameworks are offered two agents');
select is((select string_agg(x, ' ' order by x)
           from unnest(string_to_array(t.since(:'fw'), ', ')) x), 'one outstanding two outstanding',
          'with cursor 0 a framework reads its outstanding offers');
select is(t.as_login('fw_a',
        format($$ select to_jsonb(o) - 'change_seq' - 'offer_id' - 'expires_at' - 'expires_in_ms'
               from howdah.offers_since(%L, 1, 0) o where agent_name = 'one' $$, :'fw'))::jsonb,
          jsonb_build_object('state', 'outstanding', 'reason', null, 'agent_id', :'one',
                             'agent_name', 'one', 'host', 'one.test', 'agent_version', 1,
                             'attributes', '{"rack": "r1"}'::jsonb,
                             'unavailable_from', null, 'unavailable_until', null, 'resources',
                             '{"cpus": 4, "mem": 4000, "disk": 100, "gpus": 0, "ports": [[31000, 31001]], "scalars": {"l": 2}, "sets": {"g": ["0"]}}'::jsonb),
          'an offer shows agent, host, attributes, version and all that is free');
select ok(bool_and(x::integer between 20000 and 30000), 'and how long it lasts')
from t.as_login('fw_a', format('select expires_in_ms from howdah.offers_since(%L, 1)', :'fw')) x;
select t.cursor_of(:'fw') as cursor \gset
select is(t.since(:'fw', :'cursor'), null, 'since the newest change there is nothing');
select is((select count(*) from howdah_private.offer where framework_id = :'fw'
           and offer_id = t.offer(:'fw', :'one')), 1::bigint, 'there is one offer of each agent');

-- --- declining -----------------------------------------------------------------------------------

create function t.decline(framework uuid, offers uuid[], seconds text default '5')
returns text
language sql
as $$ select x from t.as_login(t.principal_of(framework),
                               format('select howdah.offer_decline(%L, %s, %L, %s)', framework,
                                      t.epoch_of(framework), offers, seconds)) x; $$;
select t.offer(:'fw', :'one') as o1, t.offer(:'fw', :'two') as o2,
    t.offer(:'other', :'one') as foreign \gset
select is(t.decline(:'fw', array[:'o1']::uuid[], '100'), '1',
          'declining says how many were outstanding');
select is(t.since(:'fw', :'cursor'), 'one declined', 'a decline shows behind the cursor');
select is(t.since(:'fw'), 'two outstanding', 'and what is closed does not show with cursor 0');
select is(t.rows(format('select cpus, mem, disk, gpus, agent_name from howdah.filters where framework_id = %L',
                        :'fw')), '(4,4000,100,0,one)', 'it leaves a filter of what was refused');
select ok(until between clock_timestamp() + interval '90 s'
          and clock_timestamp() + interval '100 s', 'for as long as was asked') from howdah.filters
where framework_id = :'fw';
select is(t.decline(:'fw', array[:'o1']::uuid[], '100'), '0', 'declining twice is no error');
select is(t.decline(:'fw', array[:'foreign', gen_random_uuid()]::uuid[]), '0',
          'another framework''s offers and unknown ones are passed over');
select is((select state::text from howdah_private.offer where offer_id = :'foreign'), 'outstanding',
          'another framework''s offer stays');
select is(t.decline(:'fw', '{}'), '0', 'declining nothing is no error');
select is(t.decline(:'fw', array[:'o2']::uuid[], '0'), '1', 'declining for no time');
select is((select count(*) from howdah.filters where framework_id = :'fw'), 1::bigint,
          'leaves no filter');
select t.offers() is not null as made \gset
select is(t.since(:'fw'), 'two outstanding', 'so that agent is offered again, the other is not');
select is(t.decline(:'fw', array[t.offer(:'fw', :'two')], '0.5'), '1',
          'fractions of a second are good');
select t.raises(format('select howdah.offer_decline(%L, 1, ''{}'', %s)', :'fw', v.seconds),
                'value_invalid', 'refuse_seconds', v.value,
                format('refusing for %s seconds is refused', v.seconds), 'fw_a')
from (values ('-1', '-1'), ('-0.001', '-0.001'), ('31536001', '31536001'), ('''NaN''', 'NaN'),
      ('''Infinity''', 'Infinity'), ('null', null)) as v (seconds, value);
select is(t.decline(:'fw', '{}', '31536000'), '0', 'a year is the most');
select is(t.decline(:'other', array[:'foreign']::uuid[], '60'), '1', 'the other declines');
update howdah_private.offer set state = 'outstanding' where offer_id = :'foreign';
select is(t.decline(:'other', array[:'foreign']::uuid[], '600'), '1',
          'a second refusal of the same agent');
select is((select count(*) || ' ' || bool_and(until > clock_timestamp() + interval '500 s')
           from howdah_private.filter where framework_id = :'other'), '1 true',
          'replaces the first');

select t.as_login(l, format('select howdah.filters_clear(%L, 1)', f)) is not null as x
from (values ('fw_a', :'fw'::uuid), ('fw_b', :'other'::uuid)) as v (l, f) \g /dev/null

-- --- expiry --------------------------------------------------------------------------------------

select is(t.offers(), 3, 'offers are made again');
select t.cursor_of(:'fw') as cursor, t.offer(:'fw', :'one') as o1 \gset
select is(t.chore('offers_expire'), 0, 'fresh offers do not expire');
update howdah_private.offer set expires_at = clock_timestamp() - interval '1 ms'
where offer_id = :'o1';
select is((select string_agg(x, ' ') from unnest(string_to_array(t.since(:'fw'), ', ')) x),
          'two outstanding', 'an offer whose time is over is not shown, even before it is closed');
select is(t.chore('offers_expire'), 1, 'the leader closes it');
select is(t.since(:'fw', :'cursor'), 'one expired offer_timeout',
          'which shows behind the cursor with its reason');
select is(t.chore('offers_expire'), 0, 'once');

-- --- what no longer shows what is free -----------------------------------------------------------

select t.offers() is not null as made \gset
select t.cursor_of(:'fw') as cursor \gset
select t.task(:'other', :'one', 'part', '{"cpus": 1}') as part \gset
select is(t.chore('offers_expire'), 0,
          'when somebody takes a quarter the offer stays: it still nearly shows what is free');
select t.task(:'other', :'one', 'more', '{"cpus": 1.5}') as more \gset
select is(t.chore('offers_expire'), 2,
          'when less than half is left the offers of that agent are taken back');
select is(t.since(:'fw', :'cursor'), 'one rescinded superseded', 'as superseded');
select t.offers() is not null as made \gset
select t.cursor_of(:'fw') as cursor \gset
select is((select cpus from howdah.offers where offer_id = t.offer(:'fw', :'one')), 1.5,
          'the new offers show what is left');
select t.report(:'more', 'finished') is not null as x \gset
select is(t.chore('offers_expire'), 2, 'when something becomes free they are superseded again');
select t.offers() is not null as made \gset
select t.as_login('op', 'select howdah.setting_set(''offer_refresh_s'', ''60'')');
select t.task(:'other', :'one', 'again', '{"cpus": 2}') as again \gset
select is(t.chore('offers_expire'), 0, 'but not before they are offer_refresh_s old');
select t.task(:'other', :'one', 'last', '{"cpus": 0.995}') as last \gset
select t.cursor_of(:'fw') as cursor \gset
select is(t.chore('offers_expire'), 2, 'an agent with nothing left to offer');
select is(t.since(:'fw', :'cursor'), 'one rescinded agent_full',
          'has its offers taken back at once');
select is(t.offers(), 0, 'and gets no new ones');
select t.report(:'last', 'finished') is not null as x \gset
select is(t.offers(), 2, 'until something is free');
update howdah_private.agent_pool set open = false where agent_id = :'two';
select is(t.chore('offers_expire'), 2, 'the offers of a closed agent are taken back, too');
update howdah_private.agent_pool set open = true where agent_id = :'two';

-- --- forgetting ----------------------------------------------------------------------------------

update howdah_private.offer set expires_at = clock_timestamp() - interval '61 s'
where state <> 'outstanding';
select t.chore('offers_expire') is not null as x \gset
select is((select count(*) from howdah_private.offer where state <> 'outstanding'), 0::bigint,
          'closed offers are forgotten after a minute');
select cmp_ok((select rescinds from howdah_private.framework_total where framework_id = :'fw'),
              '>=', 4::bigint, 'but their rescinds are counted');
insert into howdah_private.filter (framework_id, agent_id, until, cpus_milli, mem, disk,
                                   gpus) values (:'fw', :'two', clock_timestamp() - interval '1 s',
                                                 1, 1, 1, 1);
select t.chore('offers_expire') is not null as x \gset
select is((select count(*) from howdah_private.filter where until < clock_timestamp()), 0::bigint,
          'filters whose time is over are forgotten');
select t.refused(:'fw', jsonb_build_array(t.spec_on('late', :'o1')), 'offer_unknown', '%',
                 'a claim on a forgotten offer is refused as unknown');

-- --- soft state ----------------------------------------------------------------------------------

truncate howdah_private.offer, howdah_private.filter;
select is(t.since(:'fw'), null, 'after a crash there are no offers');
select is(t.offers(), 4, 'and the next turn makes new ones');
select ok(bool_and(relpersistence = 'u'), 'offers and filters are unlogged') from pg_class
where relname in ('offer', 'filter') and relnamespace = 'howdah_private'::regnamespace;

-- --- bad calls -----------------------------------------------------------------------------------

select t.raises(format('select howdah.offers_since(%L, 9)', :'fw'), 'epoch_stale', 'epoch', '9',
                'reading with a wrong epoch is refused', 'fw_a');
select t.raises(format('select howdah.offers_since(%L, 1)', :'fw'), 'not_permitted', 'framework_id',
                :'fw', 'reading another login''s offers is refused', 'fw_b');
select t.denied(format('select howdah.offers_since(%L, 1)', :'fw'), l.login,
                format('login %s reads no offers that way', l.login))
from unnest('{ag_a,co,obs}'::text[]) as l (login);
select is(t.as_login('op', format('select count(*) from howdah.offers_since(%L, 1)', :'fw')), '2',
          'an operator may read a framework''s offers');

-- --- many offers ---------------------------------------------------------------------------------

select is(s.slices || ' ' || s.slice, '1 0', 'the offers of a small cell are looked at in every turn')
from howdah_private.offers_slice() s;
select count(t.ag('extra-' || i, '{"cpus": 2, "mem": 2000}')) as x from generate_series(1, 9) as i \gset
select t.offers() > 4 as x \gset
update howdah_private.offer set expires_at = clock_timestamp() - interval '1 s';
update howdah_private.agent_pool set open = false where agent_id = :'two';
update howdah_private.offer set expires_at = clock_timestamp() + interval '1 h'
where agent_id = :'two';
-- As if the last count had found 130,000 of them: five turns for all agents.
update pg_class set reltuples = 130000
where oid = 'howdah_private.offer_outstanding_idx'::regclass;
select is((select array_agg(x.slice order by x.slice)
           from (select (howdah_private.offers_slice()).slice from generate_series(1, 5)) x),
          '{0,1,2,3,4}', 'each part of the agents has its turn');
select t.chore('offers_expire') as first_turn \gset
select is((select count(*) from howdah_private.offer where agent_id = :'two' and state = 'outstanding'),
          0::bigint, 'a closed agent''s offers are taken back in any turn');
select ok(:first_turn < 2 * 11, 'not all offers are looked at in one turn');
select sum(t.chore('offers_expire')) as other_turns from generate_series(1, 4) \gset
select is(:first_turn + :other_turns, 2 * 11, 'after as many turns as there are parts all are');
select is((select count(*) from howdah_private.offer where state = 'outstanding'), 0::bigint,
          'and none is left');
update howdah_private.agent_pool set open = true where agent_id = :'two';
update pg_class set reltuples = -1
where oid = 'howdah_private.offer_outstanding_idx'::regclass;
select is(s.slices, 1::bigint, 'before the first count all are looked at')
from howdah_private.offers_slice() s;
select t.audit_clean('the books are right at the end');

select * from finish();
