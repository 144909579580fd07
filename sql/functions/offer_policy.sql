-- SPDX-License-Identifier: PostgreSQL
-- Who is offered what. A policy (offer_rank.sql) puts the frameworks that want offers in order; here the
-- agents that are worth offering are dealt out in that order, as the overlap knob says:
--   overlap 1          each agent is offered to one framework at a time
--   overlap k          to the k first in rank that may have it
--   overlap unlimited  to everybody
-- Outstanding offers count as held while overlap is limited, as in Mesos: otherwise the first one would
-- be offered the whole cell.

create or replace view howdah_private.framework_held as
select f.framework_id, f.role,
       coalesce(sum(t.cpus_milli), 0)::bigint as cpus_milli, coalesce(sum(t.mem), 0)::bigint as mem,
       coalesce(sum(t.disk), 0)::bigint as disk, coalesce(sum(t.gpus), 0)::bigint as gpus,
       count(t.task_id) as tasks,
       sum((select sum(upper(r) - lower(r)) from unnest(t.ports) r))
           filter (where t.ports is not null) as ports,
       jsonb_agg(t.scalars) filter (where t.scalars is not null) as scalars,
       jsonb_agg(t.sets) filter (where t.sets is not null) as sets
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

create or replace view howdah_private.offer_excluded as
select o.framework_id, o.agent_id, true as offered
from howdah_private.offer o
where o.state = 'outstanding'
union all
select x.framework_id, x.agent_id, false
from (select r.framework_id, r.agent_id
      from howdah_private.filter r
      join howdah_private.pool_offerable p on p.agent_id = r.agent_id
      where r.until > clock_timestamp() and r.cpus_milli >= p.cpus_milli and r.mem >= p.mem
        and r.disk >= p.disk and r.gpus >= p.gpus
      union
      select b.framework_id, b.agent_id from howdah_private.filter_barred() b) x
where not exists (select 1 from howdah_private.offer o
                  where o.agent_id = x.agent_id and o.framework_id = x.framework_id
                    and o.state = 'outstanding');
comment on view howdah_private.offer_excluded is
    'who is not to be offered which agent: it is on offer to him, he refused as much of it a moment ago, '
    'or one of his filters bars it';

create or replace function howdah_private.offer_lacking(
    ids uuid[], all_agents uuid[], out agents uuid[], out frameworks uuid[])
returns record
language sql stable
as $$
    /* The agents that are not excluded for everybody, and the frameworks that lack none. */
    with has as materialized (
        select e.framework_id, e.agent_id, count(*) as n
        from howdah_private.offer_excluded e
        group by grouping sets ((e.framework_id), (e.agent_id))
    ), everybody as materialized (
        select count(*) as n
        from (select unnest(offer_lacking.ids)
              union
              select h.framework_id from has h where h.framework_id is not null) x
    )
    select array(select a.id
                 from unnest(offer_lacking.all_agents) with ordinality as a (id, i)
                 left join has h on h.agent_id = a.id
                 where coalesce(h.n, 0) < (select e.n from everybody e)
                 order by a.i),
           array(select h.framework_id from has h
                 where h.framework_id is not null
                   and h.n >= cardinality(offer_lacking.all_agents));
$$;
comment on function howdah_private.offer_lacking(uuid[], uuid[]) is
    'agents that somebody may still be offered, and frameworks that lack none';
revoke all on function howdah_private.offer_lacking(uuid[], uuid[]) from public;

create or replace function howdah_private.offer_spread(
    ranks howdah_private.offer_rank[], batch integer)
returns table (framework_id uuid, agent_id uuid)
language plpgsql
as $$
/* Unlimited overlap: everybody gets every agent that he lacks, the first in rank first. When many
   pairs have been looked at in vain, it is worth counting who lacks something at all. */
#variable_conflict use_column
declare
    c_vain constant integer := 20000;
    v_ids uuid[] := array(select r.framework_id from unnest(ranks) r
                          order by r.group_level, r.own_level, random());
    v_agents uuid[] := array(select p.agent_id from howdah_private.pool_offerable p
                             order by random());
    v_filtered uuid[] := array(select f.framework_id from howdah_private.offer_filter f
                               group by f.framework_id);
    v_full uuid[] := '{}';
    v_seen integer := 0;
    v_left integer := batch;
    v_count integer;
