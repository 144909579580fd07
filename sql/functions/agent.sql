-- SPDX-License-Identifier: PostgreSQL
-- Agents: register, fall silent, are declared gone.

create or replace function howdah_private.agent_pool_set(agent uuid, resources jsonb)
returns void
language plpgsql
as $$
/* Make the agent's unreserved pool, or give it a new capacity: never less than what is held. */
declare
    v_old howdah_private.agent_pool;
    v_cpus bigint := coalesce((resources -> 'cpus')::numeric, 0) * 1000;
    v_mem bigint := coalesce((resources -> 'mem')::bigint, 0);
    v_disk bigint := coalesce((resources -> 'disk')::bigint, 0);
    v_gpus bigint := coalesce((resources -> 'gpus')::bigint, 0);
    v_ports int4multirange := howdah_private.ranges_from_json(coalesce(resources -> 'ports', '[]'));
begin
    select p.* into v_old from howdah_private.agent_pool p
    where p.agent_id = agent and p.pool = '*'
    for no key update;
    if v_old.cpus_capacity - v_old.cpus_free > v_cpus
       or v_old.mem_capacity - v_old.mem_free > v_mem
       or v_old.disk_capacity - v_old.disk_free > v_disk
       or v_old.gpus_capacity - v_old.gpus_free > v_gpus
       or not coalesce(v_old.ports_allocated, '{}') <@ v_ports
       or exists (select 1 from jsonb_each(howdah_private.scalars_add(
                      v_old.scalars_allocated, v_old.scalars_revocable, 1)) e
                  where e.value::numeric
                        > coalesce((resources -> 'scalars' -> e.key)::numeric, 0))
       or exists (select 1 from jsonb_each(v_old.sets_allocated) e
                  where not coalesce(resources -> 'sets' -> e.key @> e.value, false)) then
        perform howdah_private.raise('value_invalid', 'agent_register', 'resources',
                                     resources::text, 'at least what its live tasks hold');
    end if;
    insert into howdah_private.agent_pool as p (
        agent_id, cpus_capacity, cpus_free, mem_capacity, mem_free, disk_capacity, disk_free,
        gpus_capacity, gpus_free, ports_capacity, scalars_capacity, sets_capacity)
    values (agent, v_cpus, v_cpus, v_mem, v_mem, v_disk, v_disk, v_gpus, v_gpus,
            nullif(v_ports, '{}'), resources -> 'scalars', resources -> 'sets')
    on conflict (agent_id, pool) do update
    set open = not howdah_private.agent_cordoned(p.agent_id), version = p.version + 1,
        cpus_capacity = excluded.cpus_capacity,
        cpus_free = p.cpus_free + excluded.cpus_capacity - p.cpus_capacity,
        mem_capacity = excluded.mem_capacity,
        mem_free = p.mem_free + excluded.mem_capacity - p.mem_capacity,
        disk_capacity = excluded.disk_capacity,
        disk_free = p.disk_free + excluded.disk_capacity - p.disk_capacity,
        gpus_capacity = excluded.gpus_capacity,
        gpus_free = p.gpus_free + excluded.gpus_capacity - p.gpus_capacity,
        ports_capacity = excluded.ports_capacity,
        scalars_capacity = excluded.scalars_capacity, sets_capacity = excluded.sets_capacity;
end
$$;
comment on function howdah_private.agent_pool_set(uuid, jsonb) is
    'make an agent''s unreserved pool or change its capacity';
revoke all on function howdah_private.agent_pool_set(uuid, jsonb) from public;

create or replace function howdah_private.agent_check(
    name text, host text, resources jsonb, attributes jsonb)
returns void
language plpgsql
as $$
/* Raise unless what an agent says about itself is good. */
declare
    v_problem text;
begin
    if not coalesce(howdah_private.name_ok(agent_check.name), false) then
        perform howdah_private.raise('value_invalid', 'agent_register', 'name', agent_check.name,
                                     '1 to 255 characters without controls or blanks at the ends');
    elsif not coalesce(howdah_private.name_ok(agent_check.host), false) then
        perform howdah_private.raise('value_invalid', 'agent_register', 'host', agent_check.host,
                                     '1 to 255 characters without controls or blanks at the ends');
    elsif jsonb_typeof(agent_check.attributes) is distinct from 'object' then
        perform howdah_private.raise('value_invalid', 'agent_register', 'attributes',
                                     agent_check.attributes::text, 'a JSON object');
    end if;
    v_problem := howdah_private.resources_problem(agent_check.resources, false);
    if v_problem is not null then
        perform howdah_private.raise('value_invalid', 'agent_register', 'resources',
                                     agent_check.resources::text,
                                     'a good resources object (' || v_problem || ')');
    end if;
