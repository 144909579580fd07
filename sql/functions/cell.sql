-- SPDX-License-Identifier: PostgreSQL
-- The cell's identity and epoch.
--
-- The epoch tells a database that lives from one that was left behind: a former primary, or a backup.
-- It is raised by a write that commits synchronously, at each term of a leader, at each timeline of
-- PostgreSQL and at each restore. Who talks to the cell keeps the highest mark it has seen (cell,
-- epoch, timeline) and shows it; a database that is behind it refuses (cell_check), and its answers are
-- refused by whoever gets them all the same. Marks are ordered by epoch, then by timeline: the
-- timeline tells a new primary from the former one before its leader has raised the epoch.
--
-- Numbers are not enough: a backup that somebody starts gets a leader, and counts on. So each epoch has
-- a token that nobody can guess (cell_epoch), the mark carries it, and a database that does not have
-- that epoch with that token has not lived through what the caller has seen.
--
-- A mark's generation is the epoch of the last restore that an operator declared. What was registered
-- before may have been forgotten by the database, so nothing of an earlier generation counts until
-- it has registered again.
--
-- Claims neither read nor lock any of this.

create or replace function howdah_private.wal_timeline()
returns text
language sql stable
as $$
    /* PostgreSQL's timeline now, eight hexadecimal digits; null on a standby. From the position of the
       log, since the control file is as old as the last checkpoint. */
    select case when not pg_is_in_recovery()
                then substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) end;
$$;
comment on function howdah_private.wal_timeline() is 'PostgreSQL''s timeline; null on a standby';
revoke all on function howdah_private.wal_timeline() from public;

create or replace function howdah_private.cell_mark()
returns jsonb
language plpgsql stable
as $$
/* What those who talk to the cell keep, and show with their next call. With the text of wal_timeline
   written out: SQL functions that cannot be inlined are planned at each call. */
declare
    v_mark jsonb;
begin
    select jsonb_build_object(
        'cell_id', c.cell_id, 'epoch', c.epoch, 'token', e.token,
        'generation', c.restored_epoch,
        'timeline', case when not pg_is_in_recovery()
                         then substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) end)
    into v_mark
    from howdah_private.cell c
    join howdah_private.cell_epoch e on e.epoch = c.epoch;
    return v_mark;
end
$$;
comment on function howdah_private.cell_mark() is 'the cell''s identity and epoch, for its clients';
revoke all on function howdah_private.cell_mark() from public;

create or replace function howdah.cell_identity()
returns table (cell_id uuid, name text, epoch bigint, timeline text, epoch_at timestamptz,
               generation integer)
language sql stable security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
    /* Which cell this is, and in which epoch. timeline is PostgreSQL's now, null on a standby.
       select * from howdah.cell_identity(); */
    select c.cell_id, c.name::text, c.epoch, wal_timeline(), c.epoch_at, c.generation from cell c;
$$;
comment on function howdah.cell_identity() is 'which cell this is, and in which epoch';
revoke all on function howdah.cell_identity() from public;
grant execute on function howdah.cell_identity()
    to howdah_agent, howdah_framework, howdah_coordinator, howdah_operator, howdah_observer;

create or replace function howdah_private.cell_mark_check(call text, mark jsonb)
returns void
language plpgsql
as $$
/* Raise unless a mark has the form that cell_mark gives it. */
begin
    if jsonb_typeof(mark) <> 'object'
       or howdah_private.uuid_or_null(mark ->> 'cell_id') is null
       or howdah_private.uuid_or_null(mark ->> 'token') is null
       or jsonb_typeof(mark -> 'epoch') is distinct from 'number'
       or (mark -> 'epoch')::numeric not between 0 and 9223372036854775807
       or jsonb_typeof(mark -> 'generation') is distinct from 'number'
       or (mark -> 'generation')::numeric not between 0 and 9223372036854775807
       or coalesce(mark ->> 'timeline', '00000000') !~ '^[0-9A-F]{8}$' then
        perform howdah_private.raise('value_invalid', call, 'cell', mark::text,
                                     'an object with cell_id, epoch, token, generation and timeline');
    end if;
end
$$;
comment on function howdah_private.cell_mark_check(text, jsonb) is
    'raise unless a mark is well formed';
revoke all on function howdah_private.cell_mark_check(text, jsonb) from public;

create or replace function howdah_private.cell_check(call text, mark jsonb)
returns void
language plpgsql
as $$
/* Refuse a caller that belongs to another cell (cell_mismatch), or has seen what this database has not
   lived through (cell_stale): a later epoch, another one of the same number, or a later timeline in this
   epoch. What it saw before the last restore is excused: generation_check sends it to register.
   mark null: the caller knows nothing yet. */
declare
    v_cell howdah_private.cell;
    v_epoch numeric;
