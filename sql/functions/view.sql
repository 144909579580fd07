-- SPDX-License-Identifier: PostgreSQL
-- Public views. Units: cpus in cpus, mem and disk in MiB. Rows that belong to a framework are shown
-- to the login that registered it; operators, observers and coordinators see all.
-- Views are replaced whole: columns are only ever appended.

create or replace function howdah_private.sees_all()
returns boolean
language sql stable
as $$
    select pg_has_role(session_user, 'howdah_operator', 'member')
        or pg_has_role(session_user, 'howdah_observer', 'member')
        or pg_has_role(session_user, 'howdah_coordinator', 'member');
$$;
comment on function howdah_private.sees_all() is 'may this login see everybody''s rows?';
revoke all on function howdah_private.sees_all() from public;

create or replace function howdah_private.soft_state_readable()
returns boolean
language sql immutable
as $$
    /* Are there unlogged tables here, that is: is this no standby? Declared immutable so that it is
       answered when a statement is planned: a sub-select in `case when soft_state_readable() then (…)
       end` is then not even planned on a standby, which refuses to plan a read of an unlogged table.
       The answer changes once in a server's life, at its promotion; a statement that was prepared
       before goes on to show nulls in its session. */
    select not pg_is_in_recovery();
$$;
comment on function howdah_private.soft_state_readable() is
    'is soft state here, which no standby has? Answered when a statement is planned';
revoke all on function howdah_private.soft_state_readable() from public;

create or replace view howdah.cell with (security_barrier) as
select a.agent_id, a.name::text as name, a.host::text as host, p.version, a.attributes,
       trim_scale(p.cpus_capacity / 1000.0) as cpus, p.mem_capacity::bigint as mem,
       p.disk_capacity::bigint as disk, p.gpus_capacity::bigint as gpus,
       trim_scale(f.cpus_milli / 1000.0) as cpus_free, f.mem as mem_free, f.disk as disk_free,
       f.gpus as gpus_free, howdah_private.ranges_to_json(f.ports) as ports_free,
       f.scalars as scalars_free, f.sets as sets_free,
       w.starts_at as unavailable_from, w.ends_at as unavailable_until
from howdah_private.agent a
join howdah_private.agent_pool p on p.agent_id = a.agent_id and p.pool = '*'
join howdah_private.pool_free f on f.agent_id = a.agent_id
left join howdah_private.maintenance_next w on w.agent_id = a.agent_id
where p.open;
comment on view howdah.cell is
    'what is free now on each agent that takes claims: for schedulers that claim without offers';

create or replace view howdah.agents with (security_barrier) as
select a.agent_id, a.name::text as name, a.host::text as host, a.state::text as state, a.epoch,
       p.version, a.attributes,
       trim_scale(p.cpus_capacity / 1000.0) as cpus,
       trim_scale((p.cpus_capacity - p.cpus_free) / 1000.0) as cpus_used,
       trim_scale(p.cpus_free / 1000.0) as cpus_free,
       p.mem_capacity::bigint as mem, p.mem_capacity - p.mem_free as mem_used,
       p.mem_free::bigint as mem_free,
       p.disk_capacity::bigint as disk, p.disk_capacity - p.disk_free as disk_used,
       p.disk_free::bigint as disk_free,
       p.gpus_capacity::bigint as gpus, p.gpus_capacity - p.gpus_free as gpus_used,
       p.gpus_free::bigint as gpus_free,
       jsonb_strip_nulls(jsonb_build_object(
           'ports', howdah_private.ranges_to_json(p.ports_capacity),
           'ports_used', howdah_private.ranges_to_json(p.ports_allocated),
           'scalars', p.scalars_capacity,
           'scalars_used', howdah_private.scalars_add(p.scalars_allocated,
                                                      p.scalars_revocable, 1),
           'sets', p.sets_capacity, 'sets_used', p.sets_allocated)) as other,
       coalesce(t.task_count, 0) as task_count,
       case when howdah_private.soft_state_readable()
            then (select count(*) from howdah_private.offer o
                  where o.agent_id = a.agent_id and o.state = 'outstanding') end as offer_count,
       case when howdah_private.soft_state_readable()
            then (select extract(epoch from clock_timestamp() - h.seen_at)::double precision
                  from howdah_private.agent_heartbeat h
                  where h.agent_id = a.agent_id) end as last_seen_s,
       a.registered_at, c.agent_id is not null as cordoned, c.reason as cordon_reason,
       c.cordoned_by, c.cordoned_at,
       case when d.drained_at is not null then 'drained'
            when d.agent_id is not null then 'draining' end as drain,
       d.deadline as drain_deadline, d.drained_at
