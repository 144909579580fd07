-- SPDX-License-Identifier: PostgreSQL
-- Placing: choose agents for specs that name none (place_choose.sql) and claim them, in one transaction.
-- The choice is a proposal; howdah.claim decides, so whatever a claim guarantees holds here.

create or replace function howdah_private.place_selector_problem(field text, selector jsonb, others text[])
returns text
language sql immutable parallel safe
as $$
    /* What is wrong with what selects tasks, besides `others` that may stand in it; null = nothing. */
    select case
        when selector is null then null
        when jsonb_typeof(selector) <> 'object' or selector - '{name,labels}'::text[] - others <> '{}'
             or selector = '{}' then
            howdah_private.problem(field, selector, 'an object with '
                                   || array_to_string(others || '{name,labels}'::text[], ', '))
        when selector ? 'name' and (jsonb_typeof(selector -> 'name') <> 'string'
                                    or not howdah_private.name_ok(selector ->> 'name')) then
            howdah_private.problem(field || '.name', selector -> 'name', 'how names of tasks begin')
        else howdah_private.string_map_problem(field || '.labels', selector -> 'labels') end;
$$;
comment on function howdah_private.place_selector_problem(text, jsonb, text[]) is
    'what is wrong with what selects tasks; null = nothing';
revoke all on function howdah_private.place_selector_problem(text, jsonb, text[]) from public;

create or replace function howdah_private.place_prefer_problem(prefer jsonb)
returns text
language sql immutable parallel safe
as $$
    /* What is wrong with a list of preferences; null = nothing. */
    select case
        when prefer is null then null
        when jsonb_typeof(prefer) <> 'array' or jsonb_array_length(prefer) not between 1 and 20 then
            howdah_private.problem('constraints.prefer', prefer, 'a list of 1 to 20 constraints')
        else (select p.problem
              from jsonb_array_elements(prefer) with ordinality as e (value, n)
              cross join lateral (select format('constraints.prefer[%s]', e.n - 1) as field) f
              cross join lateral (select case
                  when jsonb_typeof(e.value) <> 'object' or e.value - 'weight' = '{}' then
                      howdah_private.problem(f.field, e.value, 'an object with agents, attributes or both')
                  when e.value ? 'weight' and not coalesce(
                          howdah_private.amount_ok(e.value -> 'weight', 3)
                          and (e.value -> 'weight')::numeric between 0.001 and 1000, false) then
                      howdah_private.problem(f.field || '.weight', e.value -> 'weight',
                                             'a number from 0.001 to 1000')
                  else howdah_private.constraints_problem(f.field, e.value - 'weight')
                  end as problem) p
              where p.problem is not null
              order by e.n limit 1) end;
$$;
comment on function howdah_private.place_prefer_problem(jsonb) is
    'what is wrong with a list of preferences; null = nothing';
revoke all on function howdah_private.place_prefer_problem(jsonb) from public;

