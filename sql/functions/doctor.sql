-- SPDX-License-Identifier: PostgreSQL
-- The doctor: what is wrong with this database as the home of a cell, what it risks, and what to do.
--
-- Each doctor_* function looks at one part and gives a row for each of its checks, good or bad. They only
-- read, so they work on a standby, too; what a standby cannot know is left out there. Those that look at
-- the server run as the caller: what its statistics show depends on membership in pg_monitor, and what
-- cannot be seen is said to be so, never taken for good. Figures in the texts were measured; see
-- docs/replication.md.

create or replace function howdah_private.doctor_sees_stats()
returns boolean
language sql stable
as $$
    select pg_has_role(current_user, 'pg_read_all_stats', 'usage');
$$;
comment on function howdah_private.doctor_sees_stats() is
    'do statistics show this login other sessions?';
revoke all on function howdah_private.doctor_sees_stats() from public;

create or replace function howdah_private.doctor_overrides(setting text, bad text)
returns text
language sql stable
as $$
    /* Where a role or this database has its own value of a setting that matches `bad`: "off for
       role ads". Null: nowhere. */
    select string_agg(format('%s for %s', split_part(c.line, '=', 2),
                             concat_ws(' in ', 'role ' || r.rolname, 'database ' || d.datname)),
                      ', ' order by r.rolname, d.datname)
    from pg_db_role_setting s
    cross join unnest(s.setconfig) as c (line)
    left join pg_roles r on r.oid = s.setrole
    left join pg_database d on d.oid = s.setdatabase
    where split_part(c.line, '=', 1) = doctor_overrides.setting
      and split_part(c.line, '=', 2) ~ doctor_overrides.bad
      and (s.setdatabase = 0 or d.datname = current_database());
$$;
comment on function howdah_private.doctor_overrides(text, text) is
    'where a role or the database has a bad value of a setting';
revoke all on function howdah_private.doctor_overrides(text, text) from public;

create or replace function howdah_private.doctor_server(client_time timestamptz)
returns table (id text, severity text, found text, risk text, advice text)
language sql stable
as $$
    /* The server by itself: release, durability, clock, archive. */
    with v as (
        select current_setting('server_version_num')::integer as number,
               extract(epoch from clock_timestamp() - client_time) as ahead,
               current_setting('archive_mode') as archive_mode, a.last_failed_wal,
               a.last_failed_time > coalesce(a.last_archived_time, '-infinity') as archive_fails
        from pg_stat_archiver a
    )
    select 'server.version',
           case when v.number < 150000 then 'danger'
                when v.number < case v.number / 10000 when 15 then 150016 when 16 then 160012
                                                      when 17 then 170008 when 18 then 180002
                                                      else 0 end then 'warning'
                else 'ok' end,
           current_setting('server_version'),
           'repaired faults: before 15.16, 16.12, 17.8 and 18.2 a listener may get an error for, or pass '
           'over, notifications that wait in the queue',
           'install the newest release of this major version' from v
    union all
    select 'server.role', 'ok',
           case when pg_is_in_recovery() then 'standby: what only a primary knows is left out'
                else 'primary, timeline ' || howdah_private.wal_timeline() end, null, null
    union all
    select 'server.fsync',
           case when current_setting('fsync') = 'off' or current_setting('full_page_writes') = 'off'
                then 'danger' else 'ok' end,
           format('fsync %s, full_page_writes %s', current_setting('fsync'),
                  current_setting('full_page_writes')),
           'a crash of the machine or a loss of power destroys the database',
           'switch both on'
    union all
    select 'server.clock',
           case when abs(v.ahead) > 60 then 'warning' when abs(v.ahead) > 2 then 'note'
                else 'ok' end,
           format('the database''s clock is %s s %s this machine''s', abs(round(v.ahead, 1)),
                  case when v.ahead < 0 then 'behind' else 'ahead of' end),
           'leases and timeouts go by the database''s clock alone, but times in logs do not compare; '
           'after a fail-over to a server with another clock they jump',
           'run an NTP client on every machine' from v where client_time is not null
    union all
    select 'server.archive',
           case when v.archive_mode = 'off' then 'note' when v.archive_fails then 'warning'
                else 'ok' end,
           'archive_mode ' || v.archive_mode
           || case when v.archive_fails then ', fails since ' || v.last_failed_wal else '' end,
           'without an archive a restore goes back to the last backup; one that fails fills the disk with WAL',
           'archive_mode = on with an archive_command that works, or pg_receivewal (docs/backup.md)' from v;
$$;
comment on function howdah_private.doctor_server(timestamptz) is 'doctor: the server by itself';
revoke all on function howdah_private.doctor_server(timestamptz) from public;