from howdah_private.agent a
join howdah_private.agent_pool p on p.agent_id = a.agent_id and p.pool = '*'
left join howdah_private.agent_cordon c on c.agent_id = a.agent_id
left join howdah_private.drain d on d.agent_id = a.agent_id
left join (select x.agent_id, count(*) as task_count from howdah_private.task x
           where x.terminal_at is null group by x.agent_id) t on t.agent_id = a.agent_id;
comment on view howdah.agents is
    'agents with capacity, use and liveness; offer_count and last_seen_s are null on a standby';

create or replace view howdah.frameworks with (security_barrier) as
select f.framework_id, f.name::text as name, f.role, f.principal, f.state::text as state, f.epoch,
       f.suppressed, coalesce(s.tasks, 0) as task_count, t.tasks as tasks_total, t.claims,
       t.conflicts,
       case when howdah_private.soft_state_readable()
            then (select count(*) from howdah_private.offer o
                  where o.framework_id = f.framework_id and o.state = 'outstanding')
       end as offers_outstanding,
       t.rescinds + case when howdah_private.soft_state_readable()
            then (select count(*) from howdah_private.offer o
                  where o.framework_id = f.framework_id and o.state = 'rescinded')
       end as offers_rescinded,
       trim_scale(coalesce(s.cpus_milli, 0) / 1000.0) as cpus, coalesce(s.mem, 0) as mem,
       coalesce(s.own_share, 0) as dominant_share,
       case when coalesce(s.own_share, 0) = 0 then null
            when s.cpus_milli::double precision / nullif(c.cpus_milli, 0) = s.own_share then 'cpus'
            when s.mem::double precision / nullif(c.mem, 0) = s.own_share then 'mem'
            when s.disk::double precision / nullif(c.disk, 0) = s.own_share then 'disk'
            else 'gpus' end as dominant_resource,
       r.weight, f.failover_timeout_s, f.registered_at,
       case when howdah_private.soft_state_readable()
            then (select extract(epoch from clock_timestamp() - h.seen_at)::double precision
                  from howdah_private.framework_heartbeat h
                  where h.framework_id = f.framework_id) end as last_seen_s,
       f.requested_at, f.disruption_budget
from howdah_private.framework f
join howdah_private.role r on r.name = f.role
cross join howdah_private.cell_total c
left join howdah_private.framework_share s on s.framework_id = f.framework_id
left join howdah_private.framework_total t on t.framework_id = f.framework_id
where f.principal = session_user or (select howdah_private.sees_all());
comment on view howdah.frameworks is
    'frameworks with shares and totals, which lag by up to a coordinator''s turn; what regards offers '
    'and last_seen_s is null on a standby';

create or replace view howdah.roles with (security_barrier) as
select r.name::text as name, r.weight, count(s.framework_id) as framework_count,
       coalesce(sum(s.tasks), 0)::bigint as task_count,
       trim_scale(coalesce(sum(s.cpus_milli), 0) / 1000.0) as cpus,
       coalesce(sum(s.mem), 0)::bigint as mem, coalesce(sum(s.disk), 0)::bigint as disk,
       coalesce(sum(s.gpus), 0)::bigint as gpus,
       coalesce(max(s.role_share), 0) as weighted_share,
       r.parent, q.guarantee, q.limits
from howdah_private.role r
left join howdah_private.framework_share s on s.role = r.name
left join (select x.role,
                  howdah_private.amounts_to_json(array_agg(x.resource), array_agg(x.guarantee))
                      as guarantee,
                  howdah_private.amounts_to_json(array_agg(x.resource), array_agg(x.at_most))
                      as limits
           from howdah_private.quota x
           group by x.role) q on q.role = r.name
