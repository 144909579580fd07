-- SPDX-License-Identifier: PostgreSQL
-- Frameworks: register, fail over, heartbeat, suppress, tear down.
--
-- Fencing. Every call of a framework holds an advisory lock on it, shared, until its transaction
-- ends; taking over takes the same lock exclusively. So when framework_register returns, nothing of
-- the former self can still commit, and no row had to be written or locked for it in a claim.
-- Lock order everywhere: framework lock, agent's heartbeat, agent pools by agent_id, tasks by task_id,
-- offers by offer_id, updates by update_id; each kind in one go. What cannot keep to it skips what is
-- locked. A framework that makes several calls in one transaction keeps to it by claiming first (all
-- tasks in one claim), then killing, then acknowledging.

create or replace function howdah_private.framework_enter(
    call text, framework_id uuid, epoch bigint)
returns howdah_private.framework
language plpgsql
as $$
/* The first thing that every framework call does: fence, identity, state. Returns the row. The state
   comes before the epoch, which the end raises: who repeats a teardown whose answer was lost is told
   that it has happened, not that somebody took over. */
declare
    v_row howdah_private.framework;
begin
    if framework_enter.framework_id is null then
        perform howdah_private.raise('field_missing', framework_enter.call, 'framework_id', null, 'a uuid');
    end if;
    if current_setting('transaction_isolation') <> 'read committed' then
        perform howdah_private.raise('isolation_level', framework_enter.call, 'transaction_isolation',
                      current_setting('transaction_isolation'), 'read committed');
    end if;
    perform pg_advisory_xact_lock_shared(
        18543, uuid_hash(framework_enter.framework_id));
    select f.* into v_row from howdah_private.framework f
    where f.framework_id = framework_enter.framework_id;
    if not found then
        perform howdah_private.raise('framework_unknown', framework_enter.call, 'framework_id',
                      framework_enter.framework_id::text, 'the id of a registered framework');
    end if;
    if v_row.principal <> session_user
       and not pg_has_role(session_user, 'howdah_operator', 'member') then
        perform howdah_private.raise('not_permitted', framework_enter.call, 'framework_id',
                      framework_enter.framework_id::text,
                      'a framework that ' || quote_ident(session_user) || ' registered');
    end if;
    if v_row.state = 'completed' then
        perform howdah_private.raise('framework_completed', framework_enter.call, 'framework_id',
                      framework_enter.framework_id::text, 'a framework that is not torn down');
    end if;
    if v_row.epoch is distinct from framework_enter.epoch then
        perform howdah_private.raise('epoch_stale', framework_enter.call, 'epoch',
                      framework_enter.epoch::text, 'the present epoch, ' || v_row.epoch);
    end if;
    return v_row;
end
$$;
comment on function howdah_private.framework_enter(text, uuid, bigint) is
    'fence and check a framework''s call; raises unless it may go on';
revoke all on function howdah_private.framework_enter(text, uuid, bigint) from public;

create or replace function howdah_private.framework_seen(framework_id uuid)
returns void
language plpgsql
as $$
/* Note that the framework is alive; a disconnected one is active again. */
#variable_conflict use_column
begin
    insert into howdah_private.framework_heartbeat as h (framework_id, seen_at)
    values (framework_seen.framework_id, clock_timestamp())
    on conflict (framework_id) do update set seen_at = excluded.seen_at;
    update howdah_private.framework f
    set state = howdah_private.framework_next(f.state, 'sync'), state_at = now()
    where f.framework_id = framework_seen.framework_id and f.state = 'disconnected';
    if found then
        perform howdah_private.event_add('framework', framework_seen.framework_id,
                                         'disconnected', 'active', 'framework', 'sync');
        perform howdah_private.bell_ring();
    end if;
end
$$;
comment on function howdah_private.framework_seen(uuid) is 'note that a framework is alive';
revoke all on function howdah_private.framework_seen(uuid) from public;

create or replace function howdah_private.framework_fail_over(
    framework_id uuid, role text, failover_timeout_s integer)
returns bigint
language plpgsql
as $$
/* Take over an existing framework; returns the new epoch. Waits until no call of the former self is
   in progress any more. */
declare
    v_row howdah_private.framework;