create or replace function howdah_private.doctor_commit()
returns table (id text, severity text, found text, risk text, advice text)
language sql stable
as $$
    /* Is an acknowledged claim on more than one disk? */
    with s as (
        select current_setting('synchronous_commit') as level,
               howdah_private.doctor_overrides('synchronous_commit', '^(off|local|remote_write)$')
                   as overrides,
               current_setting('synchronous_standby_names') as names,
               r.standbys, r.synchronous
        from (select count(*) as standbys,
                     count(*) filter (where w.state = 'streaming'
                                        and w.sync_state in ('sync', 'quorum')) as synchronous
              from pg_stat_replication w) r
    )
    select 'commit.level',
           case when s.level in ('off', 'local') or s.overrides ~ '(off|local) for' then 'danger'
                when s.level = 'remote_write' or s.overrides is not null then 'warning'
                else 'ok' end,
           format('synchronous_commit %s', concat_ws(', ', s.level, s.overrides)),
           'off: a crash loses acknowledged claims; local: a fail-over does; remote_write: a crash of the '
           'standby''s machine at the same time does',
           'synchronous_commit = on (or remote_apply) for the database and all logins; functions that may '
           'do with less set it themselves' from s
    union all
    select 'commit.standby',
           case when s.names = '' and s.standbys = 0 then 'warning'
                when s.names = '' then 'danger'
                when not howdah_private.doctor_sees_stats() then 'note'
                when s.synchronous = 0 then 'danger'
                when s.standbys = 1 then 'note'
                else 'ok' end,
           case when s.names = '' and s.standbys = 0 then 'no standby'
                when s.names = '' then format('%s standby(s), none of them synchronous', s.standbys)
                when not howdah_private.doctor_sees_stats()
                    then format('synchronous_standby_names %s, and %s standby(s) that this login '
                                'cannot look at', s.names, s.standbys)
                else format('synchronous_standby_names %s: %s of %s standby(s) synchronous now',
                            s.names, s.synchronous, s.standbys) end,
           case when s.names = '' and s.standbys = 0
                    then 'the loss of this server stops the cell, the loss of its disk loses it'
                when s.names = '' then 'a fail-over loses claims and reports that were acknowledged'
                when not howdah_private.doctor_sees_stats() then 'unknown'
                when s.synchronous = 0
                    then 'every claim and report waits for a standby; a client that gives up or cancels '
                         'does not know whether it was committed'
                else 'when the only standby is lost every claim and report waits' end,
           case when s.names = '' and s.standbys = 0
                    then 'add a synchronous standby (docs/replication.md)'
                when s.names = ''
                    then 'synchronous_standby_names = ''ANY 1 (…)''; under Patroni synchronous_mode and '
                         'synchronous_mode_strict'
                when not howdah_private.doctor_sees_stats() then 'grant pg_monitor to this login'
                when s.synchronous = 0
                    then 'bring a standby back; never empty the list while a fail-over is possible'
                else 'add a second standby' end
    from s where not pg_is_in_recovery();
$$;
comment on function howdah_private.doctor_commit() is 'doctor: what an acknowledgement is worth';
revoke all on function howdah_private.doctor_commit() from public;

create or replace function howdah_private.doctor_standbys()
returns table (id text, severity text, found text, risk text, advice text)
language sql stable
as $$
    /* Lag and health of replication, from whichever end this is. */
    with sent as (
        select coalesce(w.application_name, '?') as name, w.state, w.sync_state,
               pg_wal_lsn_diff(case when not pg_is_in_recovery() then pg_current_wal_lsn() end,
                               w.replay_lsn) as bytes
        from pg_stat_replication w
    ), worst as (
        select max(s.bytes) as bytes, bool_or(s.state <> 'streaming') as broken,
               string_agg(format('%s %s %s, %s behind', s.name, s.state, s.sync_state,
                                 coalesce(pg_size_pretty(s.bytes), '?')), '; ' order by s.name) as list
        from sent s
    ), received as (
        select (select w.status from pg_stat_wal_receiver w) as status,
               pg_last_wal_receive_lsn() <> pg_last_wal_replay_lsn() as behind,
               extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) as age
    )
    select 'replication.lag',
           case when w.bytes > 1073741824 then 'danger'
                when w.bytes > 67108864 or w.broken then 'warning' else 'ok' end,
           w.list,
           'a standby far behind can only be promoted with loss or after a long replay, and readings of the '
           'cell from it are old',
           'look at its disk, network and long queries (max_standby_streaming_delay)'
    from worst w
    where w.list is not null and howdah_private.doctor_sees_stats() and not pg_is_in_recovery()
    union all
    select 'replication.lag',
           case when r.status is distinct from 'streaming' then 'warning'
                when r.behind and r.age > 60 then 'warning' else 'ok' end,
           format('receiver %s, last replayed commit %s s ago', coalesce(r.status, 'does not run'),
                  coalesce(round(r.age)::text, '?')),
           'what is read here is old, and this server cannot take over',
           'look at primary_conninfo, the primary''s pg_hba.conf and slots, and this server''s log'
    from received r
    where pg_is_in_recovery() and howdah_private.doctor_sees_stats();
$$;
comment on function howdah_private.doctor_standbys() is 'doctor: lag of replication';
revoke all on function howdah_private.doctor_standbys() from public;

