-- SPDX-License-Identifier: PostgreSQL
-- Drains: an agent is cordoned, the frameworks that have tasks there are asked to move them (inverse
-- offers), and by the deadline it is empty.
--
-- Before the deadline a drain takes down at most so many tasks of a framework at a time as its
-- disruption budget says, whatever number of agents is drained. A task that was killed counts until
-- another one of the framework, which began elsewhere since the drain, runs in its place; or, for
-- frameworks that do not replace what they lose, until drain_replace_s after its end. At the deadline
-- all that is left is killed, each task with its own grace.
--
-- Locks: tasks (7) before inverse offers and what else is here, which come last.

create or replace function howdah_private.drain_end(agent uuid)
returns void
language sql
as $$
    /* No drain of this agent any more; the caller has its pools. */
    delete from howdah_private.drain d where d.agent_id = agent;
    delete from howdah_private.inverse_offer i where i.agent_id = agent;
$$;
comment on function howdah_private.drain_end(uuid) is 'an agent is not drained any more';
revoke all on function howdah_private.drain_end(uuid) from public;

create or replace function howdah_private.drain_ask(agent uuid)
returns void
language sql
as $$
    /* Ask each framework that has tasks on an agent to move them; again if the deadline has changed. */
    insert into howdah_private.inverse_offer as i (framework_id, agent_id)
    select distinct t.framework_id, t.agent_id
    from howdah_private.task t
    where t.agent_id = drain_ask.agent and t.terminal_at is null
    order by t.framework_id
    on conflict (framework_id, agent_id) do update
    set change_seq = nextval('howdah_private.inverse_offer_change_seq');
$$;
comment on function howdah_private.drain_ask(uuid) is 'ask frameworks to move their tasks';
revoke all on function howdah_private.drain_ask(uuid) from public;

create or replace function howdah_private.drain_set(
    agent uuid, deadline_s integer, deadline timestamptz, reason text, by name, actor text)
returns boolean
language plpgsql
as $$
/* Drain a cordoned agent, whose pools the caller has, or change the deadline: an operator, or for a
   maintenance window the coordinator. The window only brings a deadline nearer; the operator makes a
   window's drain his own. Did that change anything? */
begin
    insert into howdah_private.drain as d (agent_id, deadline_s, deadline, by_window)
    values (agent, drain_set.deadline_s, drain_set.deadline, drain_set.actor = 'coordinator')
    on conflict (agent_id) do update
    set deadline_s = excluded.deadline_s, deadline = excluded.deadline,
        by_window = d.by_window and excluded.by_window
    where case when excluded.by_window
               then d.drained_at is null and d.deadline > excluded.deadline
               else d.by_window or d.drained_at is null and d.deadline_s <> excluded.deadline_s
          end;
    if not found then
        return false;
    end if;
    perform howdah_private.drain_ask(agent);
    perform howdah_private.event_add('agent', agent, null, null, drain_set.actor, 'drain', null,
                                     drain_set.reason,
                                     jsonb_build_object('by', drain_set.by,
                                                        'deadline_s', drain_set.deadline_s));
    perform howdah_private.bell_ring();
    return true;
end
$$;
comment on function howdah_private.drain_set(uuid, integer, timestamptz, text, name, text) is
    'drain an agent or change the deadline';
revoke all on function howdah_private.drain_set(uuid, integer, timestamptz, text, name, text)
    from public;

create or replace function howdah.agent_drain(
    agent_id uuid, deadline_s integer default 3600, reason text default null)
returns boolean
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Empty an agent, as an operator: cordon it, ask frameworks to move their tasks, take down what they
   leave, at most each one's disruption budget at a time, and at the deadline all that is left. 0 seconds:
   now. When the last task is gone the agent is drained; it stays cordoned until agent_uncordon, which
   also breaks a drain off. Draining again with another deadline counts that one from now. True if
   anything changed.

   select howdah.agent_drain(howdah.id_find('agent', 'db-rack-7'), 600, 'new board');

   Errors: agent_unknown, value_invalid. */
declare
    v_cordoned boolean;
    v_changed boolean;