begin
    perform pg_advisory_xact_lock(18543, uuid_hash(framework_fail_over.framework_id));
    select f.* into v_row from howdah_private.framework f
    where f.framework_id = framework_fail_over.framework_id
    for update;
    if not found then
        perform howdah_private.raise('framework_unknown', 'framework_register', 'framework_id',
                                     framework_fail_over.framework_id::text,
                                     'the id of a registered framework');
    elsif v_row.principal <> session_user then
        perform howdah_private.raise('not_permitted', 'framework_register', 'framework_id',
                                     framework_fail_over.framework_id::text,
                                     'a framework that this login registered');
    elsif v_row.state = 'completed' then
        perform howdah_private.raise('framework_completed', 'framework_register', 'framework_id',
                                     framework_fail_over.framework_id::text,
                                     'a framework that is not torn down');
    elsif v_row.role <> framework_fail_over.role then
        perform howdah_private.raise('value_invalid', 'framework_register', 'role',
                                     framework_fail_over.role, 'the role it has, ' || v_row.role);
    end if;
    update howdah_private.framework f
    set epoch = f.epoch + 1, state = howdah_private.framework_next(f.state, 'register'),
        failover_timeout_s = framework_fail_over.failover_timeout_s, suppressed = false,
        state_at = now()
    where f.framework_id = framework_fail_over.framework_id;
    perform howdah_private.offers_rescind_frameworks(array[v_row.framework_id],
                                                     'framework_failed_over');
    perform howdah_private.filters_forget(array[v_row.framework_id]);
    perform howdah_private.requests_clear(array[v_row.framework_id]);
    perform howdah_private.event_add('framework', v_row.framework_id, v_row.state::text, 'active',
                                     'framework', 'failover', null,
                                     format('epoch %s', v_row.epoch + 1));
    return v_row.epoch + 1;
end
$$;
comment on function howdah_private.framework_fail_over(uuid, text, integer) is
    'take over an existing framework';
revoke all on function howdah_private.framework_fail_over(uuid, text, integer) from public;

create or replace function howdah_private.framework_make(
    name text, role text, failover_timeout_s integer, key uuid)
returns uuid
language plpgsql
as $$
/* A new framework of this login; null if there is one with this key. */
declare
    v_id uuid;
begin
    insert into howdah_private.framework (name, role, principal, failover_timeout_s, register_key)
    values (framework_make.name, framework_make.role, session_user,
            framework_make.failover_timeout_s, framework_make.key)
    on conflict (register_key) where register_key is not null do nothing
    returning framework_id into v_id;
    if v_id is not null then
        insert into howdah_private.framework_total (framework_id) values (v_id);
        perform howdah_private.event_add('framework', v_id, null, 'active', 'framework',
                                         'register', null, framework_make.name);
    end if;
    return v_id;
end
$$;
comment on function howdah_private.framework_make(text, text, integer, uuid) is
    'a new framework, unless there is one with this key';
revoke all on function howdah_private.framework_make(text, text, integer, uuid) from public;

create or replace function howdah.framework_register(
    name text, role text default 'default', failover_timeout_s integer default 604800,
    inout framework_id uuid default null, key uuid default null, inout cell jsonb default null,
    out epoch bigint, out channel text, out heartbeat_s integer)
returns record
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Register a framework, or with its id take it over: epoch + 1, and nothing of the former self can
   commit after this returns. Take-over discards its offers, filters and requests and un-suppresses it.

   select * from howdah.framework_register('my-batch', role => 'default');

   failover_timeout_s   after this long without a sign of life its tasks are killed and its id is
                        never used again (default one week)
   key                  a uuid made before the first call: a new framework that is registered again with
                        it, since the answer was lost, is the same one, taken over
   cell                 in: what was seen of the cell before, as framework_heartbeat gave it; out: what
                        there is to keep now
   channel              LISTEN on it for hints ('offers', 'updates')
   heartbeat_s          call framework_heartbeat this often
   Errors: value_invalid, role_unknown, not_permitted, framework_unknown, framework_completed,
   cell_mismatch, cell_stale. */
#variable_conflict use_column
declare
    v_id uuid := framework_register.framework_id;
    v_epoch bigint := 1;