end
$$;
comment on function howdah_private.agent_check(text, text, jsonb, jsonb) is
    'raise unless what an agent says about itself is good';
revoke all on function howdah_private.agent_check(text, text, jsonb, jsonb) from public;

create or replace function howdah_private.agent_make(
    name text, host text, boot_id text, attributes jsonb, key uuid)
returns howdah_private.agent
language plpgsql
as $$
/* A new agent of this login. */
declare
    v_agent howdah_private.agent;
begin
    insert into howdah_private.agent (name, host, boot_id, attributes, principal, register_key)
    values (agent_make.name, agent_make.host, agent_make.boot_id, agent_make.attributes,
            session_user, agent_make.key)
    on conflict do nothing -- the name or the key of an agent that registers at the same moment
    returning * into v_agent;
    if not found then
        perform howdah_private.raise('try_again', 'agent_register', 'name', agent_make.name,
                                     'no other registration with this name or key at the same moment');
    end if;
    perform howdah_private.event_add('agent', v_agent.agent_id, null, 'active', 'agent',
                                     'register', null, agent_make.name);
    return v_agent;
end
$$;
comment on function howdah_private.agent_make(text, text, text, jsonb, uuid) is 'a new agent';
revoke all on function howdah_private.agent_make(text, text, text, jsonb, uuid) from public;

create or replace function howdah_private.agent_come_back(
    agent howdah_private.agent, host text, boot_id text, attributes jsonb, key uuid, known boolean)
returns howdah_private.agent
language plpgsql
as $$
/* The next incarnation of an agent. known: the caller showed the agent's id; else it has to show its key,
   or the agent has to be silent. */
declare
    v_agent howdah_private.agent;
    v_seen timestamptz;
begin
    -- As agent_sync does: the heartbeat's row before the pools, made if a crash has lost it.
    insert into howdah_private.agent_heartbeat as h (agent_id, seen_at)
    values ((agent).agent_id, '-infinity')
    on conflict (agent_id) do update set report_seq = h.report_seq
    returning h.seen_at into v_seen;
    perform howdah_private.pools_lock(array[(agent).agent_id]);
    select a.* into v_agent from howdah_private.agent a
    where a.agent_id = (agent).agent_id and a.state <> 'gone';
    if not found then
        perform howdah_private.raise('try_again', 'agent_register', 'name', (agent).name,
                                     'an agent that nobody removes at the same moment');
    elsif v_agent.principal <> session_user then
        perform howdah_private.raise('not_permitted', 'agent_register', 'name', (agent).name,
                                     'an agent that this login registered');
    elsif not known and (v_agent.register_key = agent_come_back.key) is not true
          and v_seen > clock_timestamp() - howdah_private.setting_interval('agent_timeout_s') then
        perform howdah_private.raise('agent_name_taken', 'agent_register', 'name', (agent).name,
                                     'a name that no live agent has');
    end if;
    update howdah_private.agent a
    set epoch = a.epoch + 1, state = howdah_private.agent_next(a.state, 'register'),
        host = agent_come_back.host, boot_id = agent_come_back.boot_id,
        attributes = agent_come_back.attributes,
        register_key = coalesce(agent_come_back.key, a.register_key), state_at = now()
    where a.agent_id = (agent).agent_id
    returning a.* into v_agent;
    perform howdah_private.event_add('agent', v_agent.agent_id, (agent).state::text, 'active',
                                     'agent', 'register', null, format('epoch %s', v_agent.epoch));
    return v_agent;
end
$$;
comment on function howdah_private.agent_come_back(
    howdah_private.agent, text, text, jsonb, uuid, boolean) is 'the next incarnation of an agent';
revoke all on function howdah_private.agent_come_back(
    howdah_private.agent, text, text, jsonb, uuid, boolean) from public;