create or replace function howdah_private.doctor_slots()
returns table (id text, severity text, found text, risk text, advice text)
language sql stable
as $$
    /* Slots that keep WAL for somebody who does not come. */
    with slot as (
        select s.slot_name, s.active, s.wal_status,
               pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn()
                                    else pg_current_wal_lsn() end, s.restart_lsn) as kept
        from pg_replication_slots s
    ), bad as (
        select string_agg(format('%s %s, keeps %s', s.slot_name,
                                 case when s.wal_status = 'lost' then 'lost' else 'inactive' end,
                                 coalesce(pg_size_pretty(s.kept), 'nothing')), '; '
                          order by s.slot_name) as list,
               max(s.kept) as kept
        from slot s
        where not s.active and s.kept is not null or s.wal_status = 'lost'
    )
    select 'replication.slots',
           case when b.kept > 17179869184 then 'danger' when b.list is not null then 'warning'
                else 'ok' end,
           coalesce(b.list, (select case count(*) when 0 then 'none'
                                                  else format('%s, all in use', count(*)) end
                             from slot)),
           'a slot that nobody reads keeps WAL until the disk is full, and then the cell stands still',
           'bring its reader back, or pg_drop_replication_slot()'
    from bad b
    union all
    select 'replication.slot_limit', 'warning', 'max_slot_wal_keep_size -1: no limit',
           'a standby that stays away fills the primary''s disk',
           'max_slot_wal_keep_size = half of the space that is free for WAL'
    where exists (select from slot) and current_setting('max_slot_wal_keep_size') = '-1';
$$;
comment on function howdah_private.doctor_slots() is 'doctor: replication slots';
revoke all on function howdah_private.doctor_slots() from public;

create or replace function howdah_private.doctor_failover()
returns table (id text, severity text, found text, risk text, advice text)
language sql stable
as $$
    /* Whether a fail-over will work and the former primary can come back, and who does it. */
    with s as (
        select current_setting('data_checksums') = 'on'
                   or current_setting('wal_log_hints') = 'on' as rewindable,
               exists (select from pg_stat_replication) or pg_is_in_recovery() as replicated,
               current_setting('synchronous_standby_names') as names,
               (select p.setting::integer from pg_settings p
                where p.name = case when pg_is_in_recovery() then 'wal_receiver_timeout'
                                    else 'wal_sender_timeout' end) as timeout_ms,
               exists (select from pg_settings p where p.name = 'track_commit_timestamp'
                                                   and p.source = 'command line')
               or exists (select from pg_stat_activity a
                          where a.application_name like 'Patroni%') as patroni,
               exists (select from pg_extension e where e.extname = 'pgautofailover')
               or exists (select from pg_stat_replication w
                          where w.application_name like 'pgautofailover%') as autofailover,
               exists (select from pg_extension e where e.extname = 'repmgr') as repmgr
    )
    select 'failover.rewind',
           case when s.rewindable then 'ok' when s.replicated then 'warning' else 'note' end,
           format('data_checksums %s, wal_log_hints %s', current_setting('data_checksums'),
                  current_setting('wal_log_hints')),
           'pg_rewind refuses: after a fail-over the former primary has to be copied anew, and until then '
           'there is one server fewer',
           'wal_log_hints = on (needs a restart), or pg_checksums --enable' from s
    union all
    select 'failover.timeouts',
           case when s.timeout_ms = 0 then 'warning' when s.timeout_ms > 30000 then 'note'
                else 'ok' end,
           format('%s %s', case when pg_is_in_recovery() then 'wal_receiver_timeout'
                                else 'wal_sender_timeout' end,
                  case when s.timeout_ms = 0 then 'off' else s.timeout_ms / 1000 || ' s' end),
           'a connection that died silently is noticed so late; until then commits wait for it',
           'wal_sender_timeout and wal_receiver_timeout = 5s to 10s on every server'
    from s where s.replicated
    union all
    select 'failover.manager',
           case when s.patroni and s.names = '' and not pg_is_in_recovery() then 'danger'
                when s.patroni then 'note'
                when s.autofailover then 'ok'
                else 'note' end,
           case when s.patroni then format('Patroni, synchronous_standby_names %s',
                                           case s.names when '' then 'empty' else s.names end)
                when s.autofailover then 'pg_auto_failover'
                when s.repmgr then 'repmgr'
                else 'none to be seen from here' end,
           case when s.patroni and s.names = '' and not pg_is_in_recovery()
                    then 'synchronous_mode is off, or not strict and no standby is good at the moment: a '
                         'fail-over now loses what was acknowledged'
                when s.patroni
                    then 'a section etcd3 (Patroni 3.0.2 and older) or a mode that is not strict loses '
                         'acknowledged claims; neither can be seen from here'
                when s.repmgr then 'repmgr does not fence: two primaries take writes after a partition'
                else 'promoting and fencing are by hand: while nobody does them the cell stands still, and '
                     'promoting without fencing makes two primaries' end,
           case when s.patroni and s.names = '' and not pg_is_in_recovery()
                    then 'synchronous_mode: true and synchronous_mode_strict: true (patronictl edit-config)'
                when s.patroni then 'howdah doctor --patroni its configuration file or its URL'
                when s.repmgr then 'fence the former primary before every promotion'
                else 'Patroni or pg_auto_failover, or the procedure of docs/replication.md' end
    from s where s.replicated or s.patroni;
