-- SPDX-License-Identifier: PostgreSQL
-- agent_sync: the one call of an agent. What happened and what I run goes in, what I should run
-- comes out. Desired state against actual state; there is no queue of orders that could be lost.
--
-- A sync that only says "I am alive" writes one unlogged row and does not wait for a disk.

create or replace function howdah_private.agent_enter(
    call text, agent_id uuid, epoch bigint)
returns howdah_private.agent
language plpgsql
as $$
/* Fence and check an agent's call. */
declare
    v_agent howdah_private.agent;
begin
    select a.* into v_agent from howdah_private.agent a where a.agent_id = agent_enter.agent_id;
    if not found then
        perform howdah_private.raise('agent_unknown', agent_enter.call, 'agent_id',
                                     agent_enter.agent_id::text, 'the id of a registered agent');
    elsif v_agent.principal <> session_user then
        perform howdah_private.raise('not_permitted', agent_enter.call, 'agent_id',
                                     agent_enter.agent_id::text,
                                     'an agent that this login registered');
    elsif v_agent.epoch is distinct from agent_enter.epoch then
        perform howdah_private.raise('epoch_stale', agent_enter.call, 'epoch',
                                     agent_enter.epoch::text,
                                     'the present epoch, ' || v_agent.epoch);
    end if;
    return v_agent;
end
$$;
comment on function howdah_private.agent_enter(text, uuid, bigint) is
    'fence and check an agent''s call';
revoke all on function howdah_private.agent_enter(text, uuid, bigint) from public;

create or replace function howdah_private.report_apply(agent uuid, updates jsonb)
returns integer
language plpgsql
as $$
/* Apply an agent's status updates in their order; a repeated one changes nothing. A kill that an agent
   obeyed has the reason of the kill. Returns how many changed a state. */
declare
    v_update record;
    v_count integer := 0;
begin
    for v_update in
        select t.task_id, u.doc ->> 'state' as state,
               case when t.state = 'killing' and u.doc ->> 'reason' = 'killed_by_request'
                    then t.reason else u.doc ->> 'reason' end as reason,
               u.doc ->> 'message' as message, (u.doc ->> 'exit_code')::numeric::integer as exit_code,
               (u.doc ->> 'signal')::numeric::integer as signal
        from jsonb_array_elements(updates) with ordinality as u (doc, n)
        join howdah_private.task t
          on t.task_id = howdah_private.uuid_or_null(u.doc ->> 'task_id') and t.agent_id = agent
        order by u.n
    loop
        v_count := v_count + howdah_private.tasks_step(
            array[v_update.task_id], 'report_' || v_update.state, 'agent', v_update.reason,
            v_update.message, v_update.exit_code, v_update.signal);
    end loop;
    return v_count;
end
$$;
comment on function howdah_private.report_apply(uuid, jsonb) is
    'apply an agent''s status updates';
revoke all on function howdah_private.report_apply(uuid, jsonb) from public;

create or replace function howdah_private.report_tasks(agent uuid, updates jsonb, held uuid[])
returns uuid[]
language sql stable
as $$
    /* The tasks that a report is going to touch; null if it brings no news. */
    select array_agg(x.task_id)
    from (select t.task_id
          from jsonb_array_elements(updates) as u (doc)
          join howdah_private.task t
            on t.task_id = howdah_private.uuid_or_null(u.doc ->> 'task_id')
               and t.agent_id = agent
          union
          select t.task_id
          from howdah_private.task t
          where t.agent_id = agent and t.terminal_at is null
            and (t.state = 'unreachable'
                 or t.state <> 'staging' and t.task_id <> all (held))) x;
$$;
comment on function howdah_private.report_tasks(uuid, jsonb, uuid[]) is
    'the tasks that an agent''s report is going to touch';
revoke all on function howdah_private.report_tasks(uuid, jsonb, uuid[]) from public;

create or replace function howdah_private.report_missing(
    agent uuid, held uuid[], locked uuid[])
