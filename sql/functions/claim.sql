-- SPDX-License-Identifier: PostgreSQL
-- The claim: one transaction that commits task specs against the books, all or nothing or as many as
-- fit. See ARCHITECTURE.md for the protocol.
--
-- Two ways lead to the same books. The quick way takes claims whose specs are all valid, ask for
-- plain resources only, and all fit: a handful of set-based statements. Whatever it cannot take goes
-- to claim_decide (claim_decide.sql), which walks the specs in order and says why each was refused.
-- Both take the tasks' names first, in order, and lock agent pools last, in agent_id order: so claims
-- cannot deadlock, and hold what others may want for as short a time as can be. Neither touches a row
-- that claims on other agents touch.

create or replace function howdah_private.claim_replay(
    earlier howdah_private.claim, tasks jsonb)
returns table (ordinal integer, name text, task_id uuid, agent_id uuid, committed boolean,
               reason text, resource text, wanted numeric, free numeric, message text,
               replayed boolean)
language plpgsql stable
as $$
/* The first answer to this claim key, again. */
#variable_conflict use_column
begin
    return query
    select s.n::integer, s.spec ->> 'name', i.id,
           coalesce(t.agent_id, h.agent_id, (r.doc ->> 'agent_id')::uuid),
           i.id is not null, r.doc ->> 'reason', r.doc ->> 'resource',
           (r.doc ->> 'wanted')::numeric, (r.doc ->> 'free')::numeric, r.doc ->> 'message', true
    from jsonb_array_elements(claim_replay.tasks) with ordinality as s (spec, n)
    left join unnest((claim_replay.earlier).task_ids) with ordinality as i (id, n) on i.n = s.n
    left join task t on t.task_id = i.id
    left join task_history h on h.task_id = i.id and t.task_id is null
    left join lateral (
        select x.doc from jsonb_array_elements((claim_replay.earlier).refusals) as x (doc)
        where (x.doc ->> 'ordinal')::bigint = s.n) r on true
    order by s.n;
end
$$;
comment on function howdah_private.claim_replay(howdah_private.claim, jsonb) is
    'the first answer to a claim key, again';
revoke all on function howdah_private.claim_replay(howdah_private.claim, jsonb)
    from public;

create or replace function howdah_private.claim_check_call(
    mode text, conflict text, revocable boolean, dry_run boolean, claim_key uuid, tasks jsonb)
returns void
language plpgsql stable
as $$
/* Raise unless the arguments of a claim, specs apart, are good. */
declare
    v_max integer;
begin
    select s.value::integer into v_max
    from howdah_private.setting s where s.name = 'claim_tasks_max';
    if claim_key is null then
        perform raise('field_missing', 'claim', 'claim_key', null, 'a uuid made by the caller');
    elsif mode is null or mode not in ('all', 'any') then
        perform raise('value_invalid', 'claim', 'mode', mode, '"all" or "any"');
    elsif conflict is null or conflict not in ('fit', 'version') then
        perform raise('value_invalid', 'claim', 'conflict', conflict, '"fit" or "version"');
    elsif revocable is null then
        perform raise('value_invalid', 'claim', 'revocable', null, 'true or false');
    elsif dry_run is null then
        perform raise('value_invalid', 'claim', 'dry_run', null, 'true or false');
    elsif jsonb_typeof(tasks) is distinct from 'array' then
        perform raise('value_invalid', 'claim', 'tasks', left(tasks::text, 60),
                      'a JSON array of task specs');
    elsif jsonb_array_length(tasks) not between 1 and v_max then
        perform raise('value_invalid', 'claim', 'tasks',
                      jsonb_array_length(tasks) || ' elements', '1 to ' || v_max || ' task specs');
    end if;
end
$$;
comment on function howdah_private.claim_check_call(text, text, boolean, boolean, uuid, jsonb) is
    'raise unless mode, conflict, key and the array of specs are good';
revoke all on function howdah_private.claim_check_call(text, text, boolean, boolean, uuid, jsonb)
    from public;

create or replace function howdah_private.claim_key_raced(claim_key uuid)
returns void
language plpgsql
as $$
begin
    perform howdah_private.raise('try_again', 'claim', 'claim_key', claim_key_raced.claim_key::text,
                                 'no other claim with this key at the same moment');
end
$$;
comment on function howdah_private.claim_key_raced(uuid) is
    'another claim with the same key committed first';
revoke all on function howdah_private.claim_key_raced(uuid) from public;

create or replace function howdah_private.claim_record(
    framework_id uuid, claim_key uuid, body_hash bigint, mode text, conflict text,
    revocable boolean, task_ids uuid[], refusals jsonb, committed_count integer)
