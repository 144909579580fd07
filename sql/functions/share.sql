-- SPDX-License-Identifier: PostgreSQL
-- What each role is entitled to, and its fair share: hierarchical weighted dominant resource fairness
-- with demand. docs/sharing.md defines both, with sources (Ghodsi et al., NSDI 2011; Bhattacharya et
-- al., SoCC 2013).
--
-- share_solve knows nothing of the cell: nodes and kinds go in as arrays, amounts come out. Nodes stand
-- in order of their names' parts, so a parent comes before its children and what is below node i are
-- nodes i + 1 to last[i]. Node 1 is the cell. Amounts are parts of the cell's total of their kind; those
-- of node i and kind k stand at (i - 1) * kinds + k. A node without children is a leaf, and only leaves
-- have demand.

create or replace function howdah_private.share_parents(names text[])
returns integer[]
language plpgsql immutable parallel safe
as $$
/* For each node the number of its parent; 0 for the cell, 1 for those right below it. */
declare
    v_parents integer[] := '{0}';
begin
    for i in 2 .. cardinality(names) loop
        v_parents[i] := coalesce(array_position(names, substring(names[i] from '^(.+)/')), 1);
    end loop;
    return v_parents;
end
$$;
comment on function howdah_private.share_parents(text[]) is 'the number of each node''s parent';
revoke all on function howdah_private.share_parents(text[]) from public;

create or replace function howdah_private.share_last(parents integer[])
returns integer[]
language plpgsql immutable parallel safe
as $$
/* For each node the number of the last node below it; its own for a leaf. */
declare
    v_last integer[] := '{}';
begin
    for i in reverse cardinality(parents) .. 1 loop
        v_last[i] := coalesce(v_last[i], i);
        if parents[i] > 0 then
            v_last[parents[i]] := greatest(v_last[parents[i]], v_last[i]);
        end if;
    end loop;
    return v_last;
end
$$;
comment on function howdah_private.share_last(integer[]) is 'the last node below each node';
revoke all on function howdah_private.share_last(integer[]) from public;

create or replace function howdah_private.share_entitle(
    parents integer[], weights double precision[], guarantees double precision[],
    limits double precision[], kinds integer)
returns double precision[]
language plpgsql immutable parallel safe
as $$
/* Entitlements, kind by kind. What a node is guaranteed is its own guarantee or that of its children
   together, if that is more. A node's entitlement goes to its children: to each what it is guaranteed
   (if that is too much, in proportion), or the part by weight of what guarantees leave, if that is
   more; but never more than its limit. Nodes of weight 0 have none. */
declare
    v_needs double precision[] := guarantees;
    v_sums double precision[];
    v_weights double precision[] := array_fill(0.0, array[cardinality(parents)]);
    v_got double precision[] := array_fill(0.0, array[cardinality(guarantees)]);
    v_p integer;
    v_c integer;
    v_rest double precision;
begin
    v_sums := v_got;
    for i in reverse cardinality(parents) .. 2 loop
        v_weights[parents[i]] := v_weights[parents[i]] + weights[i];
        for k in 1 .. kinds loop
            v_c := (i - 1) * kinds + k;
            v_p := (parents[i] - 1) * kinds + k;
            v_needs[v_c] := greatest(v_needs[v_c], v_sums[v_c]);
            v_sums[v_p] := v_sums[v_p] + v_needs[v_c];
        end loop;
    end loop;
    for k in 1 .. kinds loop
        v_got[k] := least(1, limits[k]);
    end loop;
    for i in 2 .. cardinality(parents) loop
        continue when weights[i] = 0;
        for k in 1 .. kinds loop
            v_c := (i - 1) * kinds + k;
            v_p := (parents[i] - 1) * kinds + k;
            v_rest := greatest(0, v_got[v_p] - v_sums[v_p]);
            v_got[v_c] := least(limits[v_c], greatest(
                v_needs[v_c] * least(1, v_got[v_p] / nullif(v_sums[v_p], 0)),
                weights[i] / v_weights[parents[i]] * v_rest));
        end loop;
    end loop;
    return v_got;
end
$$;
comment on function howdah_private.share_entitle(
    integer[], double precision[], double precision[], double precision[], integer) is
    'what each node is entitled to';
revoke all on function howdah_private.share_entitle(
    integer[], double precision[], double precision[], double precision[], integer) from public;

