-- SPDX-License-Identifier: PostgreSQL
-- Tasks: the one mover (tasks_step), its guard, kill and reconcile.

create or replace function howdah_private.task_guard()
returns trigger
language plpgsql
as $$
/* No task changes state along an edge that libframework/fsm/task.def does not have. */
begin
    if not howdah_private.task_edge(old.state, new.state) then
        perform howdah_private.raise('edge_illegal', 'task', 'state',
                                     old.state || ' -> ' || new.state, 'an edge of the machine');
    end if;
    return new;
end
$$;
comment on function howdah_private.task_guard() is 'refuse illegal task state changes';
revoke all on function howdah_private.task_guard() from public;

create or replace trigger task_guard before update of state on howdah_private.task
for each row when (old.state is distinct from new.state)
execute function howdah_private.task_guard();

create or replace function howdah_private.tasks_lock(tasks uuid[])
returns void
language plpgsql
as $$
/* Lock tasks in the order that everybody uses. Whoever is going to step several tasks, however many
   steps that takes, locks them all here first, in one go. */
begin
    perform 1
    from howdah_private.task t
    where t.task_id = any (tasks)
    order by t.task_id
    for update;
end
$$;
comment on function howdah_private.tasks_lock(uuid[]) is 'lock tasks in task_id order';
revoke all on function howdah_private.tasks_lock(uuid[]) from public;

create or replace function howdah_private.tasks_step(
    tasks uuid[], event text, actor text, reason text default null, message text default null,
    exit_code integer default null, signal integer default null)
returns integer
language plpgsql
as $$
/* The one mover: send `event` to these tasks. Where the machine has no such edge the task stays as
   it is. Each change writes an event, an update for its framework, and on a terminal state gives the
   resources back. Callers whose event can end tasks hold the pools' locks (pools_lock); all hold the
   tasks' (tasks_lock): so this statement sees what was committed before it got them, such as the end
   of their framework. Returns how many changed. */
declare
    v_moved uuid[];
    v_ended uuid[];
begin
    with old as materialized (
        select t.task_id, t.state
        from howdah_private.task t
        where t.task_id = any (tasks)
        order by t.task_id
        for update
    ), moved as (
        update howdah_private.task t
        set state = n.state, reason = tasks_step.reason,
            message = left(tasks_step.message, 2000),
            exit_code = coalesce(tasks_step.exit_code, t.exit_code),
            signal = coalesce(tasks_step.signal, t.signal),
            state_at = clock_timestamp(),
            started_at = case when n.state = 'running'
                              then coalesce(t.started_at, clock_timestamp())
                              else t.started_at end,
            terminal_at = case when howdah_private.task_terminal(n.state)
                               then clock_timestamp() end
        from (select o.task_id, o.state as from_state,
                     howdah_private.task_next(o.state, tasks_step.event) as state
              from old o) n
        where t.task_id = n.task_id and n.state is not null and n.state <> n.from_state
        returning t.task_id, t.framework_id, n.from_state, t.state, t.state_at, t.terminal_at,
                  t.exit_code, t.signal
    ), logged as (
        insert into howdah_private.event (at, object_kind, object_id, from_state, to_state,
                                          reason, actor, cause, message)
        select m.state_at, 'task', m.task_id, m.from_state::text, m.state::text,
               tasks_step.reason, tasks_step.actor, tasks_step.event,
               left(tasks_step.message, 2000)
        from moved m
    ), told as (
        insert into howdah_private.task_update (framework_id, task_id, state, reason, message,
                                                exit_code, signal)
        select m.framework_id, m.task_id, m.state, tasks_step.reason,
               left(tasks_step.message, 2000), m.exit_code, m.signal
        from moved m
        join howdah_private.framework f on f.framework_id = m.framework_id
        where f.state <> 'completed'
        order by m.task_id
    )
    select array_agg(m.task_id), array_agg(m.task_id) filter (where m.terminal_at is not null)
    into v_moved, v_ended
    from moved m;
    if v_ended is not null then
        perform howdah_private.pools_change(v_ended, -1);
    end if;
    return coalesce(cardinality(v_moved), 0);
end
$$;
comment on function howdah_private.tasks_step(
    uuid[], text, text, text, text, integer, integer) is
    'send an event to tasks: the one place where a task''s state changes';
revoke all on function howdah_private.tasks_step(
    uuid[], text, text, text, text, integer, integer) from public;

create or replace function howdah_private.tasks_kill(
    tasks uuid[], grace_s integer, actor text, reason text)
returns void
language plpgsql
as $$
/* Ask for the end of these tasks; the agents act on it with their next sync. For an unreachable one the
   wish is logged, once: should its agent come back with it (report_missing), it is killed then. */
begin
    perform howdah_private.tasks_lock(tasks_kill.tasks);
    update howdah_private.task t
    set kill_grace_s = tasks_kill.grace_s
    where t.task_id = any (tasks_kill.tasks)
      and tasks_kill.grace_s is not null and t.terminal_at is null;
    perform howdah_private.tasks_step(tasks_kill.tasks, 'kill', tasks_kill.actor,
                                      tasks_kill.reason);
    perform howdah_private.event_add('task', t.task_id, null, null, tasks_kill.actor, 'kill',
                                     tasks_kill.reason)
    from howdah_private.task t
    where t.task_id = any (tasks_kill.tasks) and t.state = 'unreachable'
      and not exists (select 1 from howdah_private.event e
                      where e.object_id = t.task_id and e.cause = 'kill');
