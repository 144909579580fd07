-- SPDX-License-Identifier: PostgreSQL
-- The cell's identity and epoch: who raises it, who is refused by it, the grace after an outage, and
-- what a restore does.

\ir lib/open.psql

\set one 00000000-0000-0000-0000-000000000001
\set two 00000000-0000-0000-0000-000000000002

create function t.cell(part text)
returns text
language sql
as $$ select to_jsonb(c) ->> part from howdah_private.cell c; $$;
create function t.mark(change jsonb default '{}')
returns jsonb
language sql
as $$ select howdah_private.cell_mark() || change; $$;
-- What was seen of an earlier epoch.
create function t.seen(epoch bigint)
returns jsonb
language sql
as $$
    select t.mark(jsonb_build_object('epoch', e.epoch, 'token', e.token))
    from howdah_private.cell_epoch e where e.epoch = seen.epoch;
$$;
create function t.acquire(id uuid, ttl_ms integer default 5000)
returns text
language sql
as $$ select x from t.as_login('co', format('select l.epoch from howdah.leader_acquire(%L, ''c'', %L) l
                                            where l.leading', id, ttl_ms)) x; $$;
-- The lease as a clock wrote it that was so much ahead of ours.
create function t.clock_back(step interval)
returns void
language sql
as $$
    update howdah_private.leader l
    set acquired_at = l.acquired_at + step, renewed_at = l.renewed_at + step,
        expires_at = l.expires_at + step;
    update howdah_private.agent_heartbeat h set seen_at = h.seen_at + step;
    update howdah_private.framework_heartbeat h set seen_at = h.seen_at + step;
$$;
create function t.epoch_events(cause text)
returns bigint
language sql
as $$
    select count(*) from howdah_private.event e
    where e.object_kind = 'cell' and e.cause = epoch_events.cause;
$$;

-- --- identity ------------------------------------------------------------------------------------

select is(t.rows('select epoch, generation from howdah.cell_identity()'), '(1,1)',
          'a fresh cell is in epoch 1 of generation 1');
select ok(name <> '' and cell_id is not null, 'it has a name and an id') from howdah.cell_identity();
select is(timeline, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
          'its timeline is that of the log''s present position')
from howdah.cell_identity();
select is(t.cell('timeline'), null, 'before the first leader no timeline is on record');
select is(t.as_login(l, 'select c.cell_id::text from howdah.cell_identity() c'), t.cell('cell_id'),
          format('login %s may ask which cell this is', l))
from unnest('{fw_a,ag_a,co,op,obs}'::text[]) as l;

-- --- raised by terms and timelines ---------------------------------------------------------------

select is(t.acquire(:'one'), '1', 'a leader''s first term');
select is(t.cell('epoch'), '2', 'is a new epoch of the cell');
select is(t.cell('timeline'), howdah_private.wal_timeline(), 'and records the timeline');
select is(t.acquire(:'one'), '1', 'renewing');
select is(t.cell('epoch'), '2', 'is none');
select is(t.acquire(:'two'), null, 'asking in vain');
select is(t.cell('epoch'), '2', 'is none either');
update howdah_private.cell set timeline = '00000000', epoch_at = now() - interval '1 day';
select is(t.acquire(:'one'), '1', 'a renewal on another timeline keeps the lead');
select is(t.cell('epoch'), '3', 'in the cell''s next epoch');
select is(t.cell('timeline'), howdah_private.wal_timeline(), 'with the timeline of now');
select ok(t.cell('epoch_at')::timestamptz > now() - interval '1 minute', 'silence counts from now');
select is(t.rows($$ select from_state, to_state, actor, cause, detail ->> 'timeline_before'
                    from howdah_private.event where object_kind = 'cell' order by event_id $$),
          '(1,2,coordinator,term,) (2,3,coordinator,timeline,00000000)',
          'each epoch is an event that says why');
select t.as_login('co', format('select howdah.leader_resign(%L, 1)', :'one'));
select is(t.acquire(:'two'), '2', 'the next leader''s term');
select is(t.cell('epoch'), '4', 'is the next epoch');
update howdah_private.leader set renewed_at = now() - interval '6 s', expires_at = now() + interval '2 s';
select is(t.acquire(:'two'), '2', 'a renewal that comes late for a long lease keeps the lead');
select is(t.cell('epoch'), '5', 'but begins an epoch: the database may have been away');
update howdah_private.leader set renewed_at = now() - interval '6 s', expires_at = now() + interval '4 s';
select is(t.acquire(:'two') || t.cell('epoch'), '25', 'within two thirds of the lease it is not late');
update howdah_private.leader set renewed_at = now() - interval '4 s', expires_at = now() + interval '1 s';
select is(t.acquire(:'two') || t.cell('epoch'), '25', 'nor within five seconds');
set synchronous_commit = off;
begin;
select howdah_private.cell_epoch_next('test', 'operator') as raised \gset
select is(current_setting('synchronous_commit'), 'on',
          'a new epoch commits synchronously, whatever the session''s setting');
rollback;
set synchronous_commit = remote_apply;
begin;
select howdah_private.cell_epoch_next('test', 'operator') as raised \gset
select is(current_setting('synchronous_commit'), 'remote_apply',
          'a stronger setting stays as it is');
rollback;
reset synchronous_commit;

-- --- time that goes backwards --------------------------------------------------------------------

select t.ag('clock') as ag, t.fw('clock') as fw \gset
select t.clock_back('1 h');
select is(t.acquire(:'one'), null, 'a lease from a clock that was ahead is not free');
select is(t.rows('select expires_at > clock_timestamp(), expires_at < clock_timestamp() + interval ''6 s'' from howdah_private.leader'),
          '(t,t)', 'nor does it last the difference: it has its own length from now');
select is(t.rows('select epoch, coordinator_id::text from howdah_private.leader'), format('(2,%s)', :'two'),
          'its holder and its epoch stay');
select is(t.epoch_events('clock_back'), 1::bigint, 'the cell begins a new epoch, once');
select is(t.acquire(:'one'), null, 'asking again');
select is(t.epoch_events('clock_back'), 1::bigint, 'is no news');
select ok(bool_and(seen_at <= clock_timestamp()), 'nobody was seen in the future')
from (select seen_at from howdah_private.agent_heartbeat
      union all select seen_at from howdah_private.framework_heartbeat) h;
update howdah_private.leader set expires_at = clock_timestamp();
select is(t.acquire(:'one'), '3', 'once that is over the next one leads');
select t.clock_back('1 h');
select is(t.acquire(:'one'), '3', 'a leader renews its lease across the step, in the same term');
select is(t.rows('select renewed_at <= clock_timestamp(), acquired_at <= clock_timestamp(), expires_at < clock_timestamp() + interval ''6 s'' from howdah_private.leader'),
          '(t,t,t)', 'by the present clock');
select is(t.epoch_events('clock_back'), 2::bigint, 'in a new epoch of the cell');
select t.clock_back('1 h');
select is(t.as_login('co', format('select howdah.leader_resign(%L, 3)', :'one')), 'true',
          'a leader can resign across the step');
select is(t.acquire(:'two'), '4', 'and the next one leads at once');
select t.clock_back('-1 h');
select is(t.acquire(:'one'), '5', 'a jump forward ends a lease as a pause of that length would');
select is(howdah_private.silence_since() <= clock_timestamp(), true,
          'silence never counts from the future');

-- --- refusals ------------------------------------------------------------------------------------

select is(t.problem(format('select howdah.framework_heartbeat(%L, 1, %L)', :'fw', m), 'fw_a'), null,
          'who has seen ' || what || ' is served')
from (values (t.mark(), 'this very epoch'), (t.seen(2), 'an earlier one'),
             (t.seen(1), 'the first one of all'),
             (t.mark('{"timeline": "00000000"}'), 'an earlier timeline'),
             (t.mark('{"timeline": null}'), 'no timeline'),
             (null, 'nothing yet'), ('null', 'nothing at all')) as v (m, what);
select is(t.as_login('fw_a', format('select howdah.framework_heartbeat(%L, 1)', :'fw'))::jsonb,
          t.mark(), 'a heartbeat tells the cell''s mark');
select t.raises(format('select howdah.framework_heartbeat(%L, 1, %L)', :'fw', m), code, field, null,
                what, 'fw_a')
from (values
    (t.mark(jsonb_build_object('epoch', t.cell('epoch')::bigint + 1)), 'cell_stale', 'cell.epoch',
     'a database that is an epoch behind refuses'),
    (t.mark(jsonb_build_object('token', :'one')), 'cell_stale', 'cell.epoch',
     'and one whose epoch of that number is another'),
    (t.seen(2) || jsonb_build_object('token', :'one'), 'cell_stale', 'cell.epoch',
     'an earlier one, too: a backup that counts on by itself'),
    (t.mark('{"timeline": "FFFFFFFF"}'), 'cell_stale', 'cell.epoch',
     'so does one that is a timeline behind in the same epoch'),
    (t.mark(jsonb_build_object('cell_id', :'one')), 'cell_mismatch', 'cell_id',
     'and one of another cell'),
    (t.mark('{"cell_id": "x"}'), 'value_invalid', 'cell', 'an id that is none is refused'),
    (t.mark('{"epoch": "1"}'), 'value_invalid', 'cell', 'so is an epoch that is no number'),
    (t.mark('{"token": "x"}'), 'value_invalid', 'cell', 'a token that is none'),
    (t.mark('{"generation": null}'), 'value_invalid', 'cell', 'and no generation'),
    (t.mark('{"timeline": "x"}'), 'value_invalid', 'cell', 'and a timeline that is none'),
    ('[]', 'value_invalid', 'cell', 'and a list')) as v (m, code, field, what);
select t.raises(format('select howdah.agent_sync(%L, 1, %L)', :'ag', jsonb_build_object('cell', m)),
                code, field, null, 'an agent''s report: ' || code, 'ag_a')
from (values (t.mark('{"epoch": 1e18}'), 'cell_stale', 'cell.epoch'),
             (t.mark(jsonb_build_object('cell_id', :'one')), 'cell_mismatch', 'cell_id'))
     as v (m, code, field);
select is(t.sync(:'ag', jsonb_build_object('cell', t.mark())) -> 'cell', t.mark(),
          'an answer to an agent tells the mark');
select t.raises(format('select howdah.agent_register(''new'', ''h'', ''{}'', cell => %L)', m), code, field,
                null, 'an agent''s registration: ' || code, 'ag_a')
from (values (t.mark('{"epoch": 1e18}'), 'cell_stale', 'cell.epoch'),
             (t.mark(jsonb_build_object('cell_id', :'one')), 'cell_mismatch', 'cell_id'))
     as v (m, code, field);
select t.raises(format('select howdah.framework_register(''new'', cell => %L)', m), code, field, null,
                'a framework''s registration: ' || code, 'fw_a')
from (values (t.mark('{"epoch": 1e18}'), 'cell_stale', 'cell.epoch'),
             (t.mark(jsonb_build_object('cell_id', :'one')), 'cell_mismatch', 'cell_id'))
     as v (m, code, field);
select alike(t.problem(format('select howdah.framework_register(''new'', cell => %L)',
                              t.mark(jsonb_build_object('cell_id', :'one'))), 'fw_a') ->> 'message',
             format('%%%s%%this cell, "%%", whose id is %s', :'one', t.cell('cell_id')),
             'a refusal names both cells');
select is(t.as_login('ag_a', $$ select r.cell from howdah.agent_register('marked', 'h', '{}') r $$)::jsonb,
          t.mark(), 'registering an agent tells the mark');
select is(t.as_login('fw_a', $$ select r.cell from howdah.framework_register('marked') r $$)::jsonb,
          t.mark(), 'so does registering a framework');

-- --- the grace -----------------------------------------------------------------------------------

select t.lead() as epoch \gset
select t.as_login('op', 'select howdah.setting_set(''agent_timeout_s'', ''1'')');
select t.as_login('op', 'select howdah.setting_set(''framework_heartbeat_s'', ''1'')');
select t.age_agent(:'ag', '1 h'), t.age_framework(:'fw', '1 h');
update howdah_private.cell set epoch_at = clock_timestamp() - interval '3.5 s';
select t.as_login('op', 'select howdah.setting_set(''outage_grace_s'', ''60'')');
select is(t.chore('agents_expire'), 0, 'no agent is lost within the grace after a new epoch');
select is(t.chore('frameworks_expire'), 0, 'no framework either');
select t.as_login('op', 'select howdah.setting_set(''outage_grace_s'', ''3'')');
select ok(t.chore('agents_expire') > 0, 'after it agents that are still silent are');
select is(t.chore('frameworks_expire'), 1, 'and frameworks');
select is(howdah_private.silence_counts(clock_timestamp() - interval '10 s', '11 s'), false,
          'a timeout that is longer than the grace counts as well');

-- --- a restore -----------------------------------------------------------------------------------

select t.lead() as epoch \gset
select t.fw('kept') as fw, t.ag('kept') as ag \gset
select t.fw('ended') as ended \gset
select t.as_login('fw_a', format('select howdah.framework_teardown(%L, 1)', :'ended'));
select t.ag('gone') as gone \gset
select t.as_login('op', format('select howdah.agent_remove(%L)', :'gone'));
select t.offers() as made \gset
select t.task(:'fw', :'ag', 'live') as live \gset
select t.report(:'live', 'running') is not null as x \gset
select t.fw('silent') as silent \gset
update howdah_private.framework set state = 'disconnected', state_at = clock_timestamp() - interval '8 days'
where framework_id = :'silent';
select t.mark() as before, t.cell('epoch')::bigint as epoch_before \gset
select t.raises(format('select howdah.cell_recover(%L)', r), 'field_missing', 'reason', null,
                'a restore needs a reason', 'op')
from unnest(array[null, '', ' ']) as r;
select t.denied('select howdah.cell_recover(''x'')', l, format('login %s restores nothing', l))
from unnest('{fw_a,ag_a,co,obs}'::text[]) as l;
select t.as_login('op', 'select howdah.cell_recover(''disk lost'')')::bigint as recovered \gset
select is(t.cell('epoch'), :'recovered', 'the operator learns the new epoch');
select ok(:recovered >= extract(epoch from now() - interval '1 minute')::bigint << 20,
          'it is above any that can have been handed out');
select is(t.cell('generation'), '2', 'it is a new generation');
select is(t.mark() -> 'generation', to_jsonb(:recovered), 'which marks name by its first epoch');
select is(t.rows($$ select actor, message from howdah_private.event where cause = 'recover' $$),
          '(operator,"disk lost")', 'an event says why');
select is(t.rows('select coordinator_id, epoch >= t.cell(''epoch'')::bigint from howdah_private.leader'),
          '(,t)', 'no former leader leads or ever holds the same term again');
select is((select count(*) from howdah_private.offer), 0::bigint, 'offers are gone');
select ok(t.epoch_of(:'fw') >= :recovered and t.epoch_of(:'ag') >= :recovered,
          'all that were registered are fenced');
select ok(state_at > clock_timestamp() - interval '1 minute',
          'a framework that was silent in the backup has its whole failover timeout to come back')
from howdah_private.framework where framework_id = :'silent';
select is(t.epoch_of(:'ended') < :recovered and t.epoch_of(:'gone') < :recovered, true,
          'what has ended stays as it was');
select t.raises(format('select howdah.agent_sync(%L, 1, %L)', :'ag',
                       jsonb_build_object('cell', :'before'::jsonb)), 'cell_recovered',
                'cell.generation', '1', 'an agent is told to register again', 'ag_a');
select t.raises(format('select howdah.agent_sync(%L, 1, ''{}'')', :'ag'), 'epoch_stale', 'epoch',
                '1', 'one that shows no mark is fenced', 'ag_a');
select t.raises(format('select howdah.framework_heartbeat(%L, 1, %L)', :'fw', :'before'),
                'cell_recovered', 'cell.generation', '1', 'so is a framework', 'fw_a');
select is(t.as_login('ag_a', format($$ select howdah.agent_register('kept', 'h', '{"cpus": 4, "mem": 4096}',
              agent_id => %L, cell => %L) $$, :'ag', :'before')) like '%' || :'ag' || '%', true,
          'an agent that knew the former generation registers again under its id');
select is(t.as_login('fw_a', format($$ select r.epoch from howdah.framework_register('kept',
              framework_id => %L, cell => %L) r $$, :'fw', :'before'))::bigint, :recovered + 1,
          'so does a framework, in the epoch after');
select is(t.as_login('fw_a', format('select howdah.framework_heartbeat(%L, %s, %L)', :'fw',
                                    :recovered + 1, t.mark()))::jsonb, t.mark(),
          'and its heartbeats with the mark of now are welcome');
select gen_random_uuid() as stranger \gset
select t.sync(:'ag', format('{"running": [%s, %s]}', to_json(:'live'::text), to_json(:'stranger'::text))::jsonb)
       -> 'forget' as forget \gset
select is(:'forget'::jsonb, jsonb_build_array(:'stranger'),
          'a task that the books do not have is to be forgotten');
select is(t.state(:'live'), 'running', 'one that they have runs on');
select t.sync(:'ag', format('{"running": [%s, %s]}', to_json(:'live'::text), to_json(:'stranger'::text))::jsonb) as x \gset
select is(t.rows(format('select object_kind, actor, cause, message from howdah_private.event where object_id = %L', :'stranger')),
          '(task,agent,forget,"held by agent kept, not in the books: killed")',
          'that is an event, once');
select t.sync(:'ag', format('{"updates": [{"task_id": "%s", "state": "finished", "exit_code": 0}]}', :'live')::jsonb) as x \gset
select is(t.state(:'live'), 'finished', 'an end that the agent remembers is reported as it was');
select ok(nextval('howdah_private.offer_change_seq') > :recovered,
          'numbers of offers are not used twice');
select ok(max(update_id) > :recovered, 'nor those of updates') from howdah_private.task_update
where task_id = :'live';
select t.mark() as between \gset
select is(t.as_login('op', 'select howdah.cell_recover(''again'')')::bigint > :recovered, true,
          'a second restore is one more epoch');
delete from howdah_private.cell_epoch where epoch = :recovered;
select t.raises(format('select howdah.framework_heartbeat(%L, 1, %L)', :'fw', m), 'cell_recovered',
                'cell.generation', null, 'registering again is for all who saw ' || what, 'fw_a')
from (values (:'before'::jsonb, 'the cell before the restores'),
             (:'between', 'the first restore, though the backup of the second does not know it'))
     as v (m, what);
select t.audit_clean('the books are right');

select * from finish();
