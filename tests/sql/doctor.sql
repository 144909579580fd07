-- SPDX-License-Identifier: PostgreSQL
-- The doctor: each fault that can be planted in one server is found, named and graded, and gone when it is
-- mended. What takes a standby is in tests/system/t4610-standby-doctor.sh.

\ir lib/open.psql

create function t.finding(check_id text, patroni jsonb default null,
                          login text default 'admin')
returns text
language sql
as $$
    /* "severity: found" of one check; null if there is no such row. */
    select string_agg(x, '; ') from t.as_login(login, format(
        'select severity || '': '' || found from howdah.doctor(null, %L) where id = %L',
        patroni, check_id)) x;
$$;

create function t.patroni(check_id text, patroni jsonb)
returns text
language sql
as $$ select split_part(t.finding('patroni.' || check_id, patroni), ':', 1); $$;

create function t.planted(check_id text, plant text, finds text, mend text, description text)
returns setof text
language plpgsql
as $$
/* Two tests: after `plant` the check says `finds` (a pattern), and after `mend` what it said before,
   apart from seconds that went by. */
declare
    v_before text := t.finding(check_id);
begin
    execute plant;
    return next matches(t.finding(check_id), finds, description);
    execute mend;
    return next is(regexp_replace(t.finding(check_id), '\d+ s\M', 'N s', 'g'),
                   regexp_replace(v_before, '\d+ s\M', 'N s', 'g'), description || ': mended');
end
$$;

-- --- who may ask, and the shape of the answer ---------------------------------------------------------

select is(t.problem('select * from howdah.doctor()', l), null, format('login %s may ask the doctor', l))
from unnest('{op,obs,co}'::text[]) l;
select t.denied('select * from howdah.doctor()', l, format('login %s may not', l))
from unnest('{fw_a,ag_a,stranger}'::text[]) l;
select is_empty($$select id from howdah.doctor(now(), '{"file": {"etcd": "x"}}') group by id having count(*) > 1$$,
                'no check comes twice');
select is_empty($$select id from howdah.doctor(now(), '{"file": {"etcd": "x"}}')
                  where severity not in ('ok', 'note', 'warning', 'danger') or coalesce(found, '') = ''
                     or (severity = 'ok') <> (risk is null) or (severity = 'ok') <> (advice is null)$$,
                'each says what was found, and unless all is well what it risks and what to do');
select is_empty($$select * from (select severity, lag(severity) over () as before
                                 from howdah.doctor()) x
                  where array_position('{danger,warning,note,ok}', severity)
                      < array_position('{danger,warning,note,ok}', before)$$,
                'the worst comes first');

-- --- the server -----------------------------------------------------------------------------------------

select matches(t.finding('server.role'), '^ok: primary, timeline [0-9A-F]{8}$', 'a primary says its timeline');
select matches(t.finding('server.fsync'), '^danger: fsync off', 'fsync off, as in tests, is dangerous');
select matches(f, e, 'a clock that differs by ' || d)
from (values ('0', '^ok'), ('10 s', '^note: .* is 10.[0-9] s behind'), ('-10 s', '^note: .* ahead of'),
             ('-2 h', '^warning: .* is 7[12][0-9]{2}.[0-9] s ahead')) as v (d, e),
     lateral (select severity || ': ' || found as f
              from howdah.doctor(clock_timestamp() + d::interval) where id = 'server.clock') x;
select is(t.finding('server.clock'), null, 'without the caller''s time clocks are not compared');

-- --- what an acknowledgement is worth ----------------------------------------------------------------------

select is(t.finding('commit.level'), 'ok: synchronous_commit on', 'synchronous_commit on is right');
select t.planted('commit.level', format('set synchronous_commit = %s', l), format('^%s: synchronous_commit %s$', s, l),
                 'reset synchronous_commit', format('synchronous_commit %s is %s', l, s))
from (values ('off', 'danger'), ('local', 'danger'), ('remote_write', 'warning'), ('remote_apply', 'ok'))
    as v (l, s);
select t.planted('commit.level', 'alter role fw_a set synchronous_commit = off',
                 '^danger: synchronous_commit on, off for role fw_a$', 'alter role fw_a reset all',
                 'a login with a level of its own');
