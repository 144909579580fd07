-- SPDX-License-Identifier: PostgreSQL
-- The books of an agent: take and give back. Callers hold the pools' row locks, taken in agent_id
-- order (pools_lock), before they take any task's.

create or replace function howdah_private.pools_lock(agents uuid[])
returns void
language plpgsql
as $$
/* Lock the pools of these agents in the order that everybody uses. */
begin
    perform 1
    from howdah_private.agent_pool p
    where p.agent_id = any (agents)
    order by p.agent_id, p.pool
    for no key update;
end
$$;
comment on function howdah_private.pools_lock(uuid[]) is 'lock agents'' pools in agent_id order';
revoke all on function howdah_private.pools_lock(uuid[]) from public;

create or replace function howdah_private.scalars_add(held jsonb, change jsonb, sign integer)
returns jsonb
language plpgsql immutable parallel safe
as $$
/* held + sign * change, name by name; names that reach zero go. */
begin
    if held is null and change is null then
        return null;
    end if;
    return (select jsonb_object_agg(x.name, x.amount)
        from (select k.name, sum(k.amount) as amount
              from (select e.key as name, e.value::numeric as amount
                    from jsonb_each(coalesce(scalars_add.held, '{}'::jsonb)) e
                    union all
                    select e.key, e.value::numeric * scalars_add.sign
                    from jsonb_each(coalesce(scalars_add.change, '{}'::jsonb)) e) k
              group by k.name) x
        where x.amount <> 0);
end
$$;
comment on function howdah_private.scalars_add(jsonb, jsonb, integer) is
    'add or subtract named amounts';
revoke all on function howdah_private.scalars_add(jsonb, jsonb, integer) from public;

create or replace function howdah_private.sets_change(held jsonb, change jsonb, sign integer)
returns jsonb
language plpgsql immutable parallel safe
as $$
/* The items of `change` added to (sign 1) or taken from (sign -1) those of `held`, per set. */
begin
    if held is null and change is null then
        return null;
    end if;
    return (select jsonb_object_agg(x.name, x.items)
        from (select k.name, jsonb_agg(k.item order by k.item) as items
              from (select e.key as name, i.value as item
                    from jsonb_each(coalesce(sets_change.held, '{}'::jsonb)) e,
                         jsonb_array_elements(e.value) i
                    where sets_change.sign > 0
                       or not coalesce(sets_change.change -> e.key @> jsonb_build_array(i.value),
                                       false)
                    union
                    select e.key, i.value
                    from jsonb_each(coalesce(sets_change.change, '{}'::jsonb)) e,
                         jsonb_array_elements(e.value) i
                    where sets_change.sign > 0) k
              group by k.name) x);
end
$$;
comment on function howdah_private.sets_change(jsonb, jsonb, integer) is
    'add items to named sets, or take them away';
revoke all on function howdah_private.sets_change(jsonb, jsonb, integer) from public;

create or replace function howdah_private.pools_change(tasks uuid[], sign integer)
returns void
language plpgsql
as $$
/* Put what these tasks hold into their agents' books (sign 1) or take it out (sign -1). */
declare
    v_task record;
begin
    update howdah_private.agent_pool p
    set version = p.version + case when sign > 0 then 1 else 0 end,
        cpus_free = p.cpus_free - sign * (w.cpus_held + w.cpus_lent),
        cpus_revocable = p.cpus_revocable + sign * w.cpus_lent,
        mem_free = p.mem_free - sign * (w.mem_held + w.mem_lent),
        mem_revocable = p.mem_revocable + sign * w.mem_lent,
        disk_free = p.disk_free - sign * (w.disk_held + w.disk_lent),
        disk_revocable = p.disk_revocable + sign * w.disk_lent,
        gpus_free = p.gpus_free - sign * (w.gpus_held + w.gpus_lent),
        gpus_revocable = p.gpus_revocable + sign * w.gpus_lent
    from (select t.agent_id, t.pool,
                 coalesce(sum(t.cpus_milli) filter (where not t.revocable), 0) as cpus_held,
                 coalesce(sum(t.cpus_milli) filter (where t.revocable), 0) as cpus_lent,
                 coalesce(sum(t.mem) filter (where not t.revocable), 0) as mem_held,
                 coalesce(sum(t.mem) filter (where t.revocable), 0) as mem_lent,
                 coalesce(sum(t.disk) filter (where not t.revocable), 0) as disk_held,
                 coalesce(sum(t.disk) filter (where t.revocable), 0) as disk_lent,
                 coalesce(sum(t.gpus) filter (where not t.revocable), 0) as gpus_held,
                 coalesce(sum(t.gpus) filter (where t.revocable), 0) as gpus_lent
          from howdah_private.task t
          where t.task_id = any (tasks)
          group by t.agent_id, t.pool) w
    where p.agent_id = w.agent_id and p.pool = w.pool;

    for v_task in
        select t.agent_id, t.pool, t.revocable, t.ports, t.scalars, t.sets
        from howdah_private.task t
        where t.task_id = any (tasks)
          and (t.ports is not null or t.scalars is not null or t.sets is not null)
    loop
        update howdah_private.agent_pool p
        set ports_allocated = case
                when v_task.ports is null then p.ports_allocated
                when sign > 0 then coalesce(p.ports_allocated, '{}') + v_task.ports
                else p.ports_allocated - v_task.ports end,
            scalars_allocated = case when v_task.revocable then p.scalars_allocated
                else howdah_private.scalars_add(p.scalars_allocated, v_task.scalars, sign) end,
            scalars_revocable = case when v_task.revocable
                then howdah_private.scalars_add(p.scalars_revocable, v_task.scalars, sign)
                else p.scalars_revocable end,
            sets_allocated = howdah_private.sets_change(p.sets_allocated, v_task.sets, sign)
        where p.agent_id = v_task.agent_id and p.pool = v_task.pool;
    end loop;
end
$$;
comment on function howdah_private.pools_change(uuid[], integer) is
    'put what tasks hold into the books, or take it out';
revoke all on function howdah_private.pools_change(uuid[], integer) from public;
