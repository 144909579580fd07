-- SPDX-License-Identifier: PostgreSQL
-- A cell of :agents agents, :frameworks frameworks in :roles roles of a tree, :tasks live tasks, and
-- demand of every second framework. Weights, quota, capacities and demand differ, always in the same way.
-- The rest of the benches' tables is as bench/reset.sql leaves it.

truncate howdah_private.agent, howdah_private.agent_pool, howdah_private.agent_heartbeat,
    howdah_private.framework, howdah_private.framework_heartbeat, howdah_private.framework_total,
    howdah_private.offer, howdah_private.filter, howdah_private.task, howdah_private.task_update,
    howdah_private.claim, howdah_private.event, howdah_private.request, howdah_private.quota;
delete from howdah_private.role where name <> 'default' and name like '%/%/%';
delete from howdah_private.role where name <> 'default' and name like '%/%';
delete from howdah_private.role where name <> 'default';

-- Four departments; the rest are teams in them, or groups in teams.
insert into howdah_private.role (name, weight)
select 'd' || i, i from generate_series(1, least(4, :roles - 1)) i;
insert into howdah_private.role (name, weight)
select format('d%s/t%s', 1 + i % 4, i), 1 + i % 5 from generate_series(1, (:roles - 5) / 2) i;
insert into howdah_private.role (name, weight)
select r.name || '/g', 1 from howdah_private.role r where r.name like '%/%' order by r.name limit (:roles - 5 + 1) / 2;

insert into howdah_private.agent (agent_id, name, host, principal)
select gen_random_uuid(), 'a' || i, 'a' || i, 'bench' from generate_series(1, :agents) i;
insert into howdah_private.agent_pool (agent_id, cpus_capacity, cpus_free, mem_capacity, mem_free, disk_capacity, disk_free,
                        gpus_capacity, gpus_free, ports_capacity, scalars_capacity)
select a.agent_id, 32000, 32000, 131072, 131072, 1000000, 1000000, x.i % 10 / 9 * 4, x.i % 10 / 9 * 4,
       '{[31000,32000)}', case when x.i % 20 = 0 then '{"licences": 2}'::jsonb end
from howdah_private.agent a cross join lateral (select substr(a.name, 2)::integer as i) x;
insert into howdah_private.agent_heartbeat select agent_id, now() from howdah_private.agent;

insert into howdah_private.framework (framework_id, name, role, principal, failover_timeout_s, requested_at)
select gen_random_uuid(), 'f' || i, r.name, 'bench', 86400, case when i % 2 = 0 then now() end
from generate_series(1, :frameworks) i
join (select r.name, row_number() over (order by r.name) - 1 as n, count(*) over () as all_of
      from howdah_private.role r where not exists (select 1 from howdah_private.role c where c.parent = r.name)) r
  on r.n = i % r.all_of;
insert into howdah_private.framework_heartbeat select framework_id, now() from howdah_private.framework;
insert into howdah_private.framework_total (framework_id) select framework_id from howdah_private.framework;
insert into howdah_private.request (framework_id, n, count, cpus_milli, mem, disk, gpus, resources, constraints)
select f.framework_id, n, 20, c * 1000, c * 2048 * n, 0, 0, jsonb_build_object('cpus', c, 'mem', c * 2048 * n), null
from howdah_private.framework f cross join generate_series(1, 3) n
cross join lateral (select 1 + substr(f.name, 2)::integer % 4 as c) x
where f.requested_at is not null;
insert into howdah_private.quota (role, resource, guarantee, at_most)
select r.name, k, (select amount / 40 from howdah_private.cell_amount where resource = k),
       (select amount / 2 from howdah_private.cell_amount where resource = k)
from howdah_private.role r, unnest('{cpus,mem}'::text[]) k where r.name like '%/g';

with agent as materialized (
    select a.agent_id, row_number() over (order by a.name) - 1 as n from howdah_private.agent a
), framework as materialized (
    select f.framework_id, row_number() over (order by f.name) - 1 as n from howdah_private.framework f
)
insert into howdah_private.task (task_id, framework_id, agent_id, claim_key, name, state, revocable, cpus_milli,
                  mem, disk, gpus, ports, spec)
