-- SPDX-License-Identifier: PostgreSQL
-- Maintenance windows: shown in offers, a drain ahead, the agent open again at their end.

\ir lib/open.psql

select t.lead() is not null as led \gset
select t.fw('a') as fw, t.ag('one') as one, t.ag('two') as two \gset
select date_trunc('second', now()) + interval '2 hours' as soon, date_trunc('second', now()) + interval '3 hours' as later,
       date_trunc('second', now()) + interval '4 hours' as last \gset
create function t.window_set(agents uuid[], starts text, ends text, reason text default null)
returns text
language sql
as $$ select format('select howdah.maintenance_set(%L, %L, %L, %L)', agents, starts, ends, reason); $$;
create function t.shown(agent uuid)
returns text
language sql
as $$
    select concat_ws(' ', a.cordoned, a.cordon_reason, a.cordoned_by, a.drain)
    from howdah.agents a where a.agent_id = shown.agent;
$$;
create function t.come_up(agent uuid, "from" interval, until interval)
returns void
language sql
as $$
    /* Move the agent's windows to these times from now. */
    update howdah_private.maintenance m
    set starts_at = clock_timestamp() + "from", ends_at = clock_timestamp() + until
    where m.agent_id = come_up.agent;
$$;

create function t.begun(agent uuid)
returns integer
language plpgsql
as $$
/* A window of the agent for which the drain has begun; how many chores that took. */
begin
    perform t.as_login('op', t.window_set(array[agent], (now() + interval '2 h')::text, (now() + interval '3 h')::text,
                                          'boards'));
    perform t.come_up(agent, '30 minutes', '1 hour');
    return t.chore('maintenance_advance');
end
$$;
create function t.ended(agent uuid)
returns integer
language plpgsql
as $$
/* The agent's windows end; how many chores that took. */
begin
    perform t.come_up(agent, '-1 hour', '-1 second');
    return t.chore('maintenance_advance');
end
$$;
create function t.meanwhile(agent uuid, call text)
returns text
language plpgsql
as $$
/* What is shown of an open agent after a window during which an operator made this call; it is open again. */
declare
    v_shown text;
begin
    perform t.begun(agent);
    perform t.as_login('op', format(call, agent));
    perform t.ended(agent);
    v_shown := t.shown(agent);
    perform t.as_login('op', format('select howdah.agent_uncordon(%L)', agent));
    return v_shown;
end
$$;

-- --- planning ------------------------------------------------------------------------------------

select is(t.as_login('op', t.window_set(array[:'one', :'two']::uuid[], :'soon', :'later', 'new boards')), '2',
          'an operator plans a window for two agents');
select is(t.rows('select agent_name, starts_at, ends_at, reason, set_by, state from howdah.maintenance order by 1'),
          format('(one,"%s","%s","new boards",op,planned) (two,"%s","%s","new boards",op,planned)',
                 :'soon', :'later', :'soon', :'later'), 'which is listed');
select is((select count(*) from howdah_private.event where cause = 'maintenance_set' and message = 'new boards'
           and detail ->> 'by' = 'op'), 2::bigint, 'an event for each says who and why');
select is(t.as_login('op', t.window_set(array[:'one', :'two']::uuid[], :'soon', :'later', 'new boards')), '0',
          'the same again changes nothing');
select t.offers() is not null as made \gset
select is(t.as_login('fw_a', format($$ select unavailable_from || ' ' || unavailable_until
              from howdah.offers_since(%L, %s) where agent_name = 'one' $$, :'fw', t.epoch_of(:'fw'))),
          :'soon' || ' ' || :'later', 'offers show it');
select is(t.as_login('fw_a', 'select unavailable_from from howdah.cell where name = ''two'''), :'soon',
          'so does the list of what is free');
select is(t.chore('maintenance_advance'), 0, 'there is time');
select is(t.shown(:'one'), 'f', 'the agent is open');

-- --- the drain ahead, the window, its end --------------------------------------------------------

select t.task(:'fw', :'one', 'runs') as runs \gset
select t.report(:'runs', 'running') is not null as x \gset
select t.come_up(:'one', '59 minutes', '2 hours');
select is(t.chore('maintenance_advance'), 1, 'maintenance_lead_s before the start the drain begins');
select is(t.shown(:'one'), 't new boards op draining', 'in the name of who planned it');
select ok(d.deadline = m.starts_at, 'its deadline is the start of the window')
from howdah_private.drain d join howdah_private.maintenance m using (agent_id) where agent_id = :'one';
select is((select state from howdah.maintenance where agent_name = 'one'), 'draining', 'the list shows it');
select is(t.as_login('fw_a', format('select cardinality(task_ids) from howdah.inverse_offers_pending(%L, %s)', :'fw', t.epoch_of(:'fw'))),
          '1', 'the framework is asked to move its task');
