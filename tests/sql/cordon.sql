-- SPDX-License-Identifier: PostgreSQL
-- Cordons: a closed agent makes no offers and takes no claims, whatever happens to it; its tasks run on.

\ir lib/open.psql

select t.as_login('op', 'select howdah.setting_set(''agent_timeout_s'', ''1'')');
select t.lead() is not null as led \gset
select t.fw('a') as fw, t.ag('one') as one, t.ag('two') as two \gset
select t.task(:'fw', :'one', 'runs') as runs \gset
select t.report(:'runs', 'running') is not null as x \gset
create function t.cordon(agent uuid, reason text default null, login text default 'op')
returns text
language sql
as $$ select x from t.as_login(login, format('select howdah.agent_cordon(%L, %L)', agent, reason)) x; $$;
create function t.uncordon(agent uuid)
returns text
language sql
as $$ select x from t.as_login('op', format('select howdah.agent_uncordon(%L)', agent)) x; $$;
create function t.shown(agent uuid)
returns text
language sql
as $$
    select concat_ws(' ', a.state, a.cordoned, a.cordon_reason, a.cordoned_by, p.open)
    from howdah.agents a join howdah_private.agent_pool p using (agent_id)
    where a.agent_id = shown.agent;
$$;
create function t.logged(agent uuid)
returns text
language sql
as $$
    select concat_ws(' ', e.actor, e.cause, e.message, e.detail ->> 'by')
    from howdah_private.event e where e.object_id = logged.agent order by e.event_id desc limit 1;
$$;

-- --- closing -------------------------------------------------------------------------------------

select t.offers() is not null as made \gset
select t.offer(:'fw', :'one') as offer \gset
select is(t.shown(:'one'), 'active f t', 'an agent is not cordoned to begin with');
select is(t.cordon(:'one', 'fan fails'), 'true', 'an operator cordons it');
select is(t.shown(:'one'), 'active t fan fails op f', 'who and why is shown, and that it takes no claims');
select ok(cordoned_at > now() - interval '1 minute', 'and since when') from howdah.agents
where agent_id = :'one';
select is(t.logged(:'one'), 'operator cordon fan fails op', 'that is an event, with who and why');
select is(t.rows(format('select state, reason from howdah_private.offer where offer_id = %L', :'offer')),
          '(rescinded,agent_cordoned)', 'its offers are taken back with the reason');
select is(t.reasons(:'fw', jsonb_build_array(t.spec_on('late', :'offer'))), 'offer_rescinded',
          'a claim on such an offer is refused');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('direct', :'one'))), 'agent_closed',
          'so is one without an offer');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('direct', :'one'), t.spec('there', :'two'))),
          'agent_closed gang_incomplete', 'and a gang of which one task wants to go there');
select is(t.offers(), 0, 'it is not offered again');
select is_empty('select from howdah.cell where name = ''one''', 'nor shown as free');
select is(t.state(:'runs'), 'running', 'what runs there runs on');
select is(t.sync(:'one', jsonb_build_object('running', jsonb_build_array(:'runs'))) -> 'kill', '[]'::jsonb,
          'and is not killed');
select t.audit_clean('the books are right');

-- --- repeating, and other reasons ----------------------------------------------------------------

select is(t.cordon(:'one', 'fan fails'), 'false', 'cordoning again changes nothing');
select is(t.cordon(:'one'), 'false', 'nor does it without a reason');
select is((select count(*) from howdah_private.event where object_id = :'one' and cause = 'cordon'),
          1::bigint, 'and is no event');
select is(t.cordon(:'one', 'new board'), 'true', 'another reason replaces the former one');
select is(t.shown(:'one'), 'active t new board op f', 'which is shown');

-- --- restarts, silence, return -------------------------------------------------------------------

select is(t.as_login('ag_a', format(
    'select agent_id from howdah.agent_register(''one'', ''h'', ''{"cpus": 8, "mem": 8192}'', agent_id => %L)', :'one')),
          :'one', 'a new incarnation registers');
