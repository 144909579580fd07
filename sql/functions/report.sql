-- SPDX-License-Identifier: PostgreSQL
-- What the coordinator's pages and metrics show, each read by one call.

create or replace function howdah_private.cell_rates()
returns jsonb
language sql stable
as $$
    select coalesce(case when howdah_private.soft_state_readable() then (
        select jsonb_build_object(
            'claims_per_s', coalesce(sum(r.claims), 0) / 10.0,
            'conflicts_per_s', coalesce(sum(r.conflicts), 0) / 10.0,
            'tasks_per_s', coalesce(sum(r.tasks), 0) / 10.0)
        from howdah_private.rate_sample r
        where r.at > clock_timestamp() - interval '10 s') end,
        '{"claims_per_s": 0, "conflicts_per_s": 0, "tasks_per_s": 0}');
$$;
comment on function howdah_private.cell_rates() is
    'claims, conflicts and tasks per second, last 10 s; 0 on a standby';
revoke all on function howdah_private.cell_rates() from public;

create or replace function howdah_private.task_brief(t howdah.tasks)
returns jsonb
language sql stable
as $$
    select jsonb_build_object(
        'task_id', (t).task_id, 'name', (t).name, 'framework_id', (t).framework_id,
        'framework_name', (t).framework_name, 'role', (t).role, 'agent_id', (t).agent_id,
        'agent_name', (t).agent_name, 'state', (t).state, 'reason', (t).reason,
        'message', (t).message, 'exit_code', (t).exit_code, 'signal', (t).signal,
        'cpus', (t).cpus, 'mem', (t).mem, 'created_at', (t).created_at,
        'started_at', (t).started_at, 'terminal_at', (t).terminal_at, 'live', (t).live);
$$;
comment on function howdah_private.task_brief(howdah.tasks) is 'a task as the pages list it';
revoke all on function howdah_private.task_brief(howdah.tasks) from public;

create or replace function howdah_private.tasks_recent()
returns jsonb
language sql stable
as $$
    /* The newest 200 live tasks and the 50 that ended last. */
    select coalesce(jsonb_agg(howdah_private.task_brief(x.t)), '[]')
    from ((select t from howdah.tasks t
           where t.task_id in (select l.task_id from howdah_private.task l
                               where l.terminal_at is null
                               order by l.created_at desc limit 200)
           order by t.created_at desc)
          union all
          (select t from howdah.tasks t
           where t.task_id in ((select l.task_id from howdah_private.task l
                                where l.terminal_at is not null
                                order by l.terminal_at desc limit 50)
                               union all
                               (select h.task_id from howdah_private.task_history h
                                where h.terminal_at > now() - interval '1 hour'
                                order by h.terminal_at desc limit 50))
           order by t.terminal_at desc
           limit 50)) x;
$$;
comment on function howdah_private.tasks_recent() is 'the tasks that the page shows';
revoke all on function howdah_private.tasks_recent() from public;

