-- SPDX-License-Identifier: PostgreSQL
-- The general way of a claim: walk the specs in order, say precisely why each one is refused, take
-- ports, sets and custom scalars too, and commit what the mode allows.
--
-- Phase 1 reads (specs, offers, permissions, names, books); whoever is refused here has locked nothing,
-- and a dry run ends here. Phase 2 takes the names of the rest, phase 3 locks the pools agent by agent
-- in agent_id order and deals out what is free, phase 4 writes.

create or replace function howdah_private.spec_verdict(
    spec jsonb, fw howdah_private.framework)
returns table (agent_id uuid, seen bigint, offer_id uuid, reason text, message text)
language plpgsql
as $$
/* What can be said of one spec without looking at the agent's books: where it wants to go, or why
   it may not. */
#variable_conflict use_column
declare
    v_offer record;
begin
    message := coalesce(howdah_private.task_place_problem(spec),
                        howdah_private.task_spec_problem(spec));
    if message is not null then
        reason := 'task_invalid';
        return next;
        return;
    end if;
    if spec ? 'user' and not howdah_private.os_user_permitted((fw).principal, spec ->> 'user') then
        reason := 'not_permitted';
        message := howdah_private.problem('user', spec -> 'user',
                                          'an OS user that the principal may use');
    end if;
    agent_id := (spec ->> 'agent')::uuid;
    seen := (spec -> 'version')::bigint;
    if spec ? 'offer' then
        offer_id := (spec ->> 'offer')::uuid;
        select o.framework_id, o.agent_id, o.agent_version, o.state, o.reason, o.expires_at
        into v_offer
        from howdah_private.offer o where o.offer_id = (spec ->> 'offer')::uuid;
        agent_id := v_offer.agent_id;
        seen := coalesce(seen, v_offer.agent_version);
        reason := coalesce(reason, case
            when v_offer.agent_id is null then 'offer_unknown'
            when v_offer.framework_id <> (fw).framework_id then 'offer_foreign'
            when v_offer.state in ('accepted', 'declined') then 'offer_used'
            when v_offer.state = 'rescinded' then 'offer_rescinded'
            when v_offer.state = 'expired' or v_offer.expires_at <= clock_timestamp()
                then 'offer_expired' end);
        message := coalesce(message, case when reason is not null then
            format('offer %s: %s', offer_id, replace(reason, '_', ' '))
            || coalesce(' (' || v_offer.reason || ')', '') end);
    end if;
    return next;
end
$$;
comment on function howdah_private.spec_verdict(jsonb, howdah_private.framework) is
    'where a spec wants to go, or why it may not';
revoke all on function howdah_private.spec_verdict(jsonb, howdah_private.framework) from public;

create or replace function howdah_private.ports_pick(
    free int4multirange, wanted jsonb)
returns int4multirange
language plpgsql immutable
as $$
/* The ports that a spec gets from the free ones: the ranges it names, or the lowest N. Null if they
   are not to be had. */
declare
    v_left integer;
    v_range int4range;
    v_got int4multirange := '{}';
begin
    if jsonb_typeof(wanted) = 'array' then
        v_got := howdah_private.ranges_from_json(wanted);
        return case when v_got <@ coalesce(free, '{}') then v_got end;
    end if;
    v_left := wanted::integer;
    for v_range in select r from unnest(coalesce(free, '{}')) as r order by r loop
        exit when v_left = 0;
        v_range := int4range(lower(v_range), least(upper(v_range), lower(v_range) + v_left));
        v_left := v_left - (upper(v_range) - lower(v_range));
        v_got := v_got + int4multirange(v_range);
    end loop;
    return case when v_left = 0 then v_got end;
end
$$;
comment on function howdah_private.ports_pick(int4multirange, jsonb) is
    'the ports that a spec gets; null if they are not free';
revoke all on function howdah_private.ports_pick(int4multirange, jsonb) from public;