begin
    perform cell_check('framework_register', framework_register.cell);
    if not coalesce(name_ok(framework_register.name), false) then
        perform raise('value_invalid', 'framework_register', 'name', framework_register.name,
                      '1 to 255 characters without controls or blanks at the ends');
    elsif (framework_register.failover_timeout_s between 0 and 31536000) is not true then
        perform raise('value_invalid', 'framework_register', 'failover_timeout_s',
                      framework_register.failover_timeout_s::text, 'seconds, 0 to 31536000');
    elsif not exists (select 1 from role r where r.name = framework_register.role) then
        perform raise('role_unknown', 'framework_register', 'role', framework_register.role,
                      'the name of a role that the operator made');
    elsif not role_permitted(session_user, framework_register.role) then
        perform raise('not_permitted', 'framework_register', 'role', framework_register.role,
                      'a role that ' || quote_ident(session_user) || ' may use');
    end if;
    if v_id is null then
        v_id := framework_make(framework_register.name, framework_register.role,
                               framework_register.failover_timeout_s, framework_register.key);
    end if;
    if v_id is null or v_id = framework_register.framework_id then
        v_id := coalesce(v_id, (select f.framework_id from framework f
                                where f.register_key = framework_register.key));
        v_epoch := framework_fail_over(v_id, framework_register.role,
                                       framework_register.failover_timeout_s);
    end if;
    perform framework_seen(v_id);
    perform bell_ring();
    framework_id := v_id;
    epoch := v_epoch;
    channel := 'howdah_framework_' || replace(v_id::text, '-', '');
    heartbeat_s := setting_get('framework_heartbeat_s')::integer;
    cell := cell_mark();
end
$$;
comment on function howdah.framework_register(text, text, integer, uuid, uuid, jsonb) is
    'register a framework or take it over';
revoke all on function howdah.framework_register(text, text, integer, uuid, uuid, jsonb)
    from public;
grant execute on function howdah.framework_register(text, text, integer, uuid, uuid, jsonb)
    to howdah_framework, howdah_operator;

create or replace function howdah.framework_heartbeat(
    framework_id uuid, epoch bigint, cell jsonb default null)
returns jsonb
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
set synchronous_commit = off
as $$
/* Say that the framework is alive; every heartbeat_s seconds. Returns which cell this is and in which
   epoch: {"cell_id", "epoch", "token", "generation", "timeline"}. Who shows that with the next heartbeat, and
   first of all on each new connection, is told by cell_stale that this is a former primary (go to another
   host, try again), by cell_mismatch that it is another cell, and by cell_recovered that the cell was
   restored from a backup (register again with the id). Errors besides: as every framework call. */
begin
    perform cell_check('framework_heartbeat', framework_heartbeat.cell);
    perform generation_check('framework_heartbeat', framework_heartbeat.cell);
    perform framework_enter('framework_heartbeat', framework_heartbeat.framework_id,
                            framework_heartbeat.epoch);
    perform framework_seen(framework_heartbeat.framework_id);
    return cell_mark();
end
$$;
comment on function howdah.framework_heartbeat(uuid, bigint, jsonb) is
    'say that a framework is alive';
revoke all on function howdah.framework_heartbeat(uuid, bigint, jsonb) from public;
grant execute on function howdah.framework_heartbeat(uuid, bigint, jsonb)
    to howdah_framework, howdah_operator;

create or replace function howdah_private.framework_suppress_set(
    framework_id uuid, suppressed boolean, cause text)
returns void
language plpgsql
as $$
begin
    update howdah_private.framework f
    set suppressed = framework_suppress_set.suppressed
    where f.framework_id = framework_suppress_set.framework_id
      and f.suppressed <> framework_suppress_set.suppressed;
    if found then
        perform howdah_private.event_add('framework', framework_suppress_set.framework_id, null,
                                         null, 'framework', framework_suppress_set.cause);
    end if;
end
$$;
comment on function howdah_private.framework_suppress_set(uuid, boolean, text) is
    'set or clear the wish for no offers';
revoke all on function howdah_private.framework_suppress_set(uuid, boolean, text) from public;

