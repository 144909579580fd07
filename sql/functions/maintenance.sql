-- SPDX-License-Identifier: PostgreSQL
-- Maintenance windows. Ahead of one its agent is drained, so that it is empty when the window starts;
-- at its end the agent is opened again, unless an operator has closed it, before or meanwhile.

create or replace function howdah_private.maintenance_check(
    agent_ids uuid[], starts_at timestamptz, ends_at timestamptz)
returns void
language plpgsql
as $$
/* Raise unless these agents may have this window; the caller has their pools. */
declare
    v_agent uuid;
    v_other record;
begin
    if cardinality(agent_ids) > 0 is not true then
        perform howdah_private.raise('field_missing', 'maintenance_set', 'agent_ids', null,
                                     'at least one agent');
    elsif isfinite(starts_at) is not true then
        perform howdah_private.raise('value_invalid', 'maintenance_set', 'starts_at',
                                     starts_at::text, 'a time');
    elsif (isfinite(ends_at) and ends_at > starts_at) is not true then
        perform howdah_private.raise('value_invalid', 'maintenance_set', 'ends_at', ends_at::text,
                                     'a time after starts_at, ' || starts_at);
    end if;
    select u.id into v_agent from unnest(agent_ids) as u (id)
    where not exists (select 1 from howdah_private.agent a
                      where a.agent_id = u.id and a.state <> 'gone')
    limit 1;
    if found then
        perform howdah_private.raise('agent_unknown', 'maintenance_set', 'agent_ids', v_agent::text,
                                     'ids of agents that are not gone');
    end if;
    select a.name, m.starts_at, m.ends_at into v_other
    from howdah_private.maintenance m
    join howdah_private.agent a on a.agent_id = m.agent_id
    where m.agent_id = any (agent_ids)
      and tstzrange(m.starts_at, m.ends_at)
          && tstzrange(maintenance_check.starts_at, maintenance_check.ends_at)
      and (m.starts_at, m.ends_at)
          is distinct from (maintenance_check.starts_at, maintenance_check.ends_at)
    order by a.name, m.starts_at
    limit 1;
    if found then
        perform howdah_private.raise('value_invalid', 'maintenance_set', 'starts_at',
                                     starts_at::text,
                                     format('a window beside that of agent %s from %s to %s',
                                            v_other.name, v_other.starts_at, v_other.ends_at));
    end if;
end
$$;
comment on function howdah_private.maintenance_check(uuid[], timestamptz, timestamptz) is
    'raise unless agents may have a maintenance window';
revoke all on function howdah_private.maintenance_check(uuid[], timestamptz, timestamptz)
    from public;

create or replace function howdah.time_read(field text, value text)
returns timestamptz
language plpgsql stable security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* The time that a text says, as PostgreSQL reads times; null if it is null. For callers who pass on what
   somebody typed. Errors: value_invalid, with the field. */
begin
    return time_read.value::timestamptz;
exception when data_exception then
    perform raise('value_invalid', 'time_read', time_read.field, time_read.value,
                  'a time such as 2030-01-10 22:00');
end
$$;
comment on function howdah.time_read(text, text) is 'the time that a text says';
revoke all on function howdah.time_read(text, text) from public;
grant execute on function howdah.time_read(text, text) to howdah_operator;

create or replace function howdah.maintenance_set(
    agent_ids uuid[], starts_at timestamptz, ends_at timestamptz, reason text default null)
returns integer
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Agents will be away from one time to another, as an operator: offers show it, from
   maintenance_lead_s before the start each of them is drained with the start as its deadline, and at the
   end it is opened. All agents get the window or none. Returns how many of them did not have it; setting
   it again with another reason replaces the reason.

   select howdah.maintenance_set(array[howdah.id_find('agent', 'db-rack-7')],
                                 '2030-01-10 22:00+00', '2030-01-11 02:00+00', 'new board');

   Errors: field_missing, value_invalid (a time that is past, an end before the start, an overlap with
   another window of an agent), agent_unknown. */
#variable_conflict use_column
declare
    v_new uuid[];
begin
    perform reason_check('maintenance_set', maintenance_set.reason);
    perform pools_lock(maintenance_set.agent_ids);
    perform maintenance_check(maintenance_set.agent_ids, maintenance_set.starts_at,
                              maintenance_set.ends_at);
    update maintenance m set reason = maintenance_set.reason
    where m.agent_id = any (maintenance_set.agent_ids) and m.starts_at = maintenance_set.starts_at
      and m.reason is distinct from coalesce(maintenance_set.reason, m.reason);
    v_new := array(select distinct u.id from unnest(maintenance_set.agent_ids) as u (id)
                   where not exists (select 1 from maintenance m
                                     where m.agent_id = u.id
                                       and m.starts_at = maintenance_set.starts_at));
    if cardinality(v_new) > 0 and maintenance_set.starts_at < clock_timestamp() then
        perform raise('value_invalid', 'maintenance_set', 'starts_at',
                      maintenance_set.starts_at::text, 'a time to come');
    end if;
    insert into maintenance (agent_id, starts_at, ends_at, reason)
    select u.id, maintenance_set.starts_at, maintenance_set.ends_at, maintenance_set.reason
    from unnest(v_new) as u (id);
    perform event_add('agent', u.id, null, null, 'operator', 'maintenance_set', null,
                      maintenance_set.reason,
                      jsonb_build_object('by', session_user, 'starts_at', maintenance_set.starts_at,
                                         'ends_at', maintenance_set.ends_at))
    from unnest(v_new) as u (id);
    perform bell_ring();
    return cardinality(v_new);
