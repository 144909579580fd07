-- SPDX-License-Identifier: PostgreSQL
-- The leader's lease, and the doorbell.
--
-- A lease is a row with an epoch and an expiry on database time; taking it and renewing it are
-- compare-and-set. Each chore holds the lease row's key share lock while it writes (leader_enter).
-- Taking the lease over locks the row for update first, so a new leader waits for the former one's
-- running chore, and an old one is refused; renewing changes no key and waits for no chore, however
-- long it takes. Each taking, and each timeline of PostgreSQL that the leader meets, is a new epoch of
-- the cell (cell.sql).
--
-- Time that goes backwards. A lease whose renewal lies ahead of the clock was written by another clock
-- (a clock set back, a fail-over to a host that is behind): how much of it is left cannot be known. It
-- is neither trusted for the whole difference, which might be an hour without a leader, nor ended,
-- which would depose a leader who does renew. Its holder renews it as always. Anybody else gives it
-- its own length once more, on the present clock, and asks again: a dead holder's lease ends one lease
-- time after that was first noticed. Either way the cell gets a new epoch, from which silence counts
-- anew. Time that jumps forward ends the lease as any pause of that length would, and a new term
-- begins; the former leader's writes are fenced.

create or replace function howdah_private.lease_state(
    lease howdah_private.leader, at timestamptz)
returns text
language sql immutable
as $$
    /* live; ended: anybody may take it; ahead: the clock went back since it was renewed. */
    select case when (lease).coordinator_id is null then 'ended'
                when (lease).renewed_at > lease_state.at then 'ahead'
                when (lease).expires_at <= lease_state.at then 'ended'
                else 'live' end;
$$;
comment on function howdah_private.lease_state(howdah_private.leader, timestamptz) is
    'what a lease is worth at a moment: live, ended or ahead';
revoke all on function howdah_private.lease_state(howdah_private.leader, timestamptz) from public;

create or replace function howdah_private.lease_take(
    coordinator_id uuid, name text, ttl interval)
returns howdah_private.leader
language plpgsql
as $$
/* Take the lease if it has ended, in the next epoch of both lease and cell. Waits for the former
   holder's running chore. Returns the row as it is then. */
declare
    v_row howdah_private.leader;
    v_now timestamptz;
begin
    select l.* into v_row from howdah_private.leader l for update;
    v_now := clock_timestamp();
    if howdah_private.lease_state(v_row, v_now) <> 'ended' then
        return v_row;
    end if;
    update howdah_private.leader l
    set coordinator_id = lease_take.coordinator_id, name = lease_take.name, epoch = l.epoch + 1,
        acquired_at = v_now, renewed_at = v_now, expires_at = v_now + lease_take.ttl
    returning l.* into v_row;
    perform howdah_private.event_add('leader', v_row.coordinator_id, null, 'leading',
                                     'coordinator', 'leader_acquire', null, v_row.name,
                                     jsonb_build_object('epoch', v_row.epoch));
    perform howdah_private.cell_epoch_next('term', 'coordinator', v_row.name);
    return v_row;
end
$$;
comment on function howdah_private.lease_take(uuid, text, interval) is
    'take the lease if it has ended';
revoke all on function howdah_private.lease_take(uuid, text, interval) from public;

create or replace function howdah_private.lease_renew(
    seen howdah_private.leader, name text, ttl interval)
returns howdah_private.leader
language plpgsql
as $$
/* Renew the lease as it was seen, unless it has changed or ended meanwhile. A renewal that finds
   another clock or another timeline begins a new epoch of the cell; so does one that comes late for a
   long lease (renewals come three times in its length at least), since the database may have been away.
   Returns the row as it is then. */
declare
    v_row howdah_private.leader;
    v_ahead boolean;
    v_late boolean;