create or replace function howdah_private.share_free(
    node integer, parents integer[], last integer[], sizes double precision[],
    demands double precision[], rooms double precision[], got double precision[], kinds integer)
returns boolean[]
language plpgsql immutable parallel safe
as $$
/* Which nodes at and below `node` can still grow: leaves whose demand is not met and for which, from
   them up to `node`, there is room of every kind that they need; and nodes above such leaves. */
declare
    c_nothing constant double precision := 1e-12;
    v_free boolean[] := array_fill(false, array[cardinality(parents)]);
    v_ok boolean;
    v_at integer;
begin
    for i in reverse last[node] .. node loop
        continue when last[i] > i or sizes[i] = 0;
        v_ok := true;
        for k in 1 .. kinds loop
            continue when demands[(i - 1) * kinds + k] = 0;
            v_ok := got[(i - 1) * kinds + k] < demands[(i - 1) * kinds + k] * (1 - c_nothing);
            v_at := i;
            while v_ok and v_at >= node loop
                v_ok := rooms[(v_at - 1) * kinds + k] - got[(v_at - 1) * kinds + k] > c_nothing;
                v_at := parents[v_at];
            end loop;
            exit when not v_ok;
        end loop;
        v_at := i;
        while v_ok and v_at >= node and not v_free[v_at] loop
            v_free[v_at] := true;
            v_at := parents[v_at];
        end loop;
    end loop;
    return v_free;
end
$$;
comment on function howdah_private.share_free(
    integer, integer[], integer[], double precision[], double precision[], double precision[],
    double precision[], integer) is 'which nodes can still grow';
revoke all on function howdah_private.share_free(
    integer, integer[], integer[], double precision[], double precision[], double precision[],
    double precision[], integer) from public;

create or replace function howdah_private.share_mix(
    node integer, parents integer[], last integer[], weights double precision[],
    sizes double precision[], demands double precision[], levels double precision[], kinds integer,
    inout growing boolean[], out mix double precision[], out norms double precision[],
    out gaps double precision[])
returns record
language plpgsql immutable parallel safe
as $$
/* Bottom up, what the next growth below `node` is made of: on every level the children that can grow
   and have least for their weight do, by their weights. growing: in who can, out who does. mix: what
   a node's growth is made of, its largest part 1. norms: how fast an inner node grows when its
   children's levels rise by 1 for each weight. gaps: by how much they may rise until the next child
   takes part. */
declare
    c_nothing constant double precision := 1e-12;
    v_least double precision;
    v_next double precision;
begin
    mix := array_fill(0.0, array[cardinality(demands)]);
    norms := array_fill(0.0, array[cardinality(parents)]);
    gaps := array_fill('Infinity'::double precision, array[cardinality(parents)]);
    for i in reverse last[node] .. node loop
        continue when not growing[i];
        if last[i] = i then
            for x in (i - 1) * kinds + 1 .. i * kinds loop
                mix[x] := demands[x] / sizes[i];
            end loop;
            continue;
        end if;
        v_least := 'Infinity';
        v_next := 'Infinity';
        for c in i + 1 .. last[i] loop
            if parents[c] = i and growing[c] then
                v_least := least(v_least, levels[c] / weights[c]);
            end if;
        end loop;
        for c in i + 1 .. last[i] loop
            continue when parents[c] <> i or not growing[c];
            growing[c] := levels[c] / weights[c] <= v_least + c_nothing * greatest(1, v_least);
            if not growing[c] then
                v_next := least(v_next, levels[c] / weights[c]);
                continue;
            end if;
            for k in 1 .. kinds loop
                mix[(i - 1) * kinds + k] := mix[(i - 1) * kinds + k]
                                            + weights[c] * mix[(c - 1) * kinds + k];
            end loop;
        end loop;
        for x in (i - 1) * kinds + 1 .. i * kinds loop
            norms[i] := greatest(norms[i], mix[x]);
        end loop;
        for x in (i - 1) * kinds + 1 .. i * kinds loop
            mix[x] := mix[x] / norms[i];
        end loop;
        gaps[i] := v_next - v_least;
    end loop;
end
$$;
comment on function howdah_private.share_mix(
    integer, integer[], integer[], double precision[], double precision[], double precision[],
    double precision[], integer, boolean[]) is 'who grows next, and what that is made of';
revoke all on function howdah_private.share_mix(
    integer, integer[], integer[], double precision[], double precision[], double precision[],
    double precision[], integer, boolean[]) from public;