returns integer
language plpgsql
as $$
/* What the books say runs there and the agent does not hold is gone; what was given up for
   unreachable and is held after all runs again; but if its end was asked for before or its framework
   has ended meanwhile, it is killed. Only of the tasks that the caller has locked: what came up since
   is the next report's business. Returns how many tasks changed. */
declare
    v_gone uuid[];
    v_back uuid[];
    v_asked uuid[];
    v_left uuid[];
    v_count integer;
begin
    select array_agg(t.task_id) filter (where t.task_id <> all (held)
                                          and t.state <> 'staging'),
           array_agg(t.task_id) filter (where t.task_id = any (held)
                                          and t.state = 'unreachable')
    into v_gone, v_back
    from howdah_private.task t
    where t.task_id = any (locked) and t.agent_id = agent and t.terminal_at is null;
    v_count := howdah_private.tasks_step(v_gone, 'missing', 'agent', 'not_on_agent')
             + howdah_private.tasks_step(v_back, 'report_running', 'agent', 'agent_returned');
    select array_agg(t.task_id) filter (where f.state <> 'completed'),
           array_agg(t.task_id) filter (where f.state = 'completed')
    into v_asked, v_left
    from howdah_private.task t
    join howdah_private.framework f on f.framework_id = t.framework_id
    where t.task_id = any (locked) and t.state in ('starting', 'running')
      and (f.state = 'completed'
           or exists (select 1 from howdah_private.event e
                      where e.object_id = t.task_id and e.cause = 'kill'));
    if v_asked is not null then
        v_count := v_count + howdah_private.tasks_step(v_asked, 'kill', 'coordinator',
                                                       'killed_by_request');
    end if;
    if v_left is not null then
        v_count := v_count + howdah_private.tasks_step(v_left, 'kill', 'coordinator',
                                                       'framework_removed');
    end if;
    return v_count;
end
$$;
comment on function howdah_private.report_missing(uuid, uuid[], uuid[]) is
    'tasks that an agent does not hold are gone';
revoke all on function howdah_private.report_missing(uuid, uuid[], uuid[]) from public;

create or replace function howdah_private.agent_seen(agent_id uuid, report_seq bigint)
returns boolean
language plpgsql
as $$
/* Note the heartbeat and hold its row: one sync of an agent at a time. False for a report that is
   older than one already taken. */
#variable_conflict use_column
begin
    insert into howdah_private.agent_heartbeat as h (agent_id, seen_at, report_seq)
    values (agent_seen.agent_id, clock_timestamp(), coalesce(agent_seen.report_seq, 0))
    on conflict (agent_id) do update
        set seen_at = excluded.seen_at, report_seq = excluded.report_seq
        where h.report_seq <= excluded.report_seq;
    return found;
end
$$;
comment on function howdah_private.agent_seen(uuid, bigint) is 'note an agent''s heartbeat';
revoke all on function howdah_private.agent_seen(uuid, bigint) from public;

create or replace function howdah_private.agent_return(agent uuid)
returns void
language plpgsql
as $$
/* An unreachable agent was heard from again: unless it is cordoned, it takes claims. */
begin
    perform howdah_private.pools_lock(array[agent]);
    update howdah_private.agent a
    set state = howdah_private.agent_next(a.state, 'sync'), state_at = now()
    where a.agent_id = agent and a.state = 'unreachable';
    if found then
        update howdah_private.agent_pool p set open = not howdah_private.agent_cordoned(agent)
        where p.agent_id = agent;
        perform howdah_private.event_add('agent', agent, 'unreachable', 'active', 'agent', 'sync');
        perform howdah_private.bell_ring();
    end if;
end
$$;
comment on function howdah_private.agent_return(uuid) is 'an unreachable agent is back';
revoke all on function howdah_private.agent_return(uuid) from public;