select is(t.shown(:'one'), 'active t new board op f', 'and is cordoned as before');
select is(t.fall_silent(:'one'), 1, 'it falls silent');
select is(t.shown(:'one'), 'unreachable t new board op f', 'is cordoned as before');
select t.sync(:'one', jsonb_build_object('running', jsonb_build_array(:'runs'))) is not null as x \gset
select is(t.shown(:'one'), 'active t new board op f', 'and so it is when it comes back');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('back', :'one'))), 'agent_closed',
          'claims are refused all the time');
select t.audit_clean('the books are right');

-- --- opening -------------------------------------------------------------------------------------

select is(t.uncordon(:'one'), 'true', 'an operator opens it');
select is(t.shown(:'one'), 'active f t', 'it takes claims');
select is(t.logged(:'one'), 'operator uncordon op', 'that is an event, with who');
select is(t.uncordon(:'one'), 'false', 'opening again changes nothing');
select is(t.logged(:'one'), 'operator uncordon op', 'and is no event');
select cmp_ok(t.offers(), '>=', 1, 'it is offered');
select isnt(t.offer(:'fw', :'one'), null, 'to those who want offers');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('again', :'one'))), 'committed', 'and claimed on');
select is(t.fall_silent(:'two'), 1, 'another agent falls silent');
select is(t.cordon(:'two'), 'true', 'a silent agent can be cordoned');
select is(t.uncordon(:'two'), 'true', 'and uncordoned');
select is(t.shown(:'two'), 'unreachable f f', 'which does not open it while it is silent');
select t.sync(:'two') is not null as x \gset
select is(t.shown(:'two'), 'active f t', 'but when it comes back');

-- --- an offer that was being made at the same moment ---------------------------------------------

select t.offers() is not null as made \gset
select t.offer(:'fw', :'two') as offer \gset
update howdah_private.agent_pool p set open = false where p.agent_id = :'two';
select is(t.chore('offers_expire') > 0, true, 'an offer of a closed agent is taken back by the leader');
select is((select reason from howdah_private.offer where offer_id = :'offer'), 'agent_closed',
          'with the reason');
update howdah_private.agent_pool p set open = true where p.agent_id = :'two';

-- --- the end of the agent ------------------------------------------------------------------------

select t.cordon(:'two', 'burnt') is not null as x \gset
select t.as_login('op', format('select howdah.agent_remove(%L)', :'two')) is not null as x \gset
select is((select count(*) from howdah_private.agent_cordon), 0::bigint,
          'a cordon ends with its agent');
select t.ag('two') as reborn \gset
select is(t.shown(:'reborn'), 'active f t', 'a new agent of the same name is not cordoned');

-- --- bad input -----------------------------------------------------------------------------------

select t.raises(format('select howdah.agent_cordon(%L)', :'two'), 'agent_unknown', 'agent_id', :'two',
                'an agent that is gone cannot be cordoned', 'op');
select t.raises(format('select howdah.agent_uncordon(%L)', :'two'), 'agent_unknown', 'agent_id', :'two',
                'nor uncordoned', 'op');
select t.raises('select howdah.agent_cordon(null)', 'agent_unknown', 'agent_id', null,
                'no agent is refused', 'op');
select t.raises(format('select howdah.agent_cordon(%L, %L)', :'one', v.reason), 'value_invalid', 'reason',
                null, format('a reason %s is refused', v.what), 'op')
from (values ('', 'that is empty'), (' x', 'with a blank in front'), (E'a\nb', 'of two lines'),
             (repeat('r', 256), 'of 256 characters')) as v (reason, what);
select t.denied(format('select howdah.agent_cordon(%L)', :'one'), l.login,
                format('login %s cordons nothing', l.login))
from unnest('{fw_a,ag_a,co,obs}'::text[]) as l (login);
select t.denied(format('select howdah.agent_uncordon(%L)', :'one'), l.login,
                format('login %s uncordons nothing', l.login))
from unnest('{fw_a,ag_a,co,obs}'::text[]) as l (login);
select t.audit_clean('and the books are right');

select * from finish();
