-- SPDX-License-Identifier: PostgreSQL
-- The choice of agents for specs that name none. It reads the books unlocked and reserves nothing: the
-- claim that follows decides, by the same functions (constraints_met, pool_fit).
--
-- Strategy pack: BestFit v3, the score by which Nomad packs its nodes (nomad/structs/funcs.go, which takes
-- it from Google's work on scheduling in data centres): an agent is the better the smaller
-- 10^(part of its cpus left free) + 10^(part of its memory left free). That prefers agents that come out
-- full in both kinds to those that strand one. Strategy spread: the larger the better. Near equals are
-- drawn by lot, so that schedulers that race for the same agents collide less.

create or replace function howdah_private.task_selected(selector jsonb, name text, labels jsonb)
returns boolean
language sql immutable parallel safe
as $$
    /* Does a task have this prefix of its name and these labels? An empty selector selects nothing. */
    select coalesce(selector ?| '{name,labels}', false)
       and coalesce(starts_with(task_selected.name, selector ->> 'name'), true)
       and coalesce(coalesce(task_selected.labels, '{}') @> (selector -> 'labels'), true);
$$;
comment on function howdah_private.task_selected(jsonb, text, jsonb) is
    'is a task selected by a prefix of its name and by labels?';
revoke all on function howdah_private.task_selected(jsonb, text, jsonb) from public;

create or replace function howdah_private.place_neighbours(framework uuid, selector jsonb)
returns table (agent_id uuid, tasks bigint)
language sql stable
as $$
    select t.agent_id, count(*)
    from howdah_private.task t
    where place_neighbours.selector is not null
      and t.framework_id = place_neighbours.framework and t.terminal_at is null
      and howdah_private.task_selected(place_neighbours.selector, t.name, t.spec -> 'labels')
    group by t.agent_id;
$$;
comment on function howdah_private.place_neighbours(uuid, jsonb) is
    'how many live tasks of a framework that are selected each agent has';
revoke all on function howdah_private.place_neighbours(uuid, jsonb) from public;

create or replace function howdah_private.place_preferred(
    constraints jsonb, agent_id uuid, attributes jsonb)
returns numeric
language sql immutable parallel safe
as $$
    /* The sum of the weights of the preferences that an agent meets. */
    select coalesce(sum(coalesce((e.value -> 'weight')::numeric, 1)), 0)
    from jsonb_array_elements(coalesce(constraints -> 'prefer', '[]')) e
    where howdah_private.constraints_met(e.value - 'weight', place_preferred.agent_id,
                                         place_preferred.attributes);
$$;
comment on function howdah_private.place_preferred(jsonb, uuid, jsonb) is
    'how much of what is preferred an agent has';
revoke all on function howdah_private.place_preferred(jsonb, uuid, jsonb) from public;

create or replace function howdah_private.place_own_tests(framework uuid, constraints jsonb)
returns table (rank integer, test text, agent_id uuid, passed boolean)
language sql stable
as $$
    /* The tests that only placing has: near, apart; prefer, while there is patience. */
    select 32, x.test, a.agent_id,
           (x.test = 'near') = (a.agent_id in (
               select n.agent_id
               from howdah_private.place_neighbours(framework, constraints -> x.test) n))
    from (values ('near'), ('apart')) as x (test)
    cross join howdah_private.agent a
    where constraints ? x.test and a.state <> 'gone'
    union all
    select 34, 'prefer', a.agent_id, not exists (
               select 1 from jsonb_array_elements(constraints -> 'prefer') e
               where not howdah_private.constraints_met(e.value - 'weight', a.agent_id, a.attributes))
    from howdah_private.agent a
    where a.state <> 'gone' and constraints ? 'prefer'
      and coalesce((constraints -> 'waited_s')::numeric, 0) < (constraints -> 'patience_s')::numeric;
$$;
comment on function howdah_private.place_own_tests(uuid, jsonb) is
    'the tests that only placing has, for each agent';
revoke all on function howdah_private.place_own_tests(uuid, jsonb) from public;

create or replace function howdah_private.place_eligible(framework uuid, constraints jsonb)
returns setof howdah_private.place_agent
language sql stable
as $$
    /* The agents that pass every test but that of room, as their books are now. */
    select a.agent_id, a.attributes ->> (constraints -> 'spread' ->> 'attribute'),
           howdah_private.place_preferred(constraints, a.agent_id, a.attributes), false,
           p.cpus_free::bigint, p.mem_free::bigint, p.disk_free::bigint, p.gpus_free::bigint,
           p.cpus_capacity::bigint, p.mem_capacity::bigint
    from howdah_private.agent a
    join howdah_private.agent_pool p on p.agent_id = a.agent_id and p.pool = '*'
    where a.state <> 'gone' and p.open
      and howdah_private.constraints_met(constraints, a.agent_id, a.attributes)
      and a.agent_id not in (select t.agent_id from howdah_private.place_own_tests(framework, constraints) t
                             where not t.passed);
$$;
comment on function howdah_private.place_eligible(uuid, jsonb) is
    'the agents that pass every test but that of room';
revoke all on function howdah_private.place_eligible(uuid, jsonb) from public;

create or replace function howdah_private.place_score(
    strategy text, cpus bigint, cpus_capacity bigint, mem bigint, mem_capacity bigint)
returns double precision
language sql immutable parallel safe
as $$
    /* Of an agent that has so much left: the smaller the better, 2 to 20 for pack. Rounded, so that near
       equals are equal. */
    select round(2 * (power(10.0::double precision, cpus::double precision / greatest(cpus_capacity, 1))
                      + power(10.0::double precision, mem::double precision / greatest(mem_capacity, 1))))
           / case strategy when 'pack' then 2 else -2 end;
$$;
comment on function howdah_private.place_score(text, bigint, bigint, bigint, bigint) is
    'how good an agent is that has so much left, by a strategy';
revoke all on function howdah_private.place_score(text, bigint, bigint, bigint, bigint) from public;

create or replace function howdah_private.place_load(
    eligible howdah_private.place_agent[], known howdah_private.place_agent[], resources jsonb,
    strategy text, most integer)
returns howdah_private.place_agent[]
language sql
as $$
    /* `known`, and of the other eligible agents that have room the best of each fault domain, at most so
       many. */
    with asked as materialized (
        select coalesce((resources -> 'cpus')::numeric * 1000, 0)::bigint as cpus,
               coalesce((resources -> 'mem')::bigint, 0) as mem,
               coalesce((resources -> 'disk')::bigint, 0) as disk,
               coalesce((resources -> 'gpus')::bigint, 0) as gpus
    )
    select known || array(
        select r.agent
        from (select e as agent,
                     row_number() over (partition by e.domain
                                        order by e.preferred desc,
                                                 howdah_private.place_score(
                                                     strategy, e.cpus - q.cpus, e.cpus_capacity,
                                                     e.mem - q.mem, e.mem_capacity),
                                                 random()) as n
              from unnest(eligible) e
              cross join asked q
              where e.cpus >= q.cpus and e.mem >= q.mem and e.disk >= q.disk and e.gpus >= q.gpus
                and e.agent_id not in (select k.agent_id from unnest(known) k)
                and (not resources ?| '{ports,scalars,sets}'
                     or (select f.reason is null
                         from howdah_private.pool_fit(howdah_private.pool_read(e.agent_id, false),
                                                      resources) f))) r
        where r.n <= most);
$$;
comment on function howdah_private.place_load(
    howdah_private.place_agent[], howdah_private.place_agent[], jsonb, text, integer) is
    'the best agents that have room for resources';
revoke all on function howdah_private.place_load(
    howdah_private.place_agent[], howdah_private.place_agent[], jsonb, text, integer) from public;

create or replace function howdah_private.place_order(
    agents howdah_private.place_agent[], resources jsonb, counts jsonb, strategy text)
returns integer[]
language sql
as $$
    /* The places in `agents` of those that have room as to the plain kinds, the best first: the fault domain
       with the fewest tasks (none is last), what is preferred, the strategy's score, the lot. */
    with asked as materialized (
        select coalesce((resources -> 'cpus')::numeric * 1000, 0)::bigint as cpus,
               coalesce((resources -> 'mem')::bigint, 0) as mem,
               coalesce((resources -> 'disk')::bigint, 0) as disk,
               coalesce((resources -> 'gpus')::bigint, 0) as gpus
    )
    select array(
        select a.n::integer
        from unnest(agents) with ordinality as a (agent_id, domain, preferred, barred, cpus, mem, disk, gpus,
                                                  cpus_capacity, mem_capacity, n)
        cross join asked q
        where not a.barred and a.cpus >= q.cpus and a.mem >= q.mem and a.disk >= q.disk
          and a.gpus >= q.gpus
        order by a.domain is null, coalesce((counts -> a.domain)::integer, 0), a.preferred desc,
                 howdah_private.place_score(strategy, a.cpus - q.cpus, a.cpus_capacity,
                                            a.mem - q.mem, a.mem_capacity), random());
$$;
comment on function howdah_private.place_order(
    howdah_private.place_agent[], jsonb, jsonb, text) is 'agents for resources, the best first';
revoke all on function howdah_private.place_order(
    howdah_private.place_agent[], jsonb, jsonb, text) from public;

create or replace function howdah_private.place_counts(
    framework uuid, constraints jsonb, eligible howdah_private.place_agent[])
returns jsonb
language sql stable
as $$
    /* How many tasks each fault domain has already, of those that count. */
    select coalesce(jsonb_object_agg(c.domain, c.tasks), '{}')
    from (select e.domain, sum(n.tasks) as tasks
          from howdah_private.place_neighbours(framework, constraints -> 'spread') n
          join unnest(eligible) e on e.agent_id = n.agent_id
          where e.domain is not null
          group by e.domain) c;
$$;
comment on function howdah_private.place_counts(uuid, jsonb, howdah_private.place_agent[]) is
    'how many tasks each fault domain has';
revoke all on function howdah_private.place_counts(uuid, jsonb, howdah_private.place_agent[]) from public;

create or replace function howdah_private.place_choose(
    framework uuid, specs jsonb, constraints jsonb, strategy text)
returns uuid[]
language plpgsql
as $$
/* For each spec the agent it should go to, or null: it names its place itself, or there is none. A handful
   of agents is looked at for the first of specs alike, and more when those are full. */
declare
    c_handful constant integer := 16;
    v_eligible howdah_private.place_agent[] := array(
        select e from howdah_private.place_eligible(framework, constraints) e);
    v_most integer := c_handful + case when strategy = 'spread' or constraints ? 'spread' then
        jsonb_array_length(specs) / greatest(1, (select count(distinct e.domain) from unnest(v_eligible) e))
        else 0 end;
    v_counts jsonb := howdah_private.place_counts(framework, constraints, v_eligible);
    v_agents howdah_private.place_agent[] := '{}';
    v_pools howdah_private.agent_pool[] := '{}';  -- read when first used
    v_loaded jsonb[] := '{}';
    v_hopeless jsonb[] := '{}';
    v_chosen uuid[] := '{}';
    v_spec jsonb;
    v_wanted jsonb;
    v_fit record;
    v_at integer;
    v_found integer;
begin
    for v_spec in select e.value from jsonb_array_elements(specs) with ordinality e order by e.ordinality loop
        v_chosen := v_chosen || null::uuid;
        v_wanted := v_spec -> 'resources';
        continue when v_spec is null or v_spec ?| '{agent,offer}' or v_wanted = any (v_hopeless);
        v_found := null;
        for v_again in 0 .. 1 loop
            if v_again = 1 or v_wanted <> all (v_loaded) then
                v_agents := howdah_private.place_load(v_eligible, v_agents, v_wanted, strategy, v_most);
                v_loaded := v_loaded || v_wanted;
            end if;
            foreach v_at in array howdah_private.place_order(v_agents, v_wanted, v_counts, strategy) loop
                if v_pools[v_at] is null then
                    v_pools[v_at] := howdah_private.pool_read(v_agents[v_at].agent_id, false);
                end if;
                v_fit := howdah_private.pool_fit(v_pools[v_at], v_wanted);
                if v_fit.reason is null then
                    v_found := v_at;
                    exit;
                end if;
            end loop;
            exit when v_found is not null;
        end loop;
        if v_found is null then
            v_hopeless := v_hopeless || v_wanted;
            continue;
        end if;
        v_chosen[cardinality(v_chosen)] := v_agents[v_found].agent_id;
        v_pools[v_found] := v_fit.pool;
        v_agents[v_found].cpus := (v_fit.pool).cpus_free;
        v_agents[v_found].mem := (v_fit.pool).mem_free;
        v_agents[v_found].disk := (v_fit.pool).disk_free;
        v_agents[v_found].gpus := (v_fit.pool).gpus_free;
        v_agents[v_found].barred := coalesce((constraints -> 'distinct')::boolean, false)
            or howdah_private.task_selected(constraints -> 'apart', v_spec ->> 'name', v_spec -> 'labels');
        v_counts := v_counts || case when v_agents[v_found].domain is null then '{}'
            else jsonb_build_object(v_agents[v_found].domain, 1 + coalesce(
                (v_counts -> v_agents[v_found].domain)::integer, 0)) end;
    end loop;
    return v_chosen;
end
$$;
comment on function howdah_private.place_choose(uuid, jsonb, jsonb, text) is
    'the agents that specs should go to';
revoke all on function howdah_private.place_choose(uuid, jsonb, jsonb, text) from public;