create or replace function howdah_private.sets_pick(
    free jsonb, wanted jsonb, out got jsonb, out short_set text, out short_wanted numeric,
    out short_free numeric)
returns record
language plpgsql immutable
as $$
/* The items that a spec gets from the free ones, per set: those it names, or the first N; or the
   set that lacks some. */
declare
    v_name text;
    v_want jsonb;
    v_free jsonb;
    v_take jsonb;
begin
    got := '{}';
    for v_name, v_want in select e.key, e.value from jsonb_each(wanted) e order by e.key loop
        v_free := coalesce(free -> v_name, '[]');
        if jsonb_typeof(v_want) = 'number' then
            select coalesce(jsonb_agg(x.value order by x.n), '[]') into v_take
            from jsonb_array_elements(v_free) with ordinality as x (value, n)
            where x.n <= v_want::integer;
            v_want := case when jsonb_array_length(v_take) = v_want::integer then v_take end;
        elsif not v_free @> v_want then
            v_want := null;
        end if;
        if v_want is null then
            short_set := v_name;
            short_wanted := case when jsonb_typeof(wanted -> v_name) = 'number'
                                 then (wanted -> v_name)::numeric
                                 else jsonb_array_length(wanted -> v_name) end;
            short_free := jsonb_array_length(v_free);
            return;
        end if;
        if v_want <> '[]'::jsonb then
            got := got || jsonb_build_object(v_name, v_want);
        end if;
    end loop;
end
$$;
comment on function howdah_private.sets_pick(jsonb, jsonb) is
    'the items of named sets that a spec gets, or which set lacks some';
revoke all on function howdah_private.sets_pick(jsonb, jsonb) from public;

create or replace function howdah_private.pool_short(
    pool howdah_private.agent_pool, resources jsonb, out resource text, out wanted numeric,
    out free numeric)
returns record
language sql stable
as $$
    /* The first scalar resource of which the pool has less free than wanted; nulls if none. */
    select x.resource, x.wanted, x.free
    from (
        values
            (1, 'cpus', coalesce((resources -> 'cpus')::numeric, 0),
             trim_scale((pool).cpus_free / 1000.0)),
            (2, 'mem', coalesce((resources -> 'mem')::numeric, 0),
             (pool).mem_free),
            (3, 'disk', coalesce((resources -> 'disk')::numeric, 0),
             (pool).disk_free),
            (4, 'gpus', coalesce((resources -> 'gpus')::numeric, 0),
             (pool).gpus_free)
        union all
        select 5, e.key, e.value::numeric,
               coalesce(((pool).scalars_capacity -> e.key)::numeric, 0)
               - coalesce(((pool).scalars_allocated -> e.key)::numeric, 0)
               - coalesce(((pool).scalars_revocable -> e.key)::numeric, 0)
        from jsonb_each(coalesce(resources -> 'scalars', '{}'::jsonb)) e
    ) as x (rank, resource, wanted, free)
    where x.wanted > x.free
    order by x.rank, x.resource
    limit 1;
$$;
comment on function howdah_private.pool_short(howdah_private.agent_pool, jsonb) is
    'the first resource that a pool lacks for a spec';
revoke all on function howdah_private.pool_short(howdah_private.agent_pool, jsonb) from public;

create or replace function howdah_private.pool_fit(
    inout pool howdah_private.agent_pool, resources jsonb, out ports int4multirange,
    out sets jsonb, out reason text, out resource text, out wanted numeric, out free numeric)
returns record
language plpgsql
as $$
/* Deal the resources of one spec out of a pool (a copy in memory, in which held and lent need not be
   told apart): the pool after it, and the concrete ports and items; or why not. */
declare
    v_short record;
    v_sets record;