group by r.name, r.weight, r.parent, q.guarantee, q.limits;
comment on view howdah.roles is
    'sharing roles with what their own frameworks hold; weighted_share is the dominant share divided '
    'by the weight';

create or replace view howdah_private.task_all as
select t.*, true as live from howdah_private.task t
union all
select h.*, false from howdah_private.task_history h;
comment on view howdah_private.task_all is 'tasks, live table and history';

create or replace view howdah.tasks with (security_barrier) as
select t.task_id, t.name, t.framework_id, f.name::text as framework_name, f.role, t.agent_id,
       a.name::text as agent_name, t.state::text as state, t.reason, t.message, t.exit_code,
       t.signal, trim_scale(t.cpus_milli / 1000.0) as cpus, t.mem, t.disk, t.gpus,
       howdah_private.ranges_to_json(t.ports) as ports,
       jsonb_strip_nulls(jsonb_build_object(
           'cpus', trim_scale(t.cpus_milli / 1000.0), 'mem', t.mem, 'disk', t.disk,
           'gpus', t.gpus, 'ports', howdah_private.ranges_to_json(t.ports),
           'scalars', t.scalars, 'sets', t.sets)) as resources,
       t.spec, t.revocable, t.created_at, t.started_at, t.terminal_at,
       t.terminal_at is null as live, t.claim_key, t.state_at,
       case when howdah_private.soft_state_readable()
            then (select u.cpu_ms from howdah_private.task_usage u
                  where u.task_id = t.task_id) end as cpu_ms,
       case when howdah_private.soft_state_readable()
            then (select u.mem_bytes from howdah_private.task_usage u
                  where u.task_id = t.task_id) end as mem_bytes,
       case when howdah_private.soft_state_readable()
            then (select u.mem_peak_bytes from howdah_private.task_usage u
                  where u.task_id = t.task_id) end as mem_peak_bytes,
       case when howdah_private.soft_state_readable()
            then (select u.pids from howdah_private.task_usage u
                  where u.task_id = t.task_id) end as pids
from howdah_private.task_all t
join howdah_private.framework f on f.framework_id = t.framework_id
join howdah_private.agent a on a.agent_id = t.agent_id
where f.principal = session_user or (select howdah_private.sees_all());
comment on view howdah.tasks is
    'tasks, running and ended, back to the oldest day of history; usage is null on a standby';

create or replace view howdah_private.offer_shown as
select o.offer_id, o.framework_id, f.name::text as framework_name, o.agent_id,
       a.name::text as agent_name, o.state::text as state, o.reason,
       trim_scale(o.cpus_milli / 1000.0) as cpus, o.mem, o.disk, o.gpus,
       howdah_private.offer_resources(o) as resources, o.created_at, o.expires_at
from howdah_private.offer o
join howdah_private.framework f on f.framework_id = o.framework_id
join howdah_private.agent a on a.agent_id = o.agent_id;
comment on view howdah_private.offer_shown is 'offers as howdah.offers shows them; not on a standby';

create or replace view howdah.offers with (security_barrier) as
select o.offer_id, f.framework_id, o.framework_name, o.agent_id, o.agent_name, o.state, o.reason,
       o.cpus, o.mem, o.disk, o.gpus, o.resources, o.created_at, o.expires_at
from howdah_private.framework f
cross join lateral unnest(
    case when howdah_private.soft_state_readable()
         then array(select x from howdah_private.offer_shown x
                    where x.framework_id = f.framework_id) end) o
where f.principal = session_user or (select howdah_private.sees_all());
comment on view howdah.offers is 'offers of the last minute or so; a standby has none';

create or replace view howdah.maintenance with (security_barrier) as
select m.window_id, m.agent_id, a.name::text as agent_name, m.starts_at, m.ends_at, m.reason,
       m.set_by, m.set_at,
       case when m.cancelled or m.ends_at <= clock_timestamp() then 'ending'
            when m.began_at is null then 'planned'
            when m.starts_at > clock_timestamp() then 'draining'
            else 'under way' end as state
