-- SPDX-License-Identifier: PostgreSQL
-- What the pages and the metrics show: the shape of each answer, its limits, and that its numbers are
-- those of the cell.

\ir lib/open.psql

create function t.snap()
returns jsonb
language sql
as $$ select x::jsonb from t.as_login('co', 'select howdah.cell_snapshot()') x; $$;

create function t.keys(doc jsonb)
returns text
language sql
as $$ select string_agg(k, ' ' order by k collate "C") from jsonb_object_keys(doc) k; $$;

create function t.metric(metric text, label text default null, val text default null)
returns double precision
language sql
as $$
    select m.value from howdah.metrics() m
    where m.name = metric and (label is null or m.labels = jsonb_build_object(label, val));
$$;

-- Plants n tasks of one framework on one agent, all of ten minutes ago and before, older ones later in the
-- sequence: older than whatever the test itself has made.
create function t.plant(n integer, prefix text, fw uuid, ag uuid, ended boolean)
returns void
language sql
as $$
    insert into howdah_private.task (task_id, framework_id, agent_id, claim_key, name, state, revocable,
                                     cpus_milli, mem, disk, gpus, spec, created_at, terminal_at)
    select gen_random_uuid(), fw, ag, gen_random_uuid(), prefix || i,
           case when ended then 'finished' else 'staging' end::howdah.task_state, false, 0, 0, 0, 0,
           '{}', now() - make_interval(secs => 600 + i),
           case when ended then now() - make_interval(secs => 600 + i) end
    from generate_series(1, n) i;
$$;

-- --- who may ask -------------------------------------------------------------------------------------

select is(t.problem('select howdah.' || f, l), null, format('login %s may call %s', l, f))
from unnest('{co,op,obs}'::text[]) l,
    unnest('{cell_snapshot(),metrics(),events_recent()}'::text[]) f;
select t.denied('select howdah.' || f, l, format('login %s may not call %s', l, f))
from unnest('{fw_a,ag_a,stranger}'::text[]) l,
     unnest('{cell_snapshot(),metrics(),events_recent()}'::text[]) f;

-- --- an empty cell -------------------------------------------------------------------------------------

select is(t.keys(t.snap()), 'agent_counts agents cell_id frameworks leader now offers rates roles '
          'settings task_counts tasks totals version', 'the snapshot has these parts');
select is(t.snap() - '{now,cell_id,leader,roles,settings,version}'::text[],
          '{"agents": [], "agent_counts": {}, "frameworks": [], "tasks": [], "task_counts": {},
            "offers": {"outstanding": 0, "list": []},
            "rates": {"claims_per_s": 0, "conflicts_per_s": 0, "tasks_per_s": 0},
            "totals": {"cpus": 0, "cpus_used": 0, "mem": 0, "mem_used": 0, "disk": 0,
                       "disk_used": 0, "gpus": 0, "gpus_used": 0}}',
          'an empty cell gives empty lists and zeros, no nulls');
select is(t.snap() ->> 'cell_id', (select cell_id::text from howdah_private.cell),
          'the snapshot names the cell');
select is((t.snap() ->> 'version')::integer, howdah.schema_version(),
          'its version is that of the schema');
select is(t.snap() -> 'leader', '{"name": null, "epoch": 0, "leading": false}',
          'nobody leads a fresh cell');
select ok(abs(extract(epoch from (t.snap() ->> 'now')::timestamptz - clock_timestamp())) < 5,
          'now is the database''s time');
select is(t.snap() -> 'settings', (select jsonb_object_agg(name, value) from howdah.settings),
          'the settings are all there');
select is(jsonb_array_length(t.snap() -> 'roles'), 1, 'a fresh cell has one role');

-- --- a cell with something in it -------------------------------------------------------------------------