begin
    select * into v_short from howdah_private.pool_short(pool, resources);
    if v_short.resource is not null then
        reason := 'insufficient_resource';
        resource := v_short.resource;
        wanted := v_short.wanted;
        free := v_short.free;
        return;
    end if;
    if resources ? 'ports' then
        ports := howdah_private.ports_pick(
            coalesce(pool.ports_capacity, '{}') - coalesce(pool.ports_allocated, '{}'),
            resources -> 'ports');
        if ports is null then
            reason := 'port_taken';
            resource := 'ports';
            select sum(upper(r) - lower(r)) into free
            from unnest(coalesce(pool.ports_capacity, '{}')
                        - coalesce(pool.ports_allocated, '{}')) r;
            free := coalesce(free, 0);
            wanted := case when jsonb_typeof(resources -> 'ports') = 'number'
                           then (resources -> 'ports')::numeric
                           else (select sum(upper(r) - lower(r))
                                 from unnest(howdah_private.ranges_from_json(
                                     resources -> 'ports')) r) end;
            return;
        end if;
        ports := nullif(ports, '{}');
        pool.ports_allocated := coalesce(pool.ports_allocated, '{}') + coalesce(ports, '{}');
    end if;
    if resources ? 'sets' then
        v_sets := howdah_private.sets_pick(
            howdah_private.sets_change(pool.sets_capacity, pool.sets_allocated, -1),
            resources -> 'sets');
        if v_sets.short_set is not null then
            reason := 'set_item_taken';
            resource := v_sets.short_set;
            wanted := v_sets.short_wanted;
            free := v_sets.short_free;
            return;
        end if;
        sets := nullif(v_sets.got, '{}');
        pool.sets_allocated := howdah_private.sets_change(pool.sets_allocated, sets, 1);
    end if;
    pool.cpus_free := pool.cpus_free
        - (coalesce((resources -> 'cpus')::numeric, 0) * 1000)::bigint;
    pool.mem_free := pool.mem_free - coalesce((resources -> 'mem')::bigint, 0);
    pool.disk_free := pool.disk_free - coalesce((resources -> 'disk')::bigint, 0);
    pool.gpus_free := pool.gpus_free - coalesce((resources -> 'gpus')::bigint, 0);
    pool.scalars_allocated := howdah_private.scalars_add(
        pool.scalars_allocated, resources -> 'scalars', 1);
end
$$;
comment on function howdah_private.pool_fit(howdah_private.agent_pool, jsonb) is
    'deal one spec out of a pool in memory, or say why not';
revoke all on function howdah_private.pool_fit(howdah_private.agent_pool, jsonb)
    from public;

create or replace function howdah_private.name_taken(spec jsonb)
returns text
language sql immutable parallel safe
as $$
    select howdah_private.problem('name', spec -> 'name',
                                  'a name that no live task of the framework has');
$$;
comment on function howdah_private.name_taken(jsonb) is 'the message of name_in_use';
revoke all on function howdah_private.name_taken(jsonb) from public;

create or replace function howdah_private.claim_read(
    tasks jsonb, fw howdah_private.framework)
returns setof howdah_private.claim_row
language sql
as $$
    /* Phase 1: the specs in order, each with its place or the reason that is known already. */
    select s.n::integer, s.spec, s.name, v.agent_id, v.seen, v.offer_id,
           coalesce(v.reason, case when x.taken then 'name_in_use'
                                   when a.agent_id is null then 'agent_unknown' end),
           null::text, null::numeric, null::numeric,
           coalesce(v.message, case
               when x.taken then howdah_private.name_taken(s.spec)
               when a.agent_id is null then howdah_private.problem(
                   'agent', s.spec -> 'agent', 'the id of an agent') end),
           gen_random_uuid(), null::int4multirange, null::jsonb
    from (select e.n, e.spec, y.name, row_number() over (partition by y.name order by e.n) as nth
          from jsonb_array_elements(claim_read.tasks) with ordinality as e (spec, n)
          cross join lateral (select case when jsonb_typeof(e.spec) = 'object'
                                          then e.spec ->> 'name' end as name) y) s
    cross join lateral howdah_private.spec_verdict(s.spec, claim_read.fw) v
    cross join lateral (
        select s.nth > 1
               or exists (select 1 from howdah_private.task t
                          where t.framework_id = (claim_read.fw).framework_id
                            and t.name = s.name collate "C"
                            and t.terminal_at is null) as taken) x
    left join howdah_private.agent a on a.agent_id = v.agent_id
    order by s.n;