select is(t.chore('maintenance_advance'), 0, 'it begins once');
select t.come_up(:'one', '-1 minute', '1 hour');
update howdah_private.drain set deadline = clock_timestamp() where agent_id = :'one';
select is(t.chore('drains_advance'), 1, 'at the start what is left is killed');
select t.report(:'runs', 'killed') is not null as x \gset
select is(t.chore('drains_advance'), 1, 'and the agent is drained');
select is((select state from howdah.maintenance where agent_name = 'one'), 'under way', 'the window is under way');
select is(t.chore('maintenance_advance'), 0, 'until its end');
select t.come_up(:'one', '-1 hour', '-1 second');
select is(t.chore('maintenance_advance'), 1, 'at its end');
select is(t.shown(:'one'), 'f', 'the agent is opened');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('back', :'one'))), 'committed', 'and takes claims');
select is(t.rows(format($$ select actor, cause from howdah_private.event where object_id = %L
              and cause in ('cordon', 'drain', 'drained', 'uncordon', 'maintenance_end') order by event_id $$, :'one')),
          '(coordinator,cordon) (coordinator,drain) (coordinator,drained) (coordinator,uncordon) (coordinator,maintenance_end)',
          'the events tell it all');
select t.audit_clean('the books are right');

-- --- what operators do meanwhile -----------------------------------------------------------------

select t.as_login('op', format('select howdah.agent_cordon(%L, ''mine'')', :'two')) is not null as x \gset
select t.come_up(:'two', '1 minute', '1 hour');
select is(t.chore('maintenance_advance'), 1, 'a window drains an agent that was cordoned before');
select t.come_up(:'two', '-1 hour', '-1 second');
select is(t.chore('maintenance_advance'), 1, 'it ends');
select is(t.shown(:'two'), 't mine op', 'and leaves the cordon that it did not make, but not its own drain');
select t.as_login('op', format('select howdah.agent_uncordon(%L)', :'two')) is not null as x \gset
select is(t.as_login('op', t.window_set(array[:'two']::uuid[], :'soon', :'later')), '1', 'another window');
select is(t.as_login('op', format('select howdah.maintenance_cancel(array[%L]::uuid[], %L)', :'two', :'last')), '0',
          'cancelling one that there is not changes nothing');
select is(t.as_login('op', format('select howdah.maintenance_cancel(array[%L]::uuid[])', :'two')), '1', 'is cancelled');
select is_empty('select from howdah.maintenance', 'and gone');
select t.as_login('op', t.window_set(array[:'two']::uuid[], :'soon', :'later')) is not null as x \gset
select t.come_up(:'two', '1 minute', '1 hour');
select t.chore('maintenance_advance') is not null as x \gset
select is(t.as_login('op', format('select howdah.maintenance_cancel(array[%L]::uuid[])', :'two')), '1',
          'one that has begun is cancelled');
select is(t.chore('maintenance_advance'), 1, 'with the next turn');
select is(t.shown(:'two'), 'f', 'which opens the agent');

select is(t.meanwhile(:'two', 'select howdah.agent_cordon(%L)'), 't boards op', 'a cordon made during the window stays');
select is(t.meanwhile(:'two', 'select howdah.agent_cordon(%L, ''boards'')'), 't boards op', 'with the same reason, too');
select is(t.meanwhile(:'two', 'select howdah.agent_cordon(%L, ''mine'')'), 't mine op', 'and with another one');
select is(t.meanwhile(:'two', 'select howdah.agent_drain(%L, 600, ''mine'')'), 't mine op draining',
          'a drain begun during the window stays');
select is(t.meanwhile(:'two', 'select howdah.agent_uncordon(%1$L), howdah.agent_cordon(%1$L, ''mine'')'), 't mine op',
          'opened and closed again, it stays closed');
select is(t.meanwhile(:'two', 'select howdah.agent_uncordon(%L)'), 'f', 'opened, it stays open');
select is(t.meanwhile(:'two', 'select 1'), 'f', 'left alone, it is opened');
select t.audit_clean('the books are right');

