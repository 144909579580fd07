-- SPDX-License-Identifier: PostgreSQL
-- The contract of schema howdah as a whole: what is there, who may call it, who may write (nobody),
-- and that every object says what it is.

\ir lib/open.psql

select schemas_are('{public,howdah,howdah_private,t}',
                   'howdah and howdah_private are the only schemas');
select is(howdah.schema_version(),
          (select count(*)::integer from howdah_private.schema_migration m
           where m.file like 'migrations/%'),
          'schema_version is the number of migrations');

-- --- public functions: the whole list, with who may call them ------------------------------------
-- f framework, a agent, c coordinator, o operator, b observer

create temp table public_function (signature text primary key, callers text);
insert into public_function values
    ('agent_cordon(agent_id uuid, reason text)', 'o'),
    ('agent_drain(agent_id uuid, deadline_s integer, reason text)', 'o'),
    ('agent_register(name text, host text, resources jsonb, attributes jsonb, boot_id text, agent_id uuid, key uuid, cell jsonb)',
     'a'),
    ('agent_remove(agent_id uuid)', 'o'),
    ('agent_sync(agent_id uuid, epoch bigint, report jsonb)', 'a'),
    ('agent_uncordon(agent_id uuid)', 'o'),
    ('agents_expire(epoch bigint)', 'c'),
    ('tasks_expire(epoch bigint)', 'c'),
    ('audit()', 'bco'),
    ('cell_identity()', 'abcfo'),
    ('cell_recover(reason text)', 'o'),
    ('cell_snapshot()', 'bco'),
    ('claim(framework_id uuid, epoch bigint, claim_key uuid, tasks jsonb, mode text, conflict text, revocable boolean, dry_run boolean)',
     'fo'),
    ('doctor(client_time timestamp with time zone, patroni jsonb)', 'bco'),
    ('doorbell_set(epoch bigint, asleep boolean)', 'c'),
    ('drains_advance(epoch bigint)', 'c'),
    ('events_recent(max_events integer)', 'bco'),
    ('explain_share(role text)', 'bcfo'),
    ('filter_set(framework_id uuid, epoch bigint, name text, wanted jsonb, refuse_seconds numeric)', 'fo'),
    ('filters_clear(framework_id uuid, epoch bigint, agent_ids uuid[], names text[])', 'fo'),
    ('framework_budget_set(framework_id uuid, epoch bigint, tasks integer)', 'fo'),
    ('framework_heartbeat(framework_id uuid, epoch bigint, cell jsonb)', 'fo'),
    ('framework_register(name text, role text, failover_timeout_s integer, framework_id uuid, key uuid, cell jsonb)',
     'fo'),
    ('framework_remove(framework_id uuid)', 'o'),
    ('framework_revive(framework_id uuid, epoch bigint)', 'fo'),
    ('framework_suppress(framework_id uuid, epoch bigint)', 'fo'),
    ('framework_teardown(framework_id uuid, epoch bigint)', 'fo'),
    ('frameworks_expire(epoch bigint)', 'c'),
    ('history_roll(epoch bigint)', 'c'),
    ('id_find(kind text, prefix text)', 'bcfo'),
    ('inverse_offer_answer(framework_id uuid, epoch bigint, inverse_offer_ids uuid[], accept boolean, reason text)',
     'fo'),
    ('inverse_offers_pending(framework_id uuid, epoch bigint)', 'fo'),
    ('leader_acquire(coordinator_id uuid, name text, ttl_ms integer, schema_version integer)', 'c'),
    ('leader_resign(coordinator_id uuid, epoch bigint)', 'c'),
    ('log_fetch(request_id bigint)', 'fo'),
    ('log_request(task_id uuid, stream text, start_offset bigint, length integer)', 'fo'),
    ('maintenance_advance(epoch bigint)', 'c'),
    ('maintenance_cancel(agent_ids uuid[], starts_at timestamp with time zone)', 'o'),
    ('maintenance_set(agent_ids uuid[], starts_at timestamp with time zone, ends_at timestamp with time zone, reason text)',
     'o'),
    ('metrics()', 'bco'),
    ('offer_decline(framework_id uuid, epoch bigint, offer_ids uuid[], refuse_seconds numeric)',
     'fo'),
    ('offers_expire(epoch bigint)', 'c'),
    ('offers_make(epoch bigint)', 'c'),
    ('offers_since(framework_id uuid, epoch bigint, cursor bigint)', 'fo'),
    ('operator_kill(task_ids uuid[], grace_s integer)', 'o'),
    ('place(framework_id uuid, epoch bigint, claim_key uuid, specs jsonb, constraints jsonb, strategy text, mode text, revocable boolean, dry_run boolean)', 'fo'),
    ('principal_forbid(principal name, role text, os_user text)', 'o'),
    ('principal_permit(principal name, role text, os_user text)', 'o'),
    ('quota_clear(role text)', 'o'),
    ('quota_set(role text, guarantee jsonb, limits jsonb, force boolean)', 'o'),
    ('request(framework_id uuid, epoch bigint, requests jsonb)', 'fo'),
    ('role_delete(name text)', 'o'),
    ('role_set(name text, weight numeric)', 'o'),
    ('schema_version()', 'abcfo'),
    ('shares()', 'bcfo'),
    ('setting_set(name text, value text)', 'o'),
    ('stats_roll(epoch bigint)', 'c'),
    ('task_kill(framework_id uuid, epoch bigint, task_ids uuid[], grace_s integer)', 'fo'),
    ('tasks_reconcile(framework_id uuid, epoch bigint, task_ids uuid[])', 'fo'),
    ('time_read(field text, value text)', 'o'),
    ('update_acknowledge(framework_id uuid, epoch bigint, update_ids bigint[])', 'fo'),
    ('updates_pending(framework_id uuid, epoch bigint, seen bigint[], max_updates integer)', 'fo'),
    ('wakeups_send(epoch bigint)', 'c'),
    ('why_pending(framework_id uuid, max_requests integer)', 'bcfo');

