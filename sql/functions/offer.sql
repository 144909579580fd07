-- SPDX-License-Identifier: PostgreSQL
-- Offers as a framework sees them: read what changed, decline, and what a claim does to them.

create or replace function howdah_private.offer_open(framework uuid, offer uuid)
returns table (offer_id uuid, agent_id uuid)
language plpgsql
as $$
/* The offer, if the framework may claim on it now. Looked up by its key alone, so that no plan made
   while there were few offers reads other indexes. */
#variable_conflict use_column
declare
    v_row howdah_private.offer;
begin
    select o.* into v_row from howdah_private.offer o where o.offer_id = offer_open.offer;
    if v_row.framework_id = framework and v_row.state = 'outstanding'
       and v_row.expires_at > clock_timestamp() then
        offer_id := v_row.offer_id;
        agent_id := v_row.agent_id;
        return next;
    end if;
end
$$;
comment on function howdah_private.offer_open(uuid, uuid) is
    'an offer that a framework may claim on now';
revoke all on function howdah_private.offer_open(uuid, uuid) from public;

create or replace function howdah_private.offer_accept(offers uuid[])
returns void
language plpgsql
as $$
/* Close the offers that a claim used. A rescind or expiry that committed between the claim's reading
   and this write is a lost race: the claim starts over and is refused with the right reason. */
declare
    v_wanted uuid[];
    v_closed integer;
begin
    select array_agg(distinct u.id) into v_wanted from unnest(offers) as u (id)
    where u.id is not null;
    if v_wanted is null then
        return;
    end if;
    update howdah_private.offer o
    set state = 'accepted', change_seq = nextval('howdah_private.offer_change_seq')
    where o.offer_id in (select l.offer_id from howdah_private.offer l
                         where l.offer_id = any (v_wanted) and l.state = 'outstanding'
                         order by l.offer_id for update);
    get diagnostics v_closed = row_count;
    if v_closed < cardinality(v_wanted) then
        perform howdah_private.raise('try_again', 'claim', 'offer', v_wanted[1]::text,
                                     'offers that nobody takes back at the same moment');
    end if;
end
$$;
comment on function howdah_private.offer_accept(uuid[]) is 'close the offers that a claim used';
revoke all on function howdah_private.offer_accept(uuid[]) from public;

create or replace function howdah_private.offer_resources(o howdah_private.offer)
returns jsonb
language sql stable
as $$
    select jsonb_strip_nulls(jsonb_build_object(
        'cpus', trim_scale((o).cpus_milli / 1000.0), 'mem', (o).mem, 'disk', (o).disk,
        'gpus', (o).gpus, 'ports', howdah_private.ranges_to_json((o).ports),
        'scalars', (o).scalars, 'sets', (o).sets));
$$;
comment on function howdah_private.offer_resources(howdah_private.offer) is
    'what an offer shows, as JSON';
revoke all on function howdah_private.offer_resources(howdah_private.offer) from public;

create or replace function howdah_private.offers_close(
    offers uuid[], state howdah.offer_state, reason text)
returns integer
language plpgsql
as $$
/* Close outstanding offers, locked in offer_id order; so whoever closes several calls this once.
   Returns how many. */
declare
    v_count integer;
begin
    update howdah_private.offer o
    set state = offers_close.state, reason = offers_close.reason,
        change_seq = nextval('howdah_private.offer_change_seq')
    where o.offer_id in (select l.offer_id from howdah_private.offer l
                         where l.offer_id = any (offers) and l.state = 'outstanding'
                         order by l.offer_id for update);
    get diagnostics v_count = row_count;
    return v_count;
end
$$;
comment on function howdah_private.offers_close(uuid[], howdah.offer_state, text) is
    'close outstanding offers';
revoke all on function howdah_private.offers_close(uuid[], howdah.offer_state, text) from public;

create or replace function howdah_private.offers_rescind_frameworks(
    frameworks uuid[], reason text)
returns integer
language plpgsql
as $$
begin
    return howdah_private.offers_close(
        array(select o.offer_id from howdah_private.offer o
              where o.framework_id = any (frameworks) and o.state = 'outstanding'),
        'rescinded', reason);
end
$$;
comment on function howdah_private.offers_rescind_frameworks(uuid[], text) is
    'take all offers of frameworks back';
revoke all on function howdah_private.offers_rescind_frameworks(uuid[], text) from public;

create or replace function howdah_private.offers_rescind_agents(agents uuid[], reason text)
returns integer
language plpgsql
as $$
begin
    return howdah_private.offers_close(
        array(select o.offer_id from howdah_private.offer o
              where o.agent_id = any (agents) and o.state = 'outstanding'),
        'rescinded', reason);
