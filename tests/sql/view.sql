-- SPDX-License-Identifier: PostgreSQL
-- The public views: who sees which rows, what each column means; schema_version and id_find.

\ir lib/open.psql

create function t.sees(login text, query text)
returns text
language sql
as $$ select coalesce(string_agg(x, ' '), '') from t.as_login(login, query) x; $$;

create function t.one(query text)
returns jsonb
language plpgsql
as $$
/* The only row of a query, as JSON. */
declare
    v_row jsonb;
begin
    execute format('select to_jsonb(x) from (%s) x', query) into strict v_row;
    return v_row;
end
$$;

create function t.columns(view text)
returns text
language sql
as $$
    select string_agg(a.attname, ' ' order by a.attnum) from pg_attribute a
    where a.attrelid = ('howdah.' || view)::regclass and a.attnum > 0 and not a.attisdropped;
$$;

-- --- columns and grants ---------------------------------------------------------------------------
-- Columns are only ever appended: programs read them by name, people by position.

select alike(t.columns(v.view), v.columns || '%',
             format('view %s begins with the columns of its first release', v.view))
from (values
    ('cell', 'agent_id name host version attributes cpus mem disk gpus cpus_free mem_free disk_free '
             'gpus_free ports_free scalars_free sets_free unavailable_from unavailable_until'),
    ('agents', 'agent_id name host state epoch version attributes cpus cpus_used cpus_free mem mem_used '
               'mem_free disk disk_used disk_free gpus gpus_used gpus_free other task_count '
               'offer_count last_seen_s registered_at cordoned cordon_reason '
               'cordoned_by cordoned_at drain drain_deadline drained_at'),
    ('frameworks', 'framework_id name role principal state epoch suppressed task_count tasks_total '
                   'claims conflicts offers_outstanding offers_rescinded cpus mem dominant_share '
                   'dominant_resource weight failover_timeout_s registered_at last_seen_s requested_at '
                   'disruption_budget'),
    ('roles', 'name weight framework_count task_count cpus mem disk gpus weighted_share parent '
     'guarantee limits'),
    ('tasks', 'task_id name framework_id framework_name role agent_id agent_name state reason message '
              'exit_code signal cpus mem disk gpus ports resources spec revocable created_at '
              'started_at terminal_at live'),
    ('offers', 'offer_id framework_id framework_name agent_id agent_name state reason cpus mem disk '
               'gpus resources created_at expires_at'),
    ('claims', 'framework_id claim_key mode conflict revocable task_count committed_count '
               'refused_count refusals task_ids created_at'),
    ('filters', 'framework_id framework_name agent_id agent_name until cpus mem disk gpus name wanted'),
    ('inverse_offers', 'inverse_offer_id framework_id framework_name agent_id agent_name deadline task_count '
                       'accepted answer_reason answered_at created_at'),
    ('maintenance', 'window_id agent_id agent_name starts_at ends_at reason set_by set_at state'),
    ('requests', 'framework_id framework_name role n count resources constraints requested_at'),
    ('events', 'event_id at object_kind object_id from_state to_state reason actor cause message detail'),
    ('settings', 'name value default_value unit help changed_at changed_by'),
    ('leader', 'coordinator_id name epoch acquired_at renewed_at expires_at leading'))
    as v (view, columns);
select is(t.rows($$select c.relname from pg_class c where c.relnamespace = 'howdah'::regnamespace
                   and c.relkind = 'v' order by 1$$),
          '(agents) (cell) (claims) (events) (filters) (frameworks) (inverse_offers) (leader) (maintenance) (offers) (requests) (roles) (settings) '
          '(tasks)', 'there are these views and no others');
select is_empty($$select c.relname from pg_class c where c.relnamespace = 'howdah'::regnamespace
                  and c.relkind = 'v' and not 'security_barrier=true' = any (c.reloptions)$$,
                'no condition of a reader is asked about rows that the reader may not see');
select is_empty($$select c.relname from pg_class c where c.relnamespace = 'howdah'::regnamespace
                  and c.relkind = 'v' and obj_description(c.oid, 'pg_class') is null$$,
                'every view has a comment');
select is(t.problem(format('select count(*) from howdah.%I', c.relname), l), null,
          format('login %s may read view %s', l, c.relname))
from pg_class c, unnest('{fw_a,op,obs,co}'::text[]) l
where c.relnamespace = 'howdah'::regnamespace and c.relkind = 'v';
select t.denied(format('select count(*) from howdah.%I', c.relname), l,
                format('login %s may not read view %s', l, c.relname))