select t.planted('commit.level', format('alter database %I set synchronous_commit = remote_write', current_database()),
                 '^warning: synchronous_commit on, remote_write for database sql_test_',
                 format('alter database %I reset all', current_database()), 'a database with a level of its own');
select t.planted('commit.level', 'alter role fw_a in database postgres set synchronous_commit = off',
                 '^ok', 'alter role fw_a in database postgres reset all', 'what is set for another database is not ours');
select matches(t.finding('commit.standby'), '^warning: no standby$', 'a lone server is warned about');

-- --- slots ----------------------------------------------------------------------------------------------------

select is(t.finding('replication.slots'), 'ok: none', 'no slots');
select pg_create_physical_replication_slot('forgotten', true) is not null as made \gset
select matches(t.finding('replication.slots'), '^warning: forgotten inactive, keeps ', 'a slot that nobody reads');
select matches(t.finding('replication.slot_limit'), '^warning: max_slot_wal_keep_size -1', 'and that has no limit');
select pg_drop_replication_slot('forgotten');
select is(t.finding('replication.slots'), 'ok: none', 'it is gone');
select matches(t.finding('failover.rewind'), '^note: data_checksums off, wal_log_hints off$',
               'pg_rewind is of interest where there are standbys');

-- --- sessions ---------------------------------------------------------------------------------------------------

select is(t.finding('sessions.statement_timeout'), 'ok: off', 'no statement_timeout is right');
select t.planted('sessions.statement_timeout', 'alter role op set statement_timeout = ''30s''',
                 '^warning: off, 30s for role op$', 'alter role op reset all', 'a login with a statement_timeout');
select matches(t.finding('sessions.idle_in_transaction'), '^note: .* off$', 'transactions may idle for ever');
select is(t.finding(c), f, c || ' of sessions like these') from (values
    ('sessions.superuser', 'ok: no program is superuser'), ('sessions.pooler', 'ok: no sign of one')) as v (c, f);
set application_name = 'framework x';
select is(t.finding('sessions.superuser'), 'warning: programs are connected as superuser admin',
          'a framework that is superuser');
set application_name = 'pgbouncer';
select is(t.finding('sessions.pooler'), 'note: pgbouncer is connected', 'a pooler');
reset application_name;
select is(t.finding('sessions.snapshots', login => 'op'), 'note: other logins'' sessions cannot be seen',
          'what a login cannot see is not called good');
select t.planted('sessions.snapshots', 'grant pg_monitor to op', '^(ok: none over 60 s|warning: pid .* active for [0-9]+ s)$', 'revoke pg_monitor from op',
                 'with pg_monitor all is seen');

-- --- tables ------------------------------------------------------------------------------------------------------

select t.planted('tables.autovacuum', 'alter table howdah_private.rate_sample set (autovacuum_enabled = off)',
                 '^danger: .*; switched off for rate_sample$',
                 'alter table howdah_private.rate_sample reset (autovacuum_enabled)', 'a table without autovacuum');
alter table howdah_private.rate_sample set (autovacuum_enabled = off);
insert into howdah_private.rate_sample (claims, conflicts, tasks) select 0, 0, 0 from generate_series(1, 20000);
delete from howdah_private.rate_sample;
select pg_stat_force_next_flush();
select matches(t.finding('tables.bloat'), '^warning: rate_sample: 20000 dead and 0 live rows in ', 'dead rows');
vacuum howdah_private.rate_sample;
select pg_stat_force_next_flush();
select is(t.finding('tables.bloat'), 'ok: the books are clean', 'they are removed');
alter table howdah_private.rate_sample reset (autovacuum_enabled);
insert into howdah_private.agent (name, host, principal) select 'h' || i, 'h', 'ag_a' from generate_series(1, 200) i;
insert into howdah_private.agent_pool (agent_id, cpus_capacity, cpus_free, mem_capacity, mem_free, disk_capacity,
                                       disk_free, gpus_capacity, gpus_free)
select agent_id, 0, 0, 0, 0, 0, 0, 0, 0 from howdah_private.agent where name like 'h%';
create index own_index on howdah_private.agent_pool (version);
do $$ begin for i in 1..51 loop update howdah_private.agent_pool set version = version + 1; end loop; end $$;
select pg_stat_force_next_flush();
select matches(t.finding('tables.hot'), '^warning: [0-8]?[0-9] % of 10[0-9]{3} updates of the books touched no index$',
               'an index that every claim has to write');