create or replace function howdah.cell_snapshot()
returns jsonb
language sql stable security definer
set search_path = howdah_private, pg_catalog, pg_temp
set jit = off
as $$
    /* Everything that the first page shows, in one object; see docs/http-api.md for its shape. A
       standby shows no offers, rates and last_seen_s. */
    select jsonb_build_object(
        'now', clock_timestamp(),
        'cell_id', (select c.cell_id from cell c),
        'version', howdah.schema_version(),
        'leader', (select jsonb_build_object('name', l.name, 'epoch', l.epoch,
                                             'leading', l.leading) from howdah.leader l),
        'agents', (select coalesce(jsonb_agg(to_jsonb(x) order by x.name), '[]')
                   from (select a.* from howdah.agents a where a.state <> 'gone'
                         order by a.name limit 500) x),
        'agent_counts', (select coalesce(jsonb_object_agg(s.state, s.n), '{}')
                         from (select a.state, count(*) as n from agent a group by a.state) s),
        'frameworks', (select coalesce(jsonb_agg(to_jsonb(f) order by f.registered_at), '[]')
                       from howdah.frameworks f
                       where f.state <> 'completed'
                          or f.registered_at > now() - interval '10 minutes'),
        'tasks', tasks_recent(),
        'task_counts', (select coalesce(jsonb_object_agg(s.state, s.n), '{}')
                        from (select t.state, count(*) as n from task t group by t.state) s),
        'offers', jsonb_build_object(
            'outstanding', coalesce(case when soft_state_readable() then (
                select count(*) from offer o where o.state = 'outstanding') end, 0),
            'list', coalesce(case when soft_state_readable() then (
                select jsonb_agg(to_jsonb(x))
                from (select o.* from offer_shown o
                      where o.offer_id in (select l.offer_id from offer l
                                           where l.state = 'outstanding'
                                           order by l.created_at desc limit 100)
                      order by o.created_at desc) x) end, '[]')),
        'rates', cell_rates(),
        'totals', (select jsonb_build_object(
                       'cpus', coalesce(sum(a.cpus), 0), 'cpus_used', coalesce(sum(a.cpus_used), 0),
                       'mem', coalesce(sum(a.mem), 0), 'mem_used', coalesce(sum(a.mem_used), 0),
                       'disk', coalesce(sum(a.disk), 0), 'disk_used', coalesce(sum(a.disk_used), 0),
                       'gpus', coalesce(sum(a.gpus), 0), 'gpus_used', coalesce(sum(a.gpus_used), 0))
                   from howdah.agents a where a.state = 'active'),
        'roles', (select coalesce(jsonb_agg(to_jsonb(r) order by r.name), '[]')
                  from howdah.roles r),
        'settings', (select jsonb_object_agg(s.name, s.value) from setting s));
$$;
comment on function howdah.cell_snapshot() is 'everything that the first page shows';
revoke all on function howdah.cell_snapshot() from public;
grant execute on function howdah.cell_snapshot()
    to howdah_coordinator, howdah_operator, howdah_observer;

