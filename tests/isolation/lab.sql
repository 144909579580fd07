-- SPDX-License-Identifier: PostgreSQL
-- The words in which specs are written: things have names here instead of ids. Each is a thin shell
-- around one public function and takes no lock of its own, so what blocks whom is howdah's doing.
--
-- isolationtester ends a step at the first closing brace, so JSON is written with < and > for the
-- braces (lab.json), and lists of names are words in one text.
--
-- In the lab agents and frameworks are never silent unless lab.silence says so: their last sign of
-- life lies an hour ahead, and after lab.silence an hour back.

create schema lab;
create table lab.thing (name text primary key, id uuid not null);

create procedure lab.fresh()
language plpgsql
as $$
/* An empty cell: every permutation begins with it. */
begin
    truncate lab.thing, howdah_private.agent, howdah_private.agent_pool,
        howdah_private.agent_heartbeat, howdah_private.framework,
        howdah_private.framework_heartbeat, howdah_private.framework_total,
        howdah_private.filter, howdah_private.offer, howdah_private.task, howdah_private.claim,
        howdah_private.task_update, howdah_private.event, howdah_private.task_usage,
        howdah_private.log_request, howdah_private.task_history, howdah_private.event_history,
        howdah_private.claim_history, howdah_private.rate_sample, howdah_private.doorbell,
        howdah_private.agent_cordon, howdah_private.drain, howdah_private.inverse_offer,
        howdah_private.drain_kill, howdah_private.maintenance,
        howdah_private.offer_filter, howdah_private.placement
        restart identity;
    update howdah_private.news_cursor set position = 0;
    update howdah_private.leader
    set coordinator_id = null, name = null, epoch = 0, expires_at = '-infinity';
    update howdah_private.setting
    set value = case when name in ('agent_timeout_s', 'framework_heartbeat_s') then '1'
                     when name = 'outage_grace_s' then '0' else preset end;
end
$$;

create function lab.id(name text) returns uuid
language sql stable
as $$
    select coalesce(
        (select t.id from lab.thing t where t.name = id.name),
        (select t.task_id from howdah_private.task_all t where t.name = id.name
         order by t.live desc, t.created_at desc limit 1),
        md5(id.name)::uuid);
$$;

create function lab.json(body text) returns jsonb
language sql immutable
as $$
    /* "a": 1, "b": <"c": 2>  stands for  {"a": 1, "b": {"c": 2}} */
    select translate('<' || json.body || '>', '<>', '{}')::jsonb;
$$;

create procedure lab.agent(name text, cpus numeric, more text default '')
language plpgsql
as $$
declare
    v_id uuid;
begin
    select r.agent_id into v_id
    from howdah.agent_register(agent.name, 'lab', jsonb_build_object('cpus', cpus, 'mem', 1024)
                                                  || lab.json(more)) r;
    update howdah_private.agent_heartbeat h set seen_at = now() + interval '1 h'
    where h.agent_id = v_id;
    -- Agents are locked in the order of their ids: here that is the order of their names.
    update howdah_private.agent a set agent_id = overlay(a.agent_id::text placing
        lpad(to_hex(ascii(right(agent.name, 1))), 8, '0') from 1)::uuid where a.agent_id = v_id;
    update howdah_private.agent_pool p set agent_id = (select a.agent_id
        from howdah_private.agent a where a.name = agent.name) where p.agent_id = v_id;
    update howdah_private.agent_heartbeat h set agent_id = (select a.agent_id
        from howdah_private.agent a where a.name = agent.name) where h.agent_id = v_id;
    insert into lab.thing select a.name, a.agent_id from howdah_private.agent a
    where a.name = agent.name;
end
$$;

create procedure lab.framework(name text, failover_timeout_s integer default 604800)
language plpgsql
as $$
begin
    insert into lab.thing
    select framework.name, r.framework_id
    from howdah.framework_register(framework.name,
                                   failover_timeout_s => framework.failover_timeout_s) r;
    update howdah_private.framework_heartbeat h set seen_at = now() + interval '1 h';
end
$$;

create procedure lab.silence(name text)
language plpgsql
as $$
begin
    update howdah_private.agent_heartbeat h set seen_at = now() - interval '1 h'
    where h.agent_id = lab.id(silence.name);
    update howdah_private.framework_heartbeat h set seen_at = now() - interval '1 h'
    where h.framework_id = lab.id(silence.name);
end
$$;

create procedure lab.lead(name text)
language plpgsql
as $$
/* `name` leads, with epoch 1 in a fresh cell, and has done so for an hour. */
begin
    perform howdah.leader_acquire(lab.id(lead.name), lead.name, 600000);
    update howdah_private.leader set acquired_at = now() - interval '1 h';
    update howdah_private.cell set epoch_at = now() - interval '1 h';
end
$$;

create procedure lab.second()
language sql
as $$
    /* A second passes for the leader: without news it looks for offers to make only once in one. */
    update howdah_private.news_cursor set position = 0 where name = 'offers_made_ms';
$$;

