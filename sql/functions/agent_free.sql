-- SPDX-License-Identifier: PostgreSQL
-- Has an agent room? What is free of each, and whether resources that are asked for can be had there.

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

create or replace view howdah_private.pool_offerable as
select p.agent_id, p.version, p.cpus_milli, p.mem, p.disk, p.gpus, p.ports, p.scalars, p.sets
from howdah_private.pool_free p
where p.open
  and p.cpus_milli >= (select s.value::bigint from howdah_private.setting s
                       where s.name = 'offer_min_cpus_milli')
  and p.mem >= (select s.value::bigint from howdah_private.setting s
                where s.name = 'offer_min_mem');
comment on view howdah_private.pool_offerable is 'what is worth offering';

create or replace view howdah_private.agent_free as
select a.agent_id, a.attributes, p.open, f.cpus_milli / 1000.0 as cpus, f.mem, f.disk, f.gpus,
       coalesce(f.ports, '{}') as ports, coalesce(f.scalars, '{}') as scalars,
       coalesce(f.sets, '{}') as sets
from howdah_private.agent a
join howdah_private.agent_pool p on p.agent_id = a.agent_id and p.pool = '*'
join howdah_private.pool_free f on f.agent_id = a.agent_id
where a.state <> 'gone';
comment on view howdah_private.agent_free is 'agents, taking claims or not, with what is free of them';

create or replace function howdah_private.agent_has(
    agent howdah_private.agent_free, kind text, asked jsonb, amount numeric,
    out free numeric, out enough boolean)
returns record
language sql immutable parallel safe
as $$
    /* How much of a kind is free on an agent, and whether what is asked for can be had there: an
       amount, or the very ports or items that are named. */
    select x.free,
           case when jsonb_typeof(asked) is distinct from 'array' then x.free >= agent_has.amount
                when kind = 'ports' then howdah_private.ranges_from_json(asked) <@ (agent).ports
                else coalesce((agent).sets -> substr(kind, 6) @> asked, false) end
    from (select case
              when kind = 'cpus' then (agent).cpus
              when kind = 'mem' then (agent).mem
              when kind = 'disk' then (agent).disk
              when kind = 'gpus' then (agent).gpus
              when kind = 'ports' then (select coalesce(sum(upper(r) - lower(r)), 0)
                                        from unnest((agent).ports) r)
              when kind like 'scalars.%' then
                  coalesce(((agent).scalars -> substr(kind, 9))::numeric, 0)
              else coalesce(jsonb_array_length((agent).sets -> substr(kind, 6)), 0)
              end as free) x;
$$;
comment on function howdah_private.agent_has(howdah_private.agent_free, text, jsonb, numeric) is
    'how much of a kind is free on an agent, and whether that is enough';
revoke all on function howdah_private.agent_has(howdah_private.agent_free, text, jsonb, numeric)
    from public;

create or replace function howdah_private.resource_asked(resources jsonb, kind text)
returns jsonb
language sql immutable parallel safe
as $$
    select case when kind = 'ports' then resources -> 'ports'
                when kind like 'sets.%' then resources -> 'sets' -> substr(kind, 6) end;
$$;
comment on function howdah_private.resource_asked(jsonb, text) is
    'the ports or items that resources ask for: which, or how many';
revoke all on function howdah_private.resource_asked(jsonb, text) from public;

create or replace function howdah_private.agent_has_all(
    agent howdah_private.agent_free, resources jsonb)
returns boolean
language plpgsql immutable parallel safe
as $$
begin
    return not exists (
        select 1 from howdah_private.resource_amounts(resources) a
        cross join lateral howdah_private.agent_has(
            agent, a.resource, howdah_private.resource_asked(resources, a.resource), a.amount) h
        where not h.enough);
end
$$;
comment on function howdah_private.agent_has_all(howdah_private.agent_free, jsonb) is
    'has an agent all of these resources free?';
revoke all on function howdah_private.agent_has_all(howdah_private.agent_free, jsonb) from public;