end
$$;
comment on function howdah_private.offers_rescind_agents(uuid[], text) is
    'take all offers of agents back';
revoke all on function howdah_private.offers_rescind_agents(uuid[], text) from public;

create or replace function howdah.offers_since(
    framework_id uuid, epoch bigint, cursor bigint default 0)
returns table (change_seq bigint, offer_id uuid, state text, reason text, agent_id uuid,
               agent_name text, host text, agent_version bigint, resources jsonb,
               attributes jsonb, expires_at timestamptz, expires_in_ms integer,
               unavailable_from timestamptz, unavailable_until timestamptz)
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
set jit = off
as $$
/* The framework's outstanding offers (cursor 0), or what was offered or closed since the cursor, in
   the order of change_seq; unavailable_from and _until are the agent's present or next maintenance window.
   Pass the largest change_seq seen as the next cursor. Numbers are drawn before
   they are committed: what may have become visible late is looked at again (offer_horizon), so a row
   may come twice, and none is missed. Offers are soft state: after a crash of the server there are none
   and the next turn makes new ones; so start over with cursor 0 after every reconnect. */
#variable_conflict use_column
declare
    v_from bigint := coalesce(offers_since.cursor, 0);
begin
    perform framework_enter('offers_since', offers_since.framework_id, offers_since.epoch);
    if v_from > 0 then
        v_from := least(v_from, (select h.settled from offer_horizon h));
    end if;
    return query
    select o.change_seq, o.offer_id, o.state::text, o.reason, o.agent_id, a.name::text,
           a.host::text, o.agent_version, offer_resources(o), a.attributes, o.expires_at,
           greatest(0, extract(epoch from o.expires_at - clock_timestamp()) * 1000)::integer,
           w.starts_at, w.ends_at
    from offer o
    join agent a on a.agent_id = o.agent_id
    left join maintenance_next w on w.agent_id = o.agent_id
    where o.framework_id = offers_since.framework_id
      and o.change_seq > v_from
      and (coalesce(offers_since.cursor, 0) > 0
           or o.state = 'outstanding' and o.expires_at > clock_timestamp())
    order by o.change_seq;
end
$$;
comment on function howdah.offers_since(uuid, bigint, bigint) is
    'a framework''s offers, or what changed among them';
revoke all on function howdah.offers_since(uuid, bigint, bigint) from public;
grant execute on function howdah.offers_since(uuid, bigint, bigint)
    to howdah_framework, howdah_operator;

create or replace function howdah.offer_decline(
    framework_id uuid, epoch bigint, offer_ids uuid[], refuse_seconds numeric default 5)
returns integer
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Decline offers; returns how many were outstanding. For refuse_seconds (0 = not at all, at most the
   setting refuse_seconds_max) the same agents are not offered again unless they have more of
   something than was refused. Unknown or closed ids are passed over. Errors: value_invalid. */
declare
    v_max numeric := setting_get('refuse_seconds_max')::numeric;
    v_mine uuid[];
begin
    perform framework_enter('offer_decline', offer_decline.framework_id, offer_decline.epoch);
    if (offer_decline.refuse_seconds >= 0 and offer_decline.refuse_seconds <= v_max) is not true
    then
        perform raise('value_invalid', 'offer_decline', 'refuse_seconds',
                      offer_decline.refuse_seconds::text, 'seconds, 0 to ' || v_max);
    end if;
    v_mine := array(select o.offer_id from offer o
                    where o.offer_id = any (offer_decline.offer_ids)
                      and o.framework_id = offer_decline.framework_id
                      and o.state = 'outstanding');
    if offer_decline.refuse_seconds > 0 then
        insert into filter as x (framework_id, agent_id, until, cpus_milli, mem, disk, gpus)
        select distinct on (o.agent_id) o.framework_id, o.agent_id,
               clock_timestamp()
                   + make_interval(secs => offer_decline.refuse_seconds::double precision),
               o.cpus_milli, o.mem, o.disk, o.gpus
        from offer o
        where o.offer_id = any (v_mine)
        order by o.agent_id, o.created_at desc
        on conflict on constraint filter_pkey do update
        set until = excluded.until, cpus_milli = excluded.cpus_milli, mem = excluded.mem,
            disk = excluded.disk, gpus = excluded.gpus;
    end if;
    return offers_close(v_mine, 'declined', null);
end
$$;
comment on function howdah.offer_decline(uuid, bigint, uuid[], numeric) is 'decline offers';
revoke all on function howdah.offer_decline(uuid, bigint, uuid[], numeric) from public;
grant execute on function howdah.offer_decline(uuid, bigint, uuid[], numeric)
    to howdah_framework, howdah_operator;