begin
    select l.* into v_row from howdah_private.leader l for no key update;
    v_ahead := v_row.renewed_at > clock_timestamp();
    v_late := clock_timestamp() - v_row.renewed_at
              > greatest(interval '5 s', (v_row.expires_at - v_row.renewed_at) * 0.67);
    if v_row.coordinator_id is distinct from (seen).coordinator_id
       or v_row.epoch <> (seen).epoch or v_row.expires_at <= clock_timestamp() then
        return v_row;
    end if;
    update howdah_private.leader l
    set name = lease_renew.name, acquired_at = least(l.acquired_at, clock_timestamp()),
        renewed_at = clock_timestamp(), expires_at = clock_timestamp() + lease_renew.ttl
    returning l.* into v_row;
    if v_ahead then
        perform howdah_private.clock_back();
    elsif (select c.timeline is distinct from howdah_private.wal_timeline()
           from howdah_private.cell c) then
        perform howdah_private.cell_epoch_next('timeline', 'coordinator');
    elsif v_late then
        perform howdah_private.cell_epoch_next('pause', 'coordinator');
    end if;
    return v_row;
end
$$;
comment on function howdah_private.lease_renew(howdah_private.leader, text, interval) is
    'renew the lease as it was seen';
revoke all on function howdah_private.lease_renew(howdah_private.leader, text, interval)
    from public;

create or replace function howdah_private.lease_rebase(seen howdah_private.leader)
returns howdah_private.leader
language plpgsql
as $$
/* Another coordinator's lease was renewed by a clock that is ahead of this one: let it last its own
   length from now, unless it has changed since it was seen. Returns the row as it is then. */
declare
    v_row howdah_private.leader;
begin
    update howdah_private.leader l
    set acquired_at = least(l.acquired_at, clock_timestamp()), renewed_at = clock_timestamp(),
        expires_at = clock_timestamp() + ((seen).expires_at - (seen).renewed_at)
    where l.coordinator_id = (seen).coordinator_id and l.epoch = (seen).epoch
      and l.renewed_at = (seen).renewed_at
    returning l.* into v_row;
    if found then
        perform howdah_private.clock_back();
    else
        select l.* into v_row from howdah_private.leader l;
    end if;
    return v_row;
end
$$;
comment on function howdah_private.lease_rebase(howdah_private.leader) is
    'let a lease from a clock that is ahead last its own length from now';
revoke all on function howdah_private.lease_rebase(howdah_private.leader) from public;

create or replace function howdah_private.leader_check(
    coordinator_id uuid, ttl_ms integer, schema_version integer)
returns void
language plpgsql
as $$
/* Raise unless this coordinator may ask for the lease. */
begin
    if leader_check.coordinator_id is null then
        perform howdah_private.raise('field_missing', 'leader_acquire', 'coordinator_id', null,
                                     'a uuid');
    elsif (leader_check.ttl_ms between 100 and 600000) is not true then
        perform howdah_private.raise('value_invalid', 'leader_acquire', 'ttl_ms',
                                     leader_check.ttl_ms::text, 'milliseconds, 100 to 600000');
    elsif leader_check.schema_version <> howdah.schema_version() then
        perform howdah_private.raise(
            case when leader_check.schema_version < howdah.schema_version() then 'schema_newer'
                 else 'schema_older' end,
            'leader_acquire', 'schema_version', leader_check.schema_version::text,
            'the version of this database''s schema, ' || howdah.schema_version());
    end if;
end
$$;
comment on function howdah_private.leader_check(uuid, integer, integer) is
    'raise unless a coordinator may ask for the lease';
revoke all on function howdah_private.leader_check(uuid, integer, integer) from public;

create or replace function howdah.leader_acquire(
    coordinator_id uuid, name text, ttl_ms integer, schema_version integer default null)
returns table ("leading" boolean, epoch bigint, leader_name text, remaining_ms integer)
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Take the lease if it is free or expired, renew it if it is ours; else say who has it.
   ttl_ms 100 to 600000. Each new holder gets the next epoch. A coordinator that says for which schema
   it was made is refused by any other one, so that it never leads there.
   Errors: value_invalid, field_missing, schema_newer, schema_older. */
#variable_conflict use_column
declare
    v_row leader;
    v_state text;
    v_ttl interval := make_interval(secs => leader_acquire.ttl_ms / 1000.0);