$$;
comment on function howdah_private.claim_read(jsonb, howdah_private.framework) is
    'the specs of a claim with place or early refusal';
revoke all on function howdah_private.claim_read(jsonb, howdah_private.framework) from public;

create or replace function howdah_private.pool_read(agent uuid, locked boolean)
returns howdah_private.agent_pool
language plpgsql
as $$
/* The books of an agent as they are now; locked: and as they stay until the end of the transaction. */
declare
    v_pool howdah_private.agent_pool;
begin
    if locked then
        select p.* into v_pool from howdah_private.agent_pool p
        where p.agent_id = agent and p.pool = '*'
        for no key update;
    else
        select p.* into v_pool from howdah_private.agent_pool p
        where p.agent_id = agent and p.pool = '*';
    end if;
    return v_pool;
end
$$;
comment on function howdah_private.pool_read(uuid, boolean) is
    'the books of an agent, locked or as they look';
revoke all on function howdah_private.pool_read(uuid, boolean) from public;

create or replace function howdah_private.claim_deal(
    specs howdah_private.claim_row[], conflict text, locked boolean)
returns setof howdah_private.claim_row
language plpgsql
as $$
/* Deal out what is free, spec by spec; locked: under the pools' locks, taken in agent_id order. */
declare
    v_row howdah_private.claim_row;
    v_pool howdah_private.agent_pool;
    v_version bigint;
    v_fit record;
begin
    for v_row in
        select r.* from unnest(specs) r order by r.agent_id nulls first, r.n
    loop
        if v_row.reason is not null then
            return next v_row;
            continue;
        end if;
        if v_pool.agent_id is distinct from v_row.agent_id then
            v_pool := howdah_private.pool_read(v_row.agent_id, locked);
            v_version := v_pool.version;
        end if;
        if not coalesce(v_pool.open, false) then
            v_row.reason := 'agent_closed';
            v_row.message := format('agent %s takes no claims now', v_row.agent_id);
        elsif conflict = 'version' and v_row.seen is distinct from v_version then
            v_row.reason := 'agent_changed';
            v_row.resource := 'version';
            v_row.wanted := v_row.seen;
            v_row.free := v_version;
            v_row.message := format('agent %s is at version %s, not %s', v_row.agent_id,
                                    v_version, coalesce(v_row.seen::text, 'null'));
        else
            v_fit := howdah_private.pool_fit(v_pool, v_row.spec -> 'resources');
            v_row.reason := v_fit.reason;
            v_row.resource := v_fit.resource;
            v_row.wanted := v_fit.wanted;
            v_row.free := v_fit.free;
            v_row.ports := v_fit.ports;
            v_row.sets := v_fit.sets;
            if v_fit.reason is null then
                v_pool := v_fit.pool;
            else
                v_row.message := format('agent %s: wanted %s %s, free %s', v_row.agent_id,
                                        trim_scale(v_fit.wanted), v_fit.resource,
                                        trim_scale(v_fit.free));
            end if;
        end if;
        return next v_row;
    end loop;
end
$$;
comment on function howdah_private.claim_deal(howdah_private.claim_row[], text, boolean) is
    'deal out what is free, spec by spec';
revoke all on function howdah_private.claim_deal(howdah_private.claim_row[], text, boolean)
    from public;

create or replace function howdah_private.claim_whole(
    specs howdah_private.claim_row[], mode text)