begin
    foreach framework_id in array v_ids loop
        continue when framework_id = any (v_full);
        return query
        select offer_spread.framework_id, a.id
        from unnest(v_agents) as a (id)
        where not exists (select 1 from howdah_private.offer o
                          where o.agent_id = a.id and o.framework_id = offer_spread.framework_id
                            and o.state = 'outstanding')
          and not exists (select 1 from howdah_private.filter x
                          join howdah_private.pool_offerable p on p.agent_id = x.agent_id
                          where x.framework_id = offer_spread.framework_id and x.agent_id = a.id
                            and x.until > clock_timestamp() and x.cpus_milli >= p.cpus_milli
                            and x.mem >= p.mem and x.disk >= p.disk and x.gpus >= p.gpus)
          and not (offer_spread.framework_id = any (v_filtered)
                   and a.id in (select b.agent_id
                                from howdah_private.filter_barred(offer_spread.framework_id,
                                                                  v_agents) b))
        limit v_left;
        get diagnostics v_count = row_count;
        v_left := v_left - v_count;
        exit when v_left <= 0;
        if v_seen between 0 and c_vain then
            v_seen := v_seen + cardinality(v_agents);
            if v_seen > c_vain then
                select l.agents, l.frameworks into v_agents, v_full
                from howdah_private.offer_lacking(v_ids, v_agents) l;
            end if;
        end if;
    end loop;
end
$$;
comment on function howdah_private.offer_spread(howdah_private.offer_rank[], integer) is
    'unlimited overlap: who is offered which agent';
revoke all on function howdah_private.offer_spread(howdah_private.offer_rank[], integer) from public;

create or replace function howdah_private.ranks_with_offers(
    ranks howdah_private.offer_rank[], overlap integer)
returns setof howdah_private.offer_rank
language sql stable
as $$
    /* Levels raised by what is on offer, divided by overlap, since that many share the chance. */
    select r.framework_id, r.share_group,
           r.group_level + howdah_private.dominant_share(
               (sum(o.cpus_milli) over w)::bigint, (sum(o.mem) over w)::bigint,
               (sum(o.disk) over w)::bigint, (sum(o.gpus) over w)::bigint, c)
               / overlap / r.group_size,
           r.group_size,
           r.own_level + howdah_private.dominant_share(
               o.cpus_milli, o.mem, o.disk, o.gpus, c) / overlap
    from unnest(ranks) r
    cross join howdah_private.cell_total c
    left join (select x.framework_id, sum(x.cpus_milli)::bigint as cpus_milli,
                      sum(x.mem)::bigint as mem, sum(x.disk)::bigint as disk,
                      sum(x.gpus)::bigint as gpus
               from howdah_private.offer x
               where x.state = 'outstanding'
               group by x.framework_id) o on o.framework_id = r.framework_id
    window w as (partition by r.share_group);
$$;
comment on function howdah_private.ranks_with_offers(howdah_private.offer_rank[], integer) is
    'ranks in which what is on offer counts as held';
revoke all on function howdah_private.ranks_with_offers(howdah_private.offer_rank[], integer)
    from public;

create or replace function howdah_private.order_restore(
    inout line integer[], levels double precision[], place integer, last integer)
returns integer[]
language plpgsql immutable
as $$
/* The level of the one at `place` of a line in order of levels has risen: move it back to where it
   belongs, at most to `last`. */
declare
    v_moved integer := line[place];
begin
    while place < last and levels[line[place + 1]] < levels[v_moved] loop
        line[place] := line[place + 1];
        place := place + 1;
    end loop;
    line[place] := v_moved;
end
$$;
comment on function howdah_private.order_restore(integer[], double precision[], integer, integer) is
    'put one whose level rose back in line';
revoke all on function howdah_private.order_restore(
    integer[], double precision[], integer, integer) from public;

create or replace function howdah_private.offer_deal(
    ranks howdah_private.offer_rank[], overlap integer, batch integer)
returns table (framework_id uuid, agent_id uuid)
language plpgsql
as $$
/* Limited overlap: walk the agents in random order and give each to the first in rank that may have
   it, raising his levels by what he was just offered. Groups stand in a line by level, and in each the
   frameworks; who was served moves back to where he belongs now. */
#variable_conflict use_column
declare
    v_ids uuid[];  -- frameworks, those of a group side by side, in order of their levels
    v_own double precision[];
    v_members integer[];  -- the line of each group's frameworks
    v_firsts integer[];
    v_lasts integer[];
    v_levels double precision[];  -- of groups
    v_sizes double precision[];
    v_groups integer[];  -- the line of groups
    v_agent record;
    v_need integer;
    v_i integer;
    v_g integer;
    v_at integer;
    v_left integer := batch;