insert into howdah_private.news_cursor (name) values ('offers_slice') on conflict do nothing;

create or replace function howdah_private.offers_slice(out slice bigint, out slices bigint)
returns record
language plpgsql
as $$
/* Which part of the agents this turn compares with their offers, of how many: one part for each 32,000
   offers, the next one with each turn, so that a turn's work has a bound. */
begin
    -- As vacuum and analyze last counted: a wrong number only makes parts larger or smaller.
    select 1 + greatest(c.reltuples, 0)::bigint / 32000 into slices
    from pg_class c where c.oid = 'howdah_private.offer_outstanding_idx'::regclass;
    slice := 0;
    if slices > 1 then
        update howdah_private.news_cursor c set position = c.position + 1
        where c.name = 'offers_slice'
        returning c.position % slices into slice;
    end if;
end
$$;
comment on function howdah_private.offers_slice() is
    'which part of the agents this turn compares with their offers';
revoke all on function howdah_private.offers_slice() from public;

create or replace function howdah.offers_expire(epoch bigint)
returns integer
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
set synchronous_commit = off
set jit = off
as $$
/* Leader's chore: close offers that nobody answered in time, and take back those whose agent takes
   no claims (agent_closed), has too little left to be offered (agent_full), or since offer_refresh_s has more of something free than
   the offer shows or less than half of it (superseded): a new one follows. A claim on an offer that
   shows a little too much is no harm, so small changes do not churn the offers of a large cell. At
   most offer_batch in one turn. Where offers are many, those of a part of the agents are looked at in a
   turn, and of all agents that are closed or full. Forgets closed offers after a minute. Offers and filters that somebody
   else has locked just now are left for the next turn. Returns how many it closed. */
declare
    v_now timestamptz := clock_timestamp();
    v_refresh timestamptz := v_now - setting_interval('offer_refresh_s');
    v_min_cpus bigint := setting_get('offer_min_cpus_milli')::bigint;
    v_min_mem bigint := setting_get('offer_min_mem')::bigint;
    v_part record;
    v_count integer;
begin
    perform leader_enter('offers_expire', offers_expire.epoch);
    v_part := offers_slice();
    with pool as materialized (  -- once, not anew for each offer
        select p.agent_id, p.open, p.cpus_milli, p.mem, p.disk, p.gpus
        from pool_free p
        where not p.open or p.cpus_milli < v_min_cpus or p.mem < v_min_mem
           or v_part.slices = 1
           or (uuid_hash(p.agent_id) & 65535) % v_part.slices = v_part.slice
    ), stale as materialized (
        select o.offer_id,
               case when o.expires_at <= v_now then 'expired'
                    else 'rescinded' end::howdah.offer_state as state,
               case when o.expires_at <= v_now then 'offer_timeout'
                    when not p.open then 'agent_closed'
                    when p.cpus_milli < v_min_cpus or p.mem < v_min_mem then 'agent_full'
                    else 'superseded' end as reason
        from offer o
        join pool p on p.agent_id = o.agent_id
        where o.state = 'outstanding'
          and (o.expires_at <= v_now
               or not p.open or p.cpus_milli < v_min_cpus or p.mem < v_min_mem
               or o.created_at < v_refresh
                  and (p.cpus_milli <> o.cpus_milli or p.mem <> o.mem or p.disk <> o.disk
                       or p.gpus <> o.gpus)  -- most offers are as good as new
                  and (p.cpus_milli > o.cpus_milli or p.cpus_milli < o.cpus_milli / 2
                       or p.mem > o.mem or p.mem < o.mem / 2
                       or p.disk > o.disk or p.disk < o.disk / 2
                       or p.gpus > o.gpus or p.gpus < o.gpus / 2))
        limit setting_get('offer_batch')::integer
        for update of o skip locked
    )
    update offer o
    set state = s.state, reason = s.reason,
        change_seq = nextval('howdah_private.offer_change_seq')
    from stale s
    where o.offer_id = s.offer_id;
    get diagnostics v_count = row_count;
    with forgotten as (
        delete from offer o
        where o.state <> 'outstanding' and o.expires_at < v_now - interval '1 minute'
        returning o.framework_id, o.state
    )
    update framework_total t
    set rescinds = t.rescinds + c.n
    from (select f.framework_id, count(*) as n
          from forgotten f where f.state = 'rescinded' group by f.framework_id) c
    where t.framework_id = c.framework_id;
    perform filters_expire(v_now);
    return v_count;
end
$$;
comment on function howdah.offers_expire(bigint) is
    'leader: close offers that timed out or no longer show what is free';
revoke all on function howdah.offers_expire(bigint) from public;
grant execute on function howdah.offers_expire(bigint) to howdah_coordinator;
