-- SPDX-License-Identifier: PostgreSQL
-- Filters: which agents a framework does not want offered. Two kinds: what it refused by declining
-- (table filter, a row for each agent, soft state), and filters with names that say what an agent must
-- be or have free (table offer_filter). Claims do not ask them.

create or replace function howdah_private.filter_barred(
    framework uuid default null, agents uuid[] default null)
returns table (framework_id uuid, agent_id uuid)
language sql stable
as $$
    /* Those of the agents worth offering (agents null: of all) that do not pass the named filters of a
       framework, or of each. Agents with equal attributes are tested once for a filter. */
    with there as materialized (
        select p.agent_id, p.cpus_milli, p.mem, p.disk, p.gpus, a.attributes,
               dense_rank() over (order by a.attributes) as alike
        from howdah_private.pool_offerable p
        join howdah_private.agent a on a.agent_id = p.agent_id
        where exists (select 1 from howdah_private.offer_filter) -- seldom
          and (filter_barred.agents is null
               or p.agent_id in (select u.id from unnest(filter_barred.agents) as u (id)))
    ), tested as materialized (
        -- All filters of a framework as one.
        select f.framework_id, l.alike,
               bool_and(howdah_private.constraints_met(f.wanted - '{agents,resources}'::text[],
                                                       null, l.attributes)) as met,
               array_agg(f.wanted - '{attributes,resources}'::text[])
                   filter (where f.wanted ? 'agents') as named,
               max(coalesce((f.wanted -> 'resources' -> 'cpus')::numeric * 1000, 0))::bigint as cpus_milli,
               max(coalesce((f.wanted -> 'resources' -> 'mem')::bigint, 0)) as mem,
               max(coalesce((f.wanted -> 'resources' -> 'disk')::bigint, 0)) as disk,
               max(coalesce((f.wanted -> 'resources' -> 'gpus')::bigint, 0)) as gpus,
               array_agg(f.wanted -> 'resources')
                   filter (where f.wanted -> 'resources' ?| '{ports,scalars,sets}') as others
        from howdah_private.offer_filter f
        cross join (select distinct on (t.alike) t.alike, t.attributes from there t) l
        where (filter_barred.framework is null or f.framework_id = filter_barred.framework)
          and (f.until > clock_timestamp()) is not false
        group by f.framework_id, l.alike
    )
    select t.framework_id, p.agent_id
    from tested t
    join there p on p.alike = t.alike
    where not (t.met and p.cpus_milli >= t.cpus_milli and p.mem >= t.mem and p.disk >= t.disk
               and p.gpus >= t.gpus)
       or t.named is not null and exists (
           select 1 from unnest(t.named) as n (wanted)
           where not howdah_private.constraints_met(n.wanted, p.agent_id, '{}'))
       or t.others is not null and exists (
           select 1 from unnest(t.others) as o (wanted)
           cross join howdah_private.agent_free g
           where g.agent_id = p.agent_id and not howdah_private.agent_has_all(g, o.wanted));
$$;
comment on function howdah_private.filter_barred(uuid, uuid[]) is
    'agents that named filters keep from being offered, to a framework or to each';
revoke all on function howdah_private.filter_barred(uuid, uuid[]) from public;

create or replace function howdah_private.filter_problem(wanted jsonb)
returns text
language sql immutable parallel safe
as $$
    /* What is wrong with what a filter wants; null = nothing. */
    select case
        when jsonb_typeof(wanted) is distinct from 'object' or wanted = '{}'
             or wanted - '{agents,attributes,resources}'::text[] <> '{}' then
            howdah_private.problem('wanted', wanted,
                                   'an object with one or more of agents, attributes, resources')
        when pg_column_size(wanted) > 262144 then
            howdah_private.problem('wanted', wanted, 'at most 262144 bytes')
        else coalesce(howdah_private.constraints_problem('wanted', wanted - 'resources'),
                      case when wanted ? 'resources'
                           then howdah_private.resources_problem(wanted -> 'resources', true) end)
        end;
$$;
comment on function howdah_private.filter_problem(jsonb) is
    'what is wrong with what a filter wants; null = nothing';
revoke all on function howdah_private.filter_problem(jsonb) from public;

create or replace function howdah_private.filter_check(
    framework_id uuid, name text, wanted jsonb, refuse_seconds numeric)
returns void
language plpgsql
as $$
/* Raise unless it is a good filter, and not one too many. */
declare
    c_most constant integer := 100;
    v_max numeric := howdah_private.setting_get('refuse_seconds_max')::numeric;
    v_problem text := howdah_private.filter_problem(filter_check.wanted);
begin
    if howdah_private.name_ok(filter_check.name) is not true then
        perform howdah_private.raise('value_invalid', 'filter_set', 'name', filter_check.name,
                                     '1 to 255 characters, no control characters, no blanks at the ends');
    elsif v_problem is not null then
        perform howdah_private.raise('value_invalid', 'filter_set', 'wanted', filter_check.wanted::text,
                                     'a good filter; ' || v_problem);
    elsif not coalesce(filter_check.refuse_seconds between 0 and v_max, true) then
        perform howdah_private.raise('value_invalid', 'filter_set', 'refuse_seconds',
                                     filter_check.refuse_seconds::text,
                                     'seconds, 0 to ' || v_max || ', or null: until cleared');
    elsif (select count(*) from howdah_private.offer_filter f
           where f.framework_id = filter_check.framework_id and f.name <> filter_check.name)
          >= c_most then
        perform howdah_private.raise('value_invalid', 'filter_set', 'name', filter_check.name,
                                     format('at most %s filters of a framework', c_most));
    end if;