select t.as_login('op', format('select howdah.agent_drain(%L, 60, ''mine'')', :'two')) is not null as x \gset
select d.deadline as mine from howdah_private.drain d where agent_id = :'two' \gset
select is(t.begun(:'two'), 1, 'a window over a drain with a nearer deadline');
select is((select d.deadline from howdah_private.drain d where agent_id = :'two'), :'mine', 'leaves that deadline');
select t.ended(:'two') is not null as x \gset
select is(t.shown(:'two'), 't mine op draining', 'and the drain');
select t.as_login('op', format('select howdah.agent_drain(%L, 7200)', :'two')) is not null as x \gset
select is(t.begun(:'two'), 1, 'a window over a drain with a later deadline');
select ok(d.deadline = m.starts_at, 'brings it nearer')
from howdah_private.drain d join howdah_private.maintenance m using (agent_id) where agent_id = :'two';
select t.ended(:'two') is not null as x \gset
select is(t.shown(:'two'), 't mine op draining', 'and leaves the drain, too');
select t.as_login('op', format('select howdah.agent_uncordon(%L)', :'two')) is not null as x \gset

select t.begun(:'two') is not null as x \gset
select t.as_login('op', t.window_set(array[:'two']::uuid[], :'later', :'last', 'more')) is not null as x \gset
update howdah_private.setting set value = '36000' where name = 'maintenance_lead_s';
select is(t.chore('maintenance_advance'), 1, 'the next window begins while one is under way');
select t.as_login('op', format('select howdah.maintenance_cancel(array[%L]::uuid[], %L)', :'two',
    (select m.starts_at from howdah_private.maintenance m where m.reason = 'boards'))) is not null as x \gset
select is(t.chore('maintenance_advance'), 1, 'that one ends');
select is(t.shown(:'two'), 't boards op draining', 'and leaves the agent closed for the next');
select t.ended(:'two') is not null as x \gset
select is(t.shown(:'two'), 'f', 'whose end opens it');
update howdah_private.setting set value = '3600' where name = 'maintenance_lead_s';

select t.as_login('op', t.window_set(array[:'two']::uuid[], :'soon', :'later')) is not null as x \gset
select t.as_login('op', format('select howdah.agent_remove(%L)', :'two')) is not null as x \gset
select is_empty('select from howdah.maintenance', 'a window ends with its agent');
select t.audit_clean('the books are right');

-- --- times that somebody typed -------------------------------------------------------------------

select is(t.as_login('op', 'select howdah.time_read(''ends_at'', ''2030-01-10 22:00+00'') = ''2030-01-10 22:00+00'''), 'true',
          'a time is read');
select is(t.as_login('op', 'select howdah.time_read(''ends_at'', null)'), null, 'none is none');
select t.raises(format('select howdah.time_read(''ends_at'', %L)', v.value), 'value_invalid', 'ends_at', v.value,
                format('time "%s" is refused', v.value), 'op')
from unnest('{garbage,"",2030-02-30,2030-01-10 25:00,2030-01-10 22:00 Mars/Base,2030-01-10 22:00+99,999999-01-01}'::text[])
     as v (value);

-- --- bad input -----------------------------------------------------------------------------------

select t.as_login('op', t.window_set(array[:'one']::uuid[], :'soon', :'later')) is not null as x \gset
select t.raises(t.window_set(array[:'one']::uuid[], v.starts, v.ends), 'value_invalid', v.field, null,
                v.what || ' is refused', 'op')
from (values (:'later', :'soon', 'ends_at', 'a window that ends before it starts'),
             (:'soon', :'soon', 'ends_at', 'an empty window'),
             ('2020-01-01', :'soon', 'starts_at', 'a window that starts in the past'),
             (:'soon', 'infinity', 'ends_at', 'a window without end'),
             ('-infinity', :'soon', 'starts_at', 'a window without a start'),
             (:'soon', :'last', 'starts_at', 'a window that overlaps another')) as v (starts, ends, field, what);
select is(t.as_login('op', t.window_set(array[:'one']::uuid[], :'later', :'last')), '1',
          'one that begins when another one ends is none that overlaps');
select throws_ok(format('insert into howdah_private.maintenance (agent_id, starts_at, ends_at) values (%L, %L, %L)',
                        :'one', :'soon', :'last'), '23P01', null, 'the table itself refuses an overlap');
select t.raises(t.window_set(array[:'two']::uuid[], :'soon', :'later'), 'agent_unknown', 'agent_ids', :'two',
                'an agent that is gone is refused', 'op');
select t.raises(t.window_set('{}', :'soon', :'later'), 'field_missing', 'agent_ids', null, 'no agent is refused', 'op');
select t.raises(t.window_set(array[:'one']::uuid[], :'soon', :'later', ' '), 'value_invalid', 'reason', null,
                'a blank as a reason is refused', 'op');
select t.denied(t.window_set(array[:'one']::uuid[], :'soon', :'later'), l.login, format('login %s plans nothing', l.login))
from unnest('{fw_a,ag_a,co,obs}'::text[]) as l (login);
select t.audit_clean('and the books are right');

select * from finish();