drop index howdah_private.own_index;
delete from howdah_private.agent_pool where agent_id in (select agent_id from howdah_private.agent where name like 'h%');
delete from howdah_private.agent where name like 'h%';
select is(t.finding(c), f, c || ' of a young database')
from (values ('tables.notify', 'ok: NOTIFY queue 0.0 % full'), ('cell.schema', 'ok: schema ' || howdah.schema_version()))
    as v (c, f);

-- --- the cell ------------------------------------------------------------------------------------------------------

select is(t.finding('cell.coordinators'), 'danger: nobody has led yet; 0 connected', 'a cell that nobody leads');
select t.lead() is not null as led \gset
select matches(t.finding('cell.coordinators'), '^warning: co leads in term [0-9]+; 0 connected$',
               'a leader without a deputy');
update howdah_private.leader set expires_at = now() - interval '1 minute';
select matches(t.finding('cell.coordinators'), '^danger: nobody leads since ', 'a leader that has gone');
select is(t.finding('cell.agents'), 'ok: 0 agents, 0 of them unreachable', 'no agents');
select t.ag('one') as one, t.ag('two') as two \gset
update howdah_private.agent set state = 'unreachable' where agent_id = :'two';
update howdah_private.agent_pool set open = false where agent_id = :'two';
select is(t.finding('cell.agents'), 'warning: 2 agents, 1 of them unreachable', 'an unreachable agent');
select is(t.finding('cell.audit'), 'ok: violations of invariants: 0', 'the auditor is content');
update howdah_private.agent_pool set open = true where agent_id = :'two';
select is(t.finding('cell.audit'), 'danger: violations of invariants: 1', 'the auditor found something');
update howdah_private.agent_pool set open = false where agent_id = :'two';
select matches(t.finding('cell.connections'), '^ok: [0-9]+ of 197 in use; 2 agents, 0 frameworks and ', 'connections suffice');
insert into howdah_private.agent (name, host, principal) select 'm' || i, 'h', 'ag_a' from generate_series(1, 200) i;
select matches(t.finding('cell.connections'), '^danger: [0-9]+ of 197 in use; 202 agents', 'more agents than connections');
delete from howdah_private.agent where name like 'm%';

-- --- privileges -----------------------------------------------------------------------------------------------------

select is(t.finding('cell.grants'), 'ok: nobody may more than intended', 'the grants are those of the schema');
select t.planted('cell.grants', 'grant insert on howdah_private.task to fw_a', '^danger: fw_a may write howdah_private.task$',
                 'revoke insert on howdah_private.task from fw_a', 'a login that may write a table');
select t.planted('cell.grants', 'grant execute on function howdah.audit() to public', '^danger: PUBLIC may execute howdah.audit\(\)$',
                 'revoke execute on function howdah.audit() from public', 'a function for everybody');
select t.planted('cell.grants', 'grant create on schema howdah to fw_a', '^danger: fw_a may create objects in schema howdah$',
                 'revoke create on schema howdah from fw_a', 'a login that may put functions beside ours');
select t.planted('cell.grants', 'alter role howdah_owner login', '^danger: howdah_owner may log in$',
                 'alter role howdah_owner nologin', 'an owner that may log in');
select t.planted('cell.grants', 'select howdah.principal_permit(''public'', os_user => ''root'')',
                 '^warning: every login may run tasks as root$',
                 'select howdah.principal_forbid(''public'', os_user => ''root'')', 'root for everybody');

-- --- Patroni ---------------------------------------------------------------------------------------------------------

select is(t.patroni('dcs', d::jsonb), s, format('store: %s is %s', d, s))
from (values ('{"file": {"etcd3": {}}}', 'danger'),
             ('{"file": {"etcd3": {}}, "version": "3.0.2"}', 'danger'),
             ('{"file": {"etcd3": {}}, "version": "2.1.4"}', 'danger'),
             ('{"file": {"etcd3": {}}, "version": "3.0.3"}', 'ok'),
             ('{"file": {"etcd3": {}}, "version": "4.0.5"}', 'ok'),
             ('{"file": {"etcd": {}}}', 'ok'), ('{"file": {"consul": {}}}', 'ok')) as v (d, s);