select t.lead() is not null as led \gset
select t.as_login('op', 'select howdah.role_set(''ads'', 2)');
select t.as_login('op', 'select howdah.principal_permit(''fw_b'', ''ads'')');
select t.ag('b-agent', '{"cpus": 4, "mem": 4096, "disk": 100, "gpus": 2}') as b,
       t.ag('a-agent', '{"cpus": 2, "mem": 1024}') as a, t.ag('silent') as silent,
       t.ag('removed') as removed \gset
select t.fw('first') as fw \gset
select t.fw('second', 'ads', 'fw_b') as other \gset
select t.fw('third') as third \gset
select t.as_login('op', format('select howdah.agent_remove(%L)', :'removed'));
select is(t.fall_silent(:'silent'), 1, 'an agent falls silent');
select t.task(:'fw', :'b', 'run', '{"cpus": 1.5, "mem": 100, "disk": 10, "gpus": 1}') as run \gset
select t.task(:'fw', :'a', 'wait', '{"cpus": 0.5, "mem": 50}') as wait \gset
select t.task(:'other', :'b', 'end', '{"cpus": 1, "mem": 10}') as "end" \gset
select t.report(:'run', 'running') is not null as x,
       t.report(:'end', 'failed', '{"exit_code": 7, "reason": "command_exited", "message": "m"}')
           is not null as y \gset
select is(t.reasons(:'fw', jsonb_build_array(t.spec('big', :'a', '{"cpus": 99}'))),
          'insufficient_resource', 'a claim is refused');
select ok(t.offers() > 0, 'offers are made');
select t.snap() as snap \gset