$$;
comment on function howdah_private.doctor_failover() is 'doctor: promotion and the way back';
revoke all on function howdah_private.doctor_failover() from public;

create or replace function howdah_private.doctor_sessions()
returns table (id text, severity text, found text, risk text, advice text)
language sql stable
as $$
    /* Sessions: what hangs, what will, and what stands in between. */
    with g as (
        select max(p.reset_val::bigint) filter (where p.name = 'tcp_keepalives_idle') as idle_s,
               max(p.reset_val::bigint) filter (where p.name = 'tcp_user_timeout') as user_ms,
               max(p.reset_val::bigint) filter (where p.name = 'statement_timeout') as statement_ms,
               max(p.reset_val::bigint) filter (
                   where p.name = 'idle_in_transaction_session_timeout') as idle_tx_ms
        from pg_settings p
    ), seen as (
        select (select string_agg(distinct a.usename::text, ', ')
                from pg_stat_activity a join pg_roles r on r.oid = a.usesysid
                where r.rolsuper and a.datname = current_database()
                  and (a.application_name ~ '^howdah-(agent|coordinator) '
                       or a.application_name like 'framework %')) as superusers,
               exists (select from pg_stat_activity a
                       where a.application_name ilike 'pgbouncer%' or a.usename = 'pgbouncer'
                          or a.datname = current_database() and a.state = 'idle'
                             and a.query ~* '^(discard all|select 1 --.*pgbouncer)') as pooled,
               howdah_private.doctor_overrides('statement_timeout', '^0*[1-9]') as timeouts
    )
    select 'sessions.keepalive',
           case when coalesce(nullif(g.idle_s, 0), 7200) > 60 then 'note' else 'ok' end,
           format('tcp_keepalives_idle %s, tcp_user_timeout %s',
                  coalesce(nullif(g.idle_s, 0) || ' s', 'as the system has it (7200 s)'),
                  coalesce(nullif(g.user_ms, 0) || ' ms', 'as the system has it')),
           'the session of a machine that vanished keeps its locks and its connection for hours',
           'tcp_keepalives_idle = 5, tcp_keepalives_interval = 1, tcp_keepalives_count = 3, '
           'tcp_user_timeout = 10s' from g
    union all
    select 'sessions.statement_timeout',
           case when g.statement_ms > 0 or s.timeouts is not null then 'warning' else 'ok' end,
           concat_ws(', ', case when g.statement_ms > 0 then g.statement_ms || ' ms' else 'off' end,
                     s.timeouts),
           'it also ends the wait of a commit for its standby: the client is then told, with no more than a '
           'warning, that the claim is committed, and a fail-over loses it; long chores never end',
           'statement_timeout = 0 for Howdah''s logins: its programs have deadlines of their own'
    from g, seen s
    union all
    select 'sessions.idle_in_transaction', case when g.idle_tx_ms = 0 then 'note' else 'ok' end,
           format('idle_in_transaction_session_timeout %s',
                  case when g.idle_tx_ms = 0 then 'off' else g.idle_tx_ms || ' ms' end),
           'one forgotten transaction of a person or a report keeps dead rows in the books, and every '
           'claim reads past them',
           'idle_in_transaction_session_timeout = 60s' from g
    union all
    select 'sessions.superuser', case when s.superusers is not null then 'warning' else 'ok' end,
           coalesce('programs are connected as superuser ' || s.superusers, 'no program is superuser'),
           'whoever takes over an agent or a framework has the whole server',
           'a login for each program, member of its group role only (docs/operations.md)' from seen s
    union all
    select 'sessions.pooler', case when s.pooled then 'note' else 'ok' end,
           case when s.pooled then 'pgbouncer is connected' else 'no sign of one' end,
           'pooling by transaction or statement loses LISTEN, advisory locks and prepared statements: '
           'frameworks miss wake-ups and are not fenced',
           'pool_mode = session for Howdah''s logins, or no pooler' from seen s;
$$;
comment on function howdah_private.doctor_sessions() is 'doctor: sessions and their timeouts';
revoke all on function howdah_private.doctor_sessions() from public;