from howdah_private.maintenance m
join howdah_private.agent a on a.agent_id = m.agent_id;
comment on view howdah.maintenance is 'maintenance windows, planned and under way';

create or replace view howdah.inverse_offers with (security_barrier) as
select i.inverse_offer_id, i.framework_id, f.name::text as framework_name, i.agent_id,
       a.name::text as agent_name, d.deadline,
       (select count(*) from howdah_private.task t
        where t.framework_id = i.framework_id and t.agent_id = i.agent_id
          and t.terminal_at is null) as task_count,
       i.accepted, i.reason as answer_reason, i.answered_at, i.created_at
from howdah_private.inverse_offer i
join howdah_private.drain d on d.agent_id = i.agent_id
join howdah_private.framework f on f.framework_id = i.framework_id
join howdah_private.agent a on a.agent_id = i.agent_id
where f.principal = session_user or (select howdah_private.sees_all());
comment on view howdah.inverse_offers is
    'which frameworks are asked to leave which agents, and what they answered';

create or replace view howdah.claims with (security_barrier) as
select c.framework_id, c.claim_key, c.mode, c.conflict, c.revocable, c.task_count,
       c.committed_count, c.task_count - c.committed_count as refused_count, c.refusals,
       c.task_ids, c.created_at
from (select x.* from howdah_private.claim x
      union all
      select y.* from howdah_private.claim_history y) c
join howdah_private.framework f on f.framework_id = c.framework_id
where f.principal = session_user or (select howdah_private.sees_all());
comment on view howdah.claims is 'claims with what was committed and why the rest was refused';

create or replace view howdah.requests with (security_barrier) as
select q.framework_id, f.name::text as framework_name, f.role, q.n, q.count, q.resources,
       q.constraints, f.requested_at
from howdah_private.request q
join howdah_private.framework f on f.framework_id = q.framework_id
where f.principal = session_user or (select howdah_private.sees_all());
comment on view howdah.requests is 'what frameworks say they still need';

create or replace view howdah.filters with (security_barrier) as
select f.framework_id, f.name::text as framework_name, x.agent_id, a.name::text as agent_name,
       x.until, trim_scale(x.cpus_milli / 1000.0) as cpus, x.mem, x.disk, x.gpus,
       null::text as name, null::jsonb as wanted
from howdah_private.framework f
cross join lateral unnest(
    case when howdah_private.soft_state_readable()
         then array(select y from howdah_private.filter y
                    where y.framework_id = f.framework_id) end) x
join howdah_private.agent a on a.agent_id = x.agent_id
where (f.principal = session_user or (select howdah_private.sees_all()))
  and x.until > clock_timestamp()
union all
select f.framework_id, f.name::text, null, null, x.until, null, null, null, null, x.name, x.wanted
from howdah_private.offer_filter x
join howdah_private.framework f on f.framework_id = x.framework_id
where (f.principal = session_user or (select howdah_private.sees_all()))
  and (x.until > clock_timestamp()) is not false;
comment on view howdah.filters is
    'agents that frameworks refused, and until when; named filters, and what they want offered; a '
    'standby has only these';

create or replace view howdah.events with (security_barrier) as
select e.event_id, e.at, e.object_kind, e.object_id, e.from_state, e.to_state, e.reason, e.actor,
       e.cause, e.message, e.detail
from (select x.* from howdah_private.event x
      union all
      select y.* from howdah_private.event_history y
      union all
      select null, t.created_at, 'task', t.task_id, null, 'staging', null, 'framework', 'claim',
             null, jsonb_build_object('claim_key', t.claim_key)
      from howdah_private.task_all t) e
where (select howdah_private.sees_all())
   or e.object_kind = 'task'
      and exists (select 1
                  from howdah_private.task_all t
                  join howdah_private.framework f on f.framework_id = t.framework_id
                  where t.task_id = e.object_id and f.principal = session_user)
   or e.object_kind = 'framework'
      and exists (select 1 from howdah_private.framework f
                  where f.framework_id = e.object_id and f.principal = session_user);
comment on view howdah.events is
    'state changes with their causes; a task''s first one stands in the task''s own row';