create or replace function howdah_private.share_fill(
    node integer, parents integer[], last integer[], weights double precision[],
    sizes double precision[], demands double precision[], rooms double precision[], kinds integer,
    inout got double precision[])
returns double precision[]
language plpgsql immutable parallel safe
as $$
/* Water-filling below `node`: those that share_mix names grow together until a demand is met, room of
   a kind runs out (those who need that kind stop then), or the next child is reached; and so on until
   nothing can grow. A node's level is its dominant share of what it has at the start, and what is added
   counts by the dominant share of what is added. */
declare
    v_levels double precision[] := array_fill(0.0, array[cardinality(parents)]);
    v_speeds double precision[];
    v_step double precision;
    v_mix record;
    v_of double precision[];
begin
    for i in node .. last[node] loop
        for x in (i - 1) * kinds + 1 .. i * kinds loop
            v_levels[i] := greatest(v_levels[i], got[x]);
        end loop;
    end loop;
    loop
        select m.* into v_mix
        from howdah_private.share_mix(
            node, parents, last, weights, sizes, demands, v_levels, kinds,
            howdah_private.share_free(node, parents, last, sizes, demands, rooms, got, kinds)) m;
        exit when not v_mix.growing[node];
        v_of := v_mix.mix;
        v_speeds := array_fill(0.0, array[cardinality(parents)]);
        v_step := 'Infinity';
        for i in node .. last[node] loop
            if i = node then
                v_speeds[i] := v_mix.norms[i];
            elsif v_mix.growing[i] and v_speeds[parents[i]] > 0 then
                v_speeds[i] := weights[i] * v_speeds[parents[i]] / v_mix.norms[parents[i]];
            end if;
            continue when v_speeds[i] = 0;
            v_step := least(v_step, case when last[i] = i then sizes[i] - v_levels[i]
                                         else v_mix.gaps[i] * v_mix.norms[i] end / v_speeds[i]);
            for x in (i - 1) * kinds + 1 .. i * kinds loop
                if v_of[x] > 0 then
                    v_step := least(v_step, (rooms[x] - got[x]) / v_of[x] / v_speeds[i]);
                end if;
            end loop;
        end loop;
        for i in node .. last[node] loop
            continue when v_speeds[i] = 0;
            v_levels[i] := v_levels[i] + v_step * v_speeds[i];
            for x in (i - 1) * kinds + 1 .. i * kinds loop
                got[x] := got[x] + v_step * v_speeds[i] * v_of[x];
            end loop;
        end loop;
    end loop;
end
$$;
comment on function howdah_private.share_fill(
    integer, integer[], integer[], double precision[], double precision[], double precision[],
    double precision[], integer, double precision[]) is 'deal out the room of a node below it';
revoke all on function howdah_private.share_fill(
    integer, integer[], integer[], double precision[], double precision[], double precision[],
    double precision[], integer, double precision[]) from public;

create or replace function howdah_private.share_solve(
    names text[], weights double precision[], demands double precision[],
    guarantees double precision[], limits double precision[], kinds integer,
    out entitled double precision[], out fair double precision[])
returns record
language plpgsql immutable parallel safe
as $$
/* Entitlements and fair shares. First each leaf gets of its demand what its entitlement covers; then
   the room of each inner node is dealt out below it, the innermost nodes first: a node's entitlement
   goes to those below it before others see it, and the cell's whole at last. So a fair share is never
   less than the entitlement of who wants it, and idle room goes to the nearest first. */
declare
    v_parents integer[] := howdah_private.share_parents(names);
    v_last integer[] := howdah_private.share_last(v_parents);
    v_sizes double precision[] := array_fill(0.0, array[cardinality(names)]);
    v_rooms double precision[];
    v_part double precision;