create or replace function howdah_private.doctor_snapshots()
returns table (id text, severity text, found text, risk text, advice text)
language sql stable
as $$
    /* Who keeps dead rows from being removed: sessions, prepared transactions, standbys. */
    with holder as (
        select format('pid %s (%s, %s) %s for %s s', a.pid, a.usename,
                      coalesce(nullif(a.application_name, ''), a.backend_type), a.state,
                      round(extract(epoch from clock_timestamp() - a.xact_start))) as who,
               extract(epoch from clock_timestamp() - a.xact_start) as age
        from pg_stat_activity a
        where (a.backend_xmin is not null or a.backend_xid is not null)
          and a.pid <> pg_backend_pid() and a.backend_type = 'client backend'
        union all
        select format('prepared transaction %s for %s s', p.gid,
                      round(extract(epoch from clock_timestamp() - p.prepared))),
               extract(epoch from clock_timestamp() - p.prepared)
        from pg_prepared_xacts p
    ), feedback as (
        select string_agg(format('standby %s, %s transactions back', w.application_name,
                                 age(w.backend_xmin)), '; ') as list
        from pg_stat_replication w
        where age(w.backend_xmin) > 1000000
    ), oldest as (
        select (select h.who from holder h where h.age > 60 order by h.age desc limit 1) as who,
               max(h.age) as age, count(*) filter (where h.age > 60) as n
        from holder h
    )
    select 'sessions.snapshots',
           case when o.age > 3600 then 'danger' when o.n > 0 or f.list is not null then 'warning'
                when not howdah_private.doctor_sees_stats() then 'note' else 'ok' end,
           concat_ws('; ', o.who, case when o.n > 1 then format('%s more over 60 s', o.n - 1) end, f.list,
                     case when o.n = 0 and f.list is null
                          then case when howdah_private.doctor_sees_stats()
                                    then 'none over 60 s'
                                    else 'other logins'' sessions cannot be seen' end end),
           'nothing that has changed since can be cleaned up: the books, small and always written, become '
           'slow to read within minutes; on a standby, replay stops or the query is cancelled',
           'end it (pg_terminate_backend), run long reports on a standby without hot_standby_feedback; '
           'grant pg_monitor to see all'
    from oldest o, feedback f;
$$;
comment on function howdah_private.doctor_snapshots() is 'doctor: long-held snapshots';
revoke all on function howdah_private.doctor_snapshots() from public;

create or replace function howdah_private.doctor_tables()
returns table (id text, severity text, found text, risk text, advice text)
language sql stable
as $$
    /* Vacuum, bloat of the books, transaction ids, the NOTIFY queue. */
    with t as (
        select s.relname, s.n_dead_tup, s.n_live_tup, s.n_tup_upd, s.n_tup_hot_upd,
               pg_relation_size(s.relid) as bytes, c.reloptions
        from pg_stat_all_tables s
        join pg_class c on c.oid = s.relid
        where s.schemaname = 'howdah_private'
    ), bloat as (
        select string_agg(format('%s: %s dead and %s live rows in %s', t.relname, t.n_dead_tup,
                                 t.n_live_tup, pg_size_pretty(t.bytes)), '; ' order by t.bytes desc)
                   as list
        from t
        where t.n_dead_tup > 10000 + 5 * t.n_live_tup
           or t.relname in ('agent_pool', 'agent', 'leader', 'doorbell', 'news_cursor')
              and t.bytes > 67108864 + 4096 * t.n_live_tup
    ), unvacuumed as (
        select string_agg(t.relname, ', ' order by t.relname) as list
        from t
        where t.reloptions::text ~* 'autovacuum_enabled=(false|off|no|0)'
    ), hot as (
        select t.n_tup_upd as updates, round(100.0 * t.n_tup_hot_upd / nullif(t.n_tup_upd, 0)) as percent
        from t
        where t.relname = 'agent_pool'
    )
    select 'tables.autovacuum',
           case when current_setting('autovacuum') = 'off' or current_setting('track_counts') = 'off'
                     or u.list is not null then 'danger' else 'ok' end,
           concat_ws('; ', format('autovacuum %s, track_counts %s', current_setting('autovacuum'),
                                  current_setting('track_counts')),
                     'switched off for ' || u.list),
           'the books grow with every claim and get slower, and one day the server stops taking writes',
           'autovacuum = on, track_counts = on, no autovacuum_enabled = false'
    from unvacuumed u
    union all
    select 'tables.bloat', case when b.list is not null then 'warning' else 'ok' end,
           coalesce(b.list, 'the books are clean'),
           'claims and chores read past the dead rows',
           'find who holds a snapshot (sessions.snapshots), then vacuum; vacuum full when it stays big'
    from bloat b where not pg_is_in_recovery()
    union all
    select 'tables.hot', case when h.updates > 10000 and h.percent < 90 then 'warning' else 'ok' end,
           format('%s %% of %s updates of the books touched no index', coalesce(h.percent, 100), h.updates),
           'updates of the books that do not stay on their page make claims slower and vacuum dearer',
           'drop indexes of your own on agent_pool; find who holds a snapshot'
    from hot h where not pg_is_in_recovery()
    union all
    select 'tables.wraparound',
           case when age(d.datfrozenxid) > 1800000000 then 'danger'
                when age(d.datfrozenxid) > 1200000000 then 'warning' else 'ok' end,
           format('oldest row is %s transactions old', age(d.datfrozenxid)),
           'at 2 billion the server takes no writes any more',
           'find what keeps vacuum from finishing (sessions.snapshots, replication.slots)'
    from pg_database d where d.datname = current_database()
    union all
    select 'tables.notify',
           case when q.used > 0.5 then 'danger' when q.used > 0.1 then 'warning' else 'ok' end,
           format('NOTIFY queue %s %% full', round((100 * q.used)::numeric, 1)),
           'when it is full every transaction that sends a wake-up fails',
           'end the listener that sits in a long transaction'
    from (select pg_notification_queue_usage() as used) q;
$$;
comment on function howdah_private.doctor_tables() is 'doctor: vacuum and bloat';
revoke all on function howdah_private.doctor_tables() from public;