from pg_class c, unnest('{ag_a,stranger}'::text[]) l
where c.relnamespace = 'howdah'::regnamespace and c.relkind = 'v';
select is_empty($$select c.relname, l from pg_class c, unnest('{fw_a,ag_a,co,op,obs,stranger}'::text[]) l
                  where c.relnamespace in ('howdah'::regnamespace, 'howdah_private'::regnamespace)
                    and c.relkind in ('v', 'r', 'p')
                    and has_table_privilege(l, c.oid, 'insert, update, delete, truncate, trigger')$$,
                'nobody, operators included, may write in a view or a table');
select t.denied(format('update howdah.%s set name = ''x''', v), 'op',
                format('writing in view %s is refused', v))
from unnest('{settings,leader}'::text[]) v;
select t.denied(format('select count(*) from howdah_private.%I', c.relname), l,
                format('login %s may not read %s behind the views', l, c.relname))
from unnest('{task,framework,task_all,framework_share}'::text[]) c (relname),
     unnest('{fw_a,op,obs,co}'::text[]) l;

-- --- a cell -----------------------------------------------------------------------------------------

select t.lead() is not null as led \gset
select t.as_login('op', 'select howdah.role_set(''ads'', 2)');
select t.as_login('op', 'select howdah.principal_permit(''fw_b'', ''ads'')');
select t.ag('big', '{"cpus": 8, "mem": 8192, "disk": 1000, "gpus": 4, "ports": [[31000, 31009]],
                     "scalars": {"licences": 5}, "sets": {"gpu": ["0", "1", "2"]}}',
            attributes => '{"rack": "r1"}') as big,
       t.ag('small', '{"cpus": 2.5, "mem": 512}') as small, t.ag('silent') as silent,
       t.ag('removed') as removed \gset
select t.fw('a', timeout_s => 60) as fw, t.fw('b', 'ads', 'fw_b') as other,
       t.fw('op-s', login => 'op') as ops \gset
select t.task(:'fw', :'big', 'a-run', '{"cpus": 1.25, "mem": 100, "disk": 10, "ports": 2,
                                        "scalars": {"licences": 2}, "sets": {"gpu": ["1"]}}') as run,
       t.task(:'fw', :'small', 'a-end') as "end",
       t.task(:'other', :'big', 'b-run', '{"gpus": 1}') as brun \gset
select is(t.reasons(:'fw', jsonb_build_array(t.spec('a-lent', :'big', '{"cpus": 0.5, "mem": 8,
              "scalars": {"licences": 1}}')), revocable => true), 'committed', 'a revocable task');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('a-any', :'small'),
                                             t.spec('huge', :'small', '{"cpus": 99}')),
                    'any'), 'committed insufficient_resource', 'a claim that is refused in part');
select is(t.reasons(:'other', jsonb_build_array(t.spec('huge', :'small', '{"cpus": 99}'))),
          'insufficient_resource', 'a claim that is refused');
select t.report(:'run', 'starting') is not null as a, t.report(:'run', 'running') is not null as b,
       t.report(:'end', 'failed',
                '{"exit_code": 3, "reason": "command_exited", "message": "exit 3"}') is not null as c
\gset
select t.as_login('op', format('select howdah.agent_remove(%L)', :'removed'));
select is(t.fall_silent(:'silent'), 1, 'an agent falls silent');
select ok(t.offers() > 0, 'offers are made');
select t.offer(:'fw', :'small') as declined, t.offer(:'other', :'big') as bdeclined \gset
select t.as_login('fw_a', format('select howdah.offer_decline(%L, 1, array[%L]::uuid[], 100)',
                                 :'fw', :'declined'));
select t.as_login('fw_b', format('select howdah.offer_decline(%L, 1, array[%L]::uuid[], 100)',
                                 :'other', :'bdeclined'));

-- --- whose rows ----------------------------------------------------------------------------------------

select is(t.sees(v.login, v.query), v.seen, format('%s: %s', v.login, v.what))
from (values
    ('fw_a', 'select name from howdah.frameworks', 'a', 'sees its own framework'),
    ('fw_b', 'select name from howdah.frameworks', 'b', 'sees its own framework'),
    ('fw_a', 'select name from howdah.tasks order by 1', 'a-any a-end a-lent a-run',
     'sees its own tasks'),
    ('fw_b', 'select name from howdah.tasks order by 1', 'b-run', 'sees its own tasks'),
    ('fw_a', 'select distinct framework_name from howdah.offers', 'a', 'sees its own offers'),
    ('fw_b', 'select distinct framework_name from howdah.offers', 'b', 'sees its own offers'),
    ('fw_a', 'select count(*) from howdah.claims', '4', 'sees its own claims'),
    ('fw_b', 'select count(*) from howdah.claims', '2', 'sees its own claims'),
    ('fw_a', 'select agent_name from howdah.filters', 'small', 'sees its own filters'),
    ('fw_b', 'select agent_name from howdah.filters', 'big', 'sees its own filters'),
    ('fw_a', 'select distinct object_kind from howdah.events order by 1', 'framework task',
     'sees events of frameworks and tasks'),
    ('fw_a', 'select count(distinct object_id) from howdah.events', '5', 'sees events of its own'),
    ('fw_b', 'select count(distinct object_id) from howdah.events', '2', 'sees events of its own'))
    as v (login, query, seen, what);