create or replace function howdah.framework_suppress(framework_id uuid, epoch bigint)
returns void
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Ask for no more offers. Outstanding ones stay; claims still work. Idempotent. */
begin
    perform framework_enter('framework_suppress', framework_suppress.framework_id,
                            framework_suppress.epoch);
    perform framework_suppress_set(framework_suppress.framework_id, true, 'suppress');
end
$$;
comment on function howdah.framework_suppress(uuid, bigint) is 'ask for no more offers';
revoke all on function howdah.framework_suppress(uuid, bigint) from public;
grant execute on function howdah.framework_suppress(uuid, bigint)
    to howdah_framework, howdah_operator;

create or replace function howdah.framework_revive(framework_id uuid, epoch bigint)
returns void
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Ask for offers again. Filters stay: filters_clear drops those. Idempotent. */
begin
    perform framework_enter('framework_revive', framework_revive.framework_id,
                            framework_revive.epoch);
    perform framework_suppress_set(framework_revive.framework_id, false, 'revive');
    perform bell_ring();
end
$$;
comment on function howdah.framework_revive(uuid, bigint) is 'ask for offers again';
revoke all on function howdah.framework_revive(uuid, bigint) from public;
grant execute on function howdah.framework_revive(uuid, bigint)
    to howdah_framework, howdah_operator;

create or replace function howdah_private.frameworks_complete(
    frameworks uuid[], event text, actor text)
returns integer
language plpgsql
as $$
/* End frameworks, whose locks the caller holds exclusively: fence them, kill their tasks. Updates go
   last: an agent's sync that was under way may have left some before it let go of the tasks. Their
   offers are the caller's to take back, all in one call, because offers are locked in order.
   Returns how many tasks it kills. */
declare
    v_ids uuid[];
    v_tasks uuid[];
begin
    with ended as (
        update howdah_private.framework f
        set state = howdah_private.framework_next(f.state, frameworks_complete.event),
            epoch = f.epoch + 1, state_at = now()
        from howdah_private.framework o
        where f.framework_id = any (frameworks) and f.state <> 'completed'
          and o.framework_id = f.framework_id
        returning f.framework_id, o.state as from_state
    ), logged as (
        select e.framework_id, howdah_private.event_add(
            'framework', e.framework_id, e.from_state::text, 'completed',
            frameworks_complete.actor, frameworks_complete.event)
        from ended e
    )
    select array_agg(l.framework_id) into v_ids from logged l;
    select array_agg(t.task_id) into v_tasks
    from howdah_private.task t
    where t.framework_id = any (v_ids) and t.terminal_at is null;
    perform howdah_private.tasks_lock(v_tasks);
    perform howdah_private.tasks_step(v_tasks, 'kill', frameworks_complete.actor,
                                      'framework_removed');
    perform howdah_private.filters_forget(v_ids);
    perform howdah_private.requests_clear(v_ids);
    delete from howdah_private.framework_heartbeat h where h.framework_id = any (v_ids);
    delete from howdah_private.task_update u where u.framework_id = any (v_ids);
    return coalesce(cardinality(v_tasks), 0);
end
$$;
comment on function howdah_private.frameworks_complete(uuid[], text, text) is
    'end frameworks and kill their tasks';
revoke all on function howdah_private.frameworks_complete(uuid[], text, text) from public;

create or replace function howdah_private.framework_end(framework_id uuid, actor text)
returns integer
language plpgsql
as $$
/* End one framework, whose lock the caller holds exclusively. Returns how many tasks it kills. */
declare
    v_count integer := howdah_private.frameworks_complete(array[framework_end.framework_id],
                                                          'teardown', framework_end.actor);
begin
    perform howdah_private.offers_rescind_frameworks(array[framework_end.framework_id],
                                                     'framework_completed');
    return v_count;
end
$$;
comment on function howdah_private.framework_end(uuid, text) is 'end one framework';
revoke all on function howdah_private.framework_end(uuid, text) from public;

create or replace function howdah.framework_teardown(framework_id uuid, epoch bigint)
returns integer
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* End the framework: its tasks are killed, its id is never used again. Returns how many tasks are
   being killed. Errors: as every framework call. */
begin
    perform pg_advisory_xact_lock(18543, uuid_hash(framework_teardown.framework_id));
    perform framework_enter('framework_teardown', framework_teardown.framework_id,
                            framework_teardown.epoch);
    return framework_end(framework_teardown.framework_id, 'framework');
