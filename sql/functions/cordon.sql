-- SPDX-License-Identifier: PostgreSQL
-- Cordons: an agent that an operator closed takes no claims and makes no offers; what runs there runs
-- on. A cordon outlives the agent's restarts and silences, and ends with uncordon or with the agent.
--
-- Claims read agent_pool.open and nothing else. It is true while the agent is active and not cordoned:
-- whoever writes it, a cordon or an agent's state holds the agent's pools (pools_lock) before he reads
-- the others, so that none of the three is decided on an old one.

create or replace function howdah_private.agent_cordoned(agent uuid)
returns boolean
language sql stable
as $$
    select exists (select 1 from howdah_private.agent_cordon c where c.agent_id = agent);
$$;
comment on function howdah_private.agent_cordoned(uuid) is 'did an operator close the agent?';
revoke all on function howdah_private.agent_cordoned(uuid) from public;

create or replace function howdah_private.agent_operate(call text, agent_id uuid)
returns howdah_private.agent
language plpgsql
as $$
/* An agent that an operator is going to change, with its pools locked. */
declare
    v_agent howdah_private.agent;
begin
    perform howdah_private.pools_lock(array[agent_operate.agent_id]);
    select a.* into v_agent from howdah_private.agent a
    where a.agent_id = agent_operate.agent_id and a.state <> 'gone';
    if not found then
        perform howdah_private.raise('agent_unknown', agent_operate.call, 'agent_id',
                                     agent_operate.agent_id::text,
                                     'the id of an agent that is not gone');
    end if;
    return v_agent;
end
$$;
comment on function howdah_private.agent_operate(text, uuid) is
    'an agent that an operator is going to change, with its pools locked';
revoke all on function howdah_private.agent_operate(text, uuid) from public;

create or replace function howdah_private.reason_check(call text, reason text)
returns void
language plpgsql
as $$
begin
    if not howdah_private.name_ok(reason) then
        perform howdah_private.raise('value_invalid', call, 'reason', reason,
                                     '1 to 255 characters without controls or blanks at the ends');
    end if;
end
$$;
comment on function howdah_private.reason_check(text, text) is
    'raise unless an operator''s reason is null or good';
revoke all on function howdah_private.reason_check(text, text) from public;

create or replace function howdah_private.agent_close(
    agent uuid, reason text, by name, actor text)
returns boolean
language plpgsql
as $$
/* Cordon an agent whose pools the caller has: an operator, or for a maintenance window the coordinator.
   The window leaves a cordon that there is as it is; the operator makes a window's cordon his own. Did
   that change anything? */
begin
    insert into howdah_private.agent_cordon as c (agent_id, reason, cordoned_by, by_window)
    values (agent, agent_close.reason, agent_close.by, agent_close.actor = 'coordinator')
    on conflict (agent_id) do update
    set reason = coalesce(excluded.reason, c.reason), cordoned_by = excluded.cordoned_by,
        cordoned_at = excluded.cordoned_at, by_window = false
    where not excluded.by_window
      and (c.by_window or c.reason is distinct from coalesce(excluded.reason, c.reason));
    if not found then
        return false;
    end if;
    update howdah_private.agent_pool p set open = false where p.agent_id = agent and p.open;
    perform howdah_private.offers_rescind_agents(array[agent], 'agent_cordoned');
    perform howdah_private.event_add('agent', agent, null, null, agent_close.actor, 'cordon', null,
                                     agent_close.reason, jsonb_build_object('by', agent_close.by));
    perform howdah_private.bell_ring();
    return true;
end
$$;
comment on function howdah_private.agent_close(uuid, text, name, text) is 'cordon an agent';
revoke all on function howdah_private.agent_close(uuid, text, name, text) from public;

create or replace function howdah_private.agent_open(agent uuid, by name, actor text)
returns boolean
language plpgsql
as $$
/* Uncordon an agent whose pools the caller has. Was it cordoned? */
begin
    delete from howdah_private.agent_cordon c where c.agent_id = agent;
    if not found then
        return false;
    end if;
    perform howdah_private.drain_end(agent);
    update howdah_private.agent_pool p
    set open = exists (select 1 from howdah_private.agent a
                       where a.agent_id = agent and a.state = 'active')
    where p.agent_id = agent;
    perform howdah_private.event_add('agent', agent, null, null, agent_open.actor, 'uncordon', null,
                                     null, jsonb_build_object('by', agent_open.by));
    perform howdah_private.bell_ring();
    return true;
end
$$;
comment on function howdah_private.agent_open(uuid, name, text) is 'uncordon an agent';
revoke all on function howdah_private.agent_open(uuid, name, text) from public;

create or replace function howdah.agent_cordon(agent_id uuid, reason text default null)
returns boolean
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Close an agent to new tasks, as an operator: its offers are taken back (agent_cordoned), claims on it
   are refused (agent_closed), what runs there runs on. It stays closed through restarts and silences
   until agent_uncordon. True if that changed anything; cordoning again with another reason replaces
   the reason.

   select howdah.agent_cordon(howdah.id_find('agent', 'db-rack-7'), 'fan fails');

   Errors: agent_unknown, value_invalid. */
begin
    perform reason_check('agent_cordon', agent_cordon.reason);
    perform agent_operate('agent_cordon', agent_cordon.agent_id);
    return agent_close(agent_cordon.agent_id, agent_cordon.reason, session_user, 'operator');
end
$$;
comment on function howdah.agent_cordon(uuid, text) is 'close an agent to new tasks';
revoke all on function howdah.agent_cordon(uuid, text) from public;
grant execute on function howdah.agent_cordon(uuid, text) to howdah_operator;

create or replace function howdah.agent_uncordon(agent_id uuid)
returns boolean
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Open a cordoned agent again; unless it is unreachable it takes claims at once. A drain is broken off:
   what it has not killed yet stays. True if it was cordoned. Errors: agent_unknown. */
begin
    perform agent_operate('agent_uncordon', agent_uncordon.agent_id);
    return agent_open(agent_uncordon.agent_id, session_user, 'operator');
end
$$;
comment on function howdah.agent_uncordon(uuid) is 'open a cordoned agent again';
revoke all on function howdah.agent_uncordon(uuid) from public;
grant execute on function howdah.agent_uncordon(uuid) to howdah_operator;