select is(t.sees(l, v.query), v.seen, format('%s sees all %s', l, v.what))
from unnest('{op,obs,co}'::text[]) l, (values
    ('select name from howdah.frameworks order by 1', 'a b op-s', 'frameworks'),
    ('select name from howdah.tasks order by 1', 'a-any a-end a-lent a-run b-run', 'tasks'),
    ('select distinct framework_name from howdah.offers order by 1', 'a b op-s', 'offers'),
    ('select count(*) from howdah.claims', '6', 'claims'),
    ('select framework_name from howdah.filters order by 1', 'a b', 'filters'),
    ('select distinct object_kind from howdah.events order by 1', 'agent framework role task',
     'events'))
    as v (query, seen, what);
select is(t.sees(l, v.query), v.seen, format('%s sees the %s of the cell', l, v.what))
from unnest('{fw_a,fw_b,obs}'::text[]) l, (values
    ('select name from howdah.agents order by 1', 'big removed silent small', 'agents'),
    ('select name from howdah.cell order by 1', 'big small', 'open agents'),
    ('select name from howdah.roles order by 1', 'ads default', 'roles'),
    ('select value from howdah.settings where name = ''overlap''', 'unlimited', 'settings'),
    ('select name from howdah.leader', 'co', 'leader')) as v (query, seen, what);
grant howdah_observer to fw_b;
select is(t.sees('fw_b', 'select name from howdah.frameworks order by 1'), 'a b op-s',
          'a framework''s login that is an observer, too, sees all');
revoke howdah_observer from fw_b;

-- Cheap conditions of the reader's own would run first where a view is no barrier.
create table t.leaked (name text);
create function t.leak(name text)
returns boolean
language plpgsql security definer cost 0.0000001
as $$
begin
    insert into t.leaked values (leak.name);
    return true;
end
$$;
select t.sees('fw_a', 'select count(*) from howdah.' || v.view || ' where t.leak(' || v.col || ')') is not null as x
from (values ('tasks', 'name'), ('frameworks', 'name'), ('filters', 'agent_name'),
             ('offers', 'framework_name')) as v (view, col) \g /dev/null
select ok((select count(*) from t.leaked) > 5, 'a condition of the reader is asked');
select is_empty($$select name from t.leaked where name in ('b', 'op-s', 'b-run')$$,
                'about rows of others it never is');

-- --- cell ------------------------------------------------------------------------------------------------

select is(t.one('select * from howdah.cell where name = ''big''') - '{agent_id,ports_free,unavailable_from,unavailable_until}'::text[],
          '{"name": "big", "host": "big.test", "version": 4, "attributes": {"rack": "r1"},
            "cpus": 8, "mem": 8192, "disk": 1000, "gpus": 4, "cpus_free": 6.25, "mem_free": 8084,
            "disk_free": 990, "gpus_free": 3, "scalars_free": {"licences": 2},
            "sets_free": {"gpu": ["0", "2"]}}',
          'cell shows what there is, and what tasks, revocable ones included, leave of it');
select is((select sum(r[2]::integer - r[1]::integer + 1)
           from howdah.cell c, jsonb_array_elements(c.ports_free) p,
                lateral (select array[p ->> 0, p ->> 1]) x (r) where c.name = 'big'),
          8::bigint, 'of ten ports eight are free');
select is(t.one('select * from howdah.cell where name = ''small''')
              - '{agent_id,host,attributes,version,unavailable_from,unavailable_until}'::text[],
          '{"name": "small", "cpus": 2.5, "mem": 512, "disk": 0, "gpus": 0, "cpus_free": 2.4,
            "mem_free": 480, "disk_free": 0, "gpus_free": 0, "ports_free": null,
            "scalars_free": null, "sets_free": null}',
          'what an agent does not have is 0, or null for kinds with names');
select is((select c.version from howdah.cell c where c.name = 'small'),
          (select p.version from howdah_private.agent_pool p where p.agent_id = :'small'),
          'version is what a claim can be checked against');

select is(t.rows('select a.name from howdah.agents a where a.state = ''active'' order by 1'),
          t.rows('select c.name from howdah.cell c order by 1'), 'cell has the active agents only');
select is((select c.agent_id from howdah.cell c where c.name = 'big'), :'big',
          'agent_id is what a claim names');

-- --- agents ------------------------------------------------------------------------------------------------

