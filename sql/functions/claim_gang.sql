-- SPDX-License-Identifier: PostgreSQL
-- Many plain tasks in one claim that all fit: a few set-based statements, whatever their number.
-- Anything else (a bad spec, ports or sets, no room, a name in use) is left to claim_decide.

create or replace function howdah_private.gang_parse(
    tasks jsonb, fw howdah_private.framework)
returns table (plain boolean, spec jsonb, name text, offer_id uuid, agent_id uuid, seen bigint,
               cpus_milli bigint, mem bigint, disk bigint, gpus bigint)
language sql stable
as $$
    /* The specs in order. plain: valid, plain resources, an open offer or a direct agent, no OS user
       that this principal might lack; the other columns mean something only where plain is true.
       Bodies are tested once for each distinct one: the tasks of a gang are mostly alike. */
    with split as materialized (
        select e.n, e.spec,
               case when jsonb_typeof(e.spec) = 'object'
                    then e.spec - '{name,offer,agent,version}'::text[] end as body
        from jsonb_array_elements(gang_parse.tasks) with ordinality as e (spec, n)
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
               or howdah_private.os_user_permitted((gang_parse.fw).principal, b.body ->> 'user'))
    )
    select coalesce(
               g.body is not null and jsonb_typeof(s.spec -> 'name') = 'string'
               and howdah_private.name_ok(s.spec ->> 'name')
               and (s.spec ? 'offer') <> (s.spec ? 'agent')
               and (not s.spec ? 'offer' or o.framework_id = (gang_parse.fw).framework_id
                                            and o.state = 'outstanding'
                                            and o.expires_at > clock_timestamp())
               and (not s.spec ? 'version' or howdah_private.amount_ok(s.spec -> 'version', 0)),
               false),
           s.spec, s.spec ->> 'name', o.offer_id,
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
comment on function howdah_private.gang_parse(jsonb, howdah_private.framework) is
    'the specs of a claim as columns, with a quick verdict';
revoke all on function howdah_private.gang_parse(jsonb, howdah_private.framework) from public;

create or replace function howdah_private.gang_lock(
    conflict text, agents uuid[], seen bigint[], cpus bigint[], mem bigint[], disk bigint[],
    gpus bigint[])
returns boolean
language plpgsql
as $$
/* Lock the agents' pools in agent_id order; true if all are open, unchanged where that matters, and
   have room for everything. All are locked in any case: the general way goes on from here, and to
   take what fits first and look at the rest later would lock out of order. */
declare
    v_all boolean;
begin
    with want as materialized (
        select u.agent, min(u.seen) as seen_first, max(u.seen) as seen_last,
               bool_and(u.seen is not null) as seen_all, sum(u.cpus) as cpus, sum(u.mem) as mem,
               sum(u.disk) as disk, sum(u.gpus) as gpus
        from unnest(agents, seen, cpus, mem, disk, gpus) as u (agent, seen, cpus, mem, disk, gpus)
        group by u.agent
    ), locked as (
        select p.open
               and (conflict = 'fit'
                    or w.seen_all and w.seen_first = p.version and w.seen_last = p.version)
               and p.cpus_free >= w.cpus and p.mem_free >= w.mem and p.disk_free >= w.disk
               and p.gpus_free >= w.gpus as fits
        from want w
        join howdah_private.agent_pool p on p.agent_id = w.agent and p.pool = '*'
        order by p.agent_id
        for no key update of p
    )
    select (select count(*) from locked l where l.fits) = (select count(*) from want)
    into v_all;
    return v_all;
end
$$;
comment on function howdah_private.gang_lock(
    text, uuid[], bigint[], bigint[], bigint[], bigint[], bigint[]) is
    'lock the pools of a gang in order and tell whether all of it fits';
revoke all on function howdah_private.gang_lock(
    text, uuid[], bigint[], bigint[], bigint[], bigint[], bigint[]) from public;

create or replace function howdah_private.gang_take(
    agents uuid[], cpus bigint[], mem bigint[], disk bigint[], gpus bigint[])
returns void
language plpgsql
as $$
/* Take what the specs want from the books of their agents, which gang_lock has locked. */
begin
    update howdah_private.agent_pool p
    set version = p.version + 1,
        cpus_free = p.cpus_free - w.cpus, mem_free = p.mem_free - w.mem,
        disk_free = p.disk_free - w.disk, gpus_free = p.gpus_free - w.gpus
    from (select u.agent, sum(u.cpus) as cpus, sum(u.mem) as mem, sum(u.disk) as disk,
                 sum(u.gpus) as gpus
          from unnest(agents, cpus, mem, disk, gpus) as u (agent, cpus, mem, disk, gpus)
          group by u.agent) w
    where p.agent_id = w.agent and p.pool = '*';