create or replace function howdah.agent_register(
    name text, host text, resources jsonb, attributes jsonb default '{}',
    boot_id text default null, inout agent_id uuid default null, key uuid default null,
    inout cell jsonb default null, out epoch bigint, out cell_id uuid)
returns record
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Register an agent, or a new incarnation of one: the same name gives the same agent_id with the
   next epoch, and nothing of the older incarnation counts any more. A name that is taken by an agent
   which was heard from within agent_timeout_s is refused unless its agent_id or its key is given.

   resources   capacity: {"cpus": 4, "mem": 4096, "disk": 10000, "ports": [[31000, 32000]], …}
   key         made by the agent and kept on its disk before it registers first: registering again
               with it is the same agent, should the first answer have been lost
   cell        in: what the agent has seen of its cell ({"cell_id", "epoch", "token", "generation",
               "timeline"}; null: nothing yet). Another cell, and a database that is behind, refuse.
               Out: what there is to keep now
   Errors: value_invalid, agent_name_taken, agent_unknown, not_permitted, try_again, cell_mismatch,
   cell_stale. */
#variable_conflict use_column
declare
    v_agent agent;
begin
    perform cell_check('agent_register', agent_register.cell);
    perform agent_check(agent_register.name, agent_register.host, agent_register.resources,
                        agent_register.attributes);
    select a.* into v_agent from agent a
    where a.name = agent_register.name and a.state <> 'gone';
    if agent_register.agent_id is not null
       and v_agent.agent_id is distinct from agent_register.agent_id then
        perform raise('agent_unknown', 'agent_register', 'agent_id',
                      agent_register.agent_id::text, 'the id of agent ' || agent_register.name);
    end if;
    if v_agent.agent_id is null then
        v_agent := agent_make(agent_register.name, agent_register.host, agent_register.boot_id,
                              agent_register.attributes, agent_register.key);
    else
        v_agent := agent_come_back(v_agent, agent_register.host, agent_register.boot_id,
                                   agent_register.attributes, agent_register.key,
                                   agent_register.agent_id is not null);
    end if;
    perform agent_pool_set(v_agent.agent_id, agent_register.resources);
    insert into agent_heartbeat as h (agent_id, seen_at, report_seq)
    values (v_agent.agent_id, clock_timestamp(), 0)
    on conflict (agent_id) do update set seen_at = excluded.seen_at, report_seq = 0;
    perform bell_ring();
    agent_id := v_agent.agent_id;
    epoch := v_agent.epoch;
    cell := cell_mark();
    cell_id := cell ->> 'cell_id';
end
$$;
comment on function howdah.agent_register(text, text, jsonb, jsonb, text, uuid, uuid, jsonb) is
    'register an agent or its new incarnation';
revoke all on function howdah.agent_register(text, text, jsonb, jsonb, text, uuid, uuid, jsonb)
    from public;
grant execute on function howdah.agent_register(text, text, jsonb, jsonb, text, uuid, uuid, jsonb)
    to howdah_agent;

create or replace function howdah_private.silent_agents_lock(agents uuid[])
returns uuid[]
language sql
as $$
    /* Hold off the syncs of these agents; those that are being synced are left out. */
    select array_agg(x.agent_id)
    from (select h.agent_id
          from howdah_private.agent_heartbeat h
          where h.agent_id = any (agents)
          order by h.agent_id
          for update skip locked) x;
$$;
comment on function howdah_private.silent_agents_lock(uuid[]) is 'hold off the syncs of agents';
revoke all on function howdah_private.silent_agents_lock(uuid[]) from public;

create or replace function howdah.agents_expire(epoch bigint)
returns integer
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Leader's chore: agents that did not sync within agent_timeout_s become unreachable, so do their
   tasks; nothing can be claimed there, and what the tasks hold stays held until they return or the
   agent is declared gone. Returns how many agents. Nobody counts as silent before the cell has been in
   its present epoch, and this server up, for as long, and for outage_grace_s. */
declare
    v_since timestamptz := leader_enter('agents_expire', agents_expire.epoch);
    v_limit timestamptz := clock_timestamp() - setting_interval('agent_timeout_s');
    v_agents uuid[];
    v_tasks uuid[];