create or replace function howdah_private.doctor_cell()
returns table (id text, severity text, found text, risk text, advice text)
language sql stable security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
    /* The cell in the database: schema, coordinators, connections, agents, audit. */
    with n as (
        select (select count(*) from agent a where a.state <> 'gone') as agents,
               (select count(*) from agent a where a.state = 'unreachable') as silent,
               (select count(*) from framework f where f.state <> 'completed') as frameworks,
               (select count(*) from pg_stat_activity a
                where a.datname = current_database()
                  and a.application_name like 'howdah-coordinator lease%') as coordinators,
               (select sum(d.numbackends) from pg_stat_database d) as used,
               current_setting('max_connections')::integer
                   - current_setting('superuser_reserved_connections')::integer as slots,
               (select count(*) from howdah.audit()) as violations
    ), need as (
        select n.agents + n.frameworks + 3 * greatest(n.coordinators, 2) + 10 as sessions from n
    )
    select 'cell.schema', 'ok', format('schema %s', howdah.schema_version()), null, null
    union all
    select 'cell.coordinators',
           case when l.expires_at < clock_timestamp() - interval '10 s'
                     and not pg_is_in_recovery() then 'danger'
                when n.coordinators < 2 and not pg_is_in_recovery() then 'warning'
                else 'ok' end,
           concat_ws('; ', case when l.expires_at = '-infinity' then 'nobody has led yet'
                                when l.expires_at > clock_timestamp()
                                    then format('%s leads in term %s', l.name, l.epoch)
                                else format('nobody leads since %s', l.expires_at) end,
                     case when not pg_is_in_recovery()
                          then format('%s connected', n.coordinators) end),
           'without a leader nobody makes offers, notices silent agents or moves history; with one '
           'coordinator that is so until it is started again',
           'run two or more coordinators on different machines'
    from leader l, n
    union all
    select 'cell.connections',
           case when n.used > 0.9 * n.slots or n.agents > n.slots then 'danger'
                when need.sessions > n.slots or n.used > 0.75 * n.slots then 'warning' else 'ok' end,
           format('%s of %s in use; %s agents, %s frameworks and coordinators need about %s', n.used,
                  n.slots, n.agents, n.frameworks, need.sessions),
           'who finds no connection waits: agents fall silent, after a fail-over most of all, when everybody '
           'connects at once',
           format('max_connections = %s or more, the same on every server', 100 + 2 * need.sessions)
    from n, need
    union all
    select 'cell.agents', case when n.silent > 0 then 'warning' else 'ok' end,
           format('%s agents, %s of them unreachable', n.agents, n.silent),
           'what their tasks hold stays held, and their frameworks wait',
           'bring them back, or howdah.agent_remove() those that are gone for good'
    from n
    union all
    select 'cell.audit', case when n.violations > 0 then 'danger' else 'ok' end,
           format('violations of invariants: %s', n.violations),
           'an invariant is broken: the books or the history of a task are wrong',
           'howdah audit shows them; keep the rows, the tables and the logs, and report it'
    from n;
$$;
comment on function howdah_private.doctor_cell() is 'doctor: the cell itself';
revoke all on function howdah_private.doctor_cell() from public;

create or replace function howdah_private.doctor_grants()
returns table (id text, severity text, found text, risk text, advice text)
language sql stable security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
    /* Who may do more than the design gives anybody. */
    with grants as (
        select string_agg(distinct x.what, '; ') as list
        from (select format('%s may write %I.%I', coalesce(r.rolname, 'PUBLIC'), s.nspname,
                            c.relname) as what
              from pg_class c
              join pg_namespace s on s.oid = c.relnamespace
              cross join aclexplode(c.relacl) a
              left join pg_roles r on r.oid = a.grantee
              where s.nspname in ('howdah', 'howdah_private') and a.grantee <> c.relowner
                and a.privilege_type in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER')
              union all
              select format('PUBLIC may execute %s', p.oid::regprocedure)
              from pg_proc p
              join pg_namespace s on s.oid = p.pronamespace
              cross join aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
              where s.nspname in ('howdah', 'howdah_private') and a.grantee = 0
              union all
              select format('%s may create objects in schema %s', coalesce(r.rolname, 'PUBLIC'),
                            s.nspname)
              from pg_namespace s
              cross join aclexplode(s.nspacl) a
              left join pg_roles r on r.oid = a.grantee
              where s.nspname in ('howdah', 'howdah_private') and a.grantee <> s.nspowner
                and a.privilege_type = 'CREATE'
              union all
              select 'howdah_owner may log in' from pg_roles r
              where r.rolname = 'howdah_owner' and r.rolcanlogin
              union all
              select 'howdah_owner is a superuser' from pg_roles r
              where r.rolname = 'howdah_owner' and r.rolsuper) x
    ), wide as (
        select string_agg(format('every login may run tasks as %s', p.os_user), '; ') as list
        from permission p
        where p.principal = 'public' and p.os_user in ('*', 'root', '0')
    )
    select 'cell.grants',
           case when g.list is not null then 'danger' when w.list is not null then 'warning'
                else 'ok' end,
           coalesce(nullif(concat_ws('; ', g.list, w.list), ''), 'nobody may more than intended'),
           'who writes tables goes past every check; who runs tasks as root owns the machines',
           'revoke it (howdah migrate makes the grants that belong); howdah.principal_forbid() for OS users'
    from (select nullif(g.list, '') as list from grants g) g,
         (select nullif(w.list, '') as list from wide w) w;