end
$$;
comment on function howdah_private.filter_check(uuid, text, jsonb, numeric) is
    'raise unless it is a good filter';
revoke all on function howdah_private.filter_check(uuid, text, jsonb, numeric) from public;

create or replace function howdah.filter_set(
    framework_id uuid, epoch bigint, name text, wanted jsonb, refuse_seconds numeric default null)
returns void
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Be offered only agents that are or have all of this, for refuse_seconds (0: forget the filter; at most
   the setting refuse_seconds_max; null: until it is cleared). Replaces the filter of that name; agents
   must pass all filters of the framework. Outstanding offers stay, and claims are not held to it.

   select howdah.filter_set(:id, :epoch, 'gpus', '{"resources": {"gpus": 2, "mem": 8192},
       "attributes": {"zone": ["a", "b"], "disks": {"min": 2}, "os": {"not": "old"}}}');

   Errors: as every framework call, value_invalid (name, wanted, refuse_seconds). */
begin
    perform framework_enter('filter_set', filter_set.framework_id, filter_set.epoch);
    perform filter_check(filter_set.framework_id, filter_set.name, filter_set.wanted,
                         filter_set.refuse_seconds);
    if filter_set.refuse_seconds = 0 then
        delete from offer_filter f
        where f.framework_id = filter_set.framework_id and f.name = filter_set.name;
    else
        insert into offer_filter as f (framework_id, name, until, wanted)
        values (filter_set.framework_id, filter_set.name,
                clock_timestamp()
                    + make_interval(secs => filter_set.refuse_seconds::double precision),
                filter_set.wanted)
        on conflict on constraint offer_filter_pkey do update
        set until = excluded.until, wanted = excluded.wanted;
    end if;
    perform bell_ring();
end
$$;
comment on function howdah.filter_set(uuid, bigint, text, jsonb, numeric) is
    'be offered only agents that pass this filter';
revoke all on function howdah.filter_set(uuid, bigint, text, jsonb, numeric) from public;
grant execute on function howdah.filter_set(uuid, bigint, text, jsonb, numeric)
    to howdah_framework, howdah_operator;

create or replace function howdah.filters_clear(
    framework_id uuid, epoch bigint, agent_ids uuid[] default null, names text[] default null)
returns integer
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Forget the refusals of these agents and the filters of these names; all of both kinds if neither is
   given. Returns how many there were. */
declare
    v_all boolean := filters_clear.agent_ids is null and filters_clear.names is null;
    v_refusals integer;
    v_named integer;
begin
    perform framework_enter('filters_clear', filters_clear.framework_id, filters_clear.epoch);
    delete from filter x
    where (x.framework_id, x.agent_id) in (
        select l.framework_id, l.agent_id from filter l
        where l.framework_id = filters_clear.framework_id
          and (v_all or l.agent_id = any (filters_clear.agent_ids))
        order by l.agent_id
        for update);
    get diagnostics v_refusals = row_count;
    delete from offer_filter x
    where (x.framework_id, x.name) in (
        select l.framework_id, l.name from offer_filter l
        where l.framework_id = filters_clear.framework_id
          and (v_all or l.name = any (filters_clear.names))
        order by l.name
        for update);
    get diagnostics v_named = row_count;
    perform bell_ring();
    return v_refusals + v_named;
end
$$;
comment on function howdah.filters_clear(uuid, bigint, uuid[], text[]) is
    'forget refusals and named filters';
revoke all on function howdah.filters_clear(uuid, bigint, uuid[], text[]) from public;
grant execute on function howdah.filters_clear(uuid, bigint, uuid[], text[])
    to howdah_framework, howdah_operator;

create or replace function howdah_private.filters_forget(frameworks uuid[])
returns void
language sql
as $$
    delete from howdah_private.filter x where x.framework_id = any (frameworks);
    delete from howdah_private.offer_filter x where x.framework_id = any (frameworks);
$$;
comment on function howdah_private.filters_forget(uuid[]) is
    'forget all filters of frameworks that ended or were taken over';
revoke all on function howdah_private.filters_forget(uuid[]) from public;

create or replace function howdah_private.filters_expire(at timestamptz)
returns void
language sql
as $$
    /* Forget filters whose time is over; those that somebody has locked are left for the next turn. */
    delete from howdah_private.filter x
    where (x.framework_id, x.agent_id) in (
        select l.framework_id, l.agent_id from howdah_private.filter l
        where l.until < at for update skip locked);
    delete from howdah_private.offer_filter x
    where (x.framework_id, x.name) in (
        select l.framework_id, l.name from howdah_private.offer_filter l
        where l.until < at for update skip locked);
$$;
comment on function howdah_private.filters_expire(timestamptz) is 'forget filters whose time is over';
revoke all on function howdah_private.filters_expire(timestamptz) from public;
