-- SPDX-License-Identifier: PostgreSQL
-- Many plain tasks in one claim that all fit: a few set-based statements, whatever their number.
-- Anything else (a bad spec, ports or sets, no room, a name in use) is left to claim_decide.
--
-- Most gangs are alike: their specs differ in name and agent only. Those are compared with the first
-- one instead of being read one by one; an expression here is run for each task of each gang.

create or replace function howdah_private.gang_alike(tasks jsonb, principal name)
returns howdah_private.gang
language plpgsql stable
as $$
/* The specs of a claim if they name agents and are otherwise alike, valid and plain; else no body. */
declare
    c_place constant text[] := '{name,agent}';
    -- One match for a list of all, since an automaton is built anew for each. A name that has the
    -- list's own separator is read as two; the worst that comes of it is a gang read as mixed.
    c_uuids constant text :=
        '^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(\||$))+$';
    c_not_names constant text := '[[:cntrl:]]|^\s|\s$|\|\s|\s\|';
    v_body jsonb := case when jsonb_typeof(tasks -> 0) = 'object' then (tasks -> 0) - c_place end;
    v_gang howdah_private.gang;
    v_alike boolean;
    v_agents text[];
begin
    if not task_body_plain(v_body)
       or (v_body ? 'user' and not os_user_permitted(principal, v_body ->> 'user')) then
        return null;
    end if;
    select bool_and(coalesce(
               case when jsonb_typeof(e.spec) = 'object'
                    then e.spec - c_place = v_body
                         and length(e.spec ->> 'name') between 1 and 255 end, false)),
           array_agg(e.spec ->> 'name'), array_agg(e.spec ->> 'agent')
    into v_alike, v_gang.names, v_agents
    from jsonb_array_elements(tasks) as e (spec);
    -- strict: a lax path would look into lists. The length: no id is null, has a bar, or is two.
    if v_alike and not tasks @? 'strict $[*].name ? (@.type() != "string")'
       and array_to_string(v_gang.names, '|') !~ c_not_names
       and length(array_to_string(v_agents, '|')) = 37 * cardinality(v_agents) - 1
       and array_to_string(v_agents, '|') ~ c_uuids then
        v_gang.agents := v_agents::uuid[];
        v_gang.body := v_body;
        v_gang.cpus := coalesce((v_body -> 'resources' -> 'cpus')::numeric, 0) * 1000;
        v_gang.mem := coalesce((v_body -> 'resources' -> 'mem')::bigint, 0);
        v_gang.disk := coalesce((v_body -> 'resources' -> 'disk')::bigint, 0);
        v_gang.gpus := coalesce((v_body -> 'resources' -> 'gpus')::bigint, 0);
    end if;
    return v_gang;
end
$$;
comment on function howdah_private.gang_alike(jsonb, name) is
    'the specs of a claim as a gang, if they are alike';
revoke all on function howdah_private.gang_alike(jsonb, name) from public;

create or replace function howdah_private.gang_mixed(
    tasks jsonb, framework_id uuid, principal name)
returns table (plain boolean, body jsonb, name text, offer_id uuid, agent_id uuid, seen bigint,
               cpus_milli bigint, mem bigint, disk bigint, gpus bigint)