$$;
comment on function howdah_private.doctor_grants() is 'doctor: privileges';
revoke all on function howdah_private.doctor_grants() from public;

create or replace function howdah_private.patroni_number(value jsonb, preset numeric)
returns numeric
language sql immutable parallel safe
as $$
    /* A number of a configuration, which may be written as text; else what Patroni presumes. */
    select case when value #>> '{}' ~ '^\s*[0-9]{1,9}(\.[0-9]+)?\s*$'
                then (value #>> '{}')::numeric else preset end;
$$;
comment on function howdah_private.patroni_number(jsonb, numeric) is
    'a number of Patroni''s configuration';
revoke all on function howdah_private.patroni_number(jsonb, numeric) from public;

create or replace function howdah_private.patroni_true(value jsonb, preset boolean default false)
returns boolean
language sql immutable parallel safe
as $$
    select coalesce(lower(value #>> '{}') in ('true', 'on', 'yes', '1'), preset);
$$;
comment on function howdah_private.patroni_true(jsonb, boolean) is
    'a truth value of Patroni''s configuration';
revoke all on function howdah_private.patroni_true(jsonb, boolean) from public;

create or replace function howdah_private.doctor_patroni(patroni jsonb)
returns table (id text, severity text, found text, risk text, advice text)
language sql immutable
as $$
    /* Patroni's configuration: {"file": …, "dynamic": …, "version": "…"}, each of them optional. file is
       the configuration file, dynamic what its REST API says at /config; without it, what the file gives a
       new cluster. */
    with doc as (
        select case when jsonb_typeof(patroni -> 'file') = 'object' then patroni -> 'file'
                    else '{}' end as f,
               coalesce(patroni -> 'dynamic', patroni #> '{file,bootstrap,dcs}') as d,
               (regexp_match(patroni ->> 'version', '^(\d+)\.(\d+)\.(\d+)'))::integer[] as version
    ), c as (
        select doc.*, f ? 'etcd3' as etcd3, coalesce(version <= array[3, 0, 2], true) as unsafe_etcd3,
               howdah_private.patroni_true(d -> 'synchronous_mode')
                   or d ->> 'synchronous_mode' = 'quorum' as synchronous,
               howdah_private.patroni_true(d -> 'synchronous_mode_strict') as strict,
               howdah_private.patroni_number(d -> 'ttl', 30) as ttl,
               howdah_private.patroni_number(d -> 'loop_wait', 10) as loop_wait,
               howdah_private.patroni_number(d -> 'retry_timeout', 10) as retry_timeout,
               howdah_private.patroni_true(coalesce(d #> '{postgresql,use_pg_rewind}',
                                                    f #> '{postgresql,use_pg_rewind}')) as rewind,
               coalesce(f #> '{postgresql,parameters}', '{}')
                   || coalesce(d #> '{postgresql,parameters}', '{}') as parameters
        from doc
    ), bad as (
        select string_agg(format('%s: %s', e.key, e.value #>> '{}'), ', ' order by e.key) as list
        from c, jsonb_each(case when jsonb_typeof(c.parameters) = 'object' then c.parameters
                                else '{}' end) e
        where e.key in ('synchronous_commit', 'fsync', 'full_page_writes', 'autovacuum')
          and lower(e.value #>> '{}') in ('off', 'false', 'no', '0', 'local')
    )
    select 'patroni.dcs',
           case when c.etcd3 and c.unsafe_etcd3 then 'danger' else 'ok' end,
           case when c.etcd3 then 'section etcd3' when c.f ? 'etcd' then 'section etcd (v2)'
                else coalesce((select 'section ' || k from jsonb_object_keys(c.f) k
                               where k in ('consul', 'zookeeper', 'raft', 'kubernetes', 'exhibitor')
                               limit 1), 'no section of a known store') end
           || case when c.etcd3 and c.version is null then ', release unknown'
                   else coalesce(', Patroni ' || array_to_string(c.version, '.'), '') end,
           'Patroni 3.0.2 (Debian 12) and older write etcd v3''s leader key unconditionally: a primary that '
           'comes back from a pause or a partition takes the lead from the new one; hundreds of '
           'acknowledged rows were lost in 5 of 6 pauses',
           'section etcd: instead, with etcd --enable-v2=true, or a newer Patroni'
    from c where c.f <> '{}' or c.version is not null
    union all
    select 'patroni.synchronous_mode',
           case when c.synchronous and c.strict then 'ok' else 'danger' end,
           format('synchronous_mode %s, synchronous_mode_strict %s',
                  coalesce(c.d ->> 'synchronous_mode', 'not set'),
                  coalesce(c.d ->> 'synchronous_mode_strict', 'not set')),
           case when not c.synchronous
                then 'fail-overs lose what the standby had not received, up to maximum_lag_on_failover'
                else 'while no standby is good Patroni switches waiting off: for 1 to 6 s after each '
                     'promotion acknowledgements are on one disk; when Patroni alone is killed and comes '
                     'back, acknowledged rows were lost in 3 of 3 runs' end,
           'synchronous_mode: true and synchronous_mode_strict: true (patronictl edit-config); costs about '
           '2 s at a fail-over'
    from c where c.d is not null
    union all
    select 'patroni.ttl',
           case when c.loop_wait + 2 * c.retry_timeout > c.ttl then 'danger'
                when c.retry_timeout < 2 then 'warning' else 'ok' end,
           format('ttl %s, loop_wait %s, retry_timeout %s', c.ttl, c.loop_wait, c.retry_timeout),
           case when c.loop_wait + 2 * c.retry_timeout > c.ttl
                then 'the leader''s key expires while the leader still tries to renew it: fail-overs without '
                     'a cause'
                else 'with retry_timeout 1 no new primary was elected after the loss of one' end,
           'loop_wait + 2 * retry_timeout <= ttl, retry_timeout >= 2: 30/10/10, 10/2/3 or, with Patroni 3.0, '
           '5/1/2'
    from c where c.d is not null
    union all
    select 'patroni.rewind', case when c.rewind then 'ok' else 'warning' end,
           format('use_pg_rewind %s', c.rewind),
           'a former primary does not come back by itself, or is copied anew',
           'use_pg_rewind: true, with data checksums or wal_log_hints'
    from c where c.d is not null
    union all
    select 'patroni.parameters', case when b.list is not null then 'danger' else 'ok' end,
           coalesce(b.list, 'none that lose data'),
           'acknowledged claims are lost',
           'take them out of postgresql.parameters' from bad b
    union all
    select 'patroni.watchdog',
           case when c.f #>> '{watchdog,mode}' in ('required', 'automatic') then 'ok' else 'note' end,
           format('watchdog mode %s', coalesce(c.f #>> '{watchdog,mode}', 'not set')),
           'when Patroni hangs or is killed its primary goes on taking writes that the strict mode makes '
           'wait, until Patroni is back',
           'watchdog: {mode: automatic} where the machine has /dev/watchdog'
    from c where c.f <> '{}'
    union all
    select 'patroni.failsafe_mode',
           case when howdah_private.patroni_true(c.d -> 'failsafe_mode') then 'ok' else 'note' end,
           format('failsafe_mode %s', coalesce(c.d ->> 'failsafe_mode', 'not set')),
           'when the store is away the primary steps down after about retry_timeout + loop_wait, and every '
           'claim waits for the store',
           'failsafe_mode: true: the primary stays while it reaches all members'
    from c where c.d is not null;
$$;
comment on function howdah_private.doctor_patroni(jsonb) is 'doctor: Patroni''s configuration';
revoke all on function howdah_private.doctor_patroni(jsonb) from public;

create or replace function howdah.doctor(client_time timestamptz default null, patroni jsonb default null)
returns table (id text, severity text, found text, risk text, advice text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
/* A row for each check of this database as the home of a cell, the worst first: severity is ok, note,
   warning or danger; risk and advice are null where all is well. client_time is the caller's clock, to
   compare; patroni is {"file": …, "dynamic": …, "version": "…"}: Patroni's configuration file, its REST
   API's /config, and its release, each optional. Works on a standby. Logins that are no members of
   pg_monitor cannot see all, and are told so.
   select * from howdah.doctor(); */
#variable_conflict use_column
begin
    return query
    select c.id, c.severity, c.found,
           case when c.severity <> 'ok' then c.risk end,
           case when c.severity <> 'ok' then c.advice end
    from (select 1 as part, x.*
          from howdah_private.doctor_server(case when isfinite(doctor.client_time)
                                            then doctor.client_time end) x
          union all select 2, x.* from howdah_private.doctor_commit() x
          union all select 3, x.* from howdah_private.doctor_standbys() x
          union all select 4, x.* from howdah_private.doctor_slots() x
          union all select 5, x.* from howdah_private.doctor_failover() x
          union all select 6, x.* from howdah_private.doctor_patroni(doctor.patroni) x
                    where doctor.patroni is not null
          union all select 7, x.* from howdah_private.doctor_sessions() x
          union all select 8, x.* from howdah_private.doctor_snapshots() x
          union all select 9, x.* from howdah_private.doctor_tables() x
          union all select 10, x.* from howdah_private.doctor_cell() x
          union all select 11, x.* from howdah_private.doctor_grants() x) c
    order by array_position(array['danger', 'warning', 'note', 'ok'], c.severity), c.part, c.id;
end
$$;
comment on function howdah.doctor(timestamptz, jsonb) is
    'what is wrong with this database as the home of a cell, what it risks and what to do';
revoke all on function howdah.doctor(timestamptz, jsonb) from public;
grant execute on function howdah.doctor(timestamptz, jsonb)
    to howdah_operator, howdah_observer, howdah_coordinator;