begin
    if (agent_drain.deadline_s between 0 and 31536000) is not true then
        perform raise('value_invalid', 'agent_drain', 'deadline_s', agent_drain.deadline_s::text,
                      'seconds, 0 to 31536000');
    end if;
    perform reason_check('agent_drain', agent_drain.reason);
    perform agent_operate('agent_drain', agent_drain.agent_id);
    v_cordoned := agent_close(agent_drain.agent_id, agent_drain.reason, session_user, 'operator');
    v_changed := drain_set(agent_drain.agent_id, agent_drain.deadline_s,
                           clock_timestamp() + make_interval(secs => agent_drain.deadline_s),
                           agent_drain.reason, session_user, 'operator');
    return v_cordoned or v_changed;
end
$$;
comment on function howdah.agent_drain(uuid, integer, text) is 'empty an agent by a deadline';
revoke all on function howdah.agent_drain(uuid, integer, text) from public;
grant execute on function howdah.agent_drain(uuid, integer, text) to howdah_operator;

create or replace function howdah.inverse_offers_pending(framework_id uuid, epoch bigint)
returns table (inverse_offer_id uuid, agent_id uuid, agent_name text, task_ids uuid[], reason text,
               deadline timestamptz, deadline_in_ms bigint, accepted boolean, answer_reason text)
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
set jit = off
as $$
/* The agents that the framework is asked to leave, the nearest deadline first: with its tasks that are
   still there, why, until when, and what it has answered. There is a row as long as the agent is being
   drained and has tasks of the framework; whoever moves them begins others elsewhere and kills these. */
#variable_conflict use_column
begin
    perform framework_enter('inverse_offers_pending', inverse_offers_pending.framework_id,
                            inverse_offers_pending.epoch);
    return query
    select i.inverse_offer_id, i.agent_id, a.name::text, t.ids, c.reason, d.deadline,
           greatest(0, extract(epoch from d.deadline - clock_timestamp()) * 1000)::bigint,
           i.accepted, i.reason
    from inverse_offer i
    join drain d on d.agent_id = i.agent_id
    join agent a on a.agent_id = i.agent_id
    left join agent_cordon c on c.agent_id = i.agent_id
    cross join lateral (
        select array_agg(x.task_id order by x.created_at, x.task_id) as ids
        from task x
        where x.agent_id = i.agent_id and x.framework_id = i.framework_id
          and x.terminal_at is null) t
    where i.framework_id = inverse_offers_pending.framework_id and t.ids is not null
    order by d.deadline, a.name;
end
$$;
comment on function howdah.inverse_offers_pending(uuid, bigint) is
    'agents that a framework is asked to leave';
revoke all on function howdah.inverse_offers_pending(uuid, bigint) from public;
grant execute on function howdah.inverse_offers_pending(uuid, bigint)
    to howdah_framework, howdah_operator;

create or replace function howdah.inverse_offer_answer(
    framework_id uuid, epoch bigint, inverse_offer_ids uuid[], accept boolean,
    reason text default null)
returns integer
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Say whether the framework will move its tasks (accept) or not, and why. The operator sees it; the drain
   goes on either way. The last answer counts. Returns how many answers are new; ids of other frameworks
   or of drains that are over are passed over.
   Errors: field_missing, value_invalid. */
declare
    v_agents uuid[];
begin
    perform framework_enter('inverse_offer_answer', inverse_offer_answer.framework_id,
                            inverse_offer_answer.epoch);
    if inverse_offer_answer.accept is null then
        perform raise('field_missing', 'inverse_offer_answer', 'accept', null, 'true or false');
    end if;
    perform reason_check('inverse_offer_answer', inverse_offer_answer.reason);
    with locked as materialized (
        select i.inverse_offer_id from inverse_offer i
        where i.inverse_offer_id = any (inverse_offer_answer.inverse_offer_ids)
          and i.framework_id = inverse_offer_answer.framework_id
          and (i.accepted, i.reason) is distinct from
              (inverse_offer_answer.accept, inverse_offer_answer.reason)
        order by i.inverse_offer_id
        for update
    ), answered as (
        update inverse_offer i
        set accepted = inverse_offer_answer.accept, reason = inverse_offer_answer.reason,
            answered_at = clock_timestamp()
        where i.inverse_offer_id in (select l.inverse_offer_id from locked l)
        returning i.agent_id
    )
    select array_agg(a.agent_id) into v_agents from answered a;
    perform event_add('agent', u.id, null, null, 'framework',
                      case when inverse_offer_answer.accept then 'inverse_offer_accept'
                           else 'inverse_offer_decline' end, null, inverse_offer_answer.reason,
                      jsonb_build_object('framework_id', inverse_offer_answer.framework_id))
    from unnest(v_agents) as u (id);
    return coalesce(cardinality(v_agents), 0);