end
$$;
comment on function howdah_private.tasks_kill(uuid[], integer, text, text) is
    'ask for the end of tasks';
revoke all on function howdah_private.tasks_kill(uuid[], integer, text, text) from public;

create or replace function howdah_private.grace_check(call text, grace_s integer)
returns void
language plpgsql
as $$
begin
    if grace_s is not null and grace_s not between 0 and 86400 then
        perform howdah_private.raise('value_invalid', call, 'grace_s', grace_s::text,
                                     'seconds, 0 to 86400');
    end if;
end
$$;
comment on function howdah_private.grace_check(text, integer) is
    'raise unless a kill grace is in range';
revoke all on function howdah_private.grace_check(text, integer) from public;

create or replace function howdah.task_kill(
    framework_id uuid, epoch bigint, task_ids uuid[], grace_s integer default null)
returns table (task_id uuid, state text, known boolean)
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Kill tasks: SIGTERM, after grace_s seconds (default: the task's own, else the cell's) SIGKILL.
   One row per id: the state after the call; known is false for ids that are not live tasks of the
   framework (ended long ago, or never there). Killing twice is no error. */
#variable_conflict use_column
declare
    v_ids uuid[];
begin
    perform framework_enter('task_kill', task_kill.framework_id, task_kill.epoch);
    perform grace_check('task_kill', task_kill.grace_s);
    select array_agg(t.task_id) into v_ids
    from task t
    where t.task_id = any (task_kill.task_ids) and t.framework_id = task_kill.framework_id;
    perform tasks_kill(v_ids, task_kill.grace_s, 'framework', 'killed_by_request');
    return query
    select i.id, coalesce(t.state::text, 'unknown'), t.task_id is not null
    from unnest(task_kill.task_ids) as i (id)
    left join task t on t.task_id = i.id and t.framework_id = task_kill.framework_id;
end
$$;
comment on function howdah.task_kill(uuid, bigint, uuid[], integer) is 'kill a framework''s tasks';
revoke all on function howdah.task_kill(uuid, bigint, uuid[], integer) from public;
grant execute on function howdah.task_kill(uuid, bigint, uuid[], integer)
    to howdah_framework, howdah_operator;

create or replace function howdah.operator_kill(task_ids uuid[], grace_s integer default null)
returns table (task_id uuid, state text, known boolean)
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Kill any tasks, as an operator; otherwise as task_kill. */
#variable_conflict use_column
begin
    perform grace_check('operator_kill', operator_kill.grace_s);
    perform tasks_kill(operator_kill.task_ids, operator_kill.grace_s, 'operator',
                       'killed_by_operator');
    return query
    select i.id, coalesce(t.state::text, 'unknown'), t.task_id is not null
    from unnest(operator_kill.task_ids) as i (id)
    left join task t on t.task_id = i.id;
end
$$;
comment on function howdah.operator_kill(uuid[], integer) is 'kill any tasks, as an operator';
revoke all on function howdah.operator_kill(uuid[], integer) from public;
grant execute on function howdah.operator_kill(uuid[], integer) to howdah_operator;

create or replace function howdah.tasks_reconcile(
    framework_id uuid, epoch bigint, task_ids uuid[] default null)
returns table (task_id uuid, name text, state text, reason text, message text, exit_code integer,
               agent_id uuid, agent_name text)
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
set jit = off
as $$
/* What the cell knows of these tasks of the framework (state 'unknown' where it knows nothing), or,
   without ids, of all that are live or whose updates are not all acknowledged. Reads only; the
   answer is the books, not a guess: there is no silence after a fail-over. */
#variable_conflict use_column
begin
    perform framework_enter('tasks_reconcile', tasks_reconcile.framework_id,
                            tasks_reconcile.epoch);
    if tasks_reconcile.task_ids is null then
        return query
        select t.task_id, t.name, t.state::text, t.reason, t.message, t.exit_code, t.agent_id,
               a.name::text
        from task t
        join agent a on a.agent_id = t.agent_id
        where t.framework_id = tasks_reconcile.framework_id
          and (t.terminal_at is null
               or exists (select 1 from task_update u where u.task_id = t.task_id))
        order by t.created_at, t.task_id;
    else
        return query
        select i.id, k.name, coalesce(k.state::text, 'unknown'), k.reason, k.message, k.exit_code,
               k.agent_id, a.name::text
        from unnest(tasks_reconcile.task_ids) with ordinality as i (id, n)
        left join lateral (
            select t.name, t.state, t.reason, t.message, t.exit_code, t.agent_id from task t
            where t.task_id = i.id and t.framework_id = tasks_reconcile.framework_id
            union all
            select h.name, h.state, h.reason, h.message, h.exit_code, h.agent_id
            from task_history h
            where h.task_id = i.id and h.framework_id = tasks_reconcile.framework_id
            limit 1) k on true
        left join agent a on a.agent_id = k.agent_id
        order by i.n;
    end if;
end
$$;
comment on function howdah.tasks_reconcile(uuid, bigint, uuid[]) is
    'what the cell knows of a framework''s tasks';
revoke all on function howdah.tasks_reconcile(uuid, bigint, uuid[]) from public;
grant execute on function howdah.tasks_reconcile(uuid, bigint, uuid[])
    to howdah_framework, howdah_operator;