create or replace function howdah_private.usage_take(agent uuid, usage jsonb)
returns void
language plpgsql
as $$
/* Keep the newest usage sample of each of the agent's tasks. */
begin
    insert into howdah_private.task_usage as u (task_id, at, cpu_ms, mem_bytes, mem_peak_bytes,
                                                pids)
    select distinct on (t.task_id) t.task_id, clock_timestamp(), (x.doc ->> 'cpu_ms')::numeric::bigint,
           (x.doc ->> 'mem_bytes')::numeric::bigint, (x.doc ->> 'mem_peak_bytes')::numeric::bigint,
           (x.doc ->> 'pids')::numeric::bigint
    from jsonb_array_elements(usage) as x (doc)
    join howdah_private.task t
      on t.task_id = howdah_private.uuid_or_null(x.doc ->> 'task_id') and t.agent_id = agent
    on conflict (task_id) do update
    set at = excluded.at, cpu_ms = excluded.cpu_ms, mem_bytes = excluded.mem_bytes,
        mem_peak_bytes = greatest(u.mem_peak_bytes, excluded.mem_peak_bytes),
        pids = excluded.pids;
end
$$;
comment on function howdah_private.usage_take(uuid, jsonb) is 'keep usage samples';
revoke all on function howdah_private.usage_take(uuid, jsonb) from public;

create or replace function howdah_private.task_resources(t howdah_private.task)
returns jsonb
language sql stable
as $$
    /* What a task holds, with concrete ports and set items. */
    select jsonb_strip_nulls(jsonb_build_object(
        'cpus', trim_scale((t).cpus_milli / 1000.0), 'mem', (t).mem, 'disk', (t).disk,
        'gpus', (t).gpus, 'ports', howdah_private.ranges_to_json((t).ports),
        'scalars', (t).scalars, 'sets', (t).sets));
$$;
comment on function howdah_private.task_resources(howdah_private.task) is
    'what a task holds, as JSON';
revoke all on function howdah_private.task_resources(howdah_private.task) from public;

create or replace function howdah_private.sync_answer(agent uuid, held uuid[])
returns jsonb
language sql stable
as $$
    /* What this agent should do: desired state. What there is to launch and to read of logs is handed
       out in portions, since both are as long as frameworks like; the rest comes with the next sync. */
    select jsonb_build_object(
        'launch', coalesce((
            select jsonb_agg(jsonb_build_object(
                       'task_id', t.task_id, 'framework_id', t.framework_id, 'name', t.name,
                       'resources', howdah_private.task_resources(t), 'revocable', t.revocable,
                       'user', t.spec -> 'user',
                       'spec', case when t.kill_grace_s is null then t.spec
                                    else t.spec || jsonb_build_object('kill_grace_s',
                                                                      t.kill_grace_s) end)
                       order by t.created_at)
            from howdah_private.task t
            where t.task_id in (
                select x.task_id
                from (select s.task_id, row_number() over w as n,
                             sum(pg_column_size(s.spec)) over w as bytes
                      from howdah_private.task s
                      where s.agent_id = agent and s.terminal_at is null
                        and s.state = 'staging'
                      window w as (order by s.created_at, s.task_id)) x
                where x.n = 1 or x.n <= 1000 and x.bytes <= 4194304)), '[]'),
        'kill', coalesce((
            select jsonb_agg(jsonb_build_object(
                       'task_id', t.task_id,
                       'grace_s', coalesce(t.kill_grace_s,
                                           howdah_private.setting_get('kill_grace_s')::integer)))
            from howdah_private.task t
            where t.agent_id = agent and t.terminal_at is null and t.state = 'killing'), '[]'),
        'forget', coalesce((
            select jsonb_agg(h.id)
            from unnest(held) as h (id)
            where not exists (select 1 from howdah_private.task t
                              where t.task_id = h.id and t.agent_id = agent
                                and t.terminal_at is null)), '[]'),
        'logs', coalesce((
            select jsonb_agg(jsonb_build_object(
                       'request_id', r.request_id, 'task_id', r.task_id, 'stream', r.stream,
                       'offset', r.start_offset, 'length', r.length))
            from (select l.request_id, l.task_id, l.stream, l.start_offset, l.length
                  from howdah_private.log_request l
                  where l.agent_id = agent and l.answered_at is null
                  order by l.request_id
                  limit 16) r), '[]'));
