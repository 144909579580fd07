-- SPDX-License-Identifier: PostgreSQL
-- What has ended leaves the live tables: which rows move and when, the partitions by day, what still
-- works afterwards; and the totals that claims leave behind, each claim counted once.

\ir lib/open.psql

-- The shell that \! starts talks to this file's database.
\setenv PGDATABASE :DBNAME

create function t.in_history(what text default '%')
returns text
language sql
as $$
    select coalesce(string_agg(h.name, ' ' order by h.name), '') from howdah_private.task_history h
    where h.name like what;
$$;

create function t.partitions(parent text)
returns text
language sql
as $$
    select coalesce(string_agg(c.relname, ' ' order by c.relname), '')
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = ('howdah_private.' || parent)::regclass;
$$;

create function t.waits(condition text)
returns boolean
language plpgsql
as $$
/* Does the condition come true within ten seconds? */
declare
    v_true boolean;
begin
    for i in 1 .. 200 loop
        execute 'select ' || condition into v_true;
        if v_true then
            return true;
        end if;
        perform pg_sleep(0.05);
    end loop;
    return false;
end
$$;

create function t.acknowledge(framework uuid)
returns integer
language sql
as $$
    select x::integer
    from t.as_login(t.principal_of(framework), format(
        'select howdah.update_acknowledge(%L, %s, array(select update_id from howdah.updates_pending(%L, %s)))',
        framework, t.epoch_of(framework), framework, t.epoch_of(framework))) x;
$$;

create function t.finish(framework uuid, agent uuid, name text)
returns uuid
language plpgsql
as $$
/* A task that has finished, acknowledged. */
declare
    v_task uuid := t.task(framework, agent, name);
begin
    perform t.report(v_task, 'finished', '{"exit_code": 0}');
    perform t.acknowledge(framework);
    return v_task;
end
$$;

create function t.today(days integer default 0)
returns text
language sql
as $$ select to_char((clock_timestamp() at time zone 'UTC')::date + days, 'YYYYMMDD'); $$;

select t.lead() is not null as led \gset
select t.ag('one') as ag, t.ag('two') as two, t.fw('a') as fw,
       t.fw('b', login => 'fw_b') as other \gset

-- --- who may call -----------------------------------------------------------------------------------

select t.denied(format('select howdah.%s(1)', f), l, format('login %s may not call %s', l, f))
from unnest('{fw_a,ag_a,op,obs,stranger}'::text[]) l, unnest('{history_roll,stats_roll}'::text[]) f;
select is(t.chore(f), 0, format('%s of a cell in which nothing has ended does nothing', f))
from unnest('{history_roll,stats_roll}'::text[]) f;
select is(t.partitions(p), '', format('a fresh cell has no partition of %s', p))
from unnest('{task_history,event_history,claim_history}'::text[]) p;

-- --- partitions ---------------------------------------------------------------------------------------

select is(howdah_private.partition_ensure('task_history', '2020-02-29'), 1,
          'a day that is missing is made');
select is(howdah_private.partition_ensure('task_history', '2020-02-29'), 0,
          'a day that is there is not');
select is(howdah_private.partition_ensure('task_history', '2020-03-01'), 1,
          'the next day is another one');
select is(t.partitions('task_history'), 'task_history_20200229 task_history_20200301',
          'they are named by the day');
select is(t.partitions('event_history'), '', 'each table has its own');
select is(howdah_private.partition_ensure('event_history', '2020-02-29'), 1,
          'so that must be made by itself');
set timezone = 'UTC';
select is((select pg_get_expr(c.relpartbound,
                              c.oid) from pg_class c where c.relname = 'task_history_20200229'),
          'FOR VALUES FROM (''2020-02-29 00:00:00+00'') TO (''2020-03-01 00:00:00+00'')',
          'a day begins and ends at midnight, UTC');
reset timezone;
select is((select count(*) from pg_index i
           where i.indrelid = 'howdah_private.task_history_20200229'::regclass),
          2::bigint, 'a partition has the indexes of the whole');
select is(howdah_private.partitions_drop('task_history', '2020-02-29'), 0,
          'the day of the limit is kept');