language sql stable
as $$
    /* The specs in order. plain: valid, plain resources, an open offer or a direct agent, no OS user
       that this principal might lack; the other columns mean something only where plain is true.
       Bodies are tested once for each distinct one. */
    with split as materialized (
        select e.n, e.spec,
               case when jsonb_typeof(e.spec) = 'object'
                    then e.spec - '{name,offer,agent,version}'::text[] end as body
        from jsonb_array_elements(gang_mixed.tasks) with ordinality as e (spec, n)
    ), bodies as materialized (
        select distinct s.body from split s
    ), good as materialized (
        select b.body,
               (coalesce((b.body -> 'resources' -> 'cpus')::numeric, 0) * 1000)::bigint
                   as cpus_milli,
               coalesce((b.body -> 'resources' -> 'mem')::bigint, 0) as mem,
               coalesce((b.body -> 'resources' -> 'disk')::bigint, 0) as disk,
               coalesce((b.body -> 'resources' -> 'gpus')::bigint, 0) as gpus
        from bodies b
        where howdah_private.task_body_plain(b.body)
          and (not b.body ? 'user'
               or howdah_private.os_user_permitted(gang_mixed.principal, b.body ->> 'user'))
    )
    select coalesce(
               g.body is not null and jsonb_typeof(s.spec -> 'name') = 'string'
               and howdah_private.name_ok(s.spec ->> 'name')
               and (s.spec ? 'offer') <> (s.spec ? 'agent')
               and (not s.spec ? 'offer' or o.framework_id = gang_mixed.framework_id
                                            and o.state = 'outstanding'
                                            and o.expires_at > clock_timestamp())
               and (not s.spec ? 'version' or howdah_private.amount_ok(s.spec -> 'version', 0)),
               false),
           s.body, s.spec ->> 'name', o.offer_id,
           case when s.spec ? 'offer' then o.agent_id
                else howdah_private.uuid_or_null(s.spec ->> 'agent') end,
           coalesce(case when jsonb_typeof(s.spec -> 'version') = 'number'
                              and howdah_private.amount_ok(s.spec -> 'version', 0)
                         then (s.spec -> 'version')::bigint end, o.agent_version),
           g.cpus_milli, g.mem, g.disk, g.gpus
    from split s
    left join good g on g.body = s.body
    left join howdah_private.offer o
        on s.spec ? 'offer' and o.offer_id = howdah_private.uuid_or_null(s.spec ->> 'offer')
    order by s.n;
$$;
comment on function howdah_private.gang_mixed(jsonb, uuid, name) is
    'the specs of a claim as columns, with a quick verdict';
revoke all on function howdah_private.gang_mixed(jsonb, uuid, name) from public;

create or replace function howdah_private.gang_read(
    tasks jsonb, framework_id uuid, principal name)
returns howdah_private.gang
language plpgsql
as $$
/* The specs of a claim as a gang with new ids; no ids if it must be decided spec by spec. */
declare
    v_gang howdah_private.gang := gang_alike(tasks, principal);
    v_plain boolean := v_gang.body is not null;
begin
    if not v_plain then
        select bool_and(m.plain and m.agent_id is not null), array_agg(m.name),
               array_agg(m.agent_id), array_agg(m.body), array_agg(m.offer_id), array_agg(m.seen),
               array_agg(m.cpus_milli), array_agg(m.mem), array_agg(m.disk), array_agg(m.gpus)
        into v_plain, v_gang.names, v_gang.agents, v_gang.bodies, v_gang.offers, v_gang.seen,
             v_gang.each_cpus, v_gang.each_mem, v_gang.each_disk, v_gang.each_gpus
        from gang_mixed(tasks, framework_id, principal) m;
    end if;
    if v_plain then
        v_gang.ids := array(select gen_random_uuid()
                            from generate_series(1, cardinality(v_gang.names)));
    end if;
    return v_gang;
end
$$;
comment on function howdah_private.gang_read(jsonb, uuid, name) is
    'the specs of a claim as a gang; no ids if they must be decided one by one';
revoke all on function howdah_private.gang_read(jsonb, uuid, name) from public;

create or replace function howdah_private.gang_want(g howdah_private.gang, conflict text)
returns table (agent_id uuid, cpus bigint, mem bigint, disk bigint, gpus bigint, version bigint)
language sql stable
as $$
    /* What a gang wants of each agent, in agent_id order; version: the one that the agent must still
       have, null if any will do, -1 if none can. */
    select u.agent_id, count(*) * (g).cpus, count(*) * (g).mem, count(*) * (g).disk,
           count(*) * (g).gpus, null
    from (select unnest((g).agents) as agent_id) u
    where (g).body is not null
    group by u.agent_id
    union all
    select u.agent_id, sum(u.cpus)::bigint, sum(u.mem)::bigint, sum(u.disk)::bigint,
           sum(u.gpus)::bigint,
           case when conflict = 'fit' then null
                when count(u.seen) = count(*) and min(u.seen) = max(u.seen) then min(u.seen)
                else -1 end
    from (select unnest((g).agents) as agent_id, unnest((g).seen) as seen,
                 unnest((g).each_cpus) as cpus, unnest((g).each_mem) as mem,
                 unnest((g).each_disk) as disk, unnest((g).each_gpus) as gpus) u
    where (g).body is null
    group by u.agent_id
    order by agent_id;
