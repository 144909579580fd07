-- SPDX-License-Identifier: PostgreSQL
-- Printed by fsm_dump from libframework/base/{errcodes,refusals}.def; run `make gen`
-- after changing those.

create or replace function howdah_private.error_sqlstate(p_name text)
    returns text
    language sql immutable parallel safe
as $$
    select case p_name
        when 'value_invalid' then 'HW001'
        when 'field_unknown' then 'HW002'
        when 'field_missing' then 'HW003'
        when 'framework_unknown' then 'HW010'
        when 'framework_completed' then 'HW011'
        when 'agent_unknown' then 'HW012'
        when 'agent_name_taken' then 'HW013'
        when 'role_unknown' then 'HW014'
        when 'task_unknown' then 'HW015'
        when 'id_ambiguous' then 'HW016'
        when 'claim_key_reused' then 'HW017'
        when 'not_permitted' then 'HW018'
        when 'isolation_level' then 'HW019'
        when 'setting_unknown' then 'HW020'
        when 'edge_illegal' then 'HW021'
        when 'log_unavailable' then 'HW022'
        when 'role_in_use' then 'HW023'
        when 'cell_mismatch' then 'HW024'
        when 'try_again' then 'HW040'
        when 'cell_stale' then 'HW041'
        when 'epoch_stale' then 'HW060'
        when 'schema_newer' then 'HW061'
        when 'schema_older' then 'HW062'
        when 'schema_changed' then 'HW063'
        when 'schema_missing' then 'HW064'
        when 'cell_recovered' then 'HW065'
    end
$$;
comment on function howdah_private.error_sqlstate(text) is
    'The SQLSTATE of one of howdah''s own errors; null for an unknown name';
revoke all on function howdah_private.error_sqlstate(text) from public;

create or replace function howdah_private.error_class(p_name text)
    returns text
    language sql immutable parallel safe
as $$
    select case p_name
        when 'value_invalid' then 'caller'
        when 'field_unknown' then 'caller'
        when 'field_missing' then 'caller'
        when 'framework_unknown' then 'caller'
        when 'framework_completed' then 'caller'
        when 'agent_unknown' then 'caller'
        when 'agent_name_taken' then 'caller'
        when 'role_unknown' then 'caller'
        when 'task_unknown' then 'caller'
        when 'id_ambiguous' then 'caller'
        when 'claim_key_reused' then 'caller'
        when 'not_permitted' then 'caller'
        when 'isolation_level' then 'caller'
        when 'setting_unknown' then 'caller'
        when 'edge_illegal' then 'caller'
        when 'log_unavailable' then 'caller'
        when 'role_in_use' then 'caller'
        when 'cell_mismatch' then 'caller'
        when 'try_again' then 'retry'
        when 'cell_stale' then 'retry'
        when 'epoch_stale' then 'fatal'
        when 'schema_newer' then 'fatal'
        when 'schema_older' then 'fatal'
        when 'schema_changed' then 'fatal'
        when 'schema_missing' then 'fatal'
        when 'cell_recovered' then 'fatal'
    end
$$;
comment on function howdah_private.error_class(text) is
    'caller, retry or fatal: what the one who gets the error should do';
revoke all on function howdah_private.error_class(text) from public;

create or replace function howdah_private.refusal_class(p_reason text)
    returns text
    language sql immutable parallel safe
as $$
    select case p_reason
        when 'task_invalid' then 'caller'
        when 'name_in_use' then 'caller'
        when 'not_permitted' then 'caller'
        when 'agent_unknown' then 'caller'
        when 'agent_closed' then 'conflict'
        when 'agent_changed' then 'conflict'
        when 'offer_unknown' then 'conflict'
        when 'offer_foreign' then 'caller'
        when 'offer_used' then 'conflict'
        when 'offer_expired' then 'conflict'
        when 'offer_rescinded' then 'conflict'
        when 'insufficient_resource' then 'conflict'
        when 'port_taken' then 'conflict'
        when 'set_item_taken' then 'conflict'
        when 'gang_incomplete' then 'conflict'
        when 'no_agent' then 'conflict'
    end
$$;
comment on function howdah_private.refusal_class(text) is
    'conflict (look again and retry) or caller (the spec is wrong)';
revoke all on function howdah_private.refusal_class(text) from public;