begin
    if mark is null or jsonb_typeof(mark) = 'null' then
        return;
    end if;
    perform howdah_private.cell_mark_check(call, mark);
    v_epoch := mark -> 'epoch';
    select c.* into v_cell from howdah_private.cell c;
    if (mark ->> 'cell_id')::uuid <> v_cell.cell_id then
        perform howdah_private.raise('cell_mismatch', call, 'cell_id', mark ->> 'cell_id',
                                     format('this cell, "%s", whose id is %s', v_cell.name,
                                            v_cell.cell_id));
    elsif v_epoch >= v_cell.restored_epoch
          and (not exists (select 1 from howdah_private.cell_epoch e
                           where e.epoch = v_epoch::bigint
                             and e.token = (mark ->> 'token')::uuid)
               or v_epoch = v_cell.epoch
                  and (mark ->> 'timeline') collate "C" > howdah_private.wal_timeline()) then
        perform howdah_private.raise(
            'cell_stale', call, 'cell.epoch', format('%s/%s', v_epoch, mark ->> 'timeline'),
            format('an epoch and timeline that this database, now at %s/%s, has lived through: it is a '
                   'former primary, or a backup without howdah.cell_recover', v_cell.epoch,
                   howdah_private.wal_timeline()));
    end if;
end
$$;
comment on function howdah_private.cell_check(text, jsonb) is
    'refuse who belongs to another cell or has seen a later epoch';
revoke all on function howdah_private.cell_check(text, jsonb) from public;

create or replace function howdah_private.generation_check(call text, mark jsonb)
returns void
language plpgsql
as $$
/* Refuse (cell_recovered) who registered before the cell was restored and not since. */
declare
    v_generation bigint := (select c.restored_epoch from howdah_private.cell c);
begin
    if (mark -> 'generation')::numeric < v_generation then
        perform howdah_private.raise('cell_recovered', call, 'cell.generation',
                                     mark ->> 'generation',
                                     format('%s: the cell was restored from a backup since, register '
                                            'again', v_generation));
    end if;
end
$$;
comment on function howdah_private.generation_check(text, jsonb) is
    'refuse who has not registered since the cell was restored';
revoke all on function howdah_private.generation_check(text, jsonb) from public;

create or replace function howdah_private.cell_epoch_next(
    cause text, actor text, message text default null, least_epoch bigint default 0)
returns bigint
language plpgsql
as $$
/* The next epoch, but no less than least_epoch, with its event; silence counts anew from now. Commits
   synchronously whatever the caller's setting: a primary that was cut off cannot finish it. Callers hold
   the leader's row. */
declare
    v_old howdah_private.cell;
    v_new howdah_private.cell;
begin
    if current_setting('synchronous_commit') in ('off', 'local') then
        perform set_config('synchronous_commit', 'on', true);
    end if;
    select c.* into v_old from howdah_private.cell c for update;
    update howdah_private.cell c
    set epoch = greatest(c.epoch + 1, least_epoch), timeline = howdah_private.wal_timeline(),
        epoch_at = clock_timestamp()
    returning c.* into v_new;
    insert into howdah_private.cell_epoch (epoch, timeline, cause)
    values (v_new.epoch, v_new.timeline, cell_epoch_next.cause);
    perform howdah_private.event_add(
        'cell', v_new.cell_id, v_old.epoch::text, v_new.epoch::text, actor, cause, null, message,
        jsonb_build_object('timeline', v_new.timeline, 'timeline_before', v_old.timeline));
    return v_new.epoch;
end
$$;
comment on function howdah_private.cell_epoch_next(text, text, text, bigint) is
    'the cell''s next epoch';
revoke all on function howdah_private.cell_epoch_next(text, text, text, bigint) from public;

create or replace function howdah_private.silence_since()
returns timestamptz
language sql stable
as $$
    /* From when on silence counts: what happened before the present epoch, or before this server was
       up, nobody is blamed for. A start that lies in the future was taken from another clock. */
    select greatest(c.epoch_at, case when pg_postmaster_start_time() <= clock_timestamp()
                                     then pg_postmaster_start_time() end)
    from howdah_private.cell c;
$$;
comment on function howdah_private.silence_since() is 'from when on silence counts';
revoke all on function howdah_private.silence_since() from public;

create or replace function howdah_private.silence_counts(since timestamptz, timeout interval)
returns boolean
language sql stable
as $$
    /* Is anybody to be declared lost now? Not before the timeout, and not before outage_grace_s, have
       passed since silence counts. */
    select silence_counts.since
           + greatest(silence_counts.timeout, howdah_private.setting_interval('outage_grace_s'))
           <= clock_timestamp();
$$;
comment on function howdah_private.silence_counts(timestamptz, interval) is
    'whether the grace after an outage is over';
revoke all on function howdah_private.silence_counts(timestamptz, interval) from public;

create or replace function howdah_private.clock_back()
returns void
language plpgsql
as $$
/* The database's clock went back. What was noted by the other clock and lies ahead now would never look
   silent: it was seen now. Rows that somebody holds are being written anew by the new clock. */
