-- SPDX-License-Identifier: PostgreSQL
-- Status updates: durable rows, delivered at least once, in order per task, until acknowledged.

create or replace function howdah.updates_pending(
    framework_id uuid, epoch bigint, seen bigint[] default '{}', max_updates integer default 1000)
returns table (update_id bigint, task_id uuid, task_name text, agent_id uuid, agent_name text,
               state text, reason text, message text, exit_code integer, signal integer,
               created_at timestamptz)
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
set jit = off
as $$
/* Updates that wait for acknowledgement, oldest first, without those in `seen` (what the caller was
   handed before and has not acknowledged yet). Never a cursor: an update that commits late under a
   lower id is not missed. max_updates 1 to 10000. */
#variable_conflict use_column
begin
    perform framework_enter('updates_pending', updates_pending.framework_id,
                            updates_pending.epoch);
    if (updates_pending.max_updates between 1 and 10000) is not true then
        perform raise('value_invalid', 'updates_pending', 'max_updates',
                      updates_pending.max_updates::text, '1 to 10000');
    end if;
    return query
    select u.update_id, u.task_id, coalesce(t.name, h.name), coalesce(t.agent_id, h.agent_id),
           a.name::text, u.state::text, u.reason, u.message, u.exit_code, u.signal, u.created_at
    from (select x.* from task_update x
          where x.framework_id = updates_pending.framework_id
            and x.update_id <> all (coalesce(updates_pending.seen, '{}'))
          order by x.update_id
          limit updates_pending.max_updates) u
    left join task t on t.task_id = u.task_id
    left join task_history h on h.task_id = u.task_id and t.task_id is null
    left join agent a on a.agent_id = coalesce(t.agent_id, h.agent_id)
    order by u.update_id;
end
$$;
comment on function howdah.updates_pending(uuid, bigint, bigint[], integer) is
    'a framework''s status updates that wait for acknowledgement';
revoke all on function howdah.updates_pending(uuid, bigint, bigint[], integer) from public;
grant execute on function howdah.updates_pending(uuid, bigint, bigint[], integer)
    to howdah_framework, howdah_operator;

create or replace function howdah.update_acknowledge(
    framework_id uuid, epoch bigint, update_ids bigint[])
returns integer
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Acknowledge updates; returns how many were still waiting. In the caller's own transaction this
   makes the handling of an update exactly once. Acknowledging twice is no error. */
declare
    v_count integer;
begin
    perform framework_enter('update_acknowledge', update_acknowledge.framework_id,
                            update_acknowledge.epoch);
    delete from task_update u
    where (u.framework_id, u.update_id) in (
        select l.framework_id, l.update_id from task_update l
        where l.framework_id = update_acknowledge.framework_id
          and l.update_id = any (update_acknowledge.update_ids)
        order by l.update_id
        for update);
    get diagnostics v_count = row_count;
    return v_count;
end
$$;
comment on function howdah.update_acknowledge(uuid, bigint, bigint[]) is
    'acknowledge status updates';
revoke all on function howdah.update_acknowledge(uuid, bigint, bigint[]) from public;
grant execute on function howdah.update_acknowledge(uuid, bigint, bigint[])
    to howdah_framework, howdah_operator;
