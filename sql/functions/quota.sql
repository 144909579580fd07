-- SPDX-License-Identifier: PostgreSQL
-- Quota: what a role is guaranteed and what it may hold at most, for each resource kind, on every level
-- of the tree. Both count for a role together with all roles below it.
--
-- Kinds are named as in errors: cpus, mem, disk, gpus, ports, scalars.NAME, sets.NAME. Of ports and
-- sets only the number is guaranteed or limited.

create or replace function howdah_private.resource_amounts(resources jsonb)
returns table (resource text, amount numeric)
language sql immutable parallel safe
as $$
    /* A good resources object as one row for each kind; lists of ports and items are counted. */
    select e.key, case when e.key <> 'ports' or jsonb_typeof(e.value) = 'number'
                       then e.value::numeric
                       else (select coalesce(sum(upper(r) - lower(r)), 0)
                             from unnest(howdah_private.ranges_from_json(e.value)) r) end
    from jsonb_each(resource_amounts.resources) e
    where e.key not in ('scalars', 'sets')
    union all
    select 'scalars.' || e.key, e.value::numeric
    from jsonb_each(resource_amounts.resources -> 'scalars') e
    union all
    select 'sets.' || e.key, case jsonb_typeof(e.value)
                                 when 'number' then e.value::numeric
                                 else jsonb_array_length(e.value) end
    from jsonb_each(resource_amounts.resources -> 'sets') e;
$$;
comment on function howdah_private.resource_amounts(jsonb) is
    'a resources object as one row for each kind';
revoke all on function howdah_private.resource_amounts(jsonb) from public;

create or replace function howdah_private.amounts_to_json(kinds text[], amounts numeric[])
returns jsonb
language sql immutable parallel safe
as $$
    /* The reverse of resource_amounts; null for no kinds. Amounts that are null are left out. */
    with row_of as (
        select split_part(k.kind, '.', 1) as head, k.kind,
               substr(k.kind, strpos(k.kind, '.') + 1) as name, trim_scale(k.amount) as amount
        from unnest(kinds, amounts) as k (kind, amount)
        where k.amount is not null
    )
    select jsonb_object_agg(x.key, x.value)
    from (select r.kind as key, to_jsonb(r.amount) as value from row_of r
          where r.head not in ('scalars', 'sets')
          union all
          select r.head, jsonb_object_agg(r.name, r.amount) from row_of r
          where r.head in ('scalars', 'sets')
          group by r.head) x;
$$;
comment on function howdah_private.amounts_to_json(text[], numeric[]) is
    'amounts by kind as a resources object';
revoke all on function howdah_private.amounts_to_json(text[], numeric[]) from public;

create or replace view howdah_private.cell_amount as
select x.resource, x.amount
from howdah_private.cell_total c
cross join lateral (values ('cpus', c.cpus_milli / 1000.0), ('mem', c.mem::numeric),
                           ('disk', c.disk::numeric), ('gpus', c.gpus::numeric))
    as x (resource, amount)
union all
select 'ports', sum(upper(r) - lower(r))::numeric
from howdah_private.agent_pool p, unnest(p.ports_capacity) r
where p.open
union all
select 'scalars.' || e.key, sum(e.value::numeric)
from howdah_private.agent_pool p, jsonb_each(p.scalars_capacity) e
where p.open
group by e.key
union all
select 'sets.' || e.key, sum(jsonb_array_length(e.value))::numeric
from howdah_private.agent_pool p, jsonb_each(p.sets_capacity) e
where p.open
group by e.key;
comment on view howdah_private.cell_amount is
    'capacity of the agents that take claims, a row for each resource kind';

create or replace function howdah_private.role_guarantee(role text, resource text)
returns numeric
language plpgsql stable
as $$
/* What a role must be able to count on: its own guarantee, or what its children are guaranteed
   together if that is more. role null: the whole cell's children. */
begin
    return greatest(
        (select q.guarantee from howdah_private.quota q
         where q.role = role_guarantee.role and q.resource = role_guarantee.resource),
        (select sum(howdah_private.role_guarantee(r.name, role_guarantee.resource))
         from howdah_private.role r where r.parent is not distinct from role_guarantee.role));
end
$$;
comment on function howdah_private.role_guarantee(text, text) is
    'what a role and its children are guaranteed';
revoke all on function howdah_private.role_guarantee(text, text) from public;

create or replace function howdah_private.quota_parse(field text, resources jsonb)
returns table (resource text, amount numeric)
language plpgsql
as $$
/* The amounts of a guarantee or of limits; raises value_invalid about the field that is wrong. */
#variable_conflict use_column
declare
    v_bad record;
    v_part text;