create temp view function_there as
select p.oid, format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)) as identity,
       format('%s(%s)', p.proname,
              (select string_agg(format('%s %s', p.proargnames[a.n], format_type(a.type, null)),
                                 ', ' order by a.n)
               from unnest(p.proargtypes) with ordinality as a (type, n))) as signature,
       p.prosecdef, p.proconfig, p.proacl, p.proowner, n.nspname, l.lanname, p.prorettype
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
join pg_language l on l.oid = p.prolang
where n.nspname in ('howdah', 'howdah_private');

select set_eq($$ select f.signature from function_there f where f.nspname = 'howdah' $$,
              'select signature from public_function',
              'schema howdah has these functions, with these argument names and types');

select is(
    (select array_agg(g.letter order by g.letter) filter (
         where has_function_privilege(g.role, f.oid, 'execute'))::text),
    string_to_array(p.callers, null)::text,
    format('%s may be called by the groups it is for and by no other', p.signature))
from public_function p
join function_there f on f.signature = p.signature and f.nspname = 'howdah'
cross join (values ('a', 'howdah_agent'), ('b', 'howdah_observer'), ('c', 'howdah_coordinator'),
                   ('f', 'howdah_framework'), ('o', 'howdah_operator')) as g (letter, role)
group by p.signature, p.callers
order by p.signature;

select ok(not has_function_privilege('stranger', f.oid, 'execute'),
          format('a login without a group may not call %s', f.signature))
from function_there f where f.nspname = 'howdah' order by f.signature;

-- --- how functions are made ----------------------------------------------------------------------

select is_empty($$ select f.signature from function_there f
                   where f.nspname = 'howdah' and not f.prosecdef
                     and f.signature <> 'schema_version()' and f.signature !~ '^doctor\(' $$,
                'every public function that reads or writes a table is a security definer; the doctor looks '
                'at the server as its caller');
select is_empty($$ select f.signature from function_there f
                   where f.prosecdef
                     and not coalesce('search_path=howdah_private, pg_catalog, pg_temp'
                                      = any (f.proconfig), false) $$,
                'every security definer pins its search path, the temporary schema last');
select is_empty($$ select f.signature from function_there f
                   where f.nspname = 'howdah_private' and f.prosecdef
                     and f.signature not in ('doctor_cell()', 'doctor_grants()') $$,
                'no private function is a security definer but for what the doctor reads of tables');
select is_empty($$ select f.signature from function_there f
                where f.proowner <> 'howdah_owner'::regrole $$,
                'every function belongs to howdah_owner');
select is_empty($$ select f.signature from function_there f
                where f.lanname not in ('sql', 'plpgsql') $$,
                'every function is written in a trusted language');