end
$$;
comment on function howdah.maintenance_set(uuid[], timestamptz, timestamptz, text) is
    'say when agents will be away';
revoke all on function howdah.maintenance_set(uuid[], timestamptz, timestamptz, text) from public;
grant execute on function howdah.maintenance_set(uuid[], timestamptz, timestamptz, text)
    to howdah_operator;

create or replace function howdah.maintenance_cancel(
    agent_ids uuid[], starts_at timestamptz default null)
returns integer
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Take the window of these agents that starts then away, or all their windows; one for which the drain
   has begun ends with the leader's next turn. Returns how many windows. */
#variable_conflict use_column
declare
    v_agents uuid[];
begin
    perform pools_lock(maintenance_cancel.agent_ids);
    with cancelled as (
        update maintenance m set cancelled = true
        where m.agent_id = any (maintenance_cancel.agent_ids) and not m.cancelled
          and m.starts_at = coalesce(maintenance_cancel.starts_at, m.starts_at)
        returning m.window_id, m.agent_id, m.began_at
    ), dropped as (
        select array_agg(c.agent_id) as agents from cancelled c
    )
    select d.agents into v_agents from dropped d;
    delete from maintenance m
    where m.agent_id = any (v_agents) and m.cancelled and m.began_at is null;
    perform event_add('agent', u.id, null, null, 'operator', 'maintenance_cancel', null, null,
                      jsonb_build_object('by', session_user))
    from unnest(v_agents) as u (id);
    perform bell_ring();
    return coalesce(cardinality(v_agents), 0);
end
$$;
comment on function howdah.maintenance_cancel(uuid[], timestamptz) is
    'take maintenance windows of agents away';
revoke all on function howdah.maintenance_cancel(uuid[], timestamptz) from public;
grant execute on function howdah.maintenance_cancel(uuid[], timestamptz) to howdah_operator;

create or replace view howdah_private.maintenance_next as
select distinct on (m.agent_id) m.agent_id, m.starts_at, m.ends_at
from howdah_private.maintenance m
where m.ends_at > now() and not m.cancelled
order by m.agent_id, m.starts_at;
comment on view howdah_private.maintenance_next is 'each agent''s present or next window';

create or replace function howdah_private.maintenance_begin()
returns integer
language plpgsql
as $$
/* The drain ahead of a window that comes up. */
declare
    v_window howdah_private.maintenance;
begin
    select m.* into v_window from howdah_private.maintenance m
    where m.began_at is null and not m.cancelled and m.ends_at > clock_timestamp()
      and m.starts_at <= clock_timestamp()
                         + howdah_private.setting_interval('maintenance_lead_s')
    order by m.starts_at, m.agent_id
    limit 1;
    if not found then
        return 0;
    end if;
    perform howdah_private.pools_lock(array[v_window.agent_id]);
    update howdah_private.maintenance m
    set began_at = clock_timestamp()
    where m.window_id = v_window.window_id and not m.cancelled;
    if found then
        perform howdah_private.agent_close(v_window.agent_id, v_window.reason, v_window.set_by,
                                           'coordinator');
        perform howdah_private.drain_set(
            v_window.agent_id,
            greatest(0, extract(epoch from v_window.starts_at - clock_timestamp()))::integer,
            v_window.starts_at, v_window.reason, v_window.set_by, 'coordinator');
    end if;
    return 1;
end
$$;
comment on function howdah_private.maintenance_begin() is 'the drain ahead of a window';
revoke all on function howdah_private.maintenance_begin() from public;

create or replace function howdah_private.maintenance_finish()
returns integer
language plpgsql
as $$
/* The end of a window: what windows have closed is opened and what they drain is drained no more, unless
   another window of the agent is under way; an operator's cordon and drain stay. */
declare
    v_window howdah_private.maintenance;
begin
    select m.* into v_window from howdah_private.maintenance m
    where m.ends_at <= clock_timestamp() or m.cancelled
    order by m.ends_at, m.agent_id
    limit 1;
    if not found then
        return 0;
    end if;
    perform howdah_private.pools_lock(array[v_window.agent_id]);
    delete from howdah_private.maintenance m where m.window_id = v_window.window_id;
    if not exists (select 1 from howdah_private.maintenance m
                   where m.agent_id = v_window.agent_id and m.began_at is not null) then
        perform howdah_private.agent_open(c.agent_id, v_window.set_by, 'coordinator')
        from howdah_private.agent_cordon c
        where c.agent_id = v_window.agent_id and c.by_window;
        perform howdah_private.drain_end(d.agent_id)
        from howdah_private.drain d
        where d.agent_id = v_window.agent_id and d.by_window;
    end if;
    perform howdah_private.event_add('agent', v_window.agent_id, null, null, 'coordinator',
                                     'maintenance_end', null, v_window.reason);
    return 1;
end
$$;
comment on function howdah_private.maintenance_finish() is 'the end of a window';
revoke all on function howdah_private.maintenance_finish() from public;

create or replace function howdah.maintenance_advance(epoch bigint)
returns integer
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Leader's chore: a window that ends, or the drain ahead of one that comes up: one agent in a turn, since
   books are not locked after the offers of another agent. Returns how many. */
declare
    v_count integer;
begin
    perform leader_enter('maintenance_advance', maintenance_advance.epoch);
    v_count := maintenance_finish();
    return case when v_count > 0 then v_count else maintenance_begin() end;
end
$$;
comment on function howdah.maintenance_advance(bigint) is 'leader: begin and end windows';
revoke all on function howdah.maintenance_advance(bigint) from public;
grant execute on function howdah.maintenance_advance(bigint) to howdah_coordinator;