select is(howdah_private.partitions_drop('task_history', '2020-03-01'), 1,
          'the day before it is dropped');
select is(t.partitions('task_history'), 'task_history_20200301', 'the others stay');
select is(howdah_private.partitions_drop('task_history', '2030-01-01'), 1,
          'and go when their time has come');
select is(t.partitions('event_history'), 'event_history_20200229',
          'dropping days of one table touches no other');
select is(howdah_private.partitions_drop('event_history', '2030-01-01'), 1,
          'that of the other is dropped by itself');
select throws_ok('insert into howdah_private.task_history (task_id, framework_id, agent_id, claim_key, name,
                  revocable, cpus_milli, mem, disk, gpus, spec, terminal_at)
                  values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), ''x'',
                  false, 0, 0, 0, 0, ''{}'', ''2020-02-29 12:00Z'')', '23514', null,
                 'a day that was dropped takes no rows');

-- --- which tasks move ------------------------------------------------------------------------------------

select t.finish(:'fw', :'ag', 'done') as done, t.task(:'fw', :'ag', 'unread') as unread,
       t.task(:'fw', :'ag', 'runs') as runs, t.task(:'fw', :'ag', 'waits') as waits \gset
select t.report(:'unread', 'failed', '{"exit_code": 1}') is not null as x,
       t.report(:'runs', 'running') is not null as y \gset
select is(t.chore('history_roll'), 0, 'within history_delay_s nothing moves');
update howdah_private.task set terminal_at = terminal_at - interval '59 s' where name = 'done';
select is(t.chore('history_roll'), 0, 'a second before the delay has passed it is still there');
update howdah_private.task set terminal_at = terminal_at - interval '2 s' where name = 'done';
update howdah_private.task set terminal_at = terminal_at - interval '1 hour' where name = 'unread';
insert into howdah_private.task_usage (task_id, at, cpu_ms) values (:'done', now(), 1),
    (:'runs', now(), 2);
select to_jsonb(k) as before from howdah_private.task k where name = 'done' \gset
select md5(string_agg(e::text, ',' order by e.event_id)) as events
from howdah_private.event e where e.object_id = :'done' \gset
select is(t.chore('history_roll'), 1,
          'a task that ended long enough ago and was acknowledged moves');
select is(t.in_history(), 'done', 'it is in history');
select is_empty(format('select 1 from howdah_private.task where task_id = %L', :'done'),
                'and not in the live table any more');
select is((select to_jsonb(h) from howdah_private.task_history h), :'before'::jsonb,
          'every column of it has moved');
select is((select md5(string_agg(e::text,
                                 ',' order by e.event_id)) from howdah_private.event_history e),
          :'events', 'its events have moved with it, and no others');
select is_empty(format('select 1 from howdah_private.event where object_id = %L', :'done'),
                'none of them was left behind');
select is(t.rows('select task_id::text from howdah_private.task_usage'), format('(%s)', :'runs'),
          'its usage is forgotten, that of others is not');
select is(t.partitions('task_history') || ' ' || t.partitions('event_history'),
          format('task_history_%s event_history_%s', t.today(), t.today()),
          'there are partitions for the day');
select is(t.rows('select name from howdah_private.task order by name'), '(runs) (unread) (waits)',
          'what lives stays, and so does what has an update that nobody acknowledged');
select is((select count(*) from howdah_private.event where object_id = :'unread'), 1::bigint,
          'with its events');
select is(t.chore('history_roll'), 0, 'a second turn finds nothing to move');
select is(t.acknowledge(:'fw'), 2, 'the framework acknowledges');
select is(t.chore('history_roll'), 1, 'now the other one moves, too');
select is(t.in_history(), 'done unread', 'both are in history');
select is(t.rows('select state from howdah_private.task order by name'), '(running) (staging)',
          'live tasks have not been touched');
select t.audit_clean('the books are right after that');

-- Every end of a task is an end.
select t.task(:'other', :'ag', 'end-' || s.state) as x
       from unnest('{finished,failed,killed,error,dropped}'::text[]) s (state) \g /dev/null