select is_empty($$ select f.signature from function_there f, aclexplode(coalesce(f.proacl,
                       acldefault('f', f.proowner))) a
                   where a.grantee = 0 $$,
                'PUBLIC may execute no function of either schema');
select set_eq($$ select distinct f.signature from function_there f, aclexplode(f.proacl) a
                 where f.nspname = 'howdah_private' and a.grantee <> f.proowner
                   and f.signature !~ '^(doctor|patroni)_' and f.signature <> 'wal_timeline()' $$,
              array['sees_all()', 'soft_state_readable()', 'ranges_to_json(ranges int4multirange)',
                    'scalars_add(held jsonb, change jsonb, sign integer)',
                    'sets_change(held jsonb, change jsonb, sign integer)',
                    'amounts_to_json(kinds text[], amounts numeric[])',
                    'dominant_share(cpus_milli bigint, mem bigint, disk bigint, gpus bigint, total howdah_private.cell_total)',
                    'offer_resources(o howdah_private.offer)'],
              'but for the doctor''s parts, the only private functions that others may execute are those that views '
              'need');
select is_empty($$ select f.signature, a.grantee::regrole from function_there f, aclexplode(f.proacl) a
                   where f.nspname = 'howdah_private' and f.signature ~ '^(doctor|patroni)_'
                     and a.grantee <> f.proowner
                     and a.grantee::regrole::text not in ('howdah_operator', 'howdah_observer', 'howdah_coordinator') $$,
                'and the doctor''s parts are for those who may call the doctor');

-- --- tables and views ----------------------------------------------------------------------------

select views_are('howdah',
                 '{agents,cell,claims,events,filters,frameworks,inverse_offers,leader,maintenance,offers,requests,roles,settings,tasks}',
                 'schema howdah has these views');
select tables_are('howdah', '{}'::name[], 'schema howdah has no tables');
select is_empty($$ select c.relname from pg_class c
                   where c.relnamespace in ('howdah'::regnamespace, 'howdah_private'::regnamespace)
                     and c.relowner <> 'howdah_owner'::regrole
                     and c.relname not like 'schema\_migration%' $$,
                'every relation belongs to howdah_owner');
select is_empty($$ select c.relname, r.role, k.privilege
                   from pg_class c
                   cross join unnest('{howdah_framework,howdah_agent,howdah_coordinator,howdah_operator,
                                       howdah_observer,stranger,fw_a,ag_a,co,op,obs}'::text[]) as r (role)
                   cross join unnest('{insert,update,delete,truncate,references,trigger}'::text[])
                       as k (privilege)
                   where c.relkind in ('r', 'p', 'v')
                     and c.relnamespace in ('howdah'::regnamespace, 'howdah_private'::regnamespace)
                     and has_table_privilege(r.role, c.oid, k.privilege) $$,
                'nobody but the owner may write any table or view');
select is_empty($$ select c.relname, a.attname, r.role
                   from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
                   cross join unnest('{howdah_framework,howdah_agent,howdah_coordinator,howdah_operator,
                                       howdah_observer,stranger}'::text[]) as r (role)
                   where c.relkind in ('r', 'p')
                     and c.relnamespace = 'howdah_private'::regnamespace
                     and (has_column_privilege(r.role, c.oid, a.attnum, 'select')
                          or has_column_privilege(r.role, c.oid, a.attnum, 'update')
                          or has_column_privilege(r.role, c.oid, a.attnum, 'insert')) $$,
                'nobody but the owner may even read a table');
select is_empty($$ select c.relname, r.role
                   from pg_class c
                   cross join unnest('{howdah_framework,howdah_agent,howdah_coordinator,howdah_operator,
                                       howdah_observer,stranger}'::text[]) as r (role)
                   where c.relkind = 'S' and c.relnamespace = 'howdah_private'::regnamespace
                     and (has_sequence_privilege(r.role, c.oid, 'usage')
                          or has_sequence_privilege(r.role, c.oid, 'update')) $$,
                'nobody but the owner may draw from a sequence');
select table_privs_are('howdah', v.name, g.role, case when g.sees then '{SELECT}'::name[]
                       else '{}' end,
                       format('%s: %s %s', v.name, g.role,
                              case when g.sees then 'may read' else 'may not read' end))
from unnest('{agents,cell,claims,events,filters,frameworks,inverse_offers,leader,maintenance,offers,requests,roles,settings,tasks}'::name[])
     as v (name)