$$;
comment on function howdah_private.sync_answer(uuid, uuid[]) is
    'what an agent should run, kill and forget';
revoke all on function howdah_private.sync_answer(uuid, uuid[]) from public;

create or replace function howdah_private.forget_log(agent uuid, tasks jsonb)
returns void
language sql
as $$
    /* Log, once each, that an agent is told to kill tasks of which the database knows nothing. */
    select howdah_private.event_add('task', f.id::uuid, null, null, 'agent', 'forget', null,
                                    'held by agent ' || a.name || ', not in the books: killed')
    from jsonb_array_elements_text(tasks) as f (id)
    join howdah_private.agent a on a.agent_id = agent
    where not exists (select 1 from howdah_private.task t where t.task_id = f.id::uuid)
      and not exists (select 1 from howdah_private.task_history h where h.task_id = f.id::uuid)
      and not exists (select 1 from howdah_private.event e
                      where e.object_id = f.id::uuid and e.cause = 'forget');
$$;
comment on function howdah_private.forget_log(uuid, jsonb) is
    'log what an agent is told to forget';
revoke all on function howdah_private.forget_log(uuid, jsonb) from public;

create or replace function howdah_private.whole_ok(value jsonb, low numeric, high numeric)
returns boolean
language sql immutable parallel safe
as $$
    select case coalesce(jsonb_typeof(whole_ok.value), 'null')
               when 'null' then true
               when 'number' then (whole_ok.value)::numeric between whole_ok.low and whole_ok.high
                                  and (whole_ok.value)::numeric % 1 = 0
               else false
           end;
$$;
comment on function howdah_private.whole_ok(jsonb, numeric, numeric) is
    'absent, null, or a whole number in this range';
revoke all on function howdah_private.whole_ok(jsonb, numeric, numeric) from public;

create or replace function howdah_private.report_problem(report jsonb)
returns text
language plpgsql immutable
as $$
/* What is wrong with the elements of an agent's report; null = nothing. Only what is there is looked
   at, so a report without news costs next to nothing. */
declare
    c_int constant numeric := 2147483647;
    c_big constant numeric := 9223372036854775807;
