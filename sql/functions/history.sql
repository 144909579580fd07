-- SPDX-License-Identifier: PostgreSQL
-- What has ended leaves the live tables; totals and rates are counted from what claims left behind.

create or replace function howdah_private.partition_ensure(parent text, day date)
returns integer
language plpgsql
as $$
/* Make the partition of `parent` for one day; 1 if it was not there. Made apart and then attached: that
   takes a lock on the parent that readers do not mind, however long they read. */
declare
    v_name text := format('%s_%s', parent, to_char(day, 'YYYYMMDD'));
begin
    if to_regclass('howdah_private.' || quote_ident(v_name)) is not null then
        return 0;
    end if;
    execute format('create table howdah_private.%I (like howdah_private.%I including defaults)',
                   v_name, parent);
    execute format('alter table howdah_private.%I attach partition howdah_private.%I '
                   'for values from (%L) to (%L)', parent, v_name, day, day + 1);
    return 1;
end
$$;
comment on function howdah_private.partition_ensure(text, date) is
    'make the partition of one day';
revoke all on function howdah_private.partition_ensure(text, date) from public;

create or replace function howdah_private.partitions_drop(parent text, before date)
returns integer
language plpgsql
as $$
/* Drop the partitions of days before `before`; returns how many. That takes the parent for itself:
   while somebody reads it, nothing is dropped, and a later turn tries again. To wait would be worse,
   since all readers that come later would queue behind. */
declare
    v_names text[];
    v_name text;
begin
    select array_agg(c.relname) into v_names
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    where i.inhparent = ('howdah_private.' || quote_ident(parent))::regclass
      and to_date(right(c.relname, 8), 'YYYYMMDD') < before;
    if v_names is null then
        return 0;
    end if;
    execute format('lock table howdah_private.%I in access exclusive mode nowait', parent);
    foreach v_name in array v_names loop
        execute format('drop table howdah_private.%I', v_name);
    end loop;
    return cardinality(v_names);
exception when lock_not_available then
    return 0;
end
$$;
comment on function howdah_private.partitions_drop(text, date) is 'drop the partitions of old days';
revoke all on function howdah_private.partitions_drop(text, date) from public;

create or replace function howdah_private.tasks_move(batch integer)
returns integer
language plpgsql
as $$
/* Move ended tasks whose updates are all acknowledged, with their events. Returns how many tasks. */
declare
    v_before timestamptz := clock_timestamp()
        - howdah_private.setting_interval('history_delay_s');
    v_ids uuid[];
    v_day date;
begin
    select array_agg(x.task_id) into v_ids
    from (select t.task_id
          from howdah_private.task t
          where t.terminal_at < v_before
            and not exists (select 1 from howdah_private.task_update u
                            where u.task_id = t.task_id)
          order by t.terminal_at
          limit batch
          for update of t skip locked) x;
    if v_ids is null then
        return 0;
    end if;
    for v_day in
        select distinct (t.terminal_at at time zone 'UTC')::date
        from howdah_private.task t where t.task_id = any (v_ids)
    loop
        perform howdah_private.partition_ensure('task_history', v_day);
    end loop;
    for v_day in
        select distinct (e.at at time zone 'UTC')::date
        from howdah_private.event e where e.object_id = any (v_ids)
    loop
        perform howdah_private.partition_ensure('event_history', v_day);
    end loop;
    with gone as (
        delete from howdah_private.task t where t.task_id = any (v_ids) returning t.*
    )
    insert into howdah_private.task_history select g.* from gone g;
    with gone as (
        delete from howdah_private.event e where e.object_id = any (v_ids) returning e.*
    )
    insert into howdah_private.event_history select g.* from gone g;
    delete from howdah_private.task_usage u where u.task_id = any (v_ids);
    return cardinality(v_ids);
end
$$;
comment on function howdah_private.tasks_move(integer) is 'move ended tasks to history';
revoke all on function howdah_private.tasks_move(integer) from public;

create or replace function howdah_private.events_move(batch integer)
returns integer
language plpgsql
as $$
/* Move events that are older than a week, but for those of live tasks: they go with their tasks.
   Returns how many. */
declare
    v_before timestamptz := clock_timestamp() - interval '7 days';
    v_ids bigint[];
    v_day date;
    v_count integer;