begin
    if quota_parse.resources is null then
        return;
    elsif jsonb_typeof(quota_parse.resources) <> 'object' then
        perform howdah_private.raise('value_invalid', 'quota_set', quota_parse.field,
                                     quota_parse.resources::text,
                                     'an object such as {"cpus": 8, "mem": 4096}');
    end if;
    foreach v_part in array array['scalars', 'sets'] loop
        if jsonb_typeof(quota_parse.resources -> v_part) <> 'object' then
            perform howdah_private.raise(
                'value_invalid', 'quota_set', quota_parse.field || '.' || v_part,
                (quota_parse.resources -> v_part)::text, 'an object of named amounts');
        end if;
    end loop;
    select x.kind, x.name, x.value, x.places into v_bad
    from (select e.key as kind, e.key as name, e.value,
                 case e.key when 'cpus' then 3 when 'mem' then 0 when 'disk' then 0
                            when 'gpus' then 0 when 'ports' then 0 end as places
          from jsonb_each(quota_parse.resources) e where e.key not in ('scalars', 'sets')
          union all
          select 'scalars.' || e.key, e.key, e.value, 3
          from jsonb_each(quota_parse.resources -> 'scalars') e
          union all
          select 'sets.' || e.key, e.key, e.value, 0
          from jsonb_each(quota_parse.resources -> 'sets') e) x
    where x.places is null or not howdah_private.name_ok(x.name)
       or not howdah_private.amount_ok(x.value, x.places)
    order by x.kind
    limit 1;
    if found then
        perform howdah_private.raise(
            'value_invalid', 'quota_set', quota_parse.field || '.' || left(v_bad.kind, 60),
            v_bad.value::text, case
                when v_bad.places is null then 'only cpus, mem, disk, gpus, ports, scalars, sets'
                when v_bad.places = 3 then 'a number from 0 to 10^12 with at most 3 decimal places'
                else 'a whole number from 0 to 10^12' end);
    end if;
    return query select a.resource, a.amount
                 from howdah_private.resource_amounts(quota_parse.resources) a;
end
$$;
comment on function howdah_private.quota_parse(text, jsonb) is
    'the amounts of a guarantee or of limits';
revoke all on function howdah_private.quota_parse(text, jsonb) from public;

create or replace function howdah_private.quota_limits_check(role text, limits_changed boolean)
returns void
language plpgsql
as $$
/* After a change of this role: nowhere on its way to the top is more guaranteed than a limit, or than
   the guarantee above. Names its limit if that is too low and was changed, else its guarantee. */
declare
    v_at text := quota_limits_check.role;
    v_is_limit boolean;
    v_bad record;
begin
    while v_at is not null loop
        select q.resource, g.needed, g.below, q.guarantee, q.at_most into v_bad
        from howdah_private.quota q
        cross join lateral (
            select howdah_private.role_guarantee(v_at, q.resource) as needed,
                   (select sum(howdah_private.role_guarantee(r.name, q.resource))
                    from howdah_private.role r where r.parent = v_at) as below) g
        where q.role = v_at and (g.needed > q.at_most or g.below > q.guarantee)
        order by q.resource
        limit 1;
        if found then
            v_is_limit := v_at = quota_limits_check.role and quota_limits_check.limits_changed
                          and v_bad.needed > v_bad.at_most;
            perform howdah_private.raise(
                'value_invalid', 'quota_set',
                case when v_is_limit then 'limits.' else 'guarantee.' end || v_bad.resource,
                (select case when v_is_limit then q.at_most else q.guarantee end
                 from howdah_private.quota q
                 where q.role = quota_limits_check.role and q.resource = v_bad.resource)::text,
                case when v_bad.needed > v_bad.at_most
                     then format('guarantees that fit into the limit of role %s: %s are '
                                 'guaranteed to it and below it, its limit is %s',
                                 v_at, trim_scale(v_bad.needed), trim_scale(v_bad.at_most))
                     else format('guarantees that fit into that of role %s: its children are '
                                 'guaranteed %s together, it has %s',
                                 v_at, trim_scale(v_bad.below), trim_scale(v_bad.guarantee)) end);
        end if;
        select r.parent into v_at from howdah_private.role r where r.name = v_at;
    end loop;
end
$$;
comment on function howdah_private.quota_limits_check(text, boolean) is
    'refuse guarantees that do not fit into limits and guarantees above them';
revoke all on function howdah_private.quota_limits_check(text, boolean) from public;

create or replace function howdah_private.quota_cell_check(role text)
returns void
language plpgsql
as $$
/* After a change of this role's guarantees: the cell has as much as is guaranteed. */
declare
    v_bad record;
begin
    select q.resource, q.guarantee, g.needed, coalesce(c.amount, 0) as there into v_bad
    from howdah_private.quota q
    cross join lateral (select howdah_private.role_guarantee(null, q.resource) as needed) g
    left join howdah_private.cell_amount c on c.resource = q.resource
    where q.role = quota_cell_check.role and q.guarantee > 0
      and g.needed > coalesce(c.amount, 0)
    order by q.resource
    limit 1;
    if found then
        perform howdah_private.raise(
            'value_invalid', 'quota_set', 'guarantee.' || v_bad.resource, v_bad.guarantee::text,
            format('guarantees that the cell can keep: it has %s, all roles are guaranteed %s; '
                   'force accepts it', trim_scale(v_bad.there), trim_scale(v_bad.needed)));
    end if;
end
$$;
comment on function howdah_private.quota_cell_check(text) is
    'refuse guarantees above what the cell has';
revoke all on function howdah_private.quota_cell_check(text) from public;