select gen_random_uuid(), f.framework_id, a.agent_id, gen_random_uuid(), 't' || i, 'running', i % 3 = 0,
       500 + i % 4 * 500, 512 + i % 5 * 512, 100, 0,
       case when i % 10 = 0 then int4multirange(int4range(31000 + i / :agents, 31001 + i / :agents)) end, '{}'
from generate_series(0, :tasks - 1) i
join agent a on a.n = i % :agents
join framework f on f.n = (i * 7) % :frameworks;
update howdah_private.agent_pool p
set cpus_free = p.cpus_free - t.cpus, mem_free = p.mem_free - t.mem, disk_free = p.disk_free - t.disk,
    ports_allocated = t.ports
from (select agent_id, sum(cpus_milli) as cpus, sum(mem) as mem, sum(disk) as disk, range_agg(ports) as ports
      from howdah_private.task group by agent_id) t
where t.agent_id = p.agent_id;
analyze;

-- Overlap 1: every agent is on offer to one framework. Unlimited: as many offers are out as a leader
-- makes of offer_batch (2000) in a quarter of a second until offer_timeout_s (30 s) ends them.
with framework as materialized (
    select f.framework_id, row_number() over (order by f.name) - 1 as n from howdah_private.framework f
), agent as materialized (
    select a.agent_id, row_number() over (order by a.name) - 1 as n from howdah_private.agent a
)
insert into howdah_private.offer (framework_id, agent_id, agent_version, cpus_milli, mem, disk, gpus, ports,
                                  scalars, expires_at)
select x.framework_id, p.agent_id, p.version, p.cpus_milli, p.mem, p.disk, p.gpus, p.ports, p.scalars,
       now() + interval '1 hour'
from agent a
join howdah_private.pool_free p on p.agent_id = a.agent_id
cross join generate_series(0, case when :'overlap' = 'unlimited'
                                   then greatest(1, least(:frameworks, 240000 / :agents)) else 1 end - 1) i
join framework x on x.n = (a.n * 7 + i) % :frameworks;
vacuum analyze;

select howdah.setting_set('overlap', :'overlap'), howdah.setting_set('offer_policy', 'drf');
update howdah_private.leader set epoch = 1, acquired_at = now(), renewed_at = now(), expires_at = 'infinity';

set client_min_messages = warning;
create schema if not exists bench;
create table if not exists bench.turn (what text, wall_ms double precision, cpu_ms double precision, made integer);
truncate bench.turn;

create or replace function bench.cpu_ms()
returns double precision
language sql
as $$
    select 10.0 * sum(x.ticks::bigint)
    from (select regexp_split_to_table(substr(s, strpos(s, ') ') + 2), ' ') as ticks,
                 generate_subscripts(regexp_split_to_array(substr(s, strpos(s, ') ') + 2), ' '), 1) as n
          from pg_read_file(format('/proc/%s/stat', pg_backend_pid())) s) x
    where x.n in (12, 13);
$$;

create or replace procedure bench.turns(turns integer)
language plpgsql
as $$
/* Offers of a fiftieth of the agents are answered, then the leader's turn. The first turn warms up. */
declare
    v_at timestamptz;
    v_cpu double precision;
    v_made integer;
begin
    for v_turn in 0 .. turns loop
        update howdah_private.offer o set state = 'declined'
        where o.state = 'outstanding'
          and o.agent_id in (select a.agent_id from howdah_private.agent a where random() < 0.02);
        commit;
        v_cpu := bench.cpu_ms();
        v_at := clock_timestamp();
        perform count(*) from howdah_private.offer_ranks('drf');
        insert into bench.turn
        values ('shares', extract(epoch from clock_timestamp() - v_at) * 1000, bench.cpu_ms() - v_cpu);
        update howdah_private.news_cursor set position = 0 where name = 'offers_made_ms';
        commit;
        v_cpu := bench.cpu_ms();
        v_at := clock_timestamp();
        perform howdah.offers_expire(1);
        commit;
        v_made := howdah.offers_make(1);
        commit;
        insert into bench.turn
        values ('turn', extract(epoch from clock_timestamp() - v_at) * 1000, bench.cpu_ms() - v_cpu, v_made);
        if v_turn = 0 then
            truncate bench.turn;
        end if;
        commit;
    end loop;
end
$$;
