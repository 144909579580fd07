-- SPDX-License-Identifier: PostgreSQL
-- The leader's lease, and the doorbell.
--
-- A lease is a row with an epoch and an expiry on database time; taking it and renewing it are
-- compare-and-set. Each chore holds the lease row's key share lock while it writes (leader_enter).
-- Taking the lease over locks the row for update first, so a new leader waits for the former one's
-- running chore, and an old one is refused; renewing changes no key and waits for no chore, however
-- long it takes.

create or replace function howdah.leader_acquire(coordinator_id uuid, name text, ttl_ms integer)
returns table ("leading" boolean, epoch bigint, leader_name text, remaining_ms integer)
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Take the lease if it is free or expired, renew it if it is ours; else say who has it.
   ttl_ms 100 to 600000. Each new holder gets the next epoch.
   Errors: value_invalid, field_missing. */
#variable_conflict use_column
declare
    v_now timestamptz := clock_timestamp();
    v_row leader;
begin
    if leader_acquire.coordinator_id is null then
        perform raise('field_missing', 'leader_acquire', 'coordinator_id', null, 'a uuid');
    elsif (leader_acquire.ttl_ms between 100 and 600000) is not true then
        perform raise('value_invalid', 'leader_acquire', 'ttl_ms',
                      leader_acquire.ttl_ms::text, 'milliseconds, 100 to 600000');
    end if;
    select l.* into v_row from leader l;
    if v_row.coordinator_id is distinct from leader_acquire.coordinator_id
       and v_row.expires_at > v_now then
        return query select false, v_row.epoch, v_row.name,
            (extract(epoch from v_row.expires_at - v_now) * 1000)::integer;
        return;
    end if;
    if v_row.coordinator_id is distinct from leader_acquire.coordinator_id
       or v_row.expires_at <= v_now then
        perform 1 from leader l for update;
    end if;
    update leader l
    set coordinator_id = leader_acquire.coordinator_id, name = leader_acquire.name,
        epoch = case when l.coordinator_id = leader_acquire.coordinator_id
                          and l.expires_at > v_now then l.epoch else l.epoch + 1 end,
        acquired_at = case when l.coordinator_id = leader_acquire.coordinator_id
                                and l.expires_at > v_now then l.acquired_at
                           else clock_timestamp() end,
        renewed_at = clock_timestamp(),
        expires_at = clock_timestamp() + make_interval(secs => leader_acquire.ttl_ms / 1000.0)
    where l.coordinator_id = leader_acquire.coordinator_id or l.expires_at <= v_now
       or l.coordinator_id is null
    returning l.* into v_row;
    if not found then
        select l.* into v_row from leader l;
        return query select false, v_row.epoch, v_row.name, 0;
        return;
    end if;
    if v_row.acquired_at = v_row.renewed_at or v_row.acquired_at > v_now then
        perform event_add('leader', v_row.coordinator_id, null, 'leading', 'coordinator',
                          'leader_acquire', null, v_row.name,
                          jsonb_build_object('epoch', v_row.epoch));
    end if;
    return query select true, v_row.epoch, v_row.name, leader_acquire.ttl_ms;
end
$$;
comment on function howdah.leader_acquire(uuid, text, integer) is
    'take or renew the leader''s lease';
revoke all on function howdah.leader_acquire(uuid, text, integer) from public;
grant execute on function howdah.leader_acquire(uuid, text, integer) to howdah_coordinator;

create or replace function howdah.leader_resign(coordinator_id uuid, epoch bigint)
returns boolean
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Give the lease up at once; true if it was ours. */
begin
    update leader l
    set expires_at = clock_timestamp()
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
   moment from which silence counts: this lease was taken and this server is up since then. */
declare
    v_row howdah_private.leader;
begin
    select l.* into v_row from howdah_private.leader l for key share;
    if v_row.epoch is distinct from leader_enter.epoch then
        perform howdah_private.raise('epoch_stale', leader_enter.call, 'epoch',
                                     leader_enter.epoch::text,
                                     'the leader''s present epoch, ' || v_row.epoch);
    end if;
    return greatest(v_row.acquired_at, pg_postmaster_start_time());
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
/* The leader says that it goes to sleep (writers ring the bell then) or is up again. */
begin
    perform leader_enter('doorbell_set', doorbell_set.epoch);
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