select is(t.one('select * from howdah.agents where name = ''big''')
              - '{agent_id,registered_at,last_seen_s,other,cordoned,cordon_reason,cordoned_by,cordoned_at,drain,drain_deadline,drained_at}'::text[],
          '{"name": "big", "host": "big.test", "state": "active", "epoch": 1, "version": 4,
            "attributes": {"rack": "r1"}, "cpus": 8, "cpus_used": 1.75, "cpus_free": 6.25,
            "mem": 8192, "mem_used": 108, "mem_free": 8084, "disk": 1000, "disk_used": 10,
            "disk_free": 990, "gpus": 4, "gpus_used": 1, "gpus_free": 3, "task_count": 3,
            "offer_count": 2}',
            'agents shows capacity, use and the rest, and counts tasks and offers');
select is((select a.other - 'ports_used' from howdah.agents a where a.name = 'big'),
          '{"ports": [[31000, 31009]], "scalars": {"licences": 5}, "scalars_used": {"licences": 3},
            "sets": {"gpu": ["0", "1", "2"]}, "sets_used": {"gpu": ["1"]}}',
          'other shows ports, named amounts and sets, and what of them is used, lent included');
select is((select a.other -> 'ports_used' from howdah.agents a where a.name = 'big'),
          (select k.ports from howdah.tasks k where k.name = 'a-run'),
          'ports_used is what tasks hold');
select is((select a.other from howdah.agents a where a.name = 'small'), '{}',
          'other is empty where there is nothing of the kind');
select is(t.rows('select name, state, task_count, offer_count from howdah.agents order by name'),
          '(big,active,3,2) (removed,gone,0,0) (silent,unreachable,0,0) (small,active,1,2)',
          'an ended task and a closed offer are not counted');
select ok((select a.last_seen_s from howdah.agents a where a.name = 'big') between 0 and 60,
          'last_seen_s is small for an agent that syncs');
select ok((select a.last_seen_s from howdah.agents a where a.name = 'silent') between 3600 and 3700,
          'last_seen_s tells how long a silent agent has been silent');
select is((select a.last_seen_s from howdah.agents a where a.name = 'removed'), null,
          'last_seen_s is null for an agent that is gone');
select is((select a.epoch from howdah.agents a where a.name = 'removed'), 2::bigint,
          'epoch is that which fences');

-- --- frameworks ----------------------------------------------------------------------------------------------

select is(t.one('select * from howdah.frameworks where name = ''a''')
              - '{framework_id,registered_at,last_seen_s,disruption_budget}'::text[],
          '{"name": "a", "role": "default", "principal": "fw_a", "state": "active", "epoch": 1,
            "suppressed": false, "task_count": 3, "tasks_total": 0, "claims": 0, "conflicts": 0,
            "offers_outstanding": 1, "offers_rescinded": 0, "cpus": 1.85, "mem": 140,
            "dominant_share": 0.1761904761904762, "dominant_resource": "cpus", "weight": 1,
            "failover_timeout_s": 60, "requested_at": null}', 'frameworks shows who it is, what it holds and its share');
select is((select f.dominant_share from howdah.frameworks f where f.name = 'a'),
          1850::double precision / 10500, 'the dominant share is of all open agents together');