begin
    entitled := howdah_private.share_entitle(
        v_parents, array(select case when n.name like '%/.' then 0 else n.weight end
                         from unnest(names, weights) with ordinality as n (name, weight, i)
                         order by n.i), guarantees, limits, kinds);
    fair := array_fill(0.0, array[cardinality(demands)]);
    for i in reverse cardinality(names) .. 1 loop
        if v_last[i] = i then
            v_part := 1;
            for x in (i - 1) * kinds + 1 .. i * kinds loop
                v_sizes[i] := greatest(v_sizes[i], demands[x]);
                v_part := least(v_part, entitled[x] / nullif(demands[x], 0));
            end loop;
            for x in (i - 1) * kinds + 1 .. i * kinds loop
                fair[x] := v_part * demands[x];
            end loop;
        else
            v_rooms := limits;
            v_rooms[(i - 1) * kinds + 1 : i * kinds] := entitled[(i - 1) * kinds + 1 : i * kinds];
            fair := howdah_private.share_fill(i, v_parents, v_last, weights, v_sizes, demands,
                                              v_rooms, kinds, fair);
        end if;
        if i > 1 then
            for k in 1 .. kinds loop
                fair[(v_parents[i] - 1) * kinds + k] := fair[(v_parents[i] - 1) * kinds + k]
                                                        + fair[(i - 1) * kinds + k];
            end loop;
        end if;
    end loop;
end
$$;
comment on function howdah_private.share_solve(
    text[], double precision[], double precision[], double precision[], double precision[],
    integer) is 'entitlements and fair shares of a tree';
revoke all on function howdah_private.share_solve(
    text[], double precision[], double precision[], double precision[], double precision[],
    integer) from public;

create or replace view howdah_private.framework_wanting as
select f.framework_id, f.role, f.requested_at is null as greedy
from howdah_private.framework f
where f.state = 'active' and not f.suppressed
  and (f.requested_at is null
       or exists (select 1 from howdah_private.request r where r.framework_id = f.framework_id));
comment on view howdah_private.framework_wanting is
    'frameworks that want offers; greedy: they did not say how much they need';

create or replace view howdah_private.role_held as
select h.role, x.resource, sum(x.amount)::double precision as amount
from howdah_private.framework_held h
cross join lateral (
    select 'cpus' as resource, h.cpus_milli / 1000.0 as amount
    union all select 'mem', h.mem
    union all select 'disk', h.disk
    union all select 'gpus', h.gpus
    union all select 'ports', h.ports where h.ports is not null
    union all
    select 'scalars.' || e.key, e.value::numeric
    from jsonb_array_elements(h.scalars) s, jsonb_each(s) e
    union all
    select 'sets.' || e.key, jsonb_array_length(e.value)
    from jsonb_array_elements(h.sets) s, jsonb_each(s) e) x
group by h.role, x.resource;
comment on view howdah_private.role_held is
    'what the live tasks of each role''s own frameworks hold, guaranteed or revocable, by kind';

create or replace view howdah_private.role_requested as
with plain as materialized (
    select f.role, r.count, r.cpus_milli, r.mem, r.disk, r.gpus,
           case when r.resources ?| '{ports,scalars,sets}'::text[] then r.resources end as resources
    from howdah_private.request r
    join howdah_private.framework f on f.framework_id = r.framework_id
    cross join howdah_private.cell_total c
    where f.state = 'active'
      -- What the cell has nothing of cannot be met: it must not count as demand for the rest.
      and (r.cpus_milli = 0 or c.cpus_milli > 0) and (r.mem = 0 or c.mem > 0)
      and (r.disk = 0 or c.disk > 0) and (r.gpus = 0 or c.gpus > 0)
      and (not r.resources ?| '{ports,scalars,sets}'::text[]
           or not exists (select 1 from howdah_private.resource_amounts(r.resources) a
                          where a.amount > 0
                            and a.resource not in (select t.resource
                                                   from howdah_private.cell_amount t
                                                   where t.amount > 0)))
)
select p.role, x.resource, sum(x.amount)::double precision as amount
from (select q.role, sum(q.count::numeric * q.cpus_milli) / 1000.0 as cpus,
             sum(q.count * q.mem) as mem, sum(q.count * q.disk) as disk,
             sum(q.count * q.gpus) as gpus
      from plain q group by q.role) p
cross join lateral (values ('cpus', p.cpus), ('mem', p.mem), ('disk', p.disk), ('gpus', p.gpus))
    as x (resource, amount)
group by p.role, x.resource
union all
select p.role, a.resource, sum(p.count * a.amount)::double precision
from plain p
cross join lateral howdah_private.resource_amounts(p.resources) a
where p.resources is not null and a.resource not in ('cpus', 'mem', 'disk', 'gpus')
group by p.role, a.resource;
comment on view howdah_private.role_requested is
    'what each role''s own frameworks say they want beyond what they hold, by kind';