create or replace function howdah_private.place_problem(constraints jsonb)
returns text
language sql immutable parallel safe
as $$
    /* What is wrong with the constraints of a placement; null = nothing. */
    select case
        when jsonb_typeof(constraints) is distinct from 'object'
             or constraints - '{agents,attributes,prefer,patience_s,waited_s,spread,near,apart,distinct}'::text[]
                <> '{}' then
            howdah_private.problem('constraints', constraints, 'an object with agents, attributes, prefer, '
                                   'patience_s, waited_s, spread, near, apart, distinct')
        when constraints ? 'distinct' and jsonb_typeof(constraints -> 'distinct') <> 'boolean' then
            howdah_private.problem('constraints.distinct', constraints -> 'distinct', 'true or false')
        when not howdah_private.amount_ok(constraints -> 'patience_s', 3)
             or constraints ? 'patience_s' and not constraints ? 'prefer' then
            howdah_private.problem('constraints.patience_s', constraints -> 'patience_s',
                                   'seconds, with prefer')
        when not howdah_private.amount_ok(constraints -> 'waited_s', 3) then
            howdah_private.problem('constraints.waited_s', constraints -> 'waited_s', 'seconds')
        when constraints ? 'spread'
             and (jsonb_typeof(constraints -> 'spread' -> 'attribute') is distinct from 'string'
                  or not howdah_private.name_ok(constraints -> 'spread' ->> 'attribute')) then
            howdah_private.problem('constraints.spread.attribute', constraints -> 'spread' -> 'attribute',
                                   'the name of an attribute')
        else coalesce(
            howdah_private.place_selector_problem('constraints.spread', constraints -> 'spread', '{attribute}'),
            howdah_private.place_selector_problem('constraints.near', constraints -> 'near', '{}'),
            howdah_private.place_selector_problem('constraints.apart', constraints -> 'apart', '{}'),
            howdah_private.place_prefer_problem(constraints -> 'prefer'),
            howdah_private.constraints_problem(
                'constraints',
                constraints - '{prefer,patience_s,waited_s,spread,near,apart,distinct}'::text[])) end;
$$;
comment on function howdah_private.place_problem(jsonb) is
    'what is wrong with the constraints of a placement; null = nothing';
revoke all on function howdah_private.place_problem(jsonb) from public;

create or replace function howdah_private.place_check(
    claim_key uuid, specs jsonb, constraints jsonb, strategy text, mode text, revocable boolean,
    dry_run boolean)
returns void
language plpgsql
as $$
/* Raise unless the arguments of a placement, specs apart, are good. */
declare
    c_specs constant integer := 500;
    v_problem text := howdah_private.place_problem(place_check.constraints);
begin
    if place_check.claim_key is null then
        perform howdah_private.raise('field_missing', 'place', 'claim_key', null, 'a uuid made by the caller');
    elsif jsonb_typeof(place_check.specs) is distinct from 'array' then
        perform howdah_private.raise('value_invalid', 'place', 'specs', left(place_check.specs::text, 60),
                                     'a JSON array of task specs');
    elsif jsonb_array_length(place_check.specs) not between 1 and c_specs then
        perform howdah_private.raise('value_invalid', 'place', 'specs',
                                     jsonb_array_length(place_check.specs) || ' elements',
                                     format('1 to %s task specs', c_specs));
    elsif v_problem is not null then
        perform howdah_private.raise('value_invalid', 'place', 'constraints', place_check.constraints::text,
                                     'good constraints; ' || v_problem);
    elsif (place_check.strategy in ('pack', 'spread')) is not true then
        perform howdah_private.raise('value_invalid', 'place', 'strategy', place_check.strategy,
                                     '"pack" or "spread"');
    elsif (place_check.mode in ('all', 'any')) is not true then
        perform howdah_private.raise('value_invalid', 'place', 'mode', place_check.mode, '"all" or "any"');
    elsif place_check.revocable is null then
        perform howdah_private.raise('value_invalid', 'place', 'revocable', null, 'true or false');
    elsif place_check.dry_run is null then
        perform howdah_private.raise('value_invalid', 'place', 'dry_run', null, 'true or false');
    end if;
end
$$;
comment on function howdah_private.place_check(uuid, jsonb, jsonb, text, text, boolean, boolean) is
    'raise unless the arguments of a placement are good';
revoke all on function howdah_private.place_check(uuid, jsonb, jsonb, text, text, boolean, boolean)
    from public;

create or replace function howdah_private.place_spec_problem(spec jsonb)
returns text
language sql immutable parallel safe
as $$
    /* What is wrong with a spec that names no place; null = nothing, or it names one. */
    select case when jsonb_typeof(spec) = 'object' and spec ?| '{agent,offer}' then null
                when jsonb_typeof(spec) <> 'object' then
                    howdah_private.problem('spec', spec, 'an object')
                else coalesce(
                    howdah_private.task_place_problem(
                        spec || '{"agent": "00000000-0000-0000-0000-000000000000"}'),
                    howdah_private.task_spec_problem(spec)) end;