begin
    perform leader_check(leader_acquire.coordinator_id, leader_acquire.ttl_ms,
                         leader_acquire.schema_version);
    select l.* into v_row from leader l;
    v_state := lease_state(v_row, clock_timestamp());
    if v_state = 'ended' then
        v_row := lease_take(leader_acquire.coordinator_id, leader_acquire.name, v_ttl);
    elsif v_row.coordinator_id = leader_acquire.coordinator_id then
        v_row := lease_renew(v_row, leader_acquire.name, v_ttl);
    elsif v_state = 'ahead' then
        v_row := lease_rebase(v_row);
    end if;
    "leading" := v_row.coordinator_id is not distinct from leader_acquire.coordinator_id
                 and v_row.expires_at > clock_timestamp();
    epoch := v_row.epoch;
    leader_name := v_row.name;
    remaining_ms := case when "leading" then leader_acquire.ttl_ms
                         else greatest(0, extract(epoch from v_row.expires_at - clock_timestamp())
                                          * 1000) end;
    return next;
end
$$;
comment on function howdah.leader_acquire(uuid, text, integer, integer) is
    'take or renew the leader''s lease';
revoke all on function howdah.leader_acquire(uuid, text, integer, integer) from public;
grant execute on function howdah.leader_acquire(uuid, text, integer, integer) to howdah_coordinator;

create or replace function howdah.leader_resign(coordinator_id uuid, epoch bigint)
returns boolean
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Give the lease up at once; true if it was ours. */
begin
    update leader l
    set expires_at = clock_timestamp(), renewed_at = least(l.renewed_at, clock_timestamp())
    where l.coordinator_id = leader_resign.coordinator_id and l.epoch = leader_resign.epoch
      and l.expires_at > clock_timestamp();
    return found;
end
$$;
comment on function howdah.leader_resign(uuid, bigint) is 'give the leader''s lease up';
revoke all on function howdah.leader_resign(uuid, bigint) from public;
grant execute on function howdah.leader_resign(uuid, bigint) to howdah_coordinator;

create or replace function howdah_private.leader_enter(call text, epoch bigint)
returns timestamptz
language plpgsql
as $$
/* The first thing that every chore does: refuse an old leader, hold off a new one. Returns the
   moment from which silence counts. */
declare
    v_row howdah_private.leader;
begin
    select l.* into v_row from howdah_private.leader l for key share;
    if v_row.epoch is distinct from leader_enter.epoch then
        perform howdah_private.raise('epoch_stale', leader_enter.call, 'epoch',
                                     leader_enter.epoch::text,
                                     'the leader''s present epoch, ' || v_row.epoch);
    end if;
    return howdah_private.silence_since();
end
$$;
comment on function howdah_private.leader_enter(text, bigint) is
    'fence a chore; returns since when silence counts';
revoke all on function howdah_private.leader_enter(text, bigint) from public;

create or replace function howdah.doorbell_set(epoch bigint, asleep boolean)
returns void
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
set synchronous_commit = off
as $$
/* The leader says that it goes to sleep (writers ring the bell then) or is up again.
   Errors: epoch_stale, field_missing. */
begin
    perform leader_enter('doorbell_set', doorbell_set.epoch);
    if doorbell_set.asleep is null then
        perform raise('field_missing', 'doorbell_set', 'asleep', null, 'true or false');
    end if;
    insert into doorbell (asleep) values (doorbell_set.asleep)
    on conflict (only_row) do update set asleep = excluded.asleep
    where doorbell.asleep <> excluded.asleep;
end
$$;
comment on function howdah.doorbell_set(bigint, boolean) is
    'the leader says whether it sleeps';
revoke all on function howdah.doorbell_set(bigint, boolean) from public;
grant execute on function howdah.doorbell_set(bigint, boolean) to howdah_coordinator;

create or replace function howdah_private.bell_ring()
returns void
language plpgsql
as $$
/* Wake the leader if it sleeps: under load it is awake and nothing is sent. Never called by claims. */
begin
    if (select d.asleep from howdah_private.doorbell d) is not false then
        perform pg_notify('howdah_bell', '');
    end if;
end
$$;
comment on function howdah_private.bell_ring() is 'wake the leader if it sleeps';
revoke all on function howdah_private.bell_ring() from public;