end
$$;
comment on function howdah.framework_teardown(uuid, bigint) is 'end a framework';
revoke all on function howdah.framework_teardown(uuid, bigint) from public;
grant execute on function howdah.framework_teardown(uuid, bigint)
    to howdah_framework, howdah_operator;

create or replace function howdah.framework_remove(framework_id uuid)
returns integer
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* End any framework, as an operator. Returns how many tasks are being killed.
   Errors: framework_unknown. */
begin
    if not exists (select 1 from framework f
                   where f.framework_id = framework_remove.framework_id) then
        perform raise('framework_unknown', 'framework_remove', 'framework_id',
                      framework_remove.framework_id::text, 'the id of a framework');
    end if;
    perform pg_advisory_xact_lock(18543, uuid_hash(framework_remove.framework_id));
    return framework_end(framework_remove.framework_id, 'operator');
end
$$;
comment on function howdah.framework_remove(uuid) is 'end any framework, as an operator';
revoke all on function howdah.framework_remove(uuid) from public;
grant execute on function howdah.framework_remove(uuid) to howdah_operator;

create or replace function howdah.frameworks_expire(epoch bigint)
returns integer
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Leader's chore: silent frameworks become disconnected and lose their offers; those that stay so
   past their failover timeout are completed. Returns how many changed. Heartbeats are soft state, so
   nobody counts as silent before the cell has been in its present epoch, and this server up, for the same
   time and for outage_grace_s; nor does a framework one of whose calls is in progress: its lock is
   tried, not waited for. The failover timeout itself runs on through epochs, else a cell with a term a
   day would keep the tasks of a dead framework for ever. */
declare
    v_since timestamptz := leader_enter('frameworks_expire', frameworks_expire.epoch);
    v_limit timestamptz := clock_timestamp() - 3 * setting_interval('framework_heartbeat_s');
    v_ids uuid[];
    v_silent uuid[];
    v_ended uuid[];
begin
    if not silence_counts(v_since, 3 * setting_interval('framework_heartbeat_s')) then
        return 0;
    end if;
    -- Heartbeats do not outlive a crash of the server: who has none is given a whole period.
    insert into framework_heartbeat (framework_id, seen_at)
    select f.framework_id, clock_timestamp() from framework f
    where f.state in ('active', 'disconnected')
      and not exists (select 1 from framework_heartbeat h
                      where h.framework_id = f.framework_id)
    on conflict do nothing;
    v_ids := array(
        select f.framework_id from framework f
        join framework_heartbeat h on h.framework_id = f.framework_id
        where f.state in ('active', 'disconnected') and h.seen_at < v_limit);
    v_ids := array(
        select i.id from unnest(v_ids) as i (id)
        where pg_try_advisory_xact_lock(18543, uuid_hash(i.id)));
    with silent as (
        update framework f
        set state = framework_next(f.state, 'silent'), state_at = now()
        where f.framework_id = any (v_ids) and f.state = 'active'
          and not exists (select 1 from framework_heartbeat h
                          where h.framework_id = f.framework_id and h.seen_at >= v_limit)
        returning f.framework_id
    )
    select array_agg(s.framework_id) into v_silent from silent s;
    perform event_add('framework', i.id, 'active', 'disconnected', 'coordinator', 'silent')
    from unnest(v_silent) as i (id);
    select array_agg(f.framework_id) into v_ended
    from framework f
    where f.framework_id = any (v_ids) and f.state = 'disconnected'
      and f.state_at + make_interval(secs => f.failover_timeout_s) < clock_timestamp();
    perform frameworks_complete(v_ended, 'expire', 'coordinator');
    perform offers_rescind_frameworks(v_silent || v_ended, 'framework_disconnected');
    return coalesce(cardinality(v_silent), 0) + coalesce(cardinality(v_ended), 0);
end
$$;
comment on function howdah.frameworks_expire(bigint) is
    'leader: find silent frameworks and end those past their failover timeout';
revoke all on function howdah.frameworks_expire(bigint) from public;
grant execute on function howdah.frameworks_expire(bigint) to howdah_coordinator;