$$;
comment on function howdah_private.place_spec_problem(jsonb) is
    'what is wrong with a spec that names no place; null = nothing';
revoke all on function howdah_private.place_spec_problem(jsonb) from public;

create or replace function howdah_private.place_why(
    framework uuid, constraints jsonb, resources jsonb, out message text, out resource text,
    out wanted numeric, out free numeric)
returns record
language sql stable
as $$
    /* Why there was no agent: how many fail which test, and the kind of resource that most lack. */
    with tested as materialized (
        select t.rank, t.test, t.wanted, t.agent_id, t.free, t.passed
        from howdah_private.agent_tests(constraints, resources) t
        union all
        select t.rank, t.test, null, t.agent_id, null, t.passed
        from howdah_private.place_own_tests(framework, constraints) t
    ), line as (
        select t.rank, t.test, count(*) filter (where not t.passed) as failing,
               trim_scale(max(t.wanted)) as wanted, trim_scale(max(t.free)) as best
        from tested t group by t.rank, t.test
    ), agent as (
        select count(*) as there, count(*) filter (where a.passed) as good
        from (select bool_and(t.passed) as passed from tested t group by t.agent_id) a
    ), shortest as (
        select l.test, l.wanted, l.best from line l
        where l.wanted is not null and l.failing > 0 order by l.failing desc, l.rank, l.test limit 1
    )
    select format('of %s agents %s pass every test', a.there, a.good)
               || coalesce((select string_agg(format('; %s fail %s', l.failing, l.test)
                                              || case when l.wanted is null then ''
                                                      else format(' (wanted %s, most free %s)', l.wanted, l.best) end,
                                              '' order by l.rank, l.test)
                            from line l where l.failing > 0), '')
               || case when a.good > 0 then '; on those other tasks of this call stand in the way' else '' end,
           s.test, s.wanted, s.best
    from agent a
    left join shortest s on true;
$$;
comment on function howdah_private.place_why(uuid, jsonb, jsonb) is 'why there was no agent for a spec';
revoke all on function howdah_private.place_why(uuid, jsonb, jsonb) from public;

create or replace function howdah_private.place_refused(
    framework uuid, specs jsonb, constraints jsonb, problems text[], chosen uuid[], mode text)
returns setof howdah_private.place_row
language sql stable
as $$
    /* The rows of the specs that do not come to a claim. */
    with spec as materialized (
        select e.n::integer as n, e.value, problems[e.n] as problem,
               problems[e.n] is not null
                   or chosen[e.n] is null and not e.value ?| '{agent,offer}' as refused
        from jsonb_array_elements(specs) with ordinality as e (value, n)
    ), why as materialized (
        select x.resources, w.message, w.resource, w.wanted, w.free
        from (select distinct s.value -> 'resources' as resources from spec s
              where s.refused and s.problem is null) x
        cross join lateral howdah_private.place_why(framework, constraints, x.resources) w
    )
    select s.n, case when jsonb_typeof(s.value) = 'object' then s.value ->> 'name' end, null::uuid, null::uuid, false,
           case when s.problem is not null then 'task_invalid'
                when s.refused then 'no_agent' else 'gang_incomplete' end,
           w.resource, w.wanted, w.free,
           coalesce(s.problem, w.message, 'has a place, but another spec of the gang has none'), false
    from spec s
    left join why w on s.refused and s.problem is null and w.resources = s.value -> 'resources'
    where s.refused or mode = 'all' and exists (select 1 from spec o where o.refused)
    order by s.n;
$$;
comment on function howdah_private.place_refused(uuid, jsonb, jsonb, text[], uuid[], text) is
    'the rows of the specs that do not come to a claim';
revoke all on function howdah_private.place_refused(uuid, jsonb, jsonb, text[], uuid[], text) from public;