create or replace function howdah.metrics()
returns table (name text, type text, help text, labels jsonb, value double precision)
language sql stable security definer
set search_path = howdah_private, pg_catalog, pg_temp
set jit = off
as $$
    /* The cell's metrics for Prometheus; every state is there even when its count is zero. */
    select 'howdah_agents', 'gauge', 'Agents by state.', jsonb_build_object('state', s.state),
           (select count(*) from agent a where a.state = s.state)::double precision
    from unnest(enum_range(null::howdah.agent_state)) as s (state)
    union all
    select 'howdah_frameworks', 'gauge', 'Frameworks by state.',
           jsonb_build_object('state', s.state),
           (select count(*) from framework f where f.state = s.state)
    from unnest(enum_range(null::howdah.framework_state)) as s (state)
    union all
    select 'howdah_tasks', 'gauge', 'Tasks in the live table by state.',
           jsonb_build_object('state', s.state), coalesce(c.n, 0)
    from unnest(enum_range(null::howdah.task_state)) as s (state)
    left join (select t.state, count(*) as n from task t group by t.state) c
      on c.state = s.state
    union all
    select 'howdah_offers_outstanding', 'gauge', 'Offers that wait for an answer.', '{}',
           case when soft_state_readable() then (
               select count(*) from offer o where o.state = 'outstanding') end
    where soft_state_readable()
    union all
    select x.name, 'gauge', x.help, jsonb_build_object('resource', x.resource), x.value
    from (select sum(a.cpus) as c, sum(a.cpus_used) as cu, sum(a.mem) as m, sum(a.mem_used) as mu,
                 sum(a.disk) as d, sum(a.disk_used) as du, sum(a.gpus) as g, sum(a.gpus_used) as gu
          from howdah.agents a where a.state = 'active') t
    cross join lateral (values
        ('howdah_cell_cpus', 'Cpus of active agents.', 'total', t.c),
        ('howdah_cell_cpus', 'Cpus of active agents.', 'used', t.cu),
        ('howdah_cell_mem_bytes', 'Memory of active agents.', 'total', t.m * 1048576),
        ('howdah_cell_mem_bytes', 'Memory of active agents.', 'used', t.mu * 1048576),
        ('howdah_cell_disk_bytes', 'Disk of active agents.', 'total', t.d * 1048576),
        ('howdah_cell_disk_bytes', 'Disk of active agents.', 'used', t.du * 1048576),
        ('howdah_cell_gpus', 'Gpus of active agents.', 'total', t.g),
        ('howdah_cell_gpus', 'Gpus of active agents.', 'used', t.gu))
        as x (name, help, resource, value)
    where x.value is not null
    union all
    select 'howdah_claims_total', 'counter', 'Claims by framework role.',
           jsonb_build_object('role', f.role), sum(t.claims)
    from framework_total t join framework f using (framework_id) group by f.role
    union all
    select 'howdah_claim_conflicts_total', 'counter', 'Claims with at least one refused spec.',
           jsonb_build_object('role', f.role), sum(t.conflicts)
    from framework_total t join framework f using (framework_id) group by f.role
    union all
    select 'howdah_claimed_tasks_total', 'counter', 'Tasks committed by claims.',
           jsonb_build_object('role', f.role), sum(t.tasks)
    from framework_total t join framework f using (framework_id) group by f.role
    union all
    select 'howdah_offers_total', 'counter', 'Offers made.',
           jsonb_build_object('role', f.role), sum(t.offers)
    from framework_total t join framework f using (framework_id) group by f.role
    union all
    select 'howdah_offers_rescinded_total', 'counter', 'Offers taken back.',
           jsonb_build_object('role', f.role), sum(t.rescinds)
    from framework_total t join framework f using (framework_id) group by f.role
    union all
    select 'howdah_role_share_ratio', 'gauge', 'Weighted dominant share of a role.',
           jsonb_build_object('role', r.name), r.weighted_share
    from howdah.roles r
    union all
    select 'howdah_policy_faults_total', 'counter', 'Turns skipped because a policy failed.',
           jsonb_build_object('kind', p.kind), p.faults
    from policy_fault p
    union all
    select 'howdah_policy_failing', 'gauge', 'Whether a policy fails now.',
           jsonb_build_object('kind', p.kind), (p.message is not null)::integer
    from policy_fault p
    union all
    select 'howdah_leader_epoch', 'gauge', 'Epoch of the leader''s lease.', '{}', l.epoch
    from leader l
    union all
    select 'howdah_notify_queue_usage_ratio', 'gauge', 'How full the NOTIFY queue is.', '{}',
           pg_notification_queue_usage()
    union all
    select 'howdah_updates_unacknowledged', 'gauge', 'Status updates not yet acknowledged.', '{}',
           count(*) from task_update;
$$;
comment on function howdah.metrics() is 'the cell''s metrics';
revoke all on function howdah.metrics() from public;
grant execute on function howdah.metrics()
    to howdah_coordinator, howdah_operator, howdah_observer;

create or replace function howdah.events_recent(max_events integer default 200)
returns jsonb
language sql stable security definer
set search_path = howdah_private, pg_catalog, pg_temp
set jit = off
as $$
    /* The newest state changes, newest first, as a JSON array of rows of howdah.events; at most 1000.
       The claims that made tasks are not among them. */
    select coalesce(jsonb_agg(to_jsonb(x)), '[]')
    from (select e.event_id, e.at, e.object_kind, e.object_id, e.from_state, e.to_state,
                 e.reason, e.actor, e.cause, e.message, e.detail
          from event e
          order by e.at desc, e.event_id desc
          limit least(greatest(events_recent.max_events, 1), 1000)) x;
$$;
comment on function howdah.events_recent(integer) is 'the newest state changes, as JSON';
revoke all on function howdah.events_recent(integer) from public;
grant execute on function howdah.events_recent(integer)
    to howdah_coordinator, howdah_operator, howdah_observer;