end
$$;
comment on function howdah.inverse_offer_answer(uuid, bigint, uuid[], boolean, text) is
    'answer whether a framework will leave agents';
revoke all on function howdah.inverse_offer_answer(uuid, bigint, uuid[], boolean, text) from public;
grant execute on function howdah.inverse_offer_answer(uuid, bigint, uuid[], boolean, text)
    to howdah_framework, howdah_operator;

create or replace function howdah.framework_budget_set(
    framework_id uuid, epoch bigint, tasks integer default 1)
returns void
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* How many of the framework's tasks drains may take down at a time before their deadlines (1 unless said;
   0: none, the framework moves them itself). Errors: value_invalid. */
begin
    perform framework_enter('framework_budget_set', framework_budget_set.framework_id,
                            framework_budget_set.epoch);
    if (framework_budget_set.tasks between 0 and 1000000) is not true then
        perform raise('value_invalid', 'framework_budget_set', 'tasks',
                      framework_budget_set.tasks::text, 'tasks at a time, 0 to 1000000');
    end if;
    update framework f set disruption_budget = framework_budget_set.tasks
    where f.framework_id = framework_budget_set.framework_id
      and f.disruption_budget <> framework_budget_set.tasks;
end
$$;
comment on function howdah.framework_budget_set(uuid, bigint, integer) is
    'how many of a framework''s tasks drains may take down at a time';
revoke all on function howdah.framework_budget_set(uuid, bigint, integer) from public;
grant execute on function howdah.framework_budget_set(uuid, bigint, integer)
    to howdah_framework, howdah_operator;

create or replace function howdah_private.drain_replacements()
returns table (task_id uuid, replaced_by uuid)
language sql stable
as $$
    /* Pairs of a killed task that was not replaced yet and one that may stand for it: of the same
       framework, running, on an agent that is not closed, begun since the drain. The first for the
       first. */
    select k.task_id, c.task_id
    from (select o.task_id, o.framework_id,
                 row_number() over (partition by o.framework_id
                                    order by o.killed_at, o.task_id) as n
          from howdah_private.drain_kill o
          where o.replaced_by is null) k
    join (select t.task_id, t.framework_id,
                 row_number() over (partition by t.framework_id
                                    order by t.created_at, t.task_id) as n
          from howdah_private.task t
          join (select o.framework_id, min(d.started_at) as since
                from howdah_private.drain_kill o
                join howdah_private.drain d on d.agent_id = o.agent_id
                where o.replaced_by is null
                group by o.framework_id) s on s.framework_id = t.framework_id
          where t.state = 'running' and t.created_at > s.since
            and not howdah_private.agent_cordoned(t.agent_id)
            and not exists (select 1 from howdah_private.drain_kill u
                            where u.replaced_by = t.task_id)) c
      on c.framework_id = k.framework_id and c.n = k.n;
$$;
comment on function howdah_private.drain_replacements() is
    'tasks that run in the place of those that drains killed';
revoke all on function howdah_private.drain_replacements() from public;

create or replace function howdah_private.drain_settle()
returns void
language sql
as $$
    /* Note which killed tasks have ended and which were replaced; forget those of frameworks that no
       drain asks for anything. */
    update howdah_private.drain_kill k
    set ended_at = clock_timestamp()
    where k.ended_at is null
      and not exists (select 1 from howdah_private.task t
                      where t.task_id = k.task_id and t.terminal_at is null);
    update howdah_private.drain_kill k
    set replaced_by = r.replaced_by
    from howdah_private.drain_replacements() r
    where k.task_id = r.task_id;
    delete from howdah_private.drain_kill k
    where k.ended_at is not null
      and not exists (select 1 from howdah_private.inverse_offer i
                      where i.framework_id = k.framework_id);