begin
    if not silence_counts(v_since, setting_interval('agent_timeout_s')) then
        return 0;
    end if;
    -- Heartbeats do not outlive a crash of the server: who has none is given a whole period.
    insert into agent_heartbeat (agent_id, seen_at)
    select a.agent_id, clock_timestamp() from agent a
    where a.state = 'active'
      and not exists (select 1 from agent_heartbeat h where h.agent_id = a.agent_id)
    on conflict do nothing;
    select array_agg(a.agent_id order by a.agent_id) into v_agents
    from agent a
    join agent_heartbeat h on h.agent_id = a.agent_id
    where a.state = 'active' and h.seen_at < v_limit;
    v_agents := silent_agents_lock(v_agents); -- a report that is under way says that they are not silent
    perform pools_lock(v_agents);
    with silent as (
        update agent a set state = agent_next(a.state, 'silent'), state_at = now()
        where a.agent_id = any (v_agents) and a.state = 'active'
          and not exists (select 1 from agent_heartbeat h
                          where h.agent_id = a.agent_id and h.seen_at >= v_limit)
        returning a.agent_id
    )
    select array_agg(s.agent_id order by s.agent_id) into v_agents from silent s;
    if v_agents is null then
        return 0;
    end if;
    update agent_pool p set open = false where p.agent_id = any (v_agents);
    perform event_add('agent', i.id, 'active', 'unreachable', 'coordinator', 'silent')
    from unnest(v_agents) as i (id);
    v_tasks := array(select t.task_id from task t
                     where t.agent_id = any (v_agents) and t.terminal_at is null);
    perform tasks_lock(v_tasks);
    perform tasks_step(v_tasks, 'agent_lost', 'coordinator', 'agent_unreachable');
    perform offers_rescind_agents(v_agents, 'agent_unreachable');
    return cardinality(v_agents);
end
$$;
comment on function howdah.agents_expire(bigint) is
    'leader: agents that fell silent become unreachable';
revoke all on function howdah.agents_expire(bigint) from public;
grant execute on function howdah.agents_expire(bigint) to howdah_coordinator;

create or replace function howdah.agent_remove(agent_id uuid)
returns integer
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Declare an agent gone for good, as an operator: its tasks become gone_by_operator. Nothing checks
   that they really stopped: make sure of it. Its name is free again. Returns how many tasks.
   Errors: agent_unknown. */
#variable_conflict use_column
declare
    v_agent agent;
    v_tasks uuid[];
begin
    perform 1 from agent_heartbeat h where h.agent_id = agent_remove.agent_id for update;
    perform pools_lock(array[agent_remove.agent_id]);
    select a.* into v_agent from agent a where a.agent_id = agent_remove.agent_id for update;
    if not found then
        perform raise('agent_unknown', 'agent_remove', 'agent_id', agent_remove.agent_id::text,
                      'the id of an agent');
    elsif v_agent.state = 'gone' then
        return 0;
    end if;
    v_tasks := array(select t.task_id from task t
                     where t.agent_id = agent_remove.agent_id and t.terminal_at is null);
    perform tasks_lock(v_tasks);
    perform tasks_step(v_tasks, 'agent_removed', 'operator', 'agent_removed_by_operator');
    update agent a
    set state = agent_next(a.state, 'remove'), epoch = a.epoch + 1, state_at = now()
    where a.agent_id = agent_remove.agent_id;
    update agent_pool p set open = false where p.agent_id = agent_remove.agent_id;
    delete from agent_heartbeat h where h.agent_id = agent_remove.agent_id;
    delete from agent_cordon c where c.agent_id = agent_remove.agent_id;
    perform drain_end(agent_remove.agent_id);
    delete from maintenance m where m.agent_id = agent_remove.agent_id;
    perform offers_rescind_agents(array[agent_remove.agent_id], 'agent_gone');
    perform event_add('agent', agent_remove.agent_id, v_agent.state::text, 'gone', 'operator',
                      'remove');
    perform bell_ring();
    return cardinality(v_tasks);
end
$$;
comment on function howdah.agent_remove(uuid) is 'declare an agent gone for good';
revoke all on function howdah.agent_remove(uuid) from public;
grant execute on function howdah.agent_remove(uuid) to howdah_operator;