returns void
language plpgsql
as $$
/* Keep the answer under its key. A concurrent claim with the same key loses here and may repeat. */
begin
    insert into claim (framework_id, claim_key, body_hash, mode, conflict, revocable, task_count,
                       committed_count, task_ids, refusals)
    values (claim_record.framework_id, claim_record.claim_key, claim_record.body_hash,
            claim_record.mode, claim_record.conflict, claim_record.revocable,
            cardinality(claim_record.task_ids), claim_record.committed_count,
            claim_record.task_ids, claim_record.refusals)
    on conflict do nothing;
    if not found then
        perform claim_key_raced(claim_record.claim_key);
    end if;
end
$$;
comment on function howdah_private.claim_record(
    uuid, uuid, bigint, text, text, boolean, uuid[], jsonb, integer) is
    'keep the answer of a claim under its key';
revoke all on function howdah_private.claim_record(
    uuid, uuid, bigint, text, text, boolean, uuid[], jsonb, integer) from public;

create or replace function howdah_private.claim_many(
    framework_id uuid, epoch bigint, claim_key uuid, body_hash bigint, tasks jsonb, mode text,
    conflict text, revocable boolean, dry_run boolean)
returns table (ordinal integer, name text, task_id uuid, agent_id uuid, committed boolean,
               reason text, resource text, wanted numeric, free numeric, message text,
               replayed boolean)
language plpgsql
as $$
/* Every claim that does not commit the quick way: check the call, replay, or decide. */
#variable_conflict use_column
declare
    v_fw howdah_private.framework;
    v_earlier howdah_private.claim;
begin
    v_fw := framework_enter('claim', claim_many.framework_id, claim_many.epoch);
    perform claim_check_call(claim_many.mode, claim_many.conflict, claim_many.revocable,
                             claim_many.dry_run, claim_many.claim_key, claim_many.tasks);
    if not claim_many.dry_run then
        select c.* into v_earlier from claim c where c.claim_key = claim_many.claim_key;
        if found then
            if (v_earlier.framework_id, v_earlier.body_hash, v_earlier.mode, v_earlier.conflict,
                v_earlier.revocable)
               is distinct from (claim_many.framework_id, claim_many.body_hash, claim_many.mode,
                                 claim_many.conflict, claim_many.revocable) then
                perform raise('claim_key_reused', 'claim', 'claim_key',
                              claim_many.claim_key::text,
                              'the same request as the first time, or a new key');
            end if;
            return query select * from claim_replay(v_earlier, claim_many.tasks);
            return;
        end if;
    end if;
    return query
    select * from claim_decide(v_fw, claim_many.claim_key, claim_many.body_hash,
                               claim_many.tasks, claim_many.mode, claim_many.conflict,
                               claim_many.revocable, claim_many.dry_run);
end
$$;
comment on function howdah_private.claim_many(
    uuid, bigint, uuid, bigint, jsonb, text, text, boolean, boolean) is
    'the general way of a claim';
revoke all on function howdah_private.claim_many(
    uuid, bigint, uuid, bigint, jsonb, text, text, boolean, boolean) from public;

create or replace function howdah.claim(
    framework_id uuid, epoch bigint, claim_key uuid, tasks jsonb, mode text default 'all',
    conflict text default 'fit', revocable boolean default false, dry_run boolean default false)
returns table (ordinal integer, name text, task_id uuid, agent_id uuid, committed boolean,
               reason text, resource text, wanted numeric, free numeric, message text,
               replayed boolean)
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
/* Commit task specs against the books.

   select * from howdah.claim(:id, :epoch, gen_random_uuid(),
       '[{"name": "t1", "agent": "…", "resources": {"cpus": 1, "mem": 64},
          "command": {"shell": "date"}}]');

   tasks      specs, each naming an offer or an agent (docs/sql-api.md)
   mode       all: every spec or none; any: those that fit, in order
   conflict   fit: does it fit now?; version: has the agent changed since it was seen?
   revocable  hold the resources as revocable ones
   dry_run    answer as if, change nothing

   One row per spec: committed with its task_id, or refused with a reason of refusals.def and, for a
   resource, what was wanted and what is free (cpus in cpus, mem and disk in MiB).
   The same claim_key again gives the first answer, replayed.
   Errors: value_invalid, field_missing, claim_key_reused, epoch_stale, framework_unknown,
   framework_completed, not_permitted, isolation_level, try_again. */
#variable_conflict use_column
declare
    v_locked text := pg_advisory_xact_lock_shared(18543, uuid_hash(claim.framework_id));
    v_spec jsonb := claim.tasks -> 0;
    v_task uuid;
    v_name text;
    v_agent uuid;
    v_offer record;
    v_cpus bigint;
    v_mem bigint;
    v_disk bigint;
    v_gpus bigint;
    v_gang gang;