$$;
comment on function howdah_private.drain_settle() is
    'note which killed tasks have ended and which were replaced';
revoke all on function howdah_private.drain_settle() from public;

create or replace function howdah_private.drain_victims()
returns uuid[]
language sql
as $$
    /* What is to be killed now: everything where the deadline has passed; else of each framework as many
       as its budget has room for, those first that have to go first, the youngest of them first. */
    select array(
        select x.task_id
        from (select t.task_id, d.deadline <= clock_timestamp() as due,
                     row_number() over (
                         partition by t.framework_id, d.deadline <= clock_timestamp()
                         order by d.deadline, t.created_at desc, t.task_id) as n,
                     f.disruption_budget - coalesce(k.n, 0) as room
              from howdah_private.drain d
              join howdah_private.task t on t.agent_id = d.agent_id and t.terminal_at is null
              join howdah_private.framework f on f.framework_id = t.framework_id
              left join (select o.framework_id, count(*) as n
                         from howdah_private.drain_kill o
                         where o.replaced_by is null
                           and (o.ended_at is null
                                or o.ended_at > clock_timestamp()
                                   - howdah_private.setting_interval('drain_replace_s'))
                         group by o.framework_id) k on k.framework_id = t.framework_id
              where d.drained_at is null and t.state <> 'killing'
                and (t.state <> 'unreachable' or d.deadline <= clock_timestamp())
                and not exists (select 1 from howdah_private.drain_kill o
                                where o.task_id = t.task_id)) x
        where x.due or x.n <= x.room);
$$;
comment on function howdah_private.drain_victims() is 'tasks that drains have to kill now';
revoke all on function howdah_private.drain_victims() from public;

create or replace function howdah_private.drains_finish()
returns integer
language plpgsql
as $$
/* Agents whose last task is gone are drained. Returns how many. */
declare
    v_agents uuid[];
begin
    with done as (
        update howdah_private.drain d
        set drained_at = clock_timestamp()
        where d.drained_at is null
          and not exists (select 1 from howdah_private.task t
                          where t.agent_id = d.agent_id and t.terminal_at is null)
        returning d.agent_id
    )
    select array_agg(d.agent_id) into v_agents from done d;
    perform howdah_private.event_add('agent', u.id, null, null, 'coordinator', 'drained')
    from unnest(v_agents) as u (id);
    return coalesce(cardinality(v_agents), 0);
end
$$;
comment on function howdah_private.drains_finish() is 'agents whose last task is gone are drained';
revoke all on function howdah_private.drains_finish() from public;

create or replace function howdah.drains_advance(epoch bigint)
returns integer
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Leader's chore: kill what drains have to kill now (agent_draining), and find out which agents are
   drained. Returns how many tasks and agents. */
declare
    v_tasks uuid[];
    v_count integer;
begin
    perform leader_enter('drains_advance', drains_advance.epoch);
    if not exists (select 1 from drain d where d.drained_at is null)
       and not exists (select 1 from drain_kill) then
        return 0;
    end if;
    perform drain_settle();
    v_tasks := drain_victims();
    perform tasks_kill(v_tasks, null, 'coordinator', 'agent_draining');
    insert into drain_kill (task_id, framework_id, agent_id)
    select t.task_id, t.framework_id, t.agent_id
    from task t
    where t.task_id = any (v_tasks) and t.terminal_at is null;
    get diagnostics v_count = row_count;
    delete from inverse_offer i
    where not exists (select 1 from task t
                      where t.framework_id = i.framework_id and t.agent_id = i.agent_id
                        and t.terminal_at is null);
    return v_count + drains_finish();
end
$$;
comment on function howdah.drains_advance(bigint) is 'leader: take drains further';
revoke all on function howdah.drains_advance(bigint) from public;
grant execute on function howdah.drains_advance(bigint) to howdah_coordinator;