select is(t.rows('select name, dominant_share, dominant_resource, weight from howdah.frameworks
                  where name <> ''a'' order by name'), '(b,0.25,gpus,2) (op-s,0,,1)',
          'a framework''s own share is not weighted; one that holds nothing has no dominant resource');
select t.task(t.fw('holds-' || v.kind), :'big', 'hold', v.resources) is not null as x
from (values ('cpus', '{"cpus": 1, "mem": 1, "disk": 1}'::jsonb),
             ('mem', '{"cpus": 0.1, "mem": 4000}'),
             ('disk', '{"mem": 1, "disk": 900}'),
             ('gpus', '{"gpus": 2, "disk": 1}')) as v (kind, resources)
\g /dev/null
select is(t.rows('select name, dominant_resource from howdah.frameworks where name like ''holds-%'' order by 1'),
          '(holds-cpus,cpus) (holds-disk,disk) (holds-gpus,gpus) (holds-mem,mem)',
          'the dominant resource is the kind of which it has the largest part');
update howdah_private.framework_total set claims = 9, conflicts = 4, tasks = 7, rescinds = 2
where framework_id = :'fw';
update howdah_private.offer set state = 'rescinded' where framework_id = :'fw'
    and agent_id = :'big';
select is(t.rows('select tasks_total, claims, conflicts, offers_outstanding, offers_rescinded
                  from howdah.frameworks where name = ''a'''), '(7,9,4,0,3)',
          'totals are those counted, with the rescinded offers that are not forgotten yet');
select t.as_login('fw_a', format('select howdah.framework_suppress(%L, 1)', :'fw'));
select t.age_framework(:'fw', '1 hour');
select is(t.rows('select state, suppressed, last_seen_s between 3600 and 3700 from howdah.frameworks
                  where name = ''a'''), '(active,t,t)', 'suppressed and last_seen_s are shown');
select t.as_login('op', format('select howdah.framework_remove(%L)', framework_id))
from howdah_private.framework where name like 'holds-%';
select is(t.rows('select distinct state, epoch, task_count, cpus, dominant_share, last_seen_s from howdah.frameworks
                  where name like ''holds-%'''), '(completed,2,0,0,0,)',
          'a framework that has ended holds nothing any more');

-- --- roles -----------------------------------------------------------------------------------------------------

select is(t.rows('select * from howdah.roles order by name'),
          '(ads,2,1,1,0,0,0,1,0.125,,,) (default,1,2,3,1.85,140,10,0,0.1761904761904762,,,)',
          'roles adds up its live frameworks; the share is divided by the weight');
select t.as_login('op', 'select howdah.role_set(''empty'', 3)');
select is(t.rows('select * from howdah.roles where name = ''empty'''), '(empty,3,0,0,0,0,0,0,0,,,)',
          'a role without frameworks shows zeros');

-- --- tasks -----------------------------------------------------------------------------------------------------

select is(t.one('select * from howdah.tasks where name = ''a-run''')
              - '{task_id,framework_id,agent_id,created_at,started_at,state_at,claim_key,spec,ports}'::text[]
              #- '{resources,ports}',
          '{"name": "a-run", "framework_name": "a", "role": "default", "agent_name": "big",
            "state": "running", "reason": null, "message": null, "exit_code": null, "signal": null,
            "cpus": 1.25, "mem": 100, "disk": 10, "gpus": 0, "revocable": false, "terminal_at": null,
            "resources": {"cpus": 1.25, "mem": 100, "disk": 10, "gpus": 0,
                          "scalars": {"licences": 2}, "sets": {"gpu": ["1"]}},
            "live": true, "cpu_ms": null, "mem_bytes": null, "mem_peak_bytes": null, "pids": null}',
          'tasks shows where a task is and what it holds');
select is((select k.resources -> 'ports' from howdah.tasks k where k.name = 'a-run'), k.ports,
          'ports stand alone and among the resources') from howdah.tasks k where k.name = 'a-run';
select ok(k.created_at <= k.started_at and k.started_at <= k.state_at, 'its times are in order')
from howdah.tasks k where k.name = 'a-run';
select is(k.spec, s.spec - '{name,agent}'::text[], 'spec is what was claimed, less name and place') from howdah.tasks k,
    (select t.spec('a-run', :'big', '{"cpus": 1.25, "mem": 100, "disk": 10, "ports": 2,
                                      "scalars": {"licences": 2}, "sets": {"gpu": ["1"]}}') as spec) s
where k.name = 'a-run';
select is(t.rows('select state, reason, message, exit_code, live, terminal_at is not null from howdah.tasks
                  where name = ''a-end'''), '(failed,command_exited,"exit 3",3,f,t)',
          'a task that has ended says how');
select is(t.rows('select name from howdah.tasks where revocable'), '(a-lent)',
          'revocable is shown');
insert into howdah_private.task_usage (task_id, at, cpu_ms, mem_bytes, mem_peak_bytes, pids)
values (:'run', now(), 1500, 1000, 2000, 3);
select is(t.rows('select cpu_ms, mem_bytes, mem_peak_bytes, pids from howdah.tasks where name = ''a-run'''),
          '(1500,1000,2000,3)', 'what the agent measured is shown');
select is(t.rows($$select a.attname, a.atttypid::regtype from pg_attribute a
                   where a.attrelid = 'howdah_private.task'::regclass and a.attnum > 0 order by a.attnum$$),
          t.rows($$select a.attname, a.atttypid::regtype from pg_attribute a
                   where a.attrelid = 'howdah_private.task_history'::regclass and a.attnum > 0
                   order by a.attnum$$),
                   'live table and history have the same columns, in the same order');
select t.one('select * from howdah.tasks where name = ''a-end''') as before \gset
select t.as_login('op', 'select howdah.setting_set(''history_delay_s'', ''0'')');
select t.as_login('fw_a', format('select howdah.update_acknowledge(%L, 1, array(select update_id
                                  from howdah.updates_pending(%L, 1)))', :'fw', :'fw'));
select ok(t.chore('history_roll') > 0, 'it moves to history');
select is(t.one('select * from howdah.tasks where name = ''a-end'''), :'before'::jsonb,
          'a task in history is shown as it was in the live table');
select is(t.sees('fw_b', 'select name from howdah.tasks'), 'b-run',
          'nor does history show the tasks of others');

-- --- offers, claims, filters ---------------------------------------------------------------------------------------

select is(t.one(format('select * from howdah.offers where offer_id = %L',
                       t.offer(:'ops', :'small')))
              - '{offer_id,framework_id,agent_id,created_at,expires_at}'::text[],
          '{"framework_name": "op-s", "agent_name": "small", "state": "outstanding", "reason": null,
            "cpus": 2.4, "mem": 480, "disk": 0, "gpus": 0,
            "resources": {"cpus": 2.4, "mem": 480, "disk": 0, "gpus": 0}}',
            'offers shows what is offered');