select is(t.finding('patroni.dcs', '{"file": {"etcd3": {}}}'), 'danger: section etcd3, release unknown',
          'it says that the file does not tell the release');
select is(t.finding('patroni.dcs', '{"dynamic": {}, "version": "3.0.2"}'),
          'ok: no section of a known store, Patroni 3.0.2', 'the REST API does not tell the store');
select is(t.patroni('synchronous_mode', jsonb_build_object('dynamic', d::jsonb)), s, format('mode: %s is %s', d, s))
from (values ('{}', 'danger'), ('{"synchronous_mode": true}', 'danger'),
             ('{"synchronous_mode": true, "synchronous_mode_strict": true}', 'ok'),
             ('{"synchronous_mode": "on", "synchronous_mode_strict": "yes"}', 'ok'),
             ('{"synchronous_mode": "quorum", "synchronous_mode_strict": "true"}', 'ok'),
             ('{"synchronous_mode": false, "synchronous_mode_strict": true}', 'danger')) as v (d, s);
select is(t.patroni('synchronous_mode', '{"file": {"bootstrap": {"dcs": {"synchronous_mode": "true",
                                         "synchronous_mode_strict": "true"}}}}'), 'ok',
          'without the REST API the file''s bootstrap section is read');
select is(t.patroni('synchronous_mode', '{"dynamic": {"synchronous_mode": true},
              "file": {"bootstrap": {"dcs": {"synchronous_mode": "true", "synchronous_mode_strict": "true"}}}}'),
          'danger', 'what is in force counts before what the file began with');
select is(t.patroni('ttl', jsonb_build_object('dynamic', d::jsonb)), s, format('times: %s is %s', d, s))
from (values ('{}', 'ok'), ('{"ttl": 5, "loop_wait": 1, "retry_timeout": 2}', 'ok'),
             ('{"ttl": 20, "loop_wait": 10, "retry_timeout": 10}', 'danger'),
             ('{"ttl": "20", "loop_wait": "10", "retry_timeout": "10"}', 'danger'), ('{"ttl": 29}', 'danger'),
             ('{"ttl": 3, "loop_wait": 1, "retry_timeout": 1}', 'warning')) as v (d, s);
select is(t.finding('patroni.ttl', '{"dynamic": {"ttl": "soon"}}'), 'ok: ttl 30, loop_wait 10, retry_timeout 10',
          'what is no number counts as Patroni''s default');
select is(t.patroni('rewind', d::jsonb), s, format('rewind: %s is %s', d, s))
from (values ('{"dynamic": {}}', 'warning'), ('{"dynamic": {"postgresql": {"use_pg_rewind": true}}}', 'ok'),
             ('{"dynamic": {}, "file": {"postgresql": {"use_pg_rewind": "true"}}}', 'ok')) as v (d, s);
select is(t.finding('patroni.parameters', d::jsonb), f, format('parameters: %s', d))
from (values ('{"dynamic": {"postgresql": {"parameters": {"synchronous_commit": "off", "fsync": false}}}}',
              'danger: fsync: false, synchronous_commit: off'),
             ('{"file": {"postgresql": {"parameters": {"synchronous_commit": "local"}}}}',
              'danger: synchronous_commit: local'),
             ('{"dynamic": {"postgresql": {"parameters": {"synchronous_commit": "on"}}}}',
              'ok: none that lose data')) as v (d, f);
select is(t.patroni('failsafe_mode', '{"dynamic": {"failsafe_mode": true}}'), 'ok', 'failsafe_mode');
select is(t.patroni('watchdog', '{"file": {"watchdog": {"mode": "automatic"}}}'), 'ok', 'a watchdog');
select is(t.patroni('watchdog', '{"file": {"watchdog": {"mode": "off"}}}'), 'note', 'no watchdog');
select is(t.finding('patroni.dcs'), null, 'without a configuration there is nothing to say about Patroni');
select is(t.problem(format('select * from howdah.doctor(null, %L)', d)), null, format('%s does no harm', d))
from unnest(array['[]', '1', '"x"', '{"file": 1}', '{"dynamic": [1]}', '{"version": 3}', '{"file": {"bootstrap": "x"}}',
                  '{"dynamic": {"postgresql": {"parameters": []}}}', '{"version": "x.y"}', 'null']) d;

select * from finish();