begin
    -- The commonest claim, one plain task that fits, in as few statements and expressions as can be:
    -- each is set up anew in every transaction. What it cannot take it leaves to those below.
    select gen_random_uuid(), v_spec ->> 'name', uuid_or_null(v_spec ->> 'agent'),
           coalesce((v_spec -> 'resources' -> 'cpus')::numeric, 0) * 1000,
           coalesce((v_spec -> 'resources' -> 'mem')::bigint, 0),
           coalesce((v_spec -> 'resources' -> 'disk')::bigint, 0),
           coalesce((v_spec -> 'resources' -> 'gpus')::bigint, 0)
    into v_task, v_name, v_agent, v_cpus, v_mem, v_disk, v_gpus
    from framework f
    where f.framework_id = claim.framework_id and f.epoch = claim.epoch
      and f.principal = session_user and f.state <> 'completed'
      and claim.mode in ('all', 'any') and claim.conflict = 'fit' and not claim.revocable
      and not claim.dry_run and claim.claim_key is not null and claim.tasks -> 1 is null
      and current_setting('transaction_isolation') = 'read committed'
      and (task_spec_plain(v_spec) or task_spec_usual(v_spec, session_user));
    if found and v_agent is null then
        select o.offer_id, o.agent_id into v_offer
        from offer_open(claim.framework_id, uuid_or_null(v_spec ->> 'offer')) o;
        v_agent := v_offer.agent_id;
    end if;
    if v_agent is not null then
        insert into claim (framework_id, claim_key, body_hash, mode, conflict, revocable,
                           task_count, committed_count, task_ids)
        values (claim.framework_id, claim.claim_key,
                jsonb_hash_extended(claim.tasks, 0),
                claim.mode, claim.conflict, false, 1, 1, array[v_task])
        on conflict do nothing;
        if found then
            insert into task (task_id, framework_id, agent_id, claim_key, name, revocable, cpus_milli,
                              mem, disk, gpus, kill_grace_s, spec)
            values (v_task, claim.framework_id, v_agent, claim.claim_key, v_name, false, v_cpus,
                    v_mem, v_disk, v_gpus, (v_spec -> 'kill_grace_s')::integer,
                    v_spec - '{name,offer,agent,version}'::text[])
            on conflict (framework_id, name) where terminal_at is null do nothing;
            if found then
                return query
                update agent_pool p
                set version = p.version + 1, cpus_free = p.cpus_free - v_cpus,
                    mem_free = p.mem_free - v_mem,
                    disk_free = p.disk_free - v_disk,
                    gpus_free = p.gpus_free - v_gpus
                where p.agent_id = v_agent and p.pool = '*' and p.open
                  and p.cpus_free >= v_cpus
                  and p.mem_free >= v_mem
                  and p.disk_free >= v_disk
                  and p.gpus_free >= v_gpus
                returning 1, v_name, v_task, v_agent, true, null::text, null::text,
                          null::numeric, null::numeric, null::text, false;
                if found then
                    if v_spec ? 'offer' then
                        perform offer_accept(array[v_offer.offer_id]);
                    end if;
                    return;
                end if;
                delete from task t where t.task_id = v_task;
            end if;
            delete from claim c where c.claim_key = claim.claim_key;
        end if;
    elsif claim.tasks -> 1 is not null and not claim.revocable and not claim.dry_run then
        v_gang := claim_gang(claim.framework_id, claim.epoch, claim.claim_key, claim.tasks,
                             claim.mode, claim.conflict);
        if v_gang.ids is not null then
            return query
            select generate_subscripts(v_gang.ids, 1), unnest(v_gang.names), unnest(v_gang.ids),
                   unnest(v_gang.agents), true, null::text, null::text, null::numeric,
                   null::numeric, null::text, false;
            return;
        end if;
    end if;
    return query
    select * from claim_many(
        claim.framework_id, claim.epoch, claim.claim_key,
        jsonb_hash_extended(claim.tasks, 0),
        claim.tasks, claim.mode, claim.conflict, claim.revocable, claim.dry_run);
end
$$;
comment on function howdah.claim(uuid, bigint, uuid, jsonb, text, text, boolean, boolean) is
    'commit task specs against the books: all or nothing, or what fits';
revoke all on function howdah.claim(uuid, bigint, uuid, jsonb, text, text, boolean, boolean)
    from public;
grant execute on function howdah.claim(uuid, bigint, uuid, jsonb, text, text, boolean, boolean)
    to howdah_framework, howdah_operator;