select is((select o.resources - 'ports' from howdah.offers o where o.offer_id = t.offer(:'ops',
                                                                                        :'big')),
          '{"cpus": 6.25, "mem": 8084, "disk": 990, "gpus": 3, "scalars": {"licences": 2},
            "sets": {"gpu": ["0", "2"]}}', 'resources has the kinds with names');
select is(t.rows(format('select state, reason from howdah.offers where offer_id = %L',
                        :'declined')),
          '(declined,)', 'a closed offer is shown for a while');
select ok(o.expires_at - o.created_at between '25 s' and '35 s',
          'an offer expires as the setting says')
from howdah.offers o limit 1;
select is(t.one('select * from howdah.claims where mode = ''any''') - '{framework_id,claim_key,created_at}'::text[]
              #- '{refusals,0,message}' #- '{refusals,0,agent_id}' #- '{task_ids,0}',
          '{"mode": "any", "conflict": "fit", "revocable": false, "task_count": 2,
            "committed_count": 1, "refused_count": 1, "task_ids": [null],
            "refusals": [{"ordinal": 2, "reason": "insufficient_resource", "resource": "cpus",
                          "wanted": 99, "free": 2.3}]}',
                          'claims shows what was committed and why not the rest')
from (select 1) x;
select is((select c.task_ids from howdah.claims c where c.mode = 'any'),
          array[(select k.task_id from howdah.tasks k where k.name = 'a-any'), null],
          'task_ids has a place for each spec, empty where it was refused');
update howdah_private.claim set created_at = now() - interval '2 days' where mode = 'any';
select ok(t.chore('history_roll') > 0, 'the claim moves to history');
select is((select count(*) from howdah.claims where mode = 'any'), 1::bigint,
          'claims in history are shown, too');
select is(t.sees('fw_b', 'select count(*) from howdah.claims'), '2',
          'those of others still are not');
select is(t.one('select * from howdah.filters where framework_name = ''a''')
              - '{framework_id,agent_id,until}'::text[],
          '{"framework_name": "a", "agent_name": "small", "cpus": 2.4, "mem": 480, "disk": 0, "gpus": 0,
            "name": null, "wanted": null}',
          'filters shows what was refused');
update howdah_private.filter set until = clock_timestamp() where framework_id = :'fw';
select is(t.rows('select framework_name from howdah.filters'), '(b)',
          'a filter that has run out is not shown');

-- --- events --------------------------------------------------------------------------------------------------------------

select is(t.rows(format('select from_state, to_state, actor, cause from howdah.events where object_id = %L order by at', :'run')),
          '(,staging,framework,claim) (staging,starting,agent,report_starting) (starting,running,agent,report_running)',
          'events tells a task''s life from the claim on');
select is((select e.detail ->> 'claim_key' from howdah.events e where e.object_id = :'run'
           and e.cause = 'claim'),
          (select k.claim_key::text from howdah.tasks k where k.task_id = :'run'),
          'the first event names the claim that made the task');
select is(t.rows(format('select to_state, reason, message from howdah.events where object_id = %L order by at', :'end')),
          '(staging,,) (failed,command_exited,"exit 3")', 'a task in history keeps its events');
select is(t.sees('fw_b', format('select count(*) from howdah.events where object_id = %L', :'end')),
          '0',
          'which are still nobody else''s');
select is(t.sees('fw_a', 'select count(*) from howdah.events where object_kind in (''agent'', ''setting'', ''leader'')'), '0',
          'events of agents, settings and leaders are not for frameworks');

select is((select count(*) from howdah.events where object_kind = 'role' and cause = 'role_set'),
          (select count(*) from howdah_private.event where object_kind = 'role'),
          'those who see all see events of every kind');
select is((select count(*) from howdah.events where event_id is null),
          (select count(*) from howdah_private.task_all),
          'there is one first event for each task, which has no number of its own');
select is(t.sees('fw_b', 'select string_agg(distinct cause, '' '' order by cause) from howdah.events'),
          'claim register', 'a framework sees how it was registered and its own claims');

-- --- settings, leader ------------------------------------------------------------------------------------------------------

