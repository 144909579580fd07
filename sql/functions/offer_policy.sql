-- SPDX-License-Identifier: PostgreSQL
-- Who is offered what: weighted dominant resource fairness (Ghodsi et al., NSDI 2011) with the
-- overlap knob.
--
-- Dominant share of a framework's role = the largest part it holds of any resource kind of the cell,
-- divided by the role's weight. Outstanding offers count as held while overlap is 1, as in Mesos:
-- otherwise the lowest one would be offered the whole cell. The lower the share, the earlier the
-- turn; within a role the framework that holds least goes first.
--   overlap 1          each agent is offered to one framework at a time
--   overlap k          to the k lowest that may have it
--   overlap unlimited  to everybody

create or replace view howdah_private.pool_free as
select p.agent_id, p.open, p.version,
       p.cpus_free::bigint as cpus_milli,
       p.mem_free::bigint as mem,
       p.disk_free::bigint as disk,
       p.gpus_free::bigint as gpus,
       nullif(p.ports_capacity - coalesce(p.ports_allocated, '{}'), '{}') as ports,
       howdah_private.scalars_add(
           howdah_private.scalars_add(p.scalars_capacity, p.scalars_allocated, -1),
           p.scalars_revocable, -1) as scalars,
       howdah_private.sets_change(p.sets_capacity, p.sets_allocated, -1) as sets
from howdah_private.agent_pool p
where p.pool = '*';
comment on view howdah_private.pool_free is 'what is free of each agent''s unreserved pool';

create or replace view howdah_private.framework_held as
select f.framework_id, f.role,
       coalesce(sum(t.cpus_milli), 0)::bigint as cpus_milli, coalesce(sum(t.mem), 0)::bigint as mem,
       coalesce(sum(t.disk), 0)::bigint as disk, coalesce(sum(t.gpus), 0)::bigint as gpus,
       count(t.task_id) as tasks
from howdah_private.framework f
left join howdah_private.task t on t.framework_id = f.framework_id and t.terminal_at is null
where f.state <> 'completed'
group by f.framework_id, f.role;
comment on view howdah_private.framework_held is 'what each framework''s live tasks hold';

create or replace view howdah_private.cell_total as
select coalesce(sum(p.cpus_capacity), 0)::bigint as cpus_milli,
       coalesce(sum(p.mem_capacity), 0)::bigint as mem,
       coalesce(sum(p.disk_capacity), 0)::bigint as disk,
       coalesce(sum(p.gpus_capacity), 0)::bigint as gpus
from howdah_private.agent_pool p
where p.open;
comment on view howdah_private.cell_total is 'capacity of the agents that take claims';

create or replace function howdah_private.dominant_share(
    cpus_milli bigint, mem bigint, disk bigint, gpus bigint, total howdah_private.cell_total)
returns double precision
language sql immutable parallel safe
as $$
    select greatest(
        coalesce(cpus_milli::double precision / nullif((total).cpus_milli, 0), 0),
        coalesce(mem::double precision / nullif((total).mem, 0), 0),
        coalesce(disk::double precision / nullif((total).disk, 0), 0),
        coalesce(gpus::double precision / nullif((total).gpus, 0), 0));
$$;
comment on function howdah_private.dominant_share(
    bigint, bigint, bigint, bigint, howdah_private.cell_total) is
    'the largest part of any resource kind of the cell';
revoke all on function howdah_private.dominant_share(
    bigint, bigint, bigint, bigint, howdah_private.cell_total) from public;

create or replace view howdah_private.framework_share as
select h.framework_id, h.role, h.cpus_milli, h.mem, h.disk, h.gpus, h.tasks,
       howdah_private.dominant_share(h.cpus_milli, h.mem, h.disk, h.gpus, c) as own_share,
       howdah_private.dominant_share(
           (sum(h.cpus_milli) over w)::bigint, (sum(h.mem) over w)::bigint,
           (sum(h.disk) over w)::bigint, (sum(h.gpus) over w)::bigint, c) / r.weight as role_share
from howdah_private.framework_held h
join howdah_private.role r on r.name = h.role
cross join howdah_private.cell_total c
window w as (partition by h.role);
comment on view howdah_private.framework_share is
    'dominant share of each framework, and of its role divided by the role''s weight';