begin
    if not howdah_private.whole_ok(report -> 'seq', 0, c_big) then
        return 'seq: a whole number from 0';
    elsif coalesce(jsonb_typeof(report -> 'confirm'), 'null') not in ('boolean', 'null') then
        return 'confirm: true or false';
    elsif exists (select 1 from jsonb_array_elements(report -> 'running') r
                  where jsonb_typeof(r.value) <> 'string'
                     or howdah_private.uuid_or_null(r.value #>> '{}') is null) then
        return 'running: the uuids of tasks';
    elsif exists (select 1 from jsonb_array_elements(report -> 'updates') u
                  where howdah_private.uuid_or_null(u.value ->> 'task_id') is null
                     or coalesce(u.value ->> 'state', '') not in (
                         'starting', 'running', 'finished', 'failed', 'killed', 'error', 'dropped')
                     or not howdah_private.whole_ok(u.value -> 'exit_code', -c_int, c_int)
                     or not howdah_private.whole_ok(u.value -> 'signal', -c_int, c_int)) then
        return 'updates: objects with the uuid of a task, a state that agents report, and whole '
               'numbers as exit_code and signal';
    elsif exists (select 1 from jsonb_array_elements(report -> 'usage') u
                  where howdah_private.uuid_or_null(u.value ->> 'task_id') is null
                     or not howdah_private.whole_ok(u.value -> 'cpu_ms', 0, c_big)
                     or not howdah_private.whole_ok(u.value -> 'mem_bytes', 0, c_big)
                     or not howdah_private.whole_ok(u.value -> 'mem_peak_bytes', 0, c_big)
                     or not howdah_private.whole_ok(u.value -> 'pids', 0, c_big)) then
        return 'usage: objects with the uuid of a task and whole numbers from 0';
    elsif exists (select 1 from jsonb_array_elements(report -> 'logs') l
                  where jsonb_typeof(l.value -> 'request_id') is distinct from 'number'
                     or not howdah_private.whole_ok(l.value -> 'request_id', 0, c_big)
                     or not howdah_private.whole_ok(l.value -> 'size', 0, c_big)
                     or coalesce(jsonb_typeof(l.value -> 'eof'), 'null') not in ('boolean', 'null')
                     or translate(coalesce(l.value ->> 'data', ''), E' \n\r\t', '')
                        !~ '^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$') then
        return 'logs: objects with the number of a request, data in base64, a size and an eof';
    end if;
    return null;
end
$$;
comment on function howdah_private.report_problem(jsonb) is
    'what is wrong with an agent''s report; null = nothing';
revoke all on function howdah_private.report_problem(jsonb) from public;

create or replace function howdah_private.sync_confirm(report jsonb, answer jsonb)
returns jsonb
language plpgsql
as $$
/* The answer with "confirmed" where this commit is to prove that the cell has heard the agent: when the
   report asks for that, and when a task with stop_unreachable_s is to be launched. Such a transaction
   writes to the log and commits synchronously whatever the session's setting, so that a former primary
   that was cut off from its synchronous standby cannot finish it. An agent that does not know of
   `confirm` would not stop such tasks, and is not given any. */
declare
    v_stops boolean := answer -> 'launch' <> '[]'
                       and jsonb_path_exists(answer, '$.launch[*].spec.stop_unreachable_s');
begin
    if v_stops and not report ? 'confirm' then
        return jsonb_set(answer, '{launch}', coalesce(
            (select jsonb_agg(l.doc order by l.n)
             from jsonb_array_elements(answer -> 'launch') with ordinality as l (doc, n)
             where not l.doc -> 'spec' ? 'stop_unreachable_s'), '[]'));
    elsif not v_stops and report -> 'confirm' is distinct from 'true' then
        return answer;
    end if;
    if current_setting('synchronous_commit') in ('off', 'local') then
        perform set_config('synchronous_commit', 'on', true);
    end if;
    perform pg_logical_emit_message(true, 'howdah', 'agent_sync');
    return answer || jsonb_build_object('confirmed', true);
end
$$;
comment on function howdah_private.sync_confirm(jsonb, jsonb) is
    'make a sync one that a former primary cannot finish, if that is asked for';
revoke all on function howdah_private.sync_confirm(jsonb, jsonb) from public;

create or replace function howdah.agent_sync(agent_id uuid, epoch bigint, report jsonb)
returns jsonb
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
set jit = off
as $$
/* An agent's one call.

   report   {"seq": n, "cell": what the last answer said of the cell, "updates": [{"task_id", "state", "reason", "message", "exit_code", "signal"}],
             "running": [ids of all tasks it holds that are not terminal],
             "usage": [{"task_id", "cpu_ms", "mem_bytes", "mem_peak_bytes", "pids"}],
             "logs": [{"request_id", "data" (base64), "size", "eof", "error"}],
             "confirm": whether the answer has to prove that the cell lives (see stop_unreachable_s)}
            seq grows with every report of an incarnation: a late older one is ignored
   answer   {"epoch", "cell": {"cell_id", "epoch", "token", "generation", "timeline"}, "next_poll_ms", "launch": [tasks to start], "kill": [{"task_id", "grace_s"}],
             "forget": [ids that the cell does not want: kill at once], "logs": [requests],
             "confirmed": true if no former primary can have answered this; else absent}

   When it returns, every update of the report is durable or was known before. A task is repeated in
   launch until an update about it arrives, in kill until it has ended.
   Errors: agent_unknown, epoch_stale, not_permitted, value_invalid; cell_mismatch, cell_stale (a former
   primary: go to another host), cell_recovered (register again with the id). */
#variable_conflict use_column
declare
    v_agent agent;
    v_fresh boolean;
    v_problem text;
    v_running uuid[];
    v_held uuid[];
    v_tasks uuid[];
    v_changes integer := 0;
    v_answer jsonb;
    v_mark jsonb := cell_mark();
begin
    if jsonb_typeof(report) is distinct from 'object'
       or coalesce(jsonb_typeof(report -> 'updates'), 'array') <> 'array'
       or coalesce(jsonb_typeof(report -> 'running'), 'array') <> 'array'
       or coalesce(jsonb_typeof(report -> 'usage'), 'array') <> 'array'
       or coalesce(jsonb_typeof(report -> 'logs'), 'array') <> 'array'
       or coalesce(jsonb_typeof(report -> 'seq'), 'number') <> 'number' then
        perform raise('value_invalid', 'agent_sync', 'report', left(report::text, 80),
                      'an object with arrays updates, running, usage, logs and a number seq');
    end if;
    v_problem := report_problem(report);
    if v_problem is not null then
        perform raise('value_invalid', 'agent_sync', 'report', left(report::text, 80), v_problem);
    end if;
    if report -> 'cell' <> v_mark then
        perform cell_check('agent_sync', report -> 'cell');
        perform generation_check('agent_sync', report -> 'cell');
    end if;
    v_running := array(
        select h.id::uuid
        from jsonb_array_elements_text(coalesce(report -> 'running', '[]')) as h (id));
    -- What an update says to be under way is held, whether or not running lists it, too.
    v_held := v_running || array(
        select (u.doc ->> 'task_id')::uuid
        from jsonb_array_elements(coalesce(report -> 'updates', '[]')) as u (doc)
        where u.doc ->> 'state' in ('starting', 'running'));
    if agent_sync.agent_id is null then
        perform raise('agent_unknown', 'agent_sync', 'agent_id', null,
                      'the id of a registered agent');
    end if;
    v_fresh := agent_seen(agent_sync.agent_id, (report -> 'seq')::bigint);
    v_agent := agent_enter('agent_sync', agent_sync.agent_id, agent_sync.epoch);
    if not v_fresh then
        return jsonb_build_object('epoch', agent_sync.epoch, 'cell', v_mark,
                                  'next_poll_ms', 50, 'launch', '[]'::jsonb,
                                  'kill', '[]'::jsonb, 'forget', '[]'::jsonb,
                                  'logs', '[]'::jsonb, 'stale', true);
    end if;
    if v_agent.state = 'unreachable' then
        perform agent_return(agent_sync.agent_id);
    end if;
    v_tasks := report_tasks(agent_sync.agent_id, coalesce(report -> 'updates', '[]'), v_held);
    if v_tasks is not null then
        perform pools_lock(array[agent_sync.agent_id]);
        perform tasks_lock(v_tasks);
        v_changes := report_apply(agent_sync.agent_id, coalesce(report -> 'updates', '[]'))
                   + report_missing(agent_sync.agent_id, v_held, v_tasks);
    end if;
    if coalesce(report -> 'usage', '[]') <> '[]' then
        perform usage_take(agent_sync.agent_id, report -> 'usage');
    end if;
    if coalesce(report -> 'logs', '[]') <> '[]' then
        perform logs_take(agent_sync.agent_id, report -> 'logs');
    end if;
    if v_changes > 0 then
        perform bell_ring();
    elsif coalesce(report -> 'updates', '[]') = '[]' then
        perform set_config('synchronous_commit', 'off', true);
    end if;
    v_answer := sync_confirm(report, sync_answer(agent_sync.agent_id, v_running));
    if v_answer -> 'forget' <> '[]' then
        perform forget_log(agent_sync.agent_id, v_answer -> 'forget');
    end if;
    return v_answer || jsonb_build_object(
        'epoch', agent_sync.epoch, 'cell', v_mark,
        'next_poll_ms', case when v_answer -> 'launch' = '[]' and v_answer -> 'logs' = '[]'
                                  and v_changes = 0
                             then setting_get('agent_poll_ms')::integer else 50 end);
end
$$;
comment on function howdah.agent_sync(uuid, bigint, jsonb) is
    'an agent reports what it runs and learns what it should run';
revoke all on function howdah.agent_sync(uuid, bigint, jsonb) from public;
grant execute on function howdah.agent_sync(uuid, bigint, jsonb) to howdah_agent;