end
$$;
comment on function howdah_private.gang_take(
    uuid[], bigint[], bigint[], bigint[], bigint[]) is 'take what a gang wants from the books';
revoke all on function howdah_private.gang_take(
    uuid[], bigint[], bigint[], bigint[], bigint[]) from public;

create or replace function howdah_private.gang_write(
    framework_id uuid, claim_key uuid, agents uuid[], names text[], ids uuid[], specs jsonb[],
    cpus bigint[], mem bigint[], disk bigint[], gpus bigint[])
returns boolean
language plpgsql
as $$
/* Write the tasks. False, and nothing written, when a name is in use after all. */
#variable_conflict use_column
declare
    v_made integer;
begin
    insert into task (task_id, framework_id, agent_id, claim_key, name, revocable, cpus_milli, mem,
                      disk, gpus, kill_grace_s, spec)
    select u.id, gang_write.framework_id, u.agent, gang_write.claim_key, u.name, false, u.cpus,
           u.mem, u.disk, u.gpus, (u.spec -> 'kill_grace_s')::integer, u.spec
    from unnest(agents, names, ids, specs, cpus, mem, disk, gpus)
         as u (agent, name, id, spec, cpus, mem, disk, gpus)
    order by u.name -- two claims that use the same names must meet at the same one first
    on conflict (framework_id, name) where terminal_at is null do nothing;
    get diagnostics v_made = row_count;
    if v_made < cardinality(ids) then
        delete from task t where t.task_id = any (ids);
        return false;
    end if;
    return true;
end
$$;
comment on function howdah_private.gang_write(
    uuid, uuid, uuid[], text[], uuid[], jsonb[], bigint[], bigint[], bigint[], bigint[]) is
    'write the tasks of a gang';
revoke all on function howdah_private.gang_write(
    uuid, uuid, uuid[], text[], uuid[], jsonb[], bigint[], bigint[], bigint[], bigint[])
    from public;

create or replace function howdah_private.claim_gang(
    fw howdah_private.framework, claim_key uuid, body_hash bigint, tasks jsonb, mode text,
    conflict text, out ids uuid[], out agents uuid[], out names text[])
returns record
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
/* Commit a claim of many plain, guaranteed tasks; per ordinal its id, agent and name. Nulls, and
   nothing written, if it could not be committed whole. */
#variable_conflict use_column
declare
    v_plain boolean;
    v_agents uuid[];
    v_names text[];
    v_ids uuid[];
    v_specs jsonb[];
    v_offers uuid[];
    v_seen bigint[];
    v_cpus bigint[];
    v_mem bigint[];
    v_disk bigint[];
    v_gpus bigint[];
begin
    select bool_and(s.plain), array_agg(s.agent_id), array_agg(s.name),
           array_agg(gen_random_uuid()), array_agg(s.spec), array_agg(s.offer_id),
           array_agg(s.seen), array_agg(s.cpus_milli), array_agg(s.mem), array_agg(s.disk),
           array_agg(s.gpus)
    into v_plain, v_agents, v_names, v_ids, v_specs, v_offers, v_seen, v_cpus, v_mem, v_disk,
         v_gpus
    from gang_parse(claim_gang.tasks, claim_gang.fw) s;
    if not v_plain
       or not gang_lock(claim_gang.conflict, v_agents, v_seen, v_cpus, v_mem, v_disk, v_gpus)
       or not gang_write((claim_gang.fw).framework_id, claim_gang.claim_key, v_agents, v_names,
                         v_ids, v_specs, v_cpus, v_mem, v_disk, v_gpus) then
        return;
    end if;
    perform gang_take(v_agents, v_cpus, v_mem, v_disk, v_gpus);
    perform offer_accept(v_offers);
    perform claim_record((claim_gang.fw).framework_id, claim_gang.claim_key, claim_gang.body_hash,
                         claim_gang.mode, claim_gang.conflict, false, v_ids, null,
                         cardinality(v_ids));
    ids := v_ids;
    agents := v_agents;
    names := v_names;
end
$$;
comment on function howdah_private.claim_gang(
    howdah_private.framework, uuid, bigint, jsonb, text, text) is
    'commit a claim of many plain tasks, or nothing at all';
revoke all on function howdah_private.claim_gang(
    howdah_private.framework, uuid, bigint, jsonb, text, text) from public;