begin
    select array_agg(x.event_id) into v_ids
    from (select e.event_id from howdah_private.event e
          where e.at < v_before
            and not exists (select 1 from howdah_private.task t where t.task_id = e.object_id)
          order by e.at
          limit batch) x;
    for v_day in
        select distinct (e.at at time zone 'UTC')::date
        from howdah_private.event e
        where e.at < v_before and e.event_id = any (v_ids)
    loop
        perform howdah_private.partition_ensure('event_history', v_day);
    end loop;
    with gone as (
        delete from howdah_private.event e
        where e.at < v_before and e.event_id = any (v_ids)
        returning e.*
    )
    insert into howdah_private.event_history select g.* from gone g;
    get diagnostics v_count = row_count;
    return v_count;
end
$$;
comment on function howdah_private.events_move(integer) is 'move old events to history';
revoke all on function howdah_private.events_move(integer) from public;

create or replace function howdah_private.claims_move(batch integer)
returns integer
language plpgsql
as $$
/* Move claims whose keys need not be known any more. Returns how many. */
declare
    v_before timestamptz := clock_timestamp()
        - make_interval(hours => howdah_private.setting_get('claim_key_hours')::integer);
    v_keys uuid[];
    v_day date;
begin
    select array_agg(x.claim_key) into v_keys
    from (select c.claim_key from howdah_private.claim c
          where c.created_at < v_before
          limit batch) x;
    if v_keys is null then
        return 0;
    end if;
    for v_day in
        select distinct (c.created_at at time zone 'UTC')::date
        from howdah_private.claim c where c.claim_key = any (v_keys)
    loop
        perform howdah_private.partition_ensure('claim_history', v_day);
    end loop;
    with gone as (
        delete from howdah_private.claim c where c.claim_key = any (v_keys) returning c.*
    )
    insert into howdah_private.claim_history select g.* from gone g;
    return cardinality(v_keys);
end
$$;
comment on function howdah_private.claims_move(integer) is 'move old claims to history';
revoke all on function howdah_private.claims_move(integer) from public;

create or replace function howdah.history_roll(epoch bigint)
returns integer
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
set timezone = 'UTC'
as $$
/* Leader's chore: move what has ended to history in batches, drop old days. Returns how many rows
   and partitions it handled. */
declare
    v_count integer;
    v_before date := current_date - setting_get('history_days')::integer;
begin
    perform leader_enter('history_roll', history_roll.epoch);
    v_count := tasks_move(2000) + claims_move(2000) + events_move(2000)
             + partitions_drop('task_history', v_before)
             + partitions_drop('event_history', v_before)
             + partitions_drop('claim_history', v_before);
    delete from placement p
    where p.created_at < clock_timestamp()
        - make_interval(hours => setting_get('claim_key_hours')::integer);
    delete from log_request r where r.created_at < clock_timestamp() - interval '1 minute';
    delete from rate_sample r where r.at < clock_timestamp() - interval '10 minutes';
    return v_count;
end
$$;
comment on function howdah.history_roll(bigint) is 'leader: move what has ended to history';
revoke all on function howdah.history_roll(bigint) from public;
grant execute on function howdah.history_roll(bigint) to howdah_coordinator;

create or replace function howdah.stats_roll(epoch bigint)
returns integer
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
set synchronous_commit = off
as $$
/* Leader's chore: count the claims committed since the last time into the totals per framework, and
   keep a sample of the rates. Reads up to the oldest transaction still running, so a claim that
   commits late is counted later, never missed. Returns how many claims it counted. */
declare
    v_from bigint;
    v_to bigint := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    v_count integer;
begin
    perform leader_enter('stats_roll', stats_roll.epoch);
    select c.position into v_from from news_cursor c where c.name = 'claims' for update;
    with news as materialized (
        select c.framework_id, count(*) as claims,
               count(*) filter (where c.committed_count < c.task_count) as conflicts,
               sum(c.committed_count) as tasks
        from claim c
        where c.xid >= v_from and c.xid < v_to
        group by c.framework_id
    ), counted as (
        update framework_total t
        set claims = t.claims + n.claims, conflicts = t.conflicts + n.conflicts,
            tasks = t.tasks + n.tasks
        from news n
        where t.framework_id = n.framework_id
    ), sampled as (
        insert into rate_sample (claims, conflicts, tasks)
        select sum(n.claims), sum(n.conflicts), sum(n.tasks) from news n having count(*) > 0
    )
    select coalesce(sum(n.claims), 0) into v_count from news n;
    update news_cursor c set position = v_to
    where c.name = 'claims' and c.position < v_to and v_count > 0;
    return v_count;
end
$$;
comment on function howdah.stats_roll(bigint) is 'leader: count new claims';
revoke all on function howdah.stats_roll(bigint) from public;
grant execute on function howdah.stats_roll(bigint) to howdah_coordinator;
