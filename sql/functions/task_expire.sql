-- SPDX-License-Identifier: PostgreSQL
-- Tasks that asked to be stopped when their agent is cut off (stop_unreachable_s).
--
-- The executor ends such a task by itself, stop_unreachable_s after the agent asked the last question that
-- the cell answered and confirmed (agent_sync). The agent asked before its heartbeat was noted here, so once
-- that time, the kill grace and a margin have passed since the heartbeat, the task runs no more whatever
-- became of the agent. A heartbeat that a crash or a fail-over took is replaced by a later moment.

create or replace function howdah_private.task_stop_after(spec jsonb)
returns interval
language sql immutable parallel safe
as $$
    /* How long after its agent's last heartbeat a task with stop_unreachable_s has surely been stopped:
       that time, the grace that its executor gives it (5 s unless it names one, as in
       agent/common_spec.h), 0.2 % of both for clocks of different speed, and 15 s for killing and for
       steps of the database's clock that no new epoch tells of. */
    select make_interval(secs => 15 + 1.002 * ((spec ->> 'stop_unreachable_s')::double precision
                                               + coalesce((spec ->> 'kill_grace_s')::double precision, 5)));
$$;
comment on function howdah_private.task_stop_after(jsonb) is
    'how long after its agent''s last heartbeat a task has surely been stopped';
revoke all on function howdah_private.task_stop_after(jsonb) from public;

create or replace function howdah_private.clock_trusted()
returns boolean
language sql stable
as $$
    /* Whether durations count: the lease is live, which it is not when the clock has just jumped over its
       end or back, and the cell's epoch is of this timeline, so that it began after the promotion. */
    select howdah_private.lease_state(l, clock_timestamp()) = 'live'
           and c.timeline is not distinct from howdah_private.wal_timeline()
    from howdah_private.leader l, howdah_private.cell c;
$$;
comment on function howdah_private.clock_trusted() is
    'whether a duration that was measured from the present epoch counts';
revoke all on function howdah_private.clock_trusted() from public;

create or replace function howdah_private.tasks_stopped(since timestamptz, agents uuid[])
returns table (task_id uuid, agent_id uuid)
language sql stable
as $$
    /* The tasks of these silent agents that have surely been stopped. */
    select t.task_id, t.agent_id
    from howdah_private.agent a
    join howdah_private.agent_heartbeat h on h.agent_id = a.agent_id
    join howdah_private.task t on t.agent_id = a.agent_id and t.terminal_at is null
    where a.agent_id = any (tasks_stopped.agents) and a.state = 'unreachable'
      and t.spec ? 'stop_unreachable_s'
      and greatest(h.seen_at, tasks_stopped.since) + howdah_private.task_stop_after(t.spec)
          < clock_timestamp();
$$;
comment on function howdah_private.tasks_stopped(timestamptz, uuid[]) is
    'tasks of silent agents that have surely been stopped';
revoke all on function howdah_private.tasks_stopped(timestamptz, uuid[]) from public;

create or replace function howdah.tasks_expire(epoch bigint)
returns integer
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Leader's chore: unreachable tasks with stop_unreachable_s become gone once it is certain that they do not
   run any more: stop_unreachable_s, their kill grace (5 s unless the spec names one), 0.2 % of these and
   15 s after the last that was heard of their agent, or after the present epoch of the cell or the start of
   this server if that is later. What they hold is free then. An agent that returns is told to forget them.
   Returns how many tasks. */
declare
    v_since timestamptz := leader_enter('tasks_expire', tasks_expire.epoch);
    v_agents uuid[];
    v_tasks uuid[];
begin
    if not clock_trusted() then
        return 0;
    end if;
    v_agents := array(select a.agent_id from agent a where a.state = 'unreachable');
    -- Heartbeats do not outlive a crash of the server: who has none is given a whole period.
    insert into agent_heartbeat (agent_id, seen_at)
    select i.id, clock_timestamp() from unnest(v_agents) as i (id)
    where not exists (select 1 from agent_heartbeat h where h.agent_id = i.id)
    on conflict do nothing;
    v_agents := array(select distinct s.agent_id from tasks_stopped(v_since, v_agents) s);
    if v_agents = '{}' then
        return 0;
    end if;
    v_agents := silent_agents_lock(v_agents);
    perform pools_lock(v_agents);
    v_tasks := array(select s.task_id from tasks_stopped(v_since, v_agents) s);
    perform tasks_lock(v_tasks);
    -- A report that was on its way when its agent was found silent may have made them running again.
    perform tasks_step(v_tasks, 'agent_lost', 'coordinator', 'agent_unreachable');
    return tasks_step(v_tasks, 'expire', 'coordinator', 'stopped_unreachable');
end
$$;
comment on function howdah.tasks_expire(bigint) is
    'leader: unreachable tasks that were to be stopped are gone';
revoke all on function howdah.tasks_expire(bigint) from public;
grant execute on function howdah.tasks_expire(bigint) to howdah_coordinator;
