-- SPDX-License-Identifier: PostgreSQL
-- The auditor: a row for every invariant that does not hold. It reads one snapshot, so it may run at
-- any time, beside any load.

create or replace function howdah.audit()
returns table (invariant text, object text, detail text)
language sql stable security definer
set search_path = howdah_private, pg_catalog, pg_temp
set jit = off
as $$
    /* No rows: all is well. invariant names the rule of ARCHITECTURE.md (I1, I3, I4, …).
       select * from howdah.audit(); */
    with held as materialized (
        select t.agent_id, t.pool,
               coalesce(sum(t.cpus_milli) filter (where not t.revocable), 0) as cpus_held,
               coalesce(sum(t.cpus_milli) filter (where t.revocable), 0) as cpus_lent,
               coalesce(sum(t.mem) filter (where not t.revocable), 0) as mem_held,
               coalesce(sum(t.mem) filter (where t.revocable), 0) as mem_lent,
               coalesce(sum(t.disk) filter (where not t.revocable), 0) as disk_held,
               coalesce(sum(t.disk) filter (where t.revocable), 0) as disk_lent,
               coalesce(sum(t.gpus) filter (where not t.revocable), 0) as gpus_held,
               coalesce(sum(t.gpus) filter (where t.revocable), 0) as gpus_lent,
               range_agg(t.ports) filter (where t.ports is not null) as ports,
               sum((select sum(upper(r) - lower(r)) from unnest(t.ports) r)) as port_count
        from task t
        where t.terminal_at is null
        group by t.agent_id, t.pool
    ), scalar_held as materialized (
        select t.agent_id, t.pool, t.revocable, e.key as name, sum(e.value::numeric) as amount
        from task t, jsonb_each(t.scalars) e
        where t.terminal_at is null
        group by t.agent_id, t.pool, t.revocable, e.key
    ), scalar_book as materialized (
        select p.agent_id, p.pool, false as revocable, e.key as name, e.value::numeric as amount
        from agent_pool p, jsonb_each(p.scalars_allocated) e
        union all
        select p.agent_id, p.pool, true, e.key, e.value::numeric
        from agent_pool p, jsonb_each(p.scalars_revocable) e
    ), item_held as materialized (
        select t.agent_id, t.pool, e.key as name, i.value as item, count(*) as n
        from task t, jsonb_each(t.sets) e, jsonb_array_elements(e.value) i
        where t.terminal_at is null
        group by t.agent_id, t.pool, e.key, i.value
    ), item_book as materialized (
        select p.agent_id, p.pool, e.key as name, i.value as item
        from agent_pool p, jsonb_each(p.sets_allocated) e, jsonb_array_elements(e.value) i
    )
    select 'I1 capacity', 'agent ' || p.agent_id, 'more is held than there is: ' || x.what
    from agent_pool p
    cross join lateral (values
        ('cpus', p.cpus_free < 0 or p.cpus_free + p.cpus_revocable > p.cpus_capacity),
        ('mem', p.mem_free < 0 or p.mem_free + p.mem_revocable > p.mem_capacity),
        ('disk', p.disk_free < 0 or p.disk_free + p.disk_revocable > p.disk_capacity),
        ('gpus', p.gpus_free < 0 or p.gpus_free + p.gpus_revocable > p.gpus_capacity),
        ('ports', not coalesce(p.ports_allocated, '{}') <@ coalesce(p.ports_capacity, '{}')))
        as x (what, bad)
    where x.bad
    union all
    select 'I1 capacity', 'agent ' || b.agent_id, 'more is held than there is: ' || b.name
    from (select s.agent_id, s.pool, s.name, sum(s.amount) as amount
          from scalar_book s group by s.agent_id, s.pool, s.name) b
    join agent_pool p using (agent_id, pool)
    where b.amount > coalesce((p.scalars_capacity -> b.name)::numeric, 0)
    union all
    select 'I1 capacity', 'agent ' || b.agent_id, format('item %s of set %s is not its', b.item, b.name)
    from item_book b
    join agent_pool p using (agent_id, pool)
    where not coalesce(p.sets_capacity -> b.name @> jsonb_build_array(b.item), false)
    union all
    select 'I4 books', 'agent ' || coalesce(p.agent_id, h.agent_id),
           format('%s: books %s, live tasks %s', x.what, x.book, x.tasks)
    from agent_pool p
    full join held h on h.agent_id = p.agent_id and h.pool = p.pool
    cross join lateral (values
        ('cpus_milli', p.cpus_capacity - p.cpus_free - p.cpus_revocable, coalesce(h.cpus_held, 0)),
        ('revocable cpus_milli', p.cpus_revocable, coalesce(h.cpus_lent, 0)),
        ('mem', p.mem_capacity - p.mem_free - p.mem_revocable, coalesce(h.mem_held, 0)),
        ('revocable mem', p.mem_revocable, coalesce(h.mem_lent, 0)),
        ('disk', p.disk_capacity - p.disk_free - p.disk_revocable, coalesce(h.disk_held, 0)),
        ('revocable disk', p.disk_revocable, coalesce(h.disk_lent, 0)),
        ('gpus', p.gpus_capacity - p.gpus_free - p.gpus_revocable, coalesce(h.gpus_held, 0)),
        ('revocable gpus', p.gpus_revocable, coalesce(h.gpus_lent, 0))) as x (what, book, tasks)
    where x.book is distinct from x.tasks
    union all
    select 'I4 books', 'agent ' || coalesce(p.agent_id, h.agent_id),
           format('ports: books %s, live tasks %s', p.ports_allocated, h.ports)
    from agent_pool p
    full join held h on h.agent_id = p.agent_id and h.pool = p.pool
    where coalesce(p.ports_allocated, '{}') <> coalesce(h.ports, '{}')
    union all
    select 'I4 books', 'agent ' || h.agent_id, 'two live tasks hold one port'
    from held h
    where h.port_count <> (select sum(upper(r) - lower(r)) from unnest(h.ports) r)
    union all
    select 'I4 books', 'agent ' || coalesce(b.agent_id, h.agent_id),
           format('%s: books %s, live tasks %s', coalesce(b.name, h.name), b.amount, h.amount)
    from scalar_book b
    full join scalar_held h on h.agent_id = b.agent_id and h.pool = b.pool
                               and h.revocable = b.revocable and h.name = b.name
    where coalesce(b.amount, 0) <> coalesce(h.amount, 0)
    union all
    select 'I4 books', 'agent ' || coalesce(b.agent_id, h.agent_id),
           format('item %s of set %s: in the books %s, held by %s live tasks',
                  coalesce(b.item, h.item), coalesce(b.name, h.name), b.item is not null,
                  coalesce(h.n, 0))
    from item_book b
    full join item_held h on h.agent_id = b.agent_id and h.pool = b.pool and h.name = b.name
                             and h.item = b.item
    where b.item is null or h.n is distinct from 1
    union all
    select 'I3 terminal', 'task ' || t.task_id,
           format('state %s, terminal_at %s', t.state, t.terminal_at)
    from task t
    where task_terminal(t.state) <> (t.terminal_at is not null)
    union all
    select 'I3 placement', 'task ' || t.task_id, 'is live and in history'
    from task t
    where exists (select 1 from task_history h where h.task_id = t.task_id)
    union all
    select 'I2 claim', 'task ' || t.task_id, 'no claim of its framework committed it'
    from task t
    where t.created_at > now() - make_interval(days => setting_get('history_days')::integer)
      and not exists (
        select 1 from claim c
        where c.framework_id = t.framework_id and c.claim_key = t.claim_key
          and t.task_id = any (c.task_ids))
      and not exists (
        select 1 from claim_history c
        where c.framework_id = t.framework_id and c.claim_key = t.claim_key)
    union all
    select 'I2 claim', 'claim ' || c.claim_key,
           format('committed_count %s, tasks found %s', c.committed_count, f.n)
    from claim c
    cross join lateral (
        select count(*) as n
        from unnest(c.task_ids) as i (id)
        where i.id is not null
          and (exists (select 1 from task t where t.task_id = i.id)
               or exists (select 1 from task_history h where h.task_id = i.id))) f
    where c.committed_count <> f.n
      and c.created_at > now() - make_interval(days => setting_get('history_days')::integer)
    union all
    select 'orphan', 'task ' || t.task_id, 'its agent or framework does not exist'
    from task t
    where not exists (select 1 from agent a where a.agent_id = t.agent_id)
       or not exists (select 1 from framework f where f.framework_id = t.framework_id)
    union all
    select 'orphan', 'update ' || u.update_id, 'its task does not exist'
    from task_update u
    where not exists (select 1 from task t where t.task_id = u.task_id)
      and not exists (select 1 from task_history h where h.task_id = u.task_id)
    union all
    select 'agent', 'agent ' || a.agent_id,
           format('state %s%s, takes claims: %s', a.state,
                  case when agent_cordoned(a.agent_id) then ', cordoned' end, p.open)
    from agent a
    join agent_pool p on p.agent_id = a.agent_id
    where p.open <> (a.state = 'active' and not agent_cordoned(a.agent_id))
    union all
    select 'agent', 'agent ' || d.agent_id, 'is drained and not cordoned'
    from drain d
    where not agent_cordoned(d.agent_id)
    union all
    select 'agent', 'agent ' || d.agent_id, 'was empty, and has tasks again'
    from drain d
    where d.drained_at is not null
      and exists (select 1 from task t where t.agent_id = d.agent_id and t.terminal_at is null)
    union all
    select 'agent', 'agent ' || a.agent_id, 'has no pool'
    from agent a
    where not exists (select 1 from agent_pool p where p.agent_id = a.agent_id);
$$;
comment on function howdah.audit() is 'a row for every invariant that does not hold';
revoke all on function howdah.audit() from public;
grant execute on function howdah.audit()
    to howdah_operator, howdah_observer, howdah_coordinator;