select t.report(k.task_id, substring(k.name from 5)) is not null as x from howdah_private.task k
       where k.name like 'end-%' \g /dev/null
select is(t.acknowledge(:'other'), 5, 'five tasks end in five ways');
update howdah_private.task set terminal_at = now() - interval '1 hour' where name like 'end-%';
select is(t.chore('history_roll'), 5, 'all of them move');
select is(t.rows('select state from howdah_private.task_history where name like ''end-%'' order by state'),
          '(finished) (failed) (killed) (error) (dropped)', 'with the states in which they ended');

-- Tasks whose end was not their own.
select t.fw('ends') as ends, t.ag('lost') as lost, t.fw('stays') as stays \gset
select t.task(:'ends', :'ag', 'left') as left,
       t.task(:'stays', :'lost', 'stranded') as stranded \gset
select t.as_login('fw_a', format('select howdah.framework_teardown(%L, 1)', :'ends'));
select t.report(:'left', 'killed') is not null as x \gset
select t.as_login('op', format('select howdah.agent_remove(%L)', :'lost'));
update howdah_private.task set terminal_at = now() - interval '1 hour'
    where terminal_at is not null;
select is(t.chore('history_roll'), 1, 'a task whose framework has ended needs no acknowledgement');
select is(t.in_history('left'), 'left', 'since nobody is there to give it');
select is(t.acknowledge(:'stays'), 1, 'one whose agent was removed does');
select is(t.chore('history_roll'), 1, 'and then moves');
select is((select state::text from howdah_private.task_history where name = 'stranded'),
          'gone_by_operator', 'with that state');

