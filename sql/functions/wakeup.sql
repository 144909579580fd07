-- SPDX-License-Identifier: PostgreSQL
-- Wake-ups: hints, sent by the leader alone, one per channel and turn. A lost one costs latency.

create or replace function howdah_private.offer_horizon_move()
returns void
language plpgsql
as $$
/* Note how far the numbers of offers are settled: whoever drew one had written a row before, so it was
   under way when the numbers were read, and when no transaction of that time is left, all that they
   wrote is visible. Who reads the numbers has to look at the transactions afterwards. */
declare
    v_drawn bigint := (select q.last_value - (not q.is_called)::integer
                       from howdah_private.offer_change_seq q);
    v_now pg_snapshot := pg_current_snapshot();
begin
    update howdah_private.offer_horizon h
    set settled = h.drawn, drawn = v_drawn, xid = pg_snapshot_xmax(v_now)::text::bigint
    where (h.xid <= pg_snapshot_xmin(v_now)::text::bigint
           or h.xid > pg_snapshot_xmax(v_now)::text::bigint)
      and h.settled <> v_drawn;
end
$$;
comment on function howdah_private.offer_horizon_move() is
    'note how far the numbers of offers are settled';
revoke all on function howdah_private.offer_horizon_move() from public;

create or replace function howdah.wakeups_send(epoch bigint)
returns integer
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
set synchronous_commit = off
as $$
/* Leader's chore: NOTIFY the frameworks for which offers or updates came since the last turn.
   Updates are looked for a little below the cursor too, since ids commit out of order; telling a
   framework twice does no harm. Returns how many NOTIFYs. */
declare
    v_offers bigint;
    v_updates bigint;
    v_inverse bigint;
    v_news record;
    v_count integer := 0;
begin
    perform leader_enter('wakeups_send', wakeups_send.epoch);
    perform offer_horizon_move();
    select max(c.position) filter (where c.name = 'offers'),
           max(c.position) filter (where c.name = 'updates'),
           max(c.position) filter (where c.name = 'inverse_offers')
    into v_offers, v_updates, v_inverse
    from news_cursor c;
    for v_news in
        select distinct o.framework_id, 'offers' as what
        from offer o
        where o.change_seq > v_offers and o.state in ('outstanding', 'rescinded', 'expired')
        union all
        select distinct u.framework_id, 'updates'
        from task_update u
        where u.update_id > v_updates - 200
          and (u.update_id > v_updates or u.created_at > clock_timestamp() - interval '2 s')
        union all
        select distinct i.framework_id, 'inverse_offers'
        from inverse_offer i
        where i.change_seq > v_inverse
    loop
        perform pg_notify('howdah_framework_' || replace(v_news.framework_id::text, '-', ''),
                          v_news.what);
        v_count := v_count + 1;
    end loop;
    update news_cursor c
    set position = n.position
    from (select 'offers' as name, max(o.change_seq) as position from offer o
          union all
          select 'updates', max(u.update_id) from task_update u
          union all
          select 'inverse_offers', max(i.change_seq) from inverse_offer i) n
    where c.name = n.name and n.position > c.position;
    return v_count;
end
$$;
comment on function howdah.wakeups_send(bigint) is
    'leader: tell frameworks that there is something to read';
revoke all on function howdah.wakeups_send(bigint) from public;
grant execute on function howdah.wakeups_send(bigint) to howdah_coordinator;