select is(t.rows('select name, value, default_value, unit, changed_by, changed_at is not null from howdah.settings
                  where name in (''history_delay_s'', ''overlap'') order by 1'),
          '(history_delay_s,0,60,s,op,t) (overlap,unlimited,unlimited,frameworks,,f)',
          'settings shows value, default, unit and who changed it');
select is(t.rows('select name, epoch, l."leading" from howdah.leader l'), '(co,1,t)',
          'leader shows who leads');
update howdah_private.leader set expires_at = clock_timestamp();
select is((select l.leading from howdah.leader l), false, 'a lease that has run out leads nobody');
select is(t.problem('select howdah.schema_version()', l), null,
          format('login %s may ask for the schema''s version', l))
from unnest('{fw_a,ag_a,co,op,obs}'::text[]) l;
select t.denied('select howdah.schema_version()', 'stranger', 'a login of no group may not');

-- --- id_find -------------------------------------------------------------------------------------------------------------------

create function t.find(kind text, prefix text, login text default 'op')
returns text
language sql
as $$ select x from t.as_login(login, format('select howdah.id_find(%L, %L)', kind, prefix)) x; $$;

select is(t.find(v.kind, v.id), v.id, format('id_find knows the whole id of %s', v.kind))
from (values ('task', :'run'), ('agent', :'big'), ('framework', :'fw'),
             ('offer', :'declined')) as v (kind, id);
insert into howdah_private.agent (agent_id, name, host, principal)
values ('ffff1111-0000-0000-0000-000000000001', 'twin-1', 'h', 'ag_a'),
       ('ffff1111-0000-0000-0000-000000000002', 'twin-2', 'h', 'ag_a');
insert into howdah_private.agent_pool (agent_id, cpus_capacity, cpus_free, mem_capacity, mem_free,
                                       disk_capacity, disk_free, gpus_capacity, gpus_free)
select agent_id, 1, 1, 1, 1, 1, 1, 1, 1 from howdah_private.agent where name like 'twin-%';
insert into howdah_private.task (task_id, framework_id, agent_id, claim_key, name, revocable,
                                 cpus_milli,
                                 mem, disk, gpus, spec, created_at, terminal_at, state)
select ('ffff1111-0000-0000-0000-00000000000' || i)::uuid, :'other', :'big', gen_random_uuid(),
       'twin', false,
       0, 0, 0, 0, '{}', now() + make_interval(secs => i), now(), 'finished'
from generate_series(1, 3) i;
select is(t.find('agent', 'ffff1111-0000-0000-0000-000000000002'),
          'ffff1111-0000-0000-0000-000000000002',
          'of two that begin alike the whole id is one');
select t.raises(format('select howdah.id_find(%L, ''ffff1111'')', k), 'id_ambiguous', k, 'ffff1111',
                format('the beginning of two ids is not enough for %s', k), 'op')
from unnest('{agent,task}'::text[]) k;
select is(t.find('agent', 'FFFF1111-0000-0000-0000-000000000001'),
          'ffff1111-0000-0000-0000-000000000001',
          'ids may be written in capitals');
select is(t.find(v.kind, v.name), v.id, format('id_find knows %s %s by its name', v.kind, v.name))
from (values ('task', 'a-run', :'run'), ('agent', 'small', :'small'), ('framework', 'b', :'other'),
             ('task', 'a-end', :'end'), ('agent', 'twin-1', 'ffff1111-0000-0000-0000-000000000001'))
     as v (kind, name, id);
select is(t.find('task', 'twin'), 'ffff1111-0000-0000-0000-000000000003',
          'of tasks with one name the newest is found');
select t.fw('twice') as old \gset
select pg_sleep(0.01);
select t.fw('twice') as new \gset
select t.raises('select howdah.id_find(''framework'', ''twice'')', 'id_ambiguous', 'framework', 'twice',
                'a name that two live frameworks have is not enough', 'op');
select t.as_login('fw_a', format('select howdah.framework_teardown(%L, %s)', :'new', t.epoch_of(:'new')));
select is(t.find('framework', 'twice'), :'old', 'of frameworks with one name the live one is found');
select t.as_login('fw_a', format('select howdah.framework_teardown(%L, %s)', :'old', t.epoch_of(:'old')));
select is(t.find('framework', 'twice'), :'new', 'of those that have ended the newest');
insert into howdah_private.task (task_id, framework_id, agent_id, claim_key, name, revocable,
                                 cpus_milli, mem, disk, gpus, spec)
select ('eeee1111-0000-0000-0000-00000000000' || i)::uuid, f.id, :'big', gen_random_uuid(), 'twin',
       false, 0, 0, 0, 0, '{}'
from unnest(array[:'fw', :'other']::uuid[]) with ordinality as f (id, i);
select t.raises('select howdah.id_find(''task'', ''twin'')', 'id_ambiguous', 'task', 'twin',
                'a name that two live tasks have is not enough', 'op');
delete from howdah_private.task where task_id = 'eeee1111-0000-0000-0000-000000000002';
select is(t.find('task', 'twin'), 'eeee1111-0000-0000-0000-000000000001',
          'a live task counts before ended ones of its name');
delete from howdah_private.task where task_id = 'eeee1111-0000-0000-0000-000000000001';
insert into howdah_private.agent (name, host, principal)
values ('f', 'h', 'ag_a'), ('ffff1111', 'h', 'ag_a'),
    ('ffff1111-0000-0000-0000-000000000001', 'h', 'ag_a'),
       ('ffff1111-0000-0000-0000-00000000ffff', 'h', 'ag_a');
insert into howdah_private.agent_pool (agent_id, cpus_capacity, cpus_free, mem_capacity, mem_free,
                                       disk_capacity, disk_free, gpus_capacity, gpus_free)
select agent_id, 1, 1, 1, 1, 1, 1, 1, 1 from howdah_private.agent where name like 'f%';
select is(t.find('agent', v.name),
          (select agent_id::text from howdah_private.agent where name = v.name), v.what)
from (values ('f', 'a name counts before the beginning of an id'),
             ('ffff1111', 'even one that begins several ids'),
             ('ffff1111-0000-0000-0000-00000000ffff', 'a name may look like an id that nobody has'))
     as v (name, what);
select is(t.find('agent', 'ffff1111-0000-0000-0000-000000000001'),
          'ffff1111-0000-0000-0000-000000000001',
          'a whole id counts before a name');
delete from howdah_private.agent_pool p using howdah_private.agent a where a.agent_id = p.agent_id
    and a.name like 'f%';
delete from howdah_private.agent where name like 'f%';
select t.raises(format('select howdah.id_find(%L, %L)', v.kind, v.prefix), v.code, v.field,
                v.prefix, v.what, 'op')
from (values
    ('task', 'nothing', 'task_unknown', 'task', 'an unknown task'),
    ('agent', 'nothing', 'agent_unknown', 'agent', 'an unknown agent'),
    ('framework', 'nothing', 'framework_unknown', 'framework', 'an unknown framework'),
    ('offer', 'nothing', 'value_invalid', 'offer', 'an unknown offer'),
    ('agent', 'removed', 'agent_unknown', 'agent',
     'an agent that is gone is not found by its name'),
    ('agent', 'bi', 'agent_unknown', 'agent', 'the beginning of a name is not enough'),
    ('agent', 'BIG', 'agent_unknown', 'agent', 'names are exact, capitals included'),
    ('task', '%', 'task_unknown', 'task', 'a percent sign stands for nothing but itself'),
    ('task', '_', 'task_unknown', 'task', 'nor does an underline'),
    ('agent', 'ffff1111-0000-0000-0000-00000000000_', 'agent_unknown', 'agent',
     'not at the end of an id either'),
    ('framework', '\', 'framework_unknown', 'framework', 'nor does a backslash'),
    ('task', 'x'' or true --', 'task_unknown', 'task', 'nor does a quote'))
    as v (kind, prefix, code, field, what);
select is(t.find('agent', :'removed'), :'removed', 'an agent that is gone is found by its id');
select t.raises(format('select howdah.id_find(%L, %L)', v.kind, v.prefix), 'value_invalid', v.field,
                null, v.what, 'op')
from (values ('claim', 'x', 'kind', 'an unknown kind'), ('Task', 'x', 'kind', 'a kind in capitals'),
             (null, 'x', 'kind', 'no kind'), ('task', '', 'prefix', 'an empty prefix'),
             ('task', null, 'prefix', 'no prefix')) as v (kind, prefix, field, what);
select t.raises(format('select howdah.id_find(%L, %L)', v.kind, v.prefix), v.code, v.kind, null,
                v.what, 'fw_b')
from (values ('task', :'run', 'task_unknown', 'a task of another framework is unknown'),
             ('task', 'a-run', 'task_unknown', 'even by its name'),
             ('framework', :'fw', 'framework_unknown', 'another framework is unknown'),
             ('offer', :'declined', 'value_invalid', 'another one''s offer is unknown'))
     as v (kind, prefix, code, what);
select is(t.find('task', 'b-run', 'fw_b'), :'brun', 'its own it finds');
select is(t.find('agent', 'big', 'fw_b'), :'big', 'and agents');
select t.denied('select howdah.id_find(''agent'', ''big'')', l,
                format('login %s may not look for ids', l))
from unnest('{ag_a,stranger}'::text[]) l;

select * from finish();
