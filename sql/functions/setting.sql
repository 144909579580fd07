-- SPDX-License-Identifier: PostgreSQL
-- Settings of the cell: declared here, changed with setting_set, read with the getters below.

insert into howdah_private.setting (name, value, preset, pattern, unit, help)
select d.name, d.preset, d.preset, d.pattern, d.unit, d.help
from (values
    ('overlap', 'unlimited', '[1-9][0-9]{0,5}|unlimited', 'frameworks',
     'to how many frameworks one agent''s free resources are offered at the same time'),
    ('offer_policy', 'drf', '[a-z][a-z0-9_]{0,39}', 'policy',
     'who is offered first: drf, strict_priority, first_come, or another that was installed'),
    ('offer_timeout_s', '30', '[1-9][0-9]{0,5}', 's',
     'an unanswered offer expires after this time'),
    ('offer_refresh_s', '1', '[0-9]{1,5}', 's',
     'an outstanding offer that no longer shows what is free is replaced after this time'),
    ('offer_batch', '2000', '[1-9][0-9]{0,6}', 'offers',
     'at most this many offers are made in one turn'),
    ('offer_min_cpus_milli', '10', '[0-9]{1,9}', 'milli cpus',
     'an agent with less free cpu than this is not offered'),
    ('offer_min_mem', '32', '[0-9]{1,9}', 'MiB',
     'an agent with less free memory than this is not offered'),
    ('refuse_seconds_max', '31536000', '[1-9][0-9]{0,8}', 's',
     'longest refusal that a decline may ask for'),
    ('agent_timeout_s', '75', '[1-9][0-9]{0,5}', 's',
     'an agent that did not sync for this long is unreachable'),
    ('outage_grace_s', '30', '[0-9]{1,5}', 's',
     'after an outage, a fail-over or a new leader nobody is declared lost before this time'),
    ('agent_poll_ms', '500', '[1-9][0-9]{1,5}', 'ms',
     'how often an agent with nothing to do polls'),
    ('framework_heartbeat_s', '5', '[1-9][0-9]{0,4}', 's',
     'how often a framework is asked to send a heartbeat; silent for three of them: disconnected'),
    ('kill_grace_s', '3', '[0-9]{1,5}', 's',
     'time between SIGTERM and SIGKILL for tasks that name none'),
    ('drain_replace_s', '30', '[0-9]{1,5}', 's',
     'a task that a drain took down and nothing replaced counts against its framework''s budget for '
     'this long after its end'),
    ('maintenance_lead_s', '3600', '[0-9]{1,7}', 's',
     'how long before a maintenance window its agent begins to be drained'),
    ('history_delay_s', '60', '[0-9]{1,6}', 's',
     'an ended and acknowledged task moves to history after this time'),
    ('history_days', '90', '[1-9][0-9]{0,4}', 'days',
     'history older than this is dropped'),
    ('claim_key_hours', '24', '[1-9][0-9]{0,4}', 'h',
     'how long a claim key gives its first answer again'),
    ('claim_tasks_max', '5000', '[1-9][0-9]{0,4}', 'tasks',
     'at most this many task specs stand in one claim')
) as d (name, preset, pattern, unit, help)
on conflict (name) do update
    set preset = excluded.preset, pattern = excluded.pattern, unit = excluded.unit,
        help = excluded.help;

create or replace function howdah_private.setting_get(name text)
returns text
language sql stable parallel safe
as $$
    select s.value from howdah_private.setting s where s.name = setting_get.name;
$$;
comment on function howdah_private.setting_get(text) is 'a setting''s value as text';
revoke all on function howdah_private.setting_get(text) from public;

create or replace function howdah_private.setting_interval(name text)
returns interval
language sql stable parallel safe
as $$
    select make_interval(secs => s.value::double precision)
    from howdah_private.setting s
    where s.name = setting_interval.name;
$$;
comment on function howdah_private.setting_interval(text) is 'a setting in seconds as an interval';
revoke all on function howdah_private.setting_interval(text) from public;

create or replace function howdah.setting_set(name text, value text)
returns void
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Change one setting of the cell; takes effect with the next turn.
   select howdah.setting_set('overlap', '4');
   Errors: setting_unknown, value_invalid. Operators only. */
declare
    v_row setting;
begin
    select s.* into v_row from setting s where s.name = setting_set.name for update;
    if not found then
        perform raise('setting_unknown', 'setting_set', 'name', setting_set.name,
                      'one of ' || (select string_agg(s.name, ', ' order by s.name)
                                    from setting s));
    end if;
    if setting_set.value is null or setting_set.value !~ ('^(' || v_row.pattern || ')$') then
        perform raise('value_invalid', 'setting_set', setting_set.name, setting_set.value,
                      'a value that matches ' || v_row.pattern || ' (' || v_row.unit || ')');
    end if;
    if setting_set.name = 'offer_policy'
       and to_regprocedure('howdah_private.offer_policy_' || setting_set.value || '()') is null then
        perform raise('value_invalid', 'setting_set', 'offer_policy', setting_set.value,
                      (select 'one of ' || string_agg(substr(p.proname, 14), ', ' order by p.proname)
                       from pg_proc p
                       where p.pronamespace = 'howdah_private'::regnamespace
                         and p.proname like 'offer\_policy\_%'));
    end if;
    update setting s
    set value = setting_set.value, changed_at = now(), changed_by = session_user
    where s.name = setting_set.name;
    perform event_add('setting', c.cell_id, v_row.value, setting_set.value, 'operator',
                      'setting_set', setting_set.name)
    from cell c;
end
$$;
comment on function howdah.setting_set(text, text) is 'change a setting of the cell';
revoke all on function howdah.setting_set(text, text) from public;
grant execute on function howdah.setting_set(text, text) to howdah_operator;