create or replace view howdah_private.framework_share_offered as
select s.framework_id, s.role, s.role_share, s.own_share,
       howdah_private.dominant_share(o.cpus_milli, o.mem, o.disk, o.gpus, c) as own_offered,
       howdah_private.dominant_share(
           (sum(o.cpus_milli) over w)::bigint, (sum(o.mem) over w)::bigint,
           (sum(o.disk) over w)::bigint, (sum(o.gpus) over w)::bigint, c) as role_offered
from howdah_private.framework_share s
cross join howdah_private.cell_total c
cross join lateral (
    select coalesce(sum(x.cpus_milli), 0)::bigint as cpus_milli,
           coalesce(sum(x.mem), 0)::bigint as mem, coalesce(sum(x.disk), 0)::bigint as disk,
           coalesce(sum(x.gpus), 0)::bigint as gpus
    from howdah_private.offer x
    where x.framework_id = s.framework_id and x.state = 'outstanding') o
window w as (partition by s.role);
comment on view howdah_private.framework_share_offered is
    'framework_share, and what is on offer to each framework and to its role';

create or replace view howdah_private.pool_offerable as
select p.agent_id, p.version, p.cpus_milli, p.mem, p.disk, p.gpus, p.ports, p.scalars, p.sets,
       (select count(*) from howdah_private.offer o
        where o.agent_id = p.agent_id and o.state = 'outstanding') as outstanding
from howdah_private.pool_free p
where p.open
  and p.cpus_milli >= (select s.value::bigint from howdah_private.setting s
                       where s.name = 'offer_min_cpus_milli')
  and p.mem >= (select s.value::bigint from howdah_private.setting s
                where s.name = 'offer_min_mem');
comment on view howdah_private.pool_offerable is 'what is worth offering, and to how many it is';

create or replace function howdah_private.offer_candidates()
returns table (framework_id uuid, agent_id uuid)
language sql stable
as $$
    /* Every pair that may be offered: the framework is active and wants offers and more than it has,
       it has no offer of the agent outstanding, and it did not refuse as much of it a moment ago. */
    select f.framework_id, p.agent_id
    from howdah_private.framework f
    cross join howdah_private.pool_offerable p
    where f.state = 'active' and not f.suppressed
      and (f.requested_at is null
           or exists (select 1 from howdah_private.request r where r.framework_id = f.framework_id))
    except
    select o.framework_id, o.agent_id
    from howdah_private.offer o
    where o.state = 'outstanding'
    except
    select x.framework_id, x.agent_id
    from howdah_private.filter x
    join howdah_private.pool_offerable p on p.agent_id = x.agent_id
    where x.until > clock_timestamp() and x.cpus_milli >= p.cpus_milli and x.mem >= p.mem
      and x.disk >= p.disk and x.gpus >= p.gpus;
$$;
comment on function howdah_private.offer_candidates() is
    'every framework and agent that may be brought together by an offer';
revoke all on function howdah_private.offer_candidates() from public;

create or replace function howdah_private.offer_deal(overlap integer, batch integer)
returns table (framework_id uuid, agent_id uuid)
language plpgsql
as $$
/* Limited overlap: walk the agents in random order and give each to the lowest frameworks that may
   have it, raising their shares by what they were just offered (divided by overlap, since that many
   share the chance). */
#variable_conflict use_column
declare
    v_ids uuid[];
    v_roles text[];
    v_weights double precision[];
    v_role_shares double precision[];
    v_own_shares double precision[];
    v_agent record;
    v_pick integer;
    v_left integer := offer_deal.batch;