create or replace function howdah_private.place_once(
    framework_id uuid, epoch bigint, claim_key uuid, specs jsonb, constraints jsonb, strategy text,
    mode text, revocable boolean, dry_run boolean)
returns howdah_private.place_row[]
language plpgsql
as $$
/* Choose, and claim what was chosen; a row for each spec. */
#variable_conflict use_column
declare
    v_problems text[] := array(
        select howdah_private.place_spec_problem(e.value)
        from jsonb_array_elements(place_once.specs) with ordinality e order by e.ordinality);
    v_chosen uuid[] := howdah_private.place_choose(
        place_once.framework_id,
        (select jsonb_agg(case when v_problems[e.ordinality] is null then e.value end order by e.ordinality)
         from jsonb_array_elements(place_once.specs) with ordinality e),
        place_once.constraints, place_once.strategy);
    v_rows howdah_private.place_row[] := array(
        select r from howdah_private.place_refused(
            place_once.framework_id, place_once.specs, place_once.constraints, v_problems, v_chosen,
            place_once.mode) r);
    v_ordinals integer[];
    v_tasks jsonb;
begin
    select array_agg(e.n order by e.n),
           jsonb_agg(e.value || case when v_chosen[e.n] is null then '{}'
                                     else jsonb_build_object('agent', v_chosen[e.n]) end order by e.n)
    into v_ordinals, v_tasks
    from jsonb_array_elements(place_once.specs) with ordinality as e (value, n)
    where e.n not in (select r.ordinal from unnest(v_rows) r);
    if v_ordinals is null then
        return v_rows;
    end if;
    return array(
        select r from unnest(v_rows) r
        union all
        select row (v_ordinals[c.ordinal], c.name, c.task_id, c.agent_id, c.committed, c.reason,
                    c.resource, c.wanted, c.free, c.message, c.replayed)::howdah_private.place_row
        from howdah.claim(
            framework_id => place_once.framework_id, epoch => place_once.epoch,
            claim_key => place_once.claim_key, tasks => v_tasks, mode => place_once.mode,
            conflict => 'fit', revocable => place_once.revocable, dry_run => place_once.dry_run) c);
end
$$;
comment on function howdah_private.place_once(
    uuid, bigint, uuid, jsonb, jsonb, text, text, boolean, boolean) is 'choose agents and claim on them';
revoke all on function howdah_private.place_once(
    uuid, bigint, uuid, jsonb, jsonb, text, text, boolean, boolean) from public;

create or replace function howdah_private.place_try(
    framework_id uuid, epoch bigint, claim_key uuid, specs jsonb, constraints jsonb, strategy text,
    mode text, revocable boolean, dry_run boolean)
returns howdah_private.place_row[]
language plpgsql
as $$
/* place_once, anew when somebody was quicker with the room that it had seen. What such a try did is undone
   with its subtransaction, locks included; the last one stands. */
declare
    c_tries constant integer := 3;
    c_raced constant text[] := '{insufficient_resource,port_taken,set_item_taken,agent_closed}';
    v_rows howdah_private.place_row[];
begin
    for v_try in 1 .. c_tries loop
        begin
            v_rows := howdah_private.place_once(framework_id, epoch, claim_key, specs, constraints,
                                                strategy, mode, revocable, dry_run);
            exit when v_try = c_tries
                or not exists (select 1 from unnest(v_rows) r
                               where r.reason = any (c_raced)
                                 and not specs -> (r.ordinal - 1) ?| '{agent,offer}');
            raise exception using errcode = 'HWRTY', message = 'somebody was quicker';
        exception when sqlstate 'HWRTY' then
            null;
        end;
    end loop;
    return v_rows;
end
$$;
comment on function howdah_private.place_try(
    uuid, bigint, uuid, jsonb, jsonb, text, text, boolean, boolean) is
    'choose agents and claim on them, anew when somebody was quicker';
revoke all on function howdah_private.place_try(
    uuid, bigint, uuid, jsonb, jsonb, text, text, boolean, boolean) from public;