-- What still works for a task in history.
select is((select x from t.as_login('fw_a', format(
              'select format(''%%s %%s %%s %%s'', name, state, exit_code, agent_name)
               from howdah.tasks_reconcile(%L, 1, array[%L]::uuid[])', :'fw', :'done')) x),
          'done finished 0 one', 'a task in history is known to whoever asks by its id');
select is((select count(*) from t.as_login('fw_a', format(
              'select name from howdah.tasks_reconcile(%L, 1)', :'fw')) x), 2::bigint,
          'it is not among those that are live');
select is((select x from t.as_login('fw_a', format(
              'select format(''%%s %%s'', state, known)
               from howdah.task_kill(%L, 1, array[%L]::uuid[])', :'fw', :'done')) x),
          'unknown f', 'it cannot be killed any more');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('done', :'ag'))), 'committed',
          'its name may be used again');
select is(t.rows('select live from howdah.tasks where name = ''done'' order by created_at'),
          '(f) (t)', 'which makes another task');
select is((select x from t.as_login('fw_a', format('select count(*) from howdah.events
                                                     where object_id = %L', :'done')) x), '2',
          'its framework still sees its events');

-- --- batches, oldest first, and what others hold ------------------------------------------------------------

select t.finish(:'fw', :'ag', 'b' || i) from generate_series(1, 5) i \g /dev/null
update howdah_private.task set terminal_at = now() - interval '1 hour' * substring(name
                                                                                   from 2)::integer where name ~ '^b\d$';
select is(howdah_private.tasks_move(2), 2, 'a batch is no larger than it may be');
select is(t.in_history('b_'), 'b4 b5', 'those that ended first go first');
select pg_advisory_lock(7);
\! psql -X -q -c "begin; select 1 from howdah_private.task where name = 'b3' for update; select pg_advisory_lock(7)" >/dev/null 2>&1 &
select ok(t.waits($$exists (select 1 from pg_locks where locktype = 'advisory' and objid = 7 and not granted)$$),
          'somebody else holds a task''s row');
select is(howdah_private.tasks_move(10), 2,
          'a task that somebody else has locked is passed over, not waited for');
select is(t.in_history('b_'), 'b1 b2 b4 b5', 'the others move');
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() \g /dev/null
select ok(t.waits('howdah_private.tasks_move(10) = 1'), 'it moves in a later turn');
select is(howdah_private.tasks_move(10), 0, 'then there is nothing left');

select t.finish(:'fw', :'ag', 'patient') as patient \gset
update howdah_private.task set terminal_at = now() - interval '5 minutes' where task_id = :'patient';
select is(howdah_private.tasks_move(0), 0, 'a batch of none moves none');
select t.as_login('op', 'select howdah.setting_set(''history_delay_s'', ''600'')');
select is(t.chore('history_roll'), 0, 'a longer delay counts from the next turn on');
select t.as_login('op', 'select howdah.setting_set(''history_delay_s'', ''60'')');
select is(t.chore('history_roll'), 1, 'and so does a shorter one');
select is(t.in_history('patient'), 'patient', 'which lets the task go');

-- --- days ----------------------------------------------------------------------------------------------------

select t.finish(:'fw', :'ag', 'd' || i) from generate_series(1, 3) i \g /dev/null
update howdah_private.task set terminal_at = case name
    when 'd1' then (date_trunc('day',
                               now() at time zone 'UTC') - interval '1 ms') at time zone 'UTC'
    when 'd2' then (date_trunc('day',
                               now() at time zone 'UTC') - interval '1 day') at time zone 'UTC'
    else (date_trunc('day', now() at time zone 'UTC') - interval '1 day 1 ms') at time zone 'UTC' end
where name ~ '^d\d$';
update howdah_private.event e set at = at - interval '5 days'
from howdah_private.task k where k.task_id = e.object_id and k.name = 'd1';
set timezone = 'Pacific/Kiritimati';
select is(t.chore('history_roll'), 3, 'tasks that ended on several days move in one turn');
reset timezone;
select is(t.rows('select name, tableoid::regclass from howdah_private.task_history where name ~ ''^d\d$'' order by 1'),
          format('(d1,howdah_private.task_history_%s) (d2,howdah_private.task_history_%s) '
                 '(d3,howdah_private.task_history_%s)', t.today(-1), t.today(-1), t.today(-2)),
          'each to its day in UTC, wherever the leader''s session may be');
select is(t.partitions('event_history'), format('event_history_%s event_history_%s', t.today(-5),
                                                t.today()),
          'events go to the days on which they happened');

-- --- old days are dropped ----------------------------------------------------------------------------------------

select howdah_private.partition_ensure(p, (now() at time zone 'UTC')::date - d)
from unnest('{task_history,event_history,claim_history}'::text[]) p,
    unnest('{89,90,91,400}'::integer[]) d \g /dev/null
select is(t.chore('history_roll'), 6,
          'days older than history_days are dropped, of each kind, and counted');
select is((t.partitions('claim_history')), format('claim_history_%s claim_history_%s', t.today(-90),
                                                  t.today(-89)),
          'ninety days are kept');
select is(t.chore('history_roll'), 0, 'a second turn finds nothing to drop');
select t.as_login('op', 'select howdah.setting_set(''history_days'', ''2'')');
select is(t.in_history('d_'), 'd1 d2 d3', 'before a shorter history there are tasks of three days');
select pg_advisory_lock(9);
\! psql -X -q -c "begin; select 1 from howdah_private.task_history limit 1; select pg_advisory_lock(9)" >/dev/null 2>&1 &
select ok(t.waits($$exists (select 1 from pg_locks where locktype = 'advisory' and objid = 9 and not granted)$$),
          'somebody reads history and takes long');
select is(t.chore('history_roll'), 5, 'what nobody reads is dropped at once');
select ok(t.partitions('task_history') like '%' || t.today(-90) || '%',
          'what somebody reads is kept until a later turn');
select is((select count(*) from pg_locks where relation = 'howdah_private.task_history'::regclass
           and not granted),
          0::bigint, 'nobody queues for it');
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() \g /dev/null
select ok(t.waits('t.chore(''history_roll'') = 2'), 'when the reader is gone the rest is dropped');
select is(t.partitions('task_history'), format('task_history_%s task_history_%s task_history_%s',
          t.today(-2), t.today(-1), t.today()), 'today and two days before it are kept');
select is(t.in_history('d_'), 'd1 d2 d3', 'with their tasks');
update howdah_private.setting set value = '1' where name = 'history_days';
select is(t.chore('history_roll'), 1, 'a day less is a partition less');
select is(t.in_history('d_'), 'd1 d2', 'its tasks are gone with it');
delete from howdah_private.claim c where not exists (select 1 from howdah_private.task_all k
                                                     where k.claim_key = c.claim_key);
select t.audit_clean('after what is forgotten the rest is in order');
update howdah_private.setting set value = '90' where name = 'history_days';

-- --- events that are not about tasks ----------------------------------------------------------------------------------

insert into howdah_private.event (at, object_kind, object_id, actor, cause)
select now() - v.age, 'agent', :'ag', 'agent', v.cause
from (values ('6 days 23 hours'::interval, 'young'), ('7 days 1 min', 'old'),
             ('20 days', 'older')) as v (age, cause);
insert into howdah_private.event (at, object_kind, object_id, actor, cause)
values (now() - interval '8 days', 'task', :'runs', 'agent', 'long ago');
select is(t.chore('history_roll'), 2, 'events older than a week move, but for those of live tasks');
select is(t.rows($$select cause from howdah_private.event_history where cause in ('young', 'old', 'older', 'long ago')
                   order by at$$), '(older) (old)', 'a live task''s and the younger ones stay');
select is(t.rows($$select cause from howdah.events where cause in ('young', 'old', 'older', 'long ago') order by at$$),
          '(older) ("long ago") (old) (young)', 'readers see them all');
select is(t.chore('history_roll'), 0, 'a second turn finds none');
insert into howdah_private.event (at, object_kind, object_id, actor, cause)
select now() - interval '9 days' - make_interval(secs => i), 'agent', :'ag', 'agent',
       'batch-' || i from generate_series(1, 5) i;
select is(howdah_private.events_move(2), 2, 'they move in batches');
select is(t.rows($$select cause from howdah_private.event where cause like 'batch-%' order by at desc$$),
          '(batch-1) (batch-2) (batch-3)', 'the oldest first');
select is(howdah_private.events_move(10), 3, 'until none is left');

-- --- claim keys ---------------------------------------------------------------------------------------------------------

select t.spec('keyed', :'ag') as spec \gset
select c.task_id as keyed from t.claim(:'fw', jsonb_build_array(:'spec'::jsonb),
                                       key => '00000000-0000-0000-0000-0000000000a1') c \gset
select t.report(:'keyed', 'finished') is not null as x, t.acknowledge(:'fw') as y \gset
update howdah_private.task set terminal_at = now() - interval '1 hour' where task_id = :'keyed';
select is(t.chore('history_roll'), 1, 'a task moves whose claim''s key is still known');
select is(t.rows(format('select ordinal, name, task_id = %L, agent_id = %L, committed, replayed from t.claim(%L, %L, key => %L)',
                        :'keyed', :'ag', :'fw', jsonb_build_array(:'spec'::jsonb),
                        '00000000-0000-0000-0000-0000000000a1')),
          '(1,keyed,t,t,t,t)', 'the key gives the first answer again, the task being in history');
select is(t.problem(format('select howdah.claim(%L, 1, ''00000000-0000-0000-0000-0000000000a1'', %L)', :'fw',
                           jsonb_build_array(t.spec('else', :'ag'))), 'fw_a') ->> 'sqlstate',
          howdah_private.error_sqlstate('claim_key_reused'),
          'another request with the key is still refused');
update howdah_private.claim set created_at = now() - interval '23 hours 59 minutes'
where claim_key = '00000000-0000-0000-0000-0000000000a1';
select is(t.chore('history_roll'), 0, 'a claim stays for claim_key_hours');
update howdah_private.claim set created_at = now() - interval '24 hours 1 minute'
where claim_key = '00000000-0000-0000-0000-0000000000a1';
select to_jsonb(c) as before from howdah_private.claim c
       where claim_key = '00000000-0000-0000-0000-0000000000a1' \gset
select is(t.chore('history_roll'), 1, 'after that it moves');
select is((select to_jsonb(c) from howdah_private.claim_history c), :'before'::jsonb,
          'every column of it');
select is((select tableoid::regclass::text from howdah_private.claim_history),
          'howdah_private.claim_history_' || to_char((now() - interval '24 hours 1 minute') at time zone 'UTC', 'YYYYMMDD'),
          'to the day on which it was made');
select is(t.rows(format('select committed, replayed from t.claim(%L, %L, key => %L)', :'fw',
                        jsonb_build_array(:'spec'::jsonb), '00000000-0000-0000-0000-0000000000a1')),
                        '(t,f)',
          'a key that was forgotten is a new key');
select is((select count(*) from howdah.claims
           where claim_key = '00000000-0000-0000-0000-0000000000a1'), 2::bigint,
          'readers see both claims');
select t.as_login('op', 'select howdah.setting_set(''claim_key_hours'', ''1'')');
update howdah_private.claim set created_at = now() - interval '61 minutes'
where claim_key = '00000000-0000-0000-0000-0000000000a1';
select is(howdah_private.claims_move(0), 0, 'a batch may be empty');
select is(howdah_private.claims_move(10), 1, 'the setting says how long keys are kept');
select t.audit_clean('a live task whose claim is in history is in order');

-- --- soft state that history_roll forgets ---------------------------------------------------------------------------------

insert into howdah_private.log_request (task_id, agent_id, stream, start_offset, length, created_at)
values (:'runs', :'ag', 'stdout', 0, 1, now() - interval '61 s'),
    (:'runs', :'ag', 'stdout', 1, 1, now() - interval '50 s');
insert into howdah_private.rate_sample (at, claims, conflicts, tasks)
values (now() - interval '11 minutes', 1, 1, 1), (now() - interval '9 minutes', 2, 2, 2);
select is(t.chore('history_roll'), 0, 'what is only forgotten does not count');
select is(t.rows('select start_offset from howdah_private.log_request'), '(1)',
          'log requests are kept for a minute');
select is(t.rows('select claims from howdah_private.rate_sample where claims = 1 or claims = 2'),
          '(2)',
          'samples of the rates are kept for ten minutes');

-- --- totals ------------------------------------------------------------------------------------------------------------------

create function t.counted(n integer)
returns integer
language plpgsql
as $$
/* Count until n claims are counted, ten seconds at most: transactions of other databases of the server
   hold the count back, too. Returns how many were counted. */
declare
    v_count integer := 0;
begin
    for i in 1 .. 200 loop
        v_count := v_count + t.chore('stats_roll');
        exit when v_count >= n;
        perform pg_sleep(0.05);
    end loop;
    return v_count;
end
$$;
create function t.totals(framework uuid)
returns text
language sql
as $$
    select format('%s %s %s', f.claims, f.conflicts, f.tasks) from howdah_private.framework_total f
    where f.framework_id = framework;
$$;

select count(*) as so_far from howdah_private.claim \gset
select is(t.counted(:so_far), :so_far, 'every claim so far is counted');
select is(t.chore('stats_roll'), 0, 'a second turn counts none of them again');
update howdah_private.framework_total set claims = 0, conflicts = 0, tasks = 0;
truncate howdah_private.rate_sample;
select t.reasons(:'fw', jsonb_build_array(t.spec('s1', :'ag'), t.spec('s2', :'ag'))),
       t.reasons(:'fw', jsonb_build_array(t.spec('s3', :'ag'), t.spec('s4', :'ag', '{"cpus": 99}')),
                 'any'),
       t.reasons(:'fw', jsonb_build_array(t.spec('s5', :'ag', '{"cpus": 99}'))),
       t.reasons(:'other', jsonb_build_array(t.spec('s6', :'ag'))) \g /dev/null
select is(t.totals(:'fw'), '0 0 0', 'a claim itself counts nothing');
select is(t.counted(4), 4, 'four claims are counted');
select is(t.totals(:'fw'), '3 2 3', 'claims, those of them that were refused in part, and tasks');
select is(t.totals(:'other'), '1 0 1', 'each framework by itself');
select is(t.chore('stats_roll') + t.chore('stats_roll'), 0, 'called again it counts nothing');
select is(t.totals(:'fw') || ' ' || t.totals(:'other'), '3 2 3 1 0 1', 'and changes nothing');
select is((select format('%s %s %s', sum(claims), sum(conflicts),
                         sum(tasks)) from howdah_private.rate_sample), '4 2 4',
          'the samples of the rates add up to the same');
select ok(not exists (select 1 from howdah_private.rate_sample where claims = 0),
          'a turn without claims leaves no sample');
select t.reasons(:'fw', jsonb_build_array(t.spec('dry', :'ag')), dry_run => true) \g /dev/null
select t.claim(:'fw', jsonb_build_array(t.spec('k1', :'ag')),
               key => '00000000-0000-0000-0000-0000000000b1') \g /dev/null
select t.claim(:'fw', jsonb_build_array(t.spec('k1', :'ag')),
               key => '00000000-0000-0000-0000-0000000000b1') \g /dev/null
select is(t.counted(1), 1, 'a dry run and a repetition are no claims');
select is(t.totals(:'fw'), '4 2 4', 'the totals have grown by one');

-- A claim that commits late: it has a number before others that are there already.
select pg_advisory_lock(8);
\! psql -X -q -c "set session authorization fw_b; begin; select howdah.claim((select framework_id from howdah.frameworks where name = 'b'), 1, gen_random_uuid(), jsonb_build_array(jsonb_build_object('name', 'late', 'agent', (select agent_id from howdah.agents where name = 'two'), 'resources', '{}'::jsonb, 'command', '{\"shell\": \"true\"}'::jsonb))); select pg_advisory_lock(8); commit" >/dev/null 2>&1 &
select ok(t.waits($$exists (select 1 from pg_locks where locktype = 'advisory' and objid = 8 and not granted)$$),
          'a claim is made and not yet committed');
select t.reasons(:'fw', jsonb_build_array(t.spec('s7', :'ag', '{}')))::text as early \gset
select is(:'early'::text, 'committed', 'another one commits before it');
select is(t.chore('stats_roll'), 0, 'what came after the one under way waits for it');
select is(t.totals(:'fw') || ' ' || t.totals(:'other'), '4 2 4 1 0 1', 'neither is counted');
select pg_advisory_unlock(8);
select is(t.counted(2), 2, 'when it has committed both are counted');
select is(t.totals(:'fw') || ' ' || t.totals(:'other'), '5 2 5 2 0 2', 'each once, none is missed');
select is(t.chore('stats_roll'), 0, 'and not again');
-- A claim that never commits.
select position as cursor from howdah_private.news_cursor where name = 'claims' \gset
select pg_advisory_lock(10);
\! psql -X -q -c "set session authorization fw_b; begin; select howdah.claim((select framework_id from howdah.frameworks where name = 'b'), 1, gen_random_uuid(), jsonb_build_array(jsonb_build_object('name', 'never', 'agent', (select agent_id from howdah.agents where name = 'two'), 'resources', '{}'::jsonb, 'command', '{\"shell\": \"true\"}'::jsonb))); select pg_advisory_lock(10); rollback" >/dev/null 2>&1 &
select ok(t.waits($$exists (select 1 from pg_locks
                            where locktype = 'advisory' and objid = 10 and not granted)$$),
          'a claim is made that will be taken back');
select is(t.chore('stats_roll'), 0, 'nothing is to be counted');
select is((select position from howdah_private.news_cursor where name = 'claims'),
          :cursor::bigint, 'a turn that counts nothing leaves the cursor where it was');
select pg_advisory_unlock(10);
select is(t.reasons(:'fw', jsonb_build_array(t.spec('s8', :'ag', '{}')))::text, 'committed',
          'another one commits');
select is(t.counted(1), 1, 'which is counted');
select is(t.totals(:'fw') || ' ' || t.totals(:'other'), '6 2 6 2 0 2', 'the one taken back is not');
select ok((select position from howdah_private.news_cursor where name = 'claims') > :cursor,
          'the cursor has moved on');
select is(t.rows('select tasks_total, claims, conflicts from howdah.frameworks where name = ''a'''),
          '(6,6,2)',
          'the view shows the totals');
select t.as_login('fw_b', format('select howdah.framework_teardown(%L, 1)', :'other'));
select is(t.totals(:'other'), '2 0 2', 'totals outlive their framework');
select t.audit_clean('after all of it the books are right');

select * from finish();