create or replace view howdah.settings with (security_barrier) as
select s.name, s.value, s.preset as default_value, s.unit, s.help, s.changed_at, s.changed_by
from howdah_private.setting s;
comment on view howdah.settings is 'settings of the cell';

create or replace view howdah.leader with (security_barrier) as
select l.coordinator_id, l.name, l.epoch, l.acquired_at, l.renewed_at, l.expires_at,
       l.expires_at > clock_timestamp() as leading
from howdah_private.leader l;
comment on view howdah.leader is 'the leading coordinator''s lease';

create or replace function howdah.schema_version()
returns integer
language sql immutable
as $$
    select 20;
$$;
comment on function howdah.schema_version() is 'number of the newest migration that this schema has';

create or replace function howdah.id_find(kind text, prefix text)
returns uuid
language plpgsql stable security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* The one id of a kind (task, agent, framework, offer) whose object has exactly this name (of tasks and
   frameworks the live one, else the newest that has ended), else that begins with `prefix`; a whole id
   counts before a name. Only what the login may see.
   Errors: value_invalid, task_unknown, agent_unknown, framework_unknown, id_ambiguous. */
declare
    v_prefix text := lower(id_find.prefix);
    v_ids uuid[];
    v_named uuid[];
begin
    if id_find.kind not in ('task', 'agent', 'framework', 'offer') or id_find.kind is null then
        perform raise('value_invalid', 'id_find', 'kind', id_find.kind,
                      'task, agent, framework or offer');
    elsif coalesce(id_find.prefix, '') = '' then
        perform raise('value_invalid', 'id_find', 'prefix', id_find.prefix,
                      'the beginning of an id, or a name');
    end if;
    v_named := case id_find.kind
        when 'task' then array(
            (select t.task_id from howdah.tasks t where t.name = id_find.prefix and t.live limit 2)
            union all
            (select t.task_id from howdah.tasks t
             where t.name = id_find.prefix
               and not exists (select 1 from howdah.tasks x
                               where x.name = id_find.prefix and x.live)
             order by t.created_at desc limit 1))
        when 'agent' then array(select a.agent_id from howdah.agents a
                                where a.name = id_find.prefix and a.state <> 'gone')
        when 'framework' then array(
            (select f.framework_id from howdah.frameworks f
             where f.name = id_find.prefix and f.state <> 'completed' limit 2)
            union all
            (select f.framework_id from howdah.frameworks f
             where f.name = id_find.prefix
               and not exists (select 1 from howdah.frameworks x
                               where x.name = id_find.prefix and x.state <> 'completed')
             order by f.registered_at desc limit 1)) end;
    v_ids := case id_find.kind
        when 'task' then array(select t.task_id from howdah.tasks t
                               where starts_with(t.task_id::text, v_prefix) limit 2)
        when 'agent' then array(select a.agent_id from howdah.agents a
                                where starts_with(a.agent_id::text, v_prefix) limit 2)
        when 'framework' then array(select f.framework_id from howdah.frameworks f
                                    where starts_with(f.framework_id::text, v_prefix) limit 2)
        else array(select o.offer_id from howdah.offers o
                   where starts_with(o.offer_id::text, v_prefix) limit 2) end;
    if cardinality(v_named) > 0 and coalesce(uuid_or_null(v_prefix) <> v_ids[1], true) then
        v_ids := v_named;
    end if;
    if cardinality(v_ids) = 0 then
        perform raise(case id_find.kind when 'agent' then 'agent_unknown'
                                        when 'framework' then 'framework_unknown'
                                        when 'task' then 'task_unknown'
                                        else 'value_invalid' end,
                      'id_find', id_find.kind, id_find.prefix,
                      'the beginning of an id, or a name, that exists');
    elsif cardinality(v_ids) > 1 then
        perform raise('id_ambiguous', 'id_find', id_find.kind, id_find.prefix,
                      'a longer prefix, or an id: it fits ' || v_ids[1] || ' and ' || v_ids[2]);
    end if;
    return v_ids[1];
end
$$;
comment on function howdah.id_find(text, text) is 'an id by its prefix or name';
revoke all on function howdah.id_find(text, text) from public;