begin
    with ranked as (
        select r.*, row_number() over (order by r.share_group, r.own_level, random()) as n
        from howdah_private.ranks_with_offers(ranks, overlap) r
    ), grouped as (
        select min(r.n) as first, max(r.n) as last, min(r.group_level) as level,
               min(r.group_size) as size
        from ranked r group by r.share_group
    ), lined as (
        select g.*, row_number() over (order by g.level, random()) as i from grouped g
    )
    select array(select r.framework_id from ranked r order by r.n),
           array(select r.own_level from ranked r order by r.n),
           array(select r.n::integer from ranked r order by r.n),
           array(select l.first::integer from lined l order by l.i),
           array(select l.last::integer from lined l order by l.i),
           array(select l.level from lined l order by l.i),
           array(select l.size from lined l order by l.i),
           array(select l.i::integer from lined l order by l.i)
    into v_ids, v_own, v_members, v_firsts, v_lasts, v_levels, v_sizes, v_groups;
    for v_agent in
        select p.agent_id, coalesce(e.excluded, '{}') as excluded,
               overlap - coalesce(e.outstanding, 0) as need,
               howdah_private.dominant_share(p.cpus_milli, p.mem, p.disk, p.gpus, c)
                   / overlap as part
        from howdah_private.pool_offerable p
        cross join howdah_private.cell_total c
        left join (select x.agent_id, array_agg(x.framework_id) as excluded,
                          count(*) filter (where x.offered) as outstanding
                   from howdah_private.offer_excluded x
                   group by x.agent_id) e on e.agent_id = p.agent_id
        where coalesce(e.outstanding, 0) < overlap
        order by random()
    loop
        agent_id := v_agent.agent_id;
        v_need := least(v_agent.need, v_left);
        v_i := 1;
        while v_need > 0 and v_i <= cardinality(v_groups) loop
            v_g := v_groups[v_i];
            v_at := v_firsts[v_g];
            while v_at <= v_lasts[v_g] and v_ids[v_members[v_at]] = any (v_agent.excluded) loop
                v_at := v_at + 1;
            end loop;
            if v_at > v_lasts[v_g] then
                v_i := v_i + 1;
                continue;
            end if;
            framework_id := v_ids[v_members[v_at]];
            return next;
            v_agent.excluded := v_agent.excluded || framework_id;
            v_own[v_members[v_at]] := v_own[v_members[v_at]] + v_agent.part;
            v_levels[v_g] := v_levels[v_g] + v_agent.part / v_sizes[v_g];
            v_members := howdah_private.order_restore(v_members, v_own, v_at, v_lasts[v_g]);
            v_groups := howdah_private.order_restore(v_groups, v_levels, v_i,
                                                     cardinality(v_groups));
            v_need := v_need - 1;
            v_left := v_left - 1;
            v_i := 1;
        end loop;
        exit when v_left <= 0;
    end loop;
end
$$;
comment on function howdah_private.offer_deal(howdah_private.offer_rank[], integer, integer) is
    'limited overlap: who is offered which agent';
revoke all on function howdah_private.offer_deal(howdah_private.offer_rank[], integer, integer)
    from public;

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
/* Leader's chore: make offers by the settings offer_policy, overlap, offer_timeout_s and offer_batch.
   Returns how many it made. A policy that fails makes none, and that is told (policy_failed). */
declare
    v_overlap integer := nullif(setting_get('overlap'), 'unlimited')::integer;
    v_batch integer := setting_get('offer_batch')::integer;
    v_expires timestamptz := clock_timestamp() + setting_interval('offer_timeout_s');
    v_ranks offer_rank[];
    v_problem text;
    v_count integer;
begin
    perform leader_enter('offers_make', offers_make.epoch);
    if not offers_due() then
        return 0;
    end if;
    begin
        v_ranks := array(select r from offer_ranks(setting_get('offer_policy')) r);
    exception when others then
        get stacked diagnostics v_problem = message_text;
    end;
    perform policy_report('offer', setting_get('offer_policy'), v_problem);
    if cardinality(v_ranks) = 0 or v_problem is not null then
        return 0;
    end if;
    with pair as materialized (
        select d.framework_id, d.agent_id
        from offer_deal(v_ranks, v_overlap, v_batch) d
        where v_overlap is not null
        union all
        select s.framework_id, s.agent_id
        from offer_spread(v_ranks, v_batch) s
        where v_overlap is null
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