begin
    select array_agg(s.framework_id), array_agg(s.role), array_agg(r.weight::double precision),
           array_agg(s.role_share + s.role_offered / overlap / r.weight),
           array_agg(s.own_share + s.own_offered / overlap)
    into v_ids, v_roles, v_weights, v_role_shares, v_own_shares
    from howdah_private.framework_share_offered s
    join howdah_private.role r on r.name = s.role;
    for v_agent in
        select p.agent_id, p.outstanding, array_agg(k.framework_id) as frameworks,
               howdah_private.dominant_share(p.cpus_milli, p.mem, p.disk, p.gpus, c) as share
        from howdah_private.pool_offerable p
        join howdah_private.offer_candidates() k on k.agent_id = p.agent_id
        cross join howdah_private.cell_total c
        where p.outstanding < overlap
        group by p.agent_id, p.outstanding, p.cpus_milli, p.mem, p.disk, p.gpus, c
        order by random()
    loop
        for v_pick in
            select i.n
            from unnest(v_ids, v_role_shares, v_own_shares) with ordinality
                 as i (id, role_share, own_share, n)
            where i.id = any (v_agent.frameworks)
            order by i.role_share, i.own_share, random()
            limit overlap - v_agent.outstanding
        loop
            framework_id := v_ids[v_pick];
            agent_id := v_agent.agent_id;
            return next;
            v_own_shares[v_pick] := v_own_shares[v_pick] + v_agent.share / overlap;
            v_role_shares := array(
                select case when i.role = v_roles[v_pick]
                            then i.share + v_agent.share / overlap / v_weights[v_pick]
                            else i.share end
                from unnest(v_roles, v_role_shares) with ordinality as i (role, share, n)
                order by i.n);
            v_left := v_left - 1;
        end loop;
        exit when v_left <= 0;
    end loop;
end
$$;
comment on function howdah_private.offer_deal(integer, integer) is
    'deal agents out to the frameworks with the lowest shares';
revoke all on function howdah_private.offer_deal(integer, integer) from public;

create or replace function howdah_private.offers_due()
returns boolean
language plpgsql
as $$
/* Is there a reason to look for offers to make? At once when a task or an agent or a framework
   changed its state, else once a second: sequences tell, without reading a table. */
declare
    v_news bigint;
    v_now bigint := (extract(epoch from clock_timestamp()) * 1000)::bigint;
begin
    select u.last_value + e.last_value into v_news
    from howdah_private.task_update_update_id_seq u, howdah_private.event_event_id_seq e;
    update howdah_private.news_cursor c set position = v_news
    where c.name = 'offers_news' and c.position <> v_news;
    if not found then
        perform 1 from howdah_private.news_cursor c
        where c.name = 'offers_made_ms' and c.position > v_now - 1000 and c.position <= v_now;
        if found then
            return false;
        end if;
    end if;
    update howdah_private.news_cursor c set position = v_now where c.name = 'offers_made_ms';
    return true;
end
$$;
comment on function howdah_private.offers_due() is 'is it worth looking for offers to make?';
revoke all on function howdah_private.offers_due() from public;

create or replace function howdah.offers_make(epoch bigint)
returns integer
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
set synchronous_commit = off
set jit = off
as $$
/* Leader's chore: make offers by weighted dominant resource fairness and the settings overlap,
   offer_timeout_s and offer_batch. Returns how many it made. */
declare
    v_overlap integer := nullif(setting_get('overlap'), 'unlimited')::integer;
    v_batch integer := setting_get('offer_batch')::integer;
    v_expires timestamptz := clock_timestamp() + setting_interval('offer_timeout_s');
    v_count integer;
begin
    perform leader_enter('offers_make', offers_make.epoch);
    if not offers_due() then
        return 0;
    end if;
    with pair as materialized (
        select d.framework_id, d.agent_id
        from offer_deal(v_overlap, v_batch) d
        where v_overlap is not null
        union all
        (select k.framework_id, k.agent_id
         from offer_candidates() k
         join framework_share s on s.framework_id = k.framework_id
         where v_overlap is null
         order by s.role_share, s.own_share, random()
         limit v_batch)
    ), made as (
        insert into offer (framework_id, agent_id, agent_version, cpus_milli, mem, disk, gpus,
                           ports, scalars, sets, expires_at)
        select k.framework_id, k.agent_id, p.version, p.cpus_milli, p.mem, p.disk, p.gpus,
               p.ports, p.scalars, p.sets, v_expires
        from pair k
        join pool_free p on p.agent_id = k.agent_id
        returning framework_id
    ), counted as (
        update framework_total t
        set offers = t.offers + c.n
        from (select m.framework_id, count(*) as n from made m group by m.framework_id) c
        where t.framework_id = c.framework_id
    )
    select count(*) into v_count from made;
    return v_count;
end
$$;
comment on function howdah.offers_make(bigint) is 'leader: make offers';
revoke all on function howdah.offers_make(bigint) from public;
grant execute on function howdah.offers_make(bigint) to howdah_coordinator;