$$;
comment on function howdah_private.gang_want(howdah_private.gang, text) is
    'what a gang wants of each agent';
revoke all on function howdah_private.gang_want(howdah_private.gang, text) from public;

create or replace function howdah_private.pool_takes(
    p howdah_private.agent_pool, cpus bigint, mem bigint, disk bigint, gpus bigint, version bigint)
returns boolean
language sql immutable parallel safe
as $$
    -- Inlined: the planner makes plain columns of it.
    select (p).open and (pool_takes.version is null or pool_takes.version = (p).version)
       and (p).cpus_free >= pool_takes.cpus and (p).mem_free >= pool_takes.mem
       and (p).disk_free >= pool_takes.disk and (p).gpus_free >= pool_takes.gpus;
$$;
comment on function howdah_private.pool_takes(
    howdah_private.agent_pool, bigint, bigint, bigint, bigint, bigint) is
    'is the pool open, unchanged where that matters, and is there room?';
revoke all on function howdah_private.pool_takes(
    howdah_private.agent_pool, bigint, bigint, bigint, bigint, bigint) from public;

create or replace function howdah_private.gang_take(g howdah_private.gang, conflict text)
returns boolean
language plpgsql
as $$
/* Debit the books of a gang's agents; true if it fits everywhere. Where it does not, the agent is
   locked and marked all the same: the update walks all agents in agent_id order, so whoever goes on
   from here (gang_give_back, the general way) has every lock it needs, taken in everybody's order;
   the names, too, are kept from others by the tasks that gang_write wrote, even once deleted. */
#variable_conflict use_column
declare
    v_fits boolean;
begin
    with want as materialized (
        select * from gang_want(g, gang_take.conflict)
    ), took as (
        update agent_pool p
        set version = p.version + 1,
            cpus_free = p.cpus_free
                - case when pool_takes(p, w.cpus, w.mem, w.disk, w.gpus, w.version)
                       then w.cpus else 0 end,
            mem_free = p.mem_free
                - case when pool_takes(p, w.cpus, w.mem, w.disk, w.gpus, w.version)
                       then w.mem else 0 end,
            disk_free = p.disk_free
                - case when pool_takes(p, w.cpus, w.mem, w.disk, w.gpus, w.version)
                       then w.disk else 0 end,
            gpus_free = p.gpus_free
                - case when pool_takes(p, w.cpus, w.mem, w.disk, w.gpus, w.version)
                       then w.gpus else 0 end,
            gang_short = not pool_takes(p, w.cpus, w.mem, w.disk, w.gpus, w.version)
        from want w
        where p.agent_id = w.agent_id and p.pool = '*'
        returning p.gang_short
    )
    select (select count(*) from took t where not t.gang_short) = (select count(*) from want)
    into v_fits;
    return v_fits;
end
$$;
comment on function howdah_private.gang_take(howdah_private.gang, text) is
    'lock and debit the books of a gang''s agents and tell whether all of it fits';
revoke all on function howdah_private.gang_take(howdah_private.gang, text) from public;

create or replace function howdah_private.gang_give_back(g howdah_private.gang, conflict text)
returns void
language plpgsql
as $$
/* Undo gang_take, in the same transaction and with its locks. */
#variable_conflict use_column
begin
    update agent_pool p
    set version = p.version - 1,
        cpus_free = p.cpus_free + case when p.gang_short then 0 else w.cpus end,
        mem_free = p.mem_free + case when p.gang_short then 0 else w.mem end,
        disk_free = p.disk_free + case when p.gang_short then 0 else w.disk end,
        gpus_free = p.gpus_free + case when p.gang_short then 0 else w.gpus end,
        gang_short = false
    from gang_want(g, gang_give_back.conflict) w
    where p.agent_id = w.agent_id and p.pool = '*';