create or replace function howdah_private.place_replay(
    framework_id uuid, claim_key uuid, body_hash bigint)
returns setof howdah_private.place_row
language plpgsql
as $$
/* The first answer to this key, again. */
declare
    v_row howdah_private.placement;
begin
    select p.* into v_row from howdah_private.placement p where p.claim_key = place_replay.claim_key;
    if (v_row.framework_id, v_row.body_hash)
       is distinct from (place_replay.framework_id, place_replay.body_hash) then
        perform howdah_private.raise('claim_key_reused', 'place', 'claim_key', place_replay.claim_key::text,
                                     'the same request as the first time, or a new key');
    end if;
    return query
    select r.ordinal, r.name, r.task_id, r.agent_id, r.committed, r.reason, r.resource, r.wanted, r.free,
           r.message, true
    from jsonb_populate_recordset(null::howdah_private.place_row, v_row.answer) r
    order by r.ordinal;
end
$$;
comment on function howdah_private.place_replay(uuid, uuid, bigint) is
    'the first answer to a key of place, again';
revoke all on function howdah_private.place_replay(uuid, uuid, bigint) from public;

create or replace function howdah.place(
    framework_id uuid, epoch bigint, claim_key uuid, specs jsonb, constraints jsonb default '{}',
    strategy text default 'pack', mode text default 'all', revocable boolean default false,
    dry_run boolean default false)
returns table (ordinal integer, name text, task_id uuid, agent_id uuid, committed boolean,
               reason text, resource text, wanted numeric, free numeric, message text,
               replayed boolean)
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
set jit = off
as $$
/* Choose agents for the specs that name neither offer nor agent, and claim them all.

   select * from howdah.place(:id, :epoch, gen_random_uuid(),
       '[{"name": "w1", "resources": {"cpus": 1, "mem": 64}, "command": {"shell": "date"}}]',
       '{"attributes": {"disk": "ssd"}, "spread": {"attribute": "zone"}, "distinct": true}', 'spread');

   constraints  which agents, and which of them rather (docs/sql-api.md)
   strategy     pack: fill agents; spread: the emptiest first
   The others, and the answer, are as of claim; a spec without an agent is refused as no_agent, and its
   message says how many agents failed which test. The same claim_key again gives the first answer.
   Errors: as claim. */
#variable_conflict use_column
declare
    v_hash bigint := jsonb_hash_extended(jsonb_build_array(
        place.specs, place.constraints, place.strategy, place.mode, place.revocable), 0);
    v_rows place_row[];
begin
    perform framework_enter('place', place.framework_id, place.epoch);
    perform place_check(place.claim_key, place.specs, place.constraints, place.strategy, place.mode,
                        place.revocable, place.dry_run);
    if not place.dry_run then
        -- Waits for another call with this key, and then finds its answer.
        insert into placement (claim_key, framework_id, body_hash)
        values (place.claim_key, place.framework_id, v_hash)
        on conflict do nothing;
        if not found then
            return query select * from place_replay(place.framework_id, place.claim_key, v_hash);
            return;
        end if;
    end if;
    v_rows := place_try(place.framework_id, place.epoch, place.claim_key, place.specs, place.constraints,
                        place.strategy, place.mode, place.revocable, place.dry_run);
    update placement p set answer = to_jsonb(v_rows)
    where p.claim_key = place.claim_key and not place.dry_run;
    return query select r.* from unnest(v_rows) r order by r.ordinal;
end
$$;
comment on function howdah.place(uuid, bigint, uuid, jsonb, jsonb, text, text, boolean, boolean) is
    'choose agents for task specs and claim on them, in one transaction';
revoke all on function howdah.place(uuid, bigint, uuid, jsonb, jsonb, text, text, boolean, boolean)
    from public;
grant execute on function howdah.place(uuid, bigint, uuid, jsonb, jsonb, text, text, boolean, boolean)
    to howdah_framework, howdah_operator;
