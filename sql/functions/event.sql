-- SPDX-License-Identifier: PostgreSQL
-- The log of state changes.

create or replace function howdah_private.event_add(
    object_kind text, object_id uuid, from_state text, to_state text, actor text, cause text,
    reason text default null, message text default null, detail jsonb default null)
returns void
language sql
set search_path = howdah_private, pg_catalog, pg_temp
as $$
    insert into event (object_kind, object_id, from_state, to_state, reason, actor, cause,
                       message, detail)
    values (event_add.object_kind, event_add.object_id, event_add.from_state, event_add.to_state,
            event_add.reason, event_add.actor, event_add.cause, event_add.message,
            event_add.detail);
$$;
comment on function howdah_private.event_add(
    text, uuid, text, text, text, text, text, text, jsonb) is
    'append one state change: from, to, who (actor) and by which rule (cause)';
revoke all on function howdah_private.event_add(
    text, uuid, text, text, text, text, text, text, jsonb) from public;