cross join (values ('howdah_framework'::name, true), ('howdah_operator', true),
            ('howdah_observer', true),
                   ('howdah_coordinator', true), ('howdah_agent', false), ('stranger', false))
     as g (role, sees)
order by v.name, g.role;
select is_empty($$ select c.relname from pg_class c
                   where c.relnamespace = 'howdah'::regnamespace and c.relkind = 'v'
                     and not coalesce('security_barrier=true' = any (c.reloptions)
                                      or 'security_barrier' = any (c.reloptions), false) $$,
                'every public view is a security barrier');
select schema_privs_are('howdah', 'stranger', '{}'::name[],
                        'a login without a group cannot use schema howdah');
select schema_privs_are('howdah', 'howdah_agent', '{USAGE}', 'agents can use schema howdah');
select schema_privs_are('howdah_private', 'howdah_agent', '{}'::name[],
                        'agents read no views, so they cannot use schema howdah_private');
select is_empty($$ select 1
                from unnest('{howdah_framework,howdah_agent,howdah_coordinator,howdah_operator,
                                          howdah_observer,stranger}'::text[]) as r (role)
                   where has_schema_privilege(r.role, 'howdah', 'create')
                      or has_schema_privilege(r.role, 'howdah_private', 'create') $$,
                'nobody but the owner may make objects in either schema');

-- --- words ---------------------------------------------------------------------------------------

select is_empty($$ select f.signature from function_there f
                   where coalesce(obj_description(f.oid, 'pg_proc'), '') = '' $$,
                'every function has a comment');
select is_empty($$ select c.relname from pg_class c
                   where c.relkind = 'v'
                     and c.relnamespace in ('howdah'::regnamespace, 'howdah_private'::regnamespace)
                     and coalesce(obj_description(c.oid, 'pg_class'), '') = '' $$,
                'every view has a comment');
select is_empty($$ select n.nspname from pg_namespace n
                   where n.nspname like 'howdah%'
                and obj_description(n.oid, 'pg_namespace') is null $$,
                'both schemas have a comment');

-- --- trying it -----------------------------------------------------------------------------------

select t.denied('select howdah.schema_version()', 'stranger', 'a stranger''s call is denied');
select t.denied('select x from howdah.tasks x', 'stranger',
                'a stranger''s look at a view is denied');
select t.denied('select x from howdah_private.task x', l.login,
                format('login %s cannot read the table behind a view', l.login))
from unnest('{fw_a,ag_a,co,op,obs}'::text[]) as l (login);
select t.denied('update howdah_private.agent_pool set cpus_capacity = 1', l.login,
                format('login %s cannot write the books', l.login))
from unnest('{fw_a,ag_a,co,op,obs}'::text[]) as l (login);
select t.denied('select howdah_private.tasks_step(''{}'', ''kill'', ''x'')', l.login,
                format('login %s cannot call the mover', l.login))
from unnest('{fw_a,ag_a,co,op,obs}'::text[]) as l (login);
select t.denied('select howdah.setting_set(''overlap'', ''1'')', l.login,
                format('login %s cannot change settings', l.login))
from unnest('{fw_a,ag_a,co,obs}'::text[]) as l (login);
select t.denied('select howdah.offers_make(0)', l.login,
                format('login %s cannot run a chore', l.login))
from unnest('{fw_a,ag_a,op,obs}'::text[]) as l (login);

-- A function that finds a table of the caller's first would hand the caller the owner's rights.
create schema trap;
grant usage on schema trap to public;
create table trap.setting (name text, value text);
grant select on trap.setting to public;
set search_path = trap, public;
select t.as_login('op', $$ select howdah.setting_set('overlap', '2') $$);
reset search_path;
select is((select value from howdah_private.setting where name = 'overlap'), '2',
          'a caller''s search path does not reach inside a function');
select is_empty('select * from trap.setting',
                'the caller''s own table of that name is not touched');

-- --- the whole schema, object by object ----------------------------------------------------------

create temp table schema_expected (line text);
\copy schema_expected from 'tests/sql/expected/schema.txt' with (format csv, delimiter E'\x01', quote E'\x02')
select is_empty($$ select e.line from schema_expected e except select l.line
                from t.schema_list l $$,
                'nothing of expected/schema.txt is missing (SCHEMA_UPDATE=1 tests/sql/run.sh rewrites it)');
select is_empty($$ select l.line from t.schema_list l except select e.line
                from schema_expected e $$,
                'nothing is there that expected/schema.txt does not list');

select * from finish();