select is(:'snap'::jsonb -> 'leader' ->> 'name', 'co', 'the snapshot names the leader');
select is((:'snap'::jsonb #>> '{leader,leading}')::boolean, true, 'and says that it leads');
select is((select string_agg(a ->> 'name',
                             ' ') from jsonb_array_elements(:'snap'::jsonb -> 'agents') a),
          'a-agent b-agent silent', 'agents come by name, those that are gone not at all');
select is((:'snap'::jsonb #> '{agents,1}') - 'last_seen_s'::text,
          (select to_jsonb(a) - 'last_seen_s'::text from howdah.agents a where a.name = 'b-agent'),
          'an agent is a row of the view');
select is(:'snap'::jsonb -> 'agent_counts', '{"active": 2, "unreachable": 1, "gone": 1}',
          'agents are counted by state, those that are gone, too');
select is((select string_agg(f ->> 'name', ' ')
           from jsonb_array_elements(:'snap'::jsonb -> 'frameworks') f),
          'first second third', 'frameworks come in the order of registering');
select is(t.keys(:'snap'::jsonb #> '{frameworks,0}'),
          (select t.keys(to_jsonb(f)) from howdah.frameworks f limit 1),
          'a framework has every column of the view');
select is((select jsonb_object_agg(f ->> 'name', f -> 'task_count')
           from jsonb_array_elements(:'snap'::jsonb -> 'frameworks') f),
          '{"first": 2, "second": 0, "third": 0}', 'the coordinator sees everybody''s frameworks');
select is((select string_agg(k ->> 'name',
                             ' ') from jsonb_array_elements(:'snap'::jsonb -> 'tasks') k),
          'wait run end', 'tasks: the live ones from the newest, then those that have ended');
select is(t.keys(:'snap'::jsonb #> '{tasks,0}'),
          'agent_id agent_name cpus created_at exit_code framework_id framework_name live mem message '
          'name reason role signal started_at state task_id terminal_at',
          'a task has these fields');
select is((:'snap'::jsonb #> '{tasks,2}')
              - '{created_at,terminal_at,started_at,task_id,agent_id,framework_id}'::text[],
          '{"name": "end", "framework_name": "second", "role": "ads", "agent_name": "b-agent",
            "state": "failed", "reason": "command_exited", "message": "m", "exit_code": 7,
            "signal": null, "cpus": 1, "mem": 10, "live": false}',
          'a task that has ended says how');
select is(:'snap'::jsonb -> 'task_counts', '{"running": 1, "staging": 1, "failed": 1}',
          'tasks are counted by state');
select is((:'snap'::jsonb #>> '{offers,outstanding}')::integer,
          (select count(*)::integer from howdah.offers where state = 'outstanding'),
          'outstanding offers are counted');
select is((select count(*) from jsonb_array_elements(:'snap'::jsonb #> '{offers,list}')),
          6::bigint, 'and listed: two agents for three frameworks');
select is(t.keys(:'snap'::jsonb #> '{offers,list,0}'),
          (select t.keys(to_jsonb(o)) from howdah.offers o limit 1),
          'an offer has every column of the view');
select is(:'snap'::jsonb -> 'totals',
          '{"cpus": 6, "cpus_used": 2, "mem": 5120, "mem_used": 150, "disk": 100, "disk_used": 10,
            "gpus": 2, "gpus_used": 1}', 'totals are those of active agents');
select is((select string_agg(format('%s %s', r ->> 'name', r ->> 'weight'), ', ')
           from jsonb_array_elements(:'snap'::jsonb -> 'roles') r),
          'ads 2, default 1', 'roles come by name, with their weights');

select is(:'snap'::jsonb #> '{roles,0}',
          (select to_jsonb(r) from howdah.roles r where r.name = 'ads'),
          'a role is a row of the view');
select is((select jsonb_agg(o -> 'framework_name' order by o ->> 'framework_name')
           from jsonb_array_elements(:'snap'::jsonb #> '{offers,list}') o
           where o ->> 'agent_name' = 'a-agent'), '["first", "second", "third"]',
          'offers of everybody are listed');
select is((select bool_and(o ->> 'state' = 'outstanding')
           from jsonb_array_elements(:'snap'::jsonb #> '{offers,list}') o), true,
          'and all of them wait for an answer');
select is((select jsonb_agg(k -> 'live') from jsonb_array_elements(:'snap'::jsonb -> 'tasks') k),
          '[true, true, false]', 'a task says whether it lives');
select is((:'snap'::jsonb #>> '{leader,epoch}')::bigint, (select l.epoch from howdah.leader l),
          'the leader''s epoch is shown');
select t.as_login('op', 'select howdah.setting_set(''overlap'', ''7'')');
select is(t.snap() #>> '{settings,overlap}', '7', 'a setting that changes is shown as it is now');
select t.as_login('op', 'select howdah.setting_set(''overlap'', ''unlimited'')');
select is(t.problem('select howdah.cell_snapshot(1)', 'op') ->> 'sqlstate', '42883',
          'the snapshot takes no argument');

-- --- ended frameworks -----------------------------------------------------------------------------------

select t.as_login('fw_a', format('select howdah.framework_teardown(%L, 1)', :'third'));
select is((select f ->> 'state' from jsonb_array_elements(t.snap() -> 'frameworks') f
           where f ->> 'name' = 'third'), 'completed', 'a framework that has just ended is shown');
update howdah_private.framework set registered_at = now() - interval '11 minutes'
where name in ('first', 'third');
select is((select string_agg(f ->> 'name',
                             ' ') from jsonb_array_elements(t.snap() -> 'frameworks') f),
          'first second', 'an old one that has ended is not; an old one that lives is');

-- --- caps -------------------------------------------------------------------------------------------------

select t.plant(205, 'live-', :'other', :'a', false);
select t.plant(60, 'done-', :'other', :'a', true);
select t.snap() -> 'tasks' as tasks \gset
select is((select count(*) from jsonb_array_elements(:'tasks') k where (k ->> 'live')::boolean),
          200::bigint, 'at most 200 live tasks are listed');
select is((select count(*) from jsonb_array_elements(:'tasks') k where not (k ->> 'live')::boolean),
          50::bigint, 'at most 50 ended tasks are listed');
select is((select string_agg(k ->> 'name', ' ' order by k ->> 'name') from jsonb_array_elements(:'tasks') k
           where k ->> 'name' in ('live-1', 'live-198', 'live-199', 'live-205', 'wait')),
          'live-1 live-198 wait', 'the newest of the live ones');
select is((select string_agg(k ->> 'name', ' ' order by k ->> 'name') from jsonb_array_elements(:'tasks') k
           where k ->> 'name' in ('done-1', 'done-49', 'done-50', 'end')),
          'done-1 done-49 end', 'and those that ended last');
select is((t.snap() #>> '{task_counts,staging}')::integer, 206, 'the count has no such limit');
select is((t.snap() #>> '{task_counts,finished}')::integer, 60, 'nor has that of ended ones');

select t.as_login('op', 'select howdah.setting_set(''history_delay_s'', ''0'')');
select ok(t.chore('history_roll') >= 60, 'ended tasks move to history');
select is((select string_agg(k ->> 'name', ' ' order by k ->> 'name') from jsonb_array_elements(t.snap() -> 'tasks') k
           where k ->> 'name' in ('done-1', 'done-49', 'done-50', 'end')),
          'done-1 done-49 end', 'those that ended last are listed from history just as well');
select is(t.snap() #> '{task_counts,finished}', null, 'the counts are of the live table');
update howdah_private.task_history set terminal_at = terminal_at - interval '10 s'
where name = 'done-1';
select is((select string_agg(k ->> 'name', ' ') from jsonb_array_elements(t.snap() -> 'tasks') k
           where k ->> 'name' in ('done-1', 'done-10', 'done-12')), 'done-10 done-1 done-12',
          'they are in the order of their ends');

insert into howdah_private.offer (framework_id, agent_id, agent_version, cpus_milli, mem, disk,
                                  gpus,
                                  created_at, expires_at)
select :'fw', :'silent', 1, i, 0, 0, 0, now() + make_interval(secs => i), now() + interval '1 hour'
from generate_series(1, 105) i;
select is((t.snap() #>> '{offers,outstanding}')::integer,
          (select count(*)::integer from howdah_private.offer where state = 'outstanding'),
          'all outstanding offers are counted');
select is(jsonb_array_length(t.snap() #> '{offers,list}'), 100, 'at most 100 offers are listed');
select is(t.snap() #> '{offers,list,0,cpus}', '0.105', 'the newest one first');
select is(t.snap() #> '{offers,list,99,cpus}', '0.006', 'the oldest ones are left out');
update howdah_private.offer set state = 'declined' where agent_id = :'silent';
select is((t.snap() #>> '{offers,outstanding}')::integer,
          jsonb_array_length(t.snap() #> '{offers,list}'),
          'closed offers are neither counted nor listed');

insert into howdah_private.agent (name, host, principal)
select format('many-%s', lpad(i::text, 3, '0')), 'h', 'ag_a' from generate_series(1, 500) i;
insert into howdah_private.agent_pool (agent_id, cpus_capacity, cpus_free, mem_capacity, mem_free,
                                       disk_capacity, disk_free, gpus_capacity, gpus_free)
select agent_id, 1000, 1000, 1, 1, 0, 0, 0, 0 from howdah_private.agent where name like 'many-%';
select is(jsonb_array_length(t.snap() -> 'agents'), 500, 'at most 500 agents are listed');
select is(t.snap() #>> '{agents,499,name}', 'many-498', 'the first ones by name');
select is((t.snap() #>> '{agent_counts,active}')::integer, 502, 'all are counted');
select is((t.snap() #>> '{totals,cpus}')::numeric, 506::numeric, 'and all are in the totals');
delete from howdah_private.agent_pool p using howdah_private.agent a
where a.agent_id = p.agent_id and a.name like 'many-%';
delete from howdah_private.agent where name like 'many-%';

-- --- rates ------------------------------------------------------------------------------------------------------

select is(howdah_private.cell_rates(),
          '{"claims_per_s": 0, "conflicts_per_s": 0, "tasks_per_s": 0}',
          'without samples the rates are zero');
insert into howdah_private.rate_sample (at, claims, conflicts, tasks) values
    (clock_timestamp(), 20, 3, 100), (clock_timestamp() - interval '5 s', 10, 2, 40),
    (clock_timestamp() - interval '11 s', 1000, 1000, 1000);
select is(howdah_private.cell_rates(),
          '{"claims_per_s": 3, "conflicts_per_s": 0.5, "tasks_per_s": 14}',
          'rates are per second over the last ten seconds');
select is(t.snap() -> 'rates', howdah_private.cell_rates(), 'the snapshot shows them');

-- --- metrics: which there are ---------------------------------------------------------------------------------------

select is(t.rows($$select name, type, string_agg(distinct k, ',') as labels
                   from howdah.metrics() left join lateral jsonb_object_keys(labels) k on true
                   group by name, type order by name$$),
          '(howdah_agents,gauge,state) (howdah_cell_cpus,gauge,resource) '
          '(howdah_cell_disk_bytes,gauge,resource) (howdah_cell_gpus,gauge,resource) '
          '(howdah_cell_mem_bytes,gauge,resource) (howdah_claim_conflicts_total,counter,role) '
          '(howdah_claimed_tasks_total,counter,role) (howdah_claims_total,counter,role) '
          '(howdah_frameworks,gauge,state) (howdah_leader_epoch,gauge,) '
          '(howdah_notify_queue_usage_ratio,gauge,) (howdah_offers_outstanding,gauge,) '
          '(howdah_offers_rescinded_total,counter,role) (howdah_offers_total,counter,role) '
          '(howdah_policy_failing,gauge,kind) (howdah_policy_faults_total,counter,kind) (howdah_role_share_ratio,gauge,role) (howdah_tasks,gauge,state) '
          '(howdah_updates_unacknowledged,gauge,)', 'these metrics there are, with these labels');
select is_empty($$select name from howdah.metrics() where name !~ '^howdah_[a-z_]+$'$$,
                'every name can stand in Prometheus'' format');
select is_empty($$select name from howdah.metrics() where (name like '%\_total') <> (type = 'counter')$$,
                'counters, and only they, end in _total');
select is_empty($$select name from howdah.metrics() where help is null or help !~ '^[A-Z].*\.$'$$,
                'every metric has a sentence of help');
select is_empty($$select name from howdah.metrics() group by name having count(distinct help) > 1
                  or count(distinct type) > 1$$, 'one name has one help and one type');
select is_empty($$select name, labels from howdah.metrics() group by name, labels having count(*) > 1$$,
                'no series is there twice');
select is_empty($$select name from howdah.metrics() where value is null or value < 0$$,
                'every value is a number from 0 up');
select is(t.rows(format($$select labels ->> 'state' from howdah.metrics() where name = %L order by 1$$,
                        v.name)),
          (select string_agg(format('(%s)', s), ' ' order by s) from unnest(v.states) s),
          format('%s has every state, also those whose count is zero', v.name))
from (values ('howdah_agents', enum_range(null::howdah.agent_state)::text[]),
             ('howdah_frameworks', enum_range(null::howdah.framework_state)::text[]),
             ('howdah_tasks', enum_range(null::howdah.task_state)::text[])) as v (name, states);

-- --- metrics: their values ---------------------------------------------------------------------------------------------

select is(t.metric('howdah_agents', 'state', v.state), v.n, format('agents that are %s', v.state))
from (values ('active', 2::double precision), ('unreachable', 1), ('gone', 1)) as v (state, n);
select is(t.metric('howdah_frameworks', 'state', v.state), v.n,
          format('frameworks that are %s', v.state))
from (values ('active', 2::double precision), ('disconnected', 0),
             ('completed', 1)) as v (state, n);
select is(t.metric('howdah_tasks', 'state', v.state), v.n, format('tasks that are %s', v.state))
from (values ('staging', 206::double precision), ('running', 1), ('failed', 1), ('killing', 0),
             ('finished', 0)) as v (state, n);
select is(t.metric('howdah_cell_' || v.what, 'resource', v.resource), v.n,
          format('%s of active agents, %s', v.what, v.resource))
from (values ('cpus', 'total', 6::double precision), ('cpus', 'used', 2),
             ('mem_bytes', 'total', 5368709120), ('mem_bytes', 'used', 157286400),
             ('disk_bytes', 'total', 104857600), ('disk_bytes', 'used', 10485760),
             ('gpus', 'total', 2), ('gpus', 'used', 1)) as v (what, resource, n);
select is(t.metric('howdah_offers_outstanding'),
          (select count(*) from howdah_private.offer where state = 'outstanding')::double precision,
          'offers that wait');
select is(t.metric('howdah_leader_epoch'), 1::double precision, 'the leader''s epoch');
select is(t.metric('howdah_updates_unacknowledged'),
          (select count(*) from howdah_private.task_update)::double precision,
          'updates that wait for an acknowledgement');
select ok(t.metric('howdah_notify_queue_usage_ratio') between 0 and 1, 'how full the queue is');
select is(t.metric('howdah_role_share_ratio', 'role', 'default'), 0.5::double precision,
          'the share of a role is its dominant one: one of two gpus');
select is(t.metric('howdah_role_share_ratio', 'role', 'ads'), 0::double precision,
          'a role that holds nothing has share 0');
select t.task(:'other', :'b', 'weigh', '{"cpus": 1.5}') is not null as x \gset
select is(t.metric('howdah_role_share_ratio', 'role', 'ads'), 0.125::double precision,
          'the share is divided by the weight: a quarter of the cpus by 2');

update howdah_private.framework_total set claims = 10, conflicts = 3, tasks = 40, offers = 7,
    rescinds = 2
where framework_id = :'fw';
update howdah_private.framework_total set claims = 5, conflicts = 0, tasks = 5, offers = 1,
    rescinds = 1
where framework_id = :'third';
update howdah_private.framework_total set claims = 1, conflicts = 1, tasks = 0, offers = 4,
    rescinds = 0
where framework_id = :'other';
select is(t.metric(v.name, 'role', v.role), v.n,
          format('%s adds up the frameworks of role %s, also those that have ended', v.name,
                 v.role))
from (values ('howdah_claims_total', 'default', 15::double precision),
             ('howdah_claims_total', 'ads', 1),
             ('howdah_claim_conflicts_total', 'default', 3),
             ('howdah_claim_conflicts_total', 'ads', 1),
             ('howdah_claimed_tasks_total', 'default', 45),
             ('howdah_claimed_tasks_total', 'ads', 0),
             ('howdah_offers_total', 'default', 8), ('howdah_offers_total', 'ads', 4),
             ('howdah_offers_rescinded_total', 'default', 3),
             ('howdah_offers_rescinded_total', 'ads', 0))
     as v (name, role, n);
update howdah_private.agent set state = 'unreachable' where state = 'active';
select is_empty($$select 1 from howdah.metrics() where name like 'howdah\_cell\_%'$$,
                'without an active agent the cell''s resources are not reported');
select is(t.snap() #>> '{totals,cpus}', '0', 'while the page shows zeros');
update howdah_private.agent set state = 'active' where name in ('a-agent', 'b-agent');

-- --- metrics that follow what happens -----------------------------------------------------------------

select t.metric('howdah_updates_unacknowledged') as waiting \gset
select t.as_login('fw_a', format('select howdah.update_acknowledge(%L, 1, array(select update_id
                                  from howdah.updates_pending(%L, 1)))', :'fw', :'fw')) as n \gset
select ok(:n > 0, 'a framework acknowledges its updates');
select is(t.metric('howdah_updates_unacknowledged'), :waiting - :n::double precision,
          'acknowledged updates are not counted any more');
select t.lead() is not null as led \gset
select is(t.metric('howdah_leader_epoch'), 2::double precision, 'a take-over shows in the epoch');
select t.metric('howdah_cell_cpus', 'resource', 'used') as used \gset
select t.task(:'fw', :'b', 'grow', '{"cpus": 0.25}') as grow \gset
select is(t.metric('howdah_cell_cpus', 'resource', 'used'), :used + 0.25::double precision,
          'a claim shows in what is used');
select t.report(:'grow', 'finished') is not null as x \gset
select is(t.metric('howdah_cell_cpus', 'resource', 'used'), :used::double precision,
          'so does the end of a task');
select is(t.metric('howdah_tasks', 'state', 'finished'), 1::double precision,
          'an ended task is counted while it is in the live table');
select t.as_login('fw_a', format('select howdah.update_acknowledge(%L, 1, array(select update_id
                                  from howdah.updates_pending(%L, 1)))', :'fw', :'fw'));
select ok(t.chore('history_roll') > 0, 'it moves to history');
select is(t.metric('howdah_tasks', 'state', 'finished'), 0::double precision,
          'and is not any more');
select is((select sum(m.value) from howdah.metrics() m where m.name = 'howdah_tasks'),
          (select count(*) from howdah_private.task)::double precision,
          'every task of the live table is in one state');
select t.as_login('op', 'select howdah.role_set(''idle'', 5)');
select is(t.metric('howdah_role_share_ratio', 'role', 'idle'), 0::double precision,
          'a role that nobody uses has its share, too');
select is(t.metric('howdah_claims_total', 'role', 'idle'), null, 'but no counters');

-- --- events_recent ------------------------------------------------------------------------------------------------------

create function t.events(args text default '')
returns jsonb
language sql
as $$ select x::jsonb from t.as_login('obs', format('select howdah.events_recent(%s)', args)) x; $$;

select is(t.keys(t.events() -> 0), 'actor at cause detail event_id from_state message object_id '
          'object_kind reason to_state', 'an event has these fields');
select is(t.keys(t.events() -> 0), (select t.keys(to_jsonb(e)) from howdah.events e limit 1),
          'which are the columns of the view');
truncate howdah_private.event;
select is(t.events(), '[]', 'no events are an empty list');
insert into howdah_private.event (at, object_kind, object_id, actor, cause)
select now() - make_interval(secs => i), 'task', gen_random_uuid(), 'agent', 'old-' || i
from generate_series(1, 1100) i;
insert into howdah_private.event (at, object_kind, object_id, actor, cause)
select now(), 'task', gen_random_uuid(), 'agent', 'tie-' || i from generate_series(1, 3) i;
select is((select string_agg(e ->> 'cause', ' ') from jsonb_array_elements(t.events('5')) e),
          'tie-3 tie-2 tie-1 old-1 old-2', 'newest first; of one moment the one logged last first');
select is(jsonb_array_length(t.events()), 200, 'unless told otherwise 200 are given');
select is(jsonb_array_length(t.events(v.n)), v.given,
          format('asked for %s, %s are given', v.n, v.given))
from (values ('1', 1), ('1000', 1000), ('1001', 1000), ('2147483647', 1000), ('0', 1), ('-7', 1),
             ('null', 1)) as v (n, given);
select is(t.events('1000') #>> '{999,cause}', 'old-997', 'the oldest ones are left out');
select t.task(:'fw', :'b', 'claimed') is not null as x \gset
select is(t.events('1') #>> '{0,cause}', 'tie-3', 'the claim that made a task is not among them');
select t.report(task_id, 'starting') is not null as x from howdah_private.task
       where name = 'claimed' \gset
select is((t.events('1') -> 0) - '{event_id,at,object_id}'::text[],
          '{"object_kind": "task", "from_state": "staging", "to_state": "starting", "reason": null,
            "actor": "agent", "cause": "report_starting", "message": null, "detail": null}',
          'a task''s step is, with from, to, who and why');
select is(t.events('1') #>> '{0,object_id}', (select task_id::text from howdah_private.task
                                              where name = 'claimed'), 'and whose it was');

select * from finish();