create or replace function howdah_private.quota_write(role text, guarantee jsonb, limits jsonb)
returns void
language plpgsql
as $$
/* Replace those of both that are not null; refuses a guarantee above the limit of its own role. */
#variable_conflict use_column
declare
    v_rows howdah_private.quota[];
    v_bad record;
begin
    v_rows := array(
        select row (quota_write.role, resource,
                    case when quota_write.guarantee is null then o.guarantee else g.amount end,
                    case when quota_write.limits is null then o.at_most else l.amount end
                   )::howdah_private.quota
        from (select q.resource, q.guarantee, q.at_most from howdah_private.quota q
              where q.role = quota_write.role) o
        full join howdah_private.quota_parse('guarantee', quota_write.guarantee) g
            using (resource)
        full join howdah_private.quota_parse('limits', quota_write.limits) l using (resource));
    select n.resource, n.guarantee, n.at_most into v_bad from unnest(v_rows) n
    where n.guarantee > n.at_most order by n.resource limit 1;
    if found then
        perform howdah_private.raise(
            'value_invalid', 'quota_set',
            case when quota_write.guarantee is null then 'limits.' else 'guarantee.' end
            || v_bad.resource,
            case when quota_write.guarantee is null then v_bad.at_most else v_bad.guarantee end::text,
            format('a guarantee of at most the limit: they are %s and %s',
                   trim_scale(v_bad.guarantee), trim_scale(v_bad.at_most)));
    end if;
    delete from howdah_private.quota q where q.role = quota_write.role;
    insert into howdah_private.quota (role, resource, guarantee, at_most)
    select n.role, n.resource, n.guarantee, n.at_most from unnest(v_rows) n
    where num_nonnulls(n.guarantee, n.at_most) > 0;
end
$$;
comment on function howdah_private.quota_write(text, jsonb, jsonb) is
    'replace the guarantees and limits of a role';
revoke all on function howdah_private.quota_write(text, jsonb, jsonb) from public;

create or replace function howdah.quota_set(
    role text, guarantee jsonb default null, limits jsonb default null,
    force boolean default false)
returns void
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Say what a role and all roles below it are guaranteed, and what they may hold together at most.
   Each is a resources object that replaces the former one whole; null leaves it, {} takes it away.

   select howdah.quota_set('eng', guarantee => '{"cpus": 40, "mem": 65536}',
                           limits => '{"cpus": 80, "sets": {"gpu": 8}}');

   A guarantee is at most the role's limit, those above it, and what the cell has after all other
   guarantees; children's guarantees fit together into their parent's, where it has one. force: accept
   more than the agents that take claims have now.
   Errors: role_unknown, value_invalid. Operators only. */
begin
    lock table quota in share row exclusive mode;
    perform 1 from role r where r.name = quota_set.role for key share;
    if not found then
        perform raise('role_unknown', 'quota_set', 'role', quota_set.role, 'the name of a role');
    elsif num_nonnulls(quota_set.guarantee, quota_set.limits) = 0 then
        perform raise('field_missing', 'quota_set', 'guarantee', null,
                      'guarantee, limits or both: objects such as {"cpus": 8}');
    elsif quota_set.force is null then
        perform raise('value_invalid', 'quota_set', 'force', null, 'true or false');
    end if;
    perform quota_write(quota_set.role, quota_set.guarantee, quota_set.limits);
    perform quota_limits_check(quota_set.role, quota_set.limits is not null);
    if quota_set.guarantee is not null and not quota_set.force then
        perform quota_cell_check(quota_set.role);
    end if;
    perform event_add('role', c.cell_id, null, null, 'operator', 'quota_set', quota_set.role, null,
                      jsonb_strip_nulls(jsonb_build_object('guarantee', quota_set.guarantee,
                                                           'limits', quota_set.limits)))
    from cell c;
end
$$;
comment on function howdah.quota_set(text, jsonb, jsonb, boolean) is
    'say what a role is guaranteed and may hold at most';
revoke all on function howdah.quota_set(text, jsonb, jsonb, boolean) from public;
grant execute on function howdah.quota_set(text, jsonb, jsonb, boolean) to howdah_operator;

create or replace function howdah.quota_clear(role text)
returns integer
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Take all guarantees and limits of a role away; returns of how many resource kinds.
   Errors: role_unknown. Operators only. */
declare
    v_count integer;
begin
    lock table quota in share row exclusive mode;
    if not exists (select 1 from role r where r.name = quota_clear.role) then
        perform raise('role_unknown', 'quota_clear', 'role', quota_clear.role,
                      'the name of a role');
    end if;
    delete from quota q where q.role = quota_clear.role;
    get diagnostics v_count = row_count;
    if v_count > 0 then
        perform event_add('role', c.cell_id, null, null, 'operator', 'quota_clear',
                          quota_clear.role)
        from cell c;
    end if;
    return v_count;
end
$$;
comment on function howdah.quota_clear(text) is 'take all guarantees and limits of a role away';
revoke all on function howdah.quota_clear(text) from public;
grant execute on function howdah.quota_clear(text) to howdah_operator;