returns howdah_private.claim_row[]
language sql immutable
as $$
    /* Under mode all one refused spec refuses the rest. */
    select case
        when claim_whole.mode = 'all' and exists (select 1 from unnest(specs) r
                                                  where r.reason is not null)
        then array(
            select row (r.n, r.spec, r.name, r.agent_id, r.seen, r.offer_id,
                        coalesce(r.reason, 'gang_incomplete'), r.resource, r.wanted, r.free,
                        coalesce(r.message, 'fits, but another spec of the gang does not'),
                        r.task_id, null, null)::howdah_private.claim_row
            from unnest(specs) r order by r.n)
        else array(select r from unnest(specs) r order by r.n)
        end;
$$;
comment on function howdah_private.claim_whole(howdah_private.claim_row[], text) is
    'all or nothing, where the mode says so; in the order of the specs';
revoke all on function howdah_private.claim_whole(howdah_private.claim_row[], text) from public;

create or replace function howdah_private.claim_names(
    fw howdah_private.framework, claim_key uuid, revocable boolean,
    specs howdah_private.claim_row[])
returns setof howdah_private.claim_row
language plpgsql
as $$
/* Phase 2: write the specs that were not refused as tasks, so that their names are theirs; those that
   another claim was quicker with are refused now. */
declare
    v_ids uuid[];
begin
    with made as (
        insert into howdah_private.task (
            task_id, framework_id, agent_id, claim_key, name, revocable, cpus_milli, mem, disk,
            gpus, scalars, kill_grace_s, spec)
        select r.task_id, (fw).framework_id, r.agent_id, claim_names.claim_key, r.name,
               claim_names.revocable,
               (coalesce((r.spec -> 'resources' -> 'cpus')::numeric, 0) * 1000)::bigint,
               coalesce((r.spec -> 'resources' -> 'mem')::bigint, 0),
               coalesce((r.spec -> 'resources' -> 'disk')::bigint, 0),
               coalesce((r.spec -> 'resources' -> 'gpus')::bigint, 0),
               nullif(r.spec -> 'resources' -> 'scalars', '{}'),
               (r.spec -> 'kill_grace_s')::integer,
               r.spec - '{name,offer,agent,version}'::text[]
        from unnest(specs) r
        where r.reason is null
        order by r.name collate "C" -- two claims that want the same names meet at the same one first
        on conflict do nothing
        returning task_id
    )
    select array_agg(m.task_id) into v_ids from made m;
    return query
    select r.n, r.spec, r.name, r.agent_id, r.seen, r.offer_id,
           coalesce(r.reason, case when x.taken then 'name_in_use' end), r.resource, r.wanted,
           r.free, coalesce(r.message, case when x.taken then howdah_private.name_taken(r.spec) end),
           r.task_id, r.ports, r.sets
    from unnest(specs) r
    cross join lateral (select r.task_id <> all (coalesce(v_ids, '{}')) as taken) x
    order by r.n;
end
$$;
comment on function howdah_private.claim_names(
    howdah_private.framework, uuid, boolean, howdah_private.claim_row[]) is
    'take the names of the specs that were not refused';
revoke all on function howdah_private.claim_names(
    howdah_private.framework, uuid, boolean, howdah_private.claim_row[]) from public;

create or replace function howdah_private.claim_write(specs howdah_private.claim_row[])
returns void
language plpgsql
as $$
/* Phase 4: the specs that were dealt all they want go into the books; the others leave no task. */
declare
    v_ids uuid[];
    v_offers uuid[];
begin
    delete from howdah_private.task t
    where t.task_id = any (array(select r.task_id from unnest(specs) r where r.reason is not null));
    select array_agg(r.task_id), array_agg(r.offer_id) into v_ids, v_offers
    from unnest(specs) r where r.reason is null;
    if v_ids is null then
        return;
    end if;
    update howdah_private.task t
    set ports = r.ports, sets = r.sets
    from unnest(specs) r
    where t.task_id = r.task_id and r.reason is null
      and (r.ports is not null or r.sets is not null);
    perform howdah_private.pools_change(v_ids, 1);
    perform howdah_private.offer_accept(v_offers);