begin
    perform howdah_private.cell_epoch_next('clock_back', 'coordinator');
    update howdah_private.agent_heartbeat h set seen_at = clock_timestamp()
    where h.agent_id in (select l.agent_id from howdah_private.agent_heartbeat l
                         where l.seen_at > clock_timestamp() for update skip locked);
    update howdah_private.framework_heartbeat h set seen_at = clock_timestamp()
    where h.framework_id in (select l.framework_id from howdah_private.framework_heartbeat l
                             where l.seen_at > clock_timestamp() for update skip locked);
end
$$;
comment on function howdah_private.clock_back() is 'begin a new epoch after the clock went back';
revoke all on function howdah_private.clock_back() from public;

create or replace function howdah.cell_recover(reason text)
returns bigint
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* The operator says: this database was restored from a backup (base backup, point in time or pg_dump)
   and is the cell from now on. Returns the new epoch, which is above every one that the lost database
   can have handed out: at least the seconds since 1970 times 2^20.

   select howdah.cell_recover('disk of db1 lost, restored to 12:00');

   Call it before anything connects, or at any time later: until it was called, agents and libframework
   refuse a database that has not lived through what they have seen (cell_stale), and wait. It may be called
   again; each call is one more restore. Errors: field_missing. Operators only.

   What it does: raises epoch and generation, ends the leader's lease, puts the epochs of all agents and
   frameworks above whatever was handed out (so all that was registered before is fenced), lets the failover
   timeouts of silent frameworks begin anew, forgets heartbeats and offers, lets no number of an update, an
   event or an offer come twice, and writes an event (object_kind cell, cause recover, the reason as message).
   Nobody is declared lost before outage_grace_s has passed.

   What agents, frameworks and books do then, without anybody's help:
     agents       learn of the new generation (cell_recovered), register again under the id they
                  have, and report all they hold and all they still remember the end of. An agent that
                  the database does not know registers as a new one. Until then they start and kill
                  nothing; their tasks run on.
     frameworks   libframework registers again under the framework's id, gets the next epoch, reads
                  offers and updates from the start and repeats what was under way. A framework that
                  the database does not know gets framework_unknown. Others call framework_register with
                  their id, as after a restart.
     tasks that an agent runs and the database does not know (claimed after the backup): the agent is
                  told to forget them and kills them at once; one event each (cause forget).
     tasks that the database believes live and the agent saw the end of: reported as they ended, with
                  exit code; an update for their framework as usual. Agents remember an end as long as
                  they keep the sandbox (gc-delay).
     tasks that the database believes live and the agent does not have: gone (not_on_agent), by the
                  rule of every sync; those still staging are started.
     tasks of agents that do not come back: unreachable after the grace and agent_timeout_s.
   The books are right all the time: they are the sum of the database's own live tasks. What was claimed,
   acknowledged or killed after the backup is not known any more: a claim repeated with its key is made
   anew, an update may come again. */
declare
    v_epoch bigint := extract(epoch from clock_timestamp())::bigint << 20;
begin
    if coalesce(btrim(cell_recover.reason), '') = '' then
        perform raise('field_missing', 'cell_recover', 'reason', cell_recover.reason,
                      'why and from what the cell was restored, for the log');
    end if;
    perform 1 from leader l for update;
    v_epoch := cell_epoch_next('recover', 'operator', left(cell_recover.reason, 2000), v_epoch);
    update cell c set generation = c.generation + 1, restored_epoch = v_epoch;
    update leader l
    set coordinator_id = null, name = null, expires_at = '-infinity',
        epoch = greatest(l.epoch + 1, v_epoch);
    update framework f
    set epoch = greatest(f.epoch + 1, v_epoch),
        state_at = case f.state when 'disconnected' then now() else f.state_at end
    where f.framework_id in (select o.framework_id from framework o
                             where o.state <> 'completed' order by o.framework_id for update);
    delete from framework_heartbeat;
    delete from agent_heartbeat;
    update agent a set epoch = greatest(a.epoch + 1, v_epoch)
    where a.agent_id in (select o.agent_id from agent o
                         where o.state <> 'gone' order by o.agent_id for update);
    delete from offer;
    delete from doorbell;
    -- Transactions are counted from elsewhere after a dump was read in.
    update news_cursor c set position = pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    where c.name = 'claims';
    update offer_horizon o set settled = 0, drawn = 0, xid = 0;
    perform setval(q.name, greatest(nextval(q.name), v_epoch))
    from unnest(array['howdah_private.offer_change_seq'::regclass,
                      pg_get_serial_sequence('howdah_private.task_update', 'update_id')::regclass,
                      pg_get_serial_sequence('howdah_private.event', 'event_id')::regclass])
         as q (name);
    return v_epoch;
end
$$;
comment on function howdah.cell_recover(text) is
    'this database was restored from a backup and is the cell from now on';
revoke all on function howdah.cell_recover(text) from public;
grant execute on function howdah.cell_recover(text) to howdah_operator;