create or replace view howdah_private.role_ancestor as
select r.name::text as role, array_to_string(p.parts[1 : i.n], '/') as ancestor
from howdah_private.role r
cross join lateral (select string_to_array(r.name, '/') as parts) p
cross join lateral generate_series(0, cardinality(p.parts)) as i (n);
comment on view howdah_private.role_ancestor is
    'each role with itself, those above it and the cell (the empty name)';

create or replace function howdah_private.share_now()
returns table (node text, role text, resource text, total double precision,
               held double precision, wanted double precision, guarantee double precision,
               at_most double precision, entitled double precision, fair double precision)
language sql stable
set jit = off
as $$
    /* The present shares: a row for each node and kind of which the cell has some. Nodes are the cell
       (the empty name), roles, and for the own frameworks of a role with children a node NAME/. below
       it. held and wanted are those of everybody below the node; amounts in the interface's units. */
    with kind as materialized (
        select c.resource, c.amount::double precision as total,
               row_number() over (order by c.resource) as k
        from howdah_private.cell_amount c where c.amount > 0
    ), node as materialized (
        select x.name, x.role, x.weight, x.is_leaf,
               row_number() over (order by string_to_array(x.name, '/') collate "C") as n
        from (select ''::text as name, null::text as role, 1::numeric as weight, false as is_leaf
              union all
              select r.name, r.name, r.weight,
                     not exists (select 1 from howdah_private.role c where c.parent = r.name)
              from howdah_private.role r
              union all
              select r.name || '/.', r.name, 1, true
              from howdah_private.role r
              where exists (select 1 from howdah_private.role c where c.parent = r.name)
                and exists (select 1 from howdah_private.framework f
                            where f.role = r.name and f.state <> 'completed')) x
    ), amount as materialized (
        select y.role, y.resource, sum(y.held) as held, sum(y.wanted) as wanted
        from (select h.role, h.resource, h.amount as held, 0::double precision as wanted
              from howdah_private.role_held h
              union all
              select w.role, w.resource, 0, w.amount from howdah_private.role_requested w
              union all
              select w.role, k.resource, 0, count(*) * k.total
              from howdah_private.framework_wanting w cross join kind k
              where w.greedy
              group by w.role, k.resource, k.total) y
        group by y.role, y.resource
    ), below as materialized (
        select p.ancestor as name, a.resource, sum(a.held) as held, sum(a.wanted) as wanted
        from amount a
        join howdah_private.role_ancestor p on p.role = a.role
        group by p.ancestor, a.resource
    ), grid as materialized (
        select n.n, k.k, n.name, n.role, k.resource, k.total,
               coalesce(case when n.name like '%/.' then a.held else b.held end, 0) as held,
               coalesce(case when n.name like '%/.' then a.wanted else b.wanted end, 0) as wanted,
               case when n.is_leaf then coalesce(a.held + a.wanted, 0) else 0 end as demand,
               q.guarantee::double precision as guarantee, q.at_most::double precision as at_most
        from node n
        cross join kind k
        left join amount a on a.role = n.role and a.resource = k.resource
        left join below b on b.name = n.name and b.resource = k.resource
        left join howdah_private.quota q on q.role = n.name and q.resource = k.resource
    ), solved as (
        select s.entitled, s.fair
        from howdah_private.share_solve(
            array(select n.name from node n order by n.n),
            array(select n.weight::double precision from node n order by n.n),
            array(select g.demand / g.total from grid g order by g.n, g.k),
            array(select coalesce(g.guarantee, 0) / g.total from grid g order by g.n, g.k),
            array(select coalesce(g.at_most / g.total,
                                  case when g.n = 1 then 1 else 'Infinity'::double precision end)
                  from grid g order by g.n, g.k),
            (select count(*)::integer from kind)) s
        where exists (select 1 from kind)
    )
    select g.name, g.role, g.resource, g.total, g.held, g.wanted, g.guarantee, g.at_most,
           e.entitled * g.total, e.fair * g.total
    from grid g
    join (select x.entitled, x.fair, x.i
          from solved s
          cross join lateral unnest(s.entitled, s.fair) with ordinality as x (entitled, fair, i)) e
      on e.i = (g.n - 1) * (select count(*) from kind) + g.k
    order by g.n, g.k;
$$;
comment on function howdah_private.share_now() is 'the present entitlements and fair shares';
revoke all on function howdah_private.share_now() from public;