create function lab.task(name text, place text, cpus numeric default 1, more text default '')
returns jsonb
language sql stable
as $$
    /* A spec. place: an agent, or "offer of AGENT to FRAMEWORK": the one that is outstanding, or else
       the latest. more: further resources, or under "version" the agent's version. */
    select jsonb_build_object(
               'name', task.name,
               'resources', jsonb_build_object('cpus', task.cpus, 'mem', 1)
                            || (lab.json(task.more) - 'version'),
               'command', '{"shell": "true"}'::jsonb)
           || jsonb_strip_nulls(jsonb_build_object('version', lab.json(task.more) -> 'version'))
           || case when task.place like 'offer of %' then (
               select jsonb_build_object('offer', o.offer_id)
               from howdah_private.offer o
               where o.agent_id = lab.id(split_part(task.place, ' ', 3))
                 and o.framework_id = lab.id(split_part(task.place, ' ', 5))
               order by o.state, o.change_seq desc limit 1)
              else jsonb_build_object('agent', lab.id(task.place)) end;
$$;

create function lab.claim(framework text, key text, variadic specs jsonb[])
returns table (task text, agent text, verdict text, replayed boolean)
language sql volatile
as $$
    select c.name, t.name, coalesce(c.reason, 'committed'), c.replayed
    from howdah.claim(lab.id(claim.framework), 1, md5(claim.key)::uuid, to_jsonb(claim.specs)) c
    left join lab.thing t on t.id = c.agent_id
    order by c.ordinal;
$$;

create function lab.claim_as(framework text, key text, how text, variadic specs jsonb[])
returns table (task text, agent text, verdict text, replayed boolean)
language sql volatile
as $$
    /* how: mode, conflict, epoch. */
    select c.name, t.name, coalesce(c.reason, 'committed'), c.replayed
    from howdah.claim(lab.id(claim_as.framework), coalesce((lab.json(how) -> 'epoch')::bigint, 1),
                      md5(claim_as.key)::uuid, to_jsonb(claim_as.specs),
                      mode => coalesce(lab.json(how) ->> 'mode', 'all'),
                      conflict => coalesce(lab.json(how) ->> 'conflict', 'fit')) c
    left join lab.thing t on t.id = c.agent_id
    order by c.ordinal;
$$;

create function lab.place(framework text, key text, rather text, variadic specs jsonb[])
returns table (task text, agent text, verdict text, replayed boolean)
language sql volatile
as $$
    /* rather: the agent that is preferred. What the specs say of places is forgotten. */
    select c.name, t.name, coalesce(c.reason, 'committed'), c.replayed
    from howdah.place(lab.id(place.framework), 1, md5(place.key)::uuid,
                      (select jsonb_agg(s.spec - 'agent') from unnest(place.specs) as s (spec)),
                      jsonb_build_object('prefer', jsonb_build_array(
                          jsonb_build_object('agents', jsonb_build_array(lab.id(place.rather)))))) c
    left join lab.thing t on t.id = c.agent_id
    order by c.ordinal;
$$;

create function lab.sync(agent text, holds text, updates text default '',
                         seq bigint default null, epoch bigint default 1)
returns table (launch text, kill text, forget bigint, stale boolean)
language plpgsql
as $$
/* One report of an agent: the tasks it holds ('t1 t2') and what happened ('t1 running t3 failed'). */
declare
    v_answer jsonb;
begin
    v_answer := howdah.agent_sync(lab.id(agent), epoch, jsonb_strip_nulls(jsonb_build_object(
        'seq', seq,
        'updates', (select coalesce(jsonb_agg(jsonb_build_object('task_id', lab.id(u.part[1]),
                                                                 'state', u.part[2])), '[]')
                    from regexp_matches(updates, '(\S+) (\S+)', 'g') as u (part)),
        'running', array(select lab.id(h.name)
                         from string_to_table(holds, ' ') as h (name) where h.name <> ''))));
    return query
    select (select string_agg(e ->> 'name', ' ' order by e ->> 'name')
            from jsonb_array_elements(v_answer -> 'launch') e),
           (select string_agg(t.name, ' ' order by t.name)
            from jsonb_array_elements(v_answer -> 'kill') e
            join howdah_private.task t on t.task_id = (e ->> 'task_id')::uuid),
           (select count(*) from jsonb_array_elements(v_answer -> 'forget')),
           coalesce((v_answer -> 'stale')::boolean, false);
end
$$;

create function lab.nth(n integer) returns uuid
language sql stable
as $$
    /* The n-th live task in the order of ids, which is the order of locks. */
    select t.task_id from howdah_private.task t
    where t.terminal_at is null order by t.task_id offset nth.n - 1 limit 1;
$$;

create view lab.tasks as
select t.name as task, a.name as agent, t.state, t.reason, t.live
from howdah_private.task_all t
left join lab.thing a on a.id = t.agent_id
order by t.name, t.created_at;

create view lab.books as
select a.name as agent, p.open, trim_scale((p.cpus_capacity - p.cpus_free) / 1000.0) as cpus_held,
       p.ports_allocated as ports,
       (select string_agg(t.name, ' ' order by t.name) from howdah_private.task t
        where t.agent_id = p.agent_id and t.terminal_at is null) as live
from howdah_private.agent_pool p
join lab.thing a on a.id = p.agent_id
order by a.name;

create view lab.updates as
select t.name as task, u.state, u.reason
from howdah_private.task_update u
left join howdah_private.task_all t on t.task_id = u.task_id
order by t.name, u.update_id;

create view lab.offers as
select f.name as framework, a.name as agent, o.state, o.reason
from howdah_private.offer o
left join lab.thing f on f.id = o.framework_id
left join lab.thing a on a.id = o.agent_id
order by f.name, a.name, o.change_seq;