end
$$;
comment on function howdah_private.gang_give_back(howdah_private.gang, text) is 'undo gang_take';
revoke all on function howdah_private.gang_give_back(howdah_private.gang, text) from public;

create or replace function howdah_private.gang_write(
    g howdah_private.gang, framework_id uuid, claim_key uuid)
returns boolean
language plpgsql
as $$
/* Write the tasks. False, and nothing written, when a name is in use. */
#variable_conflict use_column
declare
    v_made integer;
begin
    insert into task (task_id, framework_id, agent_id, claim_key, name, revocable, cpus_milli, mem,
                      disk, gpus, kill_grace_s, spec)
    select u.id, gang_write.framework_id, u.agent_id, gang_write.claim_key, u.name, false,
           coalesce(u.cpus, g.cpus), coalesce(u.mem, g.mem), coalesce(u.disk, g.disk),
           coalesce(u.gpus, g.gpus),
           (coalesce(u.body, g.body) -> 'kill_grace_s')::integer, coalesce(u.body, g.body)
    from (select unnest(g.ids) as id, unnest(g.agents) as agent_id, unnest(g.names) as name,
                 unnest(g.bodies) as body, unnest(g.each_cpus) as cpus,
                 unnest(g.each_mem) as mem, unnest(g.each_disk) as disk,
                 unnest(g.each_gpus) as gpus) u
    order by u.name collate "C" -- two claims that use the same names meet at the same one first
    on conflict (framework_id, name) where terminal_at is null do nothing;
    get diagnostics v_made = row_count;
    if v_made < cardinality(g.ids) then
        delete from task t where t.task_id = any (g.ids);
        return false;
    end if;
    return true;
end
$$;
comment on function howdah_private.gang_write(howdah_private.gang, uuid, uuid) is
    'write the tasks of a gang';
revoke all on function howdah_private.gang_write(howdah_private.gang, uuid, uuid) from public;

create or replace function howdah_private.claim_gang(
    framework_id uuid, epoch bigint, claim_key uuid, tasks jsonb, mode text, conflict text)
returns howdah_private.gang
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
/* Commit a claim of many plain, guaranteed tasks. No ids, and nothing written, if it could not be
   committed whole or anything is wrong with the call. */
#variable_conflict use_column
declare
    v_gang howdah_private.gang := gang_read(claim_gang.tasks, claim_gang.framework_id, session_user);
begin
    if v_gang.ids is null then
        return null;
    end if;
    insert into claim (framework_id, claim_key, body_hash, mode, conflict, revocable, task_count,
                       committed_count, task_ids)
    select f.framework_id, claim_gang.claim_key, jsonb_hash_extended(claim_gang.tasks, 0),
           claim_gang.mode, claim_gang.conflict, false, cardinality(v_gang.ids),
           cardinality(v_gang.ids), v_gang.ids
    from framework f
    where f.framework_id = claim_gang.framework_id and f.epoch = claim_gang.epoch
      and f.principal = session_user and f.state <> 'completed'
      and claim_gang.claim_key is not null and claim_gang.mode in ('all', 'any')
      and (claim_gang.conflict = 'fit'
           or claim_gang.conflict = 'version' and v_gang.seen is not null)
      and cardinality(v_gang.ids) <= (select s.value::integer from setting s
                                      where s.name = 'claim_tasks_max')
      and current_setting('transaction_isolation') = 'read committed'
    on conflict do nothing;
    if not found then
        return null;
    end if;
    if gang_write(v_gang, claim_gang.framework_id, claim_gang.claim_key) then
        if gang_take(v_gang, claim_gang.conflict) then
            if v_gang.offers is not null then
                perform offer_accept(v_gang.offers);
            end if;
            return v_gang;
        end if;
        perform gang_give_back(v_gang, claim_gang.conflict);
        delete from task t where t.task_id = any (v_gang.ids);
    end if;
    delete from claim c where c.claim_key = claim_gang.claim_key;
    return null;
end
$$;
comment on function howdah_private.claim_gang(uuid, bigint, uuid, jsonb, text, text) is
    'commit a claim of many plain tasks, or nothing at all';
revoke all on function howdah_private.claim_gang(uuid, bigint, uuid, jsonb, text, text) from public;