end
$$;
comment on function howdah_private.claim_write(howdah_private.claim_row[]) is
    'put what was dealt out into the books';
revoke all on function howdah_private.claim_write(howdah_private.claim_row[]) from public;

create or replace function howdah_private.claim_commit(
    fw howdah_private.framework, claim_key uuid, mode text, conflict text, revocable boolean,
    specs howdah_private.claim_row[])
returns howdah_private.claim_row[]
language plpgsql
as $$
/* Phases 2 to 4: what phase 1 did not refuse is committed, or refused by what is true under the locks. */
declare
    v_rows howdah_private.claim_row[];
begin
    v_rows := array(select r from howdah_private.claim_names(fw, claim_key, revocable, specs) r);
    v_rows := array(select r from howdah_private.claim_deal(v_rows, conflict, true) r);
    v_rows := howdah_private.claim_whole(v_rows, mode);
    perform howdah_private.claim_write(v_rows);
    return v_rows;
end
$$;
comment on function howdah_private.claim_commit(
    howdah_private.framework, uuid, text, text, boolean, howdah_private.claim_row[]) is
    'commit the specs of a claim that fit, under the locks';
revoke all on function howdah_private.claim_commit(
    howdah_private.framework, uuid, text, text, boolean, howdah_private.claim_row[]) from public;

create or replace function howdah_private.claim_decide(
    fw howdah_private.framework, claim_key uuid, body_hash bigint, tasks jsonb, mode text,
    conflict text, revocable boolean, dry_run boolean)
returns table (ordinal integer, name text, task_id uuid, agent_id uuid, committed boolean,
               reason text, resource text, wanted numeric, free numeric, message text,
               replayed boolean)
language plpgsql
set jit = off
as $$
/* Decide a claim spec by spec; see the head of this file. */
#variable_conflict use_column
declare
    v_rows howdah_private.claim_row[];
    v_refusals jsonb;
begin
    v_rows := array(select r from claim_read(claim_decide.tasks, claim_decide.fw) r);
    v_rows := array(select r from claim_deal(v_rows, claim_decide.conflict, false) r);
    v_rows := claim_whole(v_rows, claim_decide.mode);
    if not claim_decide.dry_run then
        if exists (select 1 from unnest(v_rows) r where r.reason is null) then
            v_rows := claim_commit(claim_decide.fw, claim_decide.claim_key, claim_decide.mode,
                                   claim_decide.conflict, claim_decide.revocable, v_rows);
        end if;
        select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                   'ordinal', r.n, 'reason', r.reason, 'resource', r.resource,
                   'wanted', r.wanted, 'free', r.free, 'message', r.message,
                   'agent_id', r.agent_id)) order by r.n) into v_refusals
        from unnest(v_rows) r where r.reason is not null;
        perform claim_record(
            (claim_decide.fw).framework_id, claim_decide.claim_key, claim_decide.body_hash,
            claim_decide.mode, claim_decide.conflict, claim_decide.revocable,
            array(select case when r.reason is null then r.task_id end
                  from unnest(v_rows) r order by r.n),
            v_refusals,
            (select count(*)::integer from unnest(v_rows) r where r.reason is null));
    end if;
    return query
    select r.n, r.name,
           case when r.reason is null and not claim_decide.dry_run then r.task_id end,
           r.agent_id, r.reason is null, r.reason, r.resource, r.wanted, r.free, r.message, false
    from unnest(v_rows) r
    order by r.n;
end
$$;
comment on function howdah_private.claim_decide(
    howdah_private.framework, uuid, bigint, jsonb, text, text, boolean, boolean) is
    'decide a claim spec by spec';
revoke all on function howdah_private.claim_decide(
    howdah_private.framework, uuid, bigint, jsonb, text, text, boolean, boolean) from public;
