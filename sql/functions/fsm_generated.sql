-- SPDX-License-Identifier: PostgreSQL
-- Printed by fsm_dump from libframework/fsm/*.def; run `make gen` after changing those.
-- Immutable functions rather than lookup tables: a foreign key to a table of states
-- would make every hot row take a lock on it.

-- select howdah_private.task_next('staging', 'report_starting')
create or replace function howdah_private.task_next(p_state howdah.task_state, p_event text)
    returns howdah.task_state
    language sql immutable parallel safe
as $$
    select case p_state
        when 'staging'::howdah.task_state then case p_event
            when 'report_starting' then 'starting'::howdah.task_state
            when 'report_running' then 'running'::howdah.task_state
            when 'report_finished' then 'finished'::howdah.task_state
            when 'report_failed' then 'failed'::howdah.task_state
            when 'report_error' then 'error'::howdah.task_state
            when 'report_dropped' then 'dropped'::howdah.task_state
            when 'report_killed' then 'killed'::howdah.task_state
            when 'kill' then 'killing'::howdah.task_state
            when 'agent_lost' then 'unreachable'::howdah.task_state
            when 'agent_removed' then 'gone_by_operator'::howdah.task_state
        end
        when 'starting'::howdah.task_state then case p_event
            when 'report_running' then 'running'::howdah.task_state
            when 'report_finished' then 'finished'::howdah.task_state
            when 'report_failed' then 'failed'::howdah.task_state
            when 'report_error' then 'error'::howdah.task_state
            when 'report_dropped' then 'dropped'::howdah.task_state
            when 'report_killed' then 'killed'::howdah.task_state
            when 'kill' then 'killing'::howdah.task_state
            when 'missing' then 'gone'::howdah.task_state
            when 'agent_lost' then 'unreachable'::howdah.task_state
            when 'agent_removed' then 'gone_by_operator'::howdah.task_state
        end
        when 'running'::howdah.task_state then case p_event
            when 'report_finished' then 'finished'::howdah.task_state
            when 'report_failed' then 'failed'::howdah.task_state
            when 'report_killed' then 'killed'::howdah.task_state
            when 'kill' then 'killing'::howdah.task_state
            when 'missing' then 'gone'::howdah.task_state
            when 'agent_lost' then 'unreachable'::howdah.task_state
            when 'agent_removed' then 'gone_by_operator'::howdah.task_state
        end
        when 'killing'::howdah.task_state then case p_event
            when 'report_finished' then 'finished'::howdah.task_state
            when 'report_failed' then 'failed'::howdah.task_state
            when 'report_error' then 'error'::howdah.task_state
            when 'report_dropped' then 'dropped'::howdah.task_state
            when 'report_killed' then 'killed'::howdah.task_state
            when 'missing' then 'killed'::howdah.task_state
            when 'agent_lost' then 'unreachable'::howdah.task_state
            when 'agent_removed' then 'gone_by_operator'::howdah.task_state
        end
        when 'unreachable'::howdah.task_state then case p_event
            when 'report_starting' then 'starting'::howdah.task_state
            when 'report_running' then 'running'::howdah.task_state
            when 'report_finished' then 'finished'::howdah.task_state
            when 'report_failed' then 'failed'::howdah.task_state
            when 'report_killed' then 'killed'::howdah.task_state
            when 'report_error' then 'error'::howdah.task_state
            when 'report_dropped' then 'dropped'::howdah.task_state
            when 'missing' then 'gone'::howdah.task_state
            when 'expire' then 'gone'::howdah.task_state
            when 'agent_removed' then 'gone_by_operator'::howdah.task_state
        end
    end
$$;
comment on function howdah_private.task_next(howdah.task_state, text) is
    'The state that an event leads to; null where there is no such edge';
revoke all on function howdah_private.task_next(howdah.task_state, text) from public;

create or replace function howdah_private.task_terminal(p_state howdah.task_state)
    returns boolean
    language sql immutable parallel safe
as $$
    select case
        when p_state in ('finished', 'failed', 'killed', 'error', 'lost', 'dropped', 'gone', 'gone_by_operator')
            then true
        when p_state is not null then false
    end
$$;
comment on function howdah_private.task_terminal(howdah.task_state) is
    'Is the state final? Null for null';
revoke all on function howdah_private.task_terminal(howdah.task_state) from public;

create or replace function howdah_private.task_edge(p_from howdah.task_state, p_to howdah.task_state)
    returns boolean
    language sql immutable parallel safe
as $$
    select case p_from
        when 'staging'::howdah.task_state then p_to in (
            'starting', 'running', 'finished', 'failed', 'error', 'dropped', 'killed', 'killing', 'unreachable', 'gone_by_operator')
        when 'starting'::howdah.task_state then p_to in (
            'running', 'finished', 'failed', 'error', 'dropped', 'killed', 'killing', 'gone', 'unreachable', 'gone_by_operator')
        when 'running'::howdah.task_state then p_to in (
            'finished', 'failed', 'killed', 'killing', 'gone', 'unreachable', 'gone_by_operator')
        when 'killing'::howdah.task_state then p_to in (
            'finished', 'failed', 'error', 'dropped', 'killed', 'unreachable', 'gone_by_operator')
        when 'unreachable'::howdah.task_state then p_to in (
            'starting', 'running', 'finished', 'failed', 'killed', 'error', 'dropped', 'gone', 'gone_by_operator')
        else false
    end
$$;
comment on function howdah_private.task_edge(howdah.task_state, howdah.task_state) is
    'Does any event lead from the one state to the other?';
revoke all on function howdah_private.task_edge(howdah.task_state, howdah.task_state) from public;

-- select howdah_private.agent_next('active', 'register')
create or replace function howdah_private.agent_next(p_state howdah.agent_state, p_event text)
    returns howdah.agent_state
    language sql immutable parallel safe
as $$
    select case p_state
        when 'active'::howdah.agent_state then case p_event
            when 'register' then 'active'::howdah.agent_state
            when 'silent' then 'unreachable'::howdah.agent_state
            when 'remove' then 'gone'::howdah.agent_state
        end
        when 'unreachable'::howdah.agent_state then case p_event
            when 'register' then 'active'::howdah.agent_state
            when 'sync' then 'active'::howdah.agent_state
            when 'remove' then 'gone'::howdah.agent_state
        end
    end
$$;
comment on function howdah_private.agent_next(howdah.agent_state, text) is
    'The state that an event leads to; null where there is no such edge';
revoke all on function howdah_private.agent_next(howdah.agent_state, text) from public;

create or replace function howdah_private.agent_terminal(p_state howdah.agent_state)
    returns boolean
    language sql immutable parallel safe
as $$
    select case
        when p_state in ('gone')
            then true
        when p_state is not null then false
    end
$$;
comment on function howdah_private.agent_terminal(howdah.agent_state) is
    'Is the state final? Null for null';
revoke all on function howdah_private.agent_terminal(howdah.agent_state) from public;

create or replace function howdah_private.agent_edge(p_from howdah.agent_state, p_to howdah.agent_state)
    returns boolean
    language sql immutable parallel safe
as $$
    select case p_from
        when 'active'::howdah.agent_state then p_to in (
            'active', 'unreachable', 'gone')
        when 'unreachable'::howdah.agent_state then p_to in (
            'active', 'gone')
        else false
    end
$$;
comment on function howdah_private.agent_edge(howdah.agent_state, howdah.agent_state) is
    'Does any event lead from the one state to the other?';
revoke all on function howdah_private.agent_edge(howdah.agent_state, howdah.agent_state) from public;

-- select howdah_private.framework_next('active', 'register')
create or replace function howdah_private.framework_next(p_state howdah.framework_state, p_event text)
    returns howdah.framework_state
    language sql immutable parallel safe
as $$
    select case p_state
        when 'active'::howdah.framework_state then case p_event
            when 'register' then 'active'::howdah.framework_state
            when 'silent' then 'disconnected'::howdah.framework_state
            when 'teardown' then 'completed'::howdah.framework_state
        end
        when 'disconnected'::howdah.framework_state then case p_event
            when 'register' then 'active'::howdah.framework_state
            when 'sync' then 'active'::howdah.framework_state
            when 'expire' then 'completed'::howdah.framework_state
            when 'teardown' then 'completed'::howdah.framework_state
        end
    end
$$;
comment on function howdah_private.framework_next(howdah.framework_state, text) is
    'The state that an event leads to; null where there is no such edge';
revoke all on function howdah_private.framework_next(howdah.framework_state, text) from public;

create or replace function howdah_private.framework_terminal(p_state howdah.framework_state)
    returns boolean
    language sql immutable parallel safe
as $$
    select case
        when p_state in ('completed')
            then true
        when p_state is not null then false
    end
$$;
comment on function howdah_private.framework_terminal(howdah.framework_state) is
    'Is the state final? Null for null';
revoke all on function howdah_private.framework_terminal(howdah.framework_state) from public;

create or replace function howdah_private.framework_edge(p_from howdah.framework_state, p_to howdah.framework_state)
    returns boolean
    language sql immutable parallel safe
as $$
    select case p_from
        when 'active'::howdah.framework_state then p_to in (
            'active', 'disconnected', 'completed')
        when 'disconnected'::howdah.framework_state then p_to in (
            'active', 'completed')
        else false
    end
$$;
comment on function howdah_private.framework_edge(howdah.framework_state, howdah.framework_state) is
    'Does any event lead from the one state to the other?';
revoke all on function howdah_private.framework_edge(howdah.framework_state, howdah.framework_state) from public;

-- select howdah_private.offer_next('outstanding', 'accept')
create or replace function howdah_private.offer_next(p_state howdah.offer_state, p_event text)
    returns howdah.offer_state
    language sql immutable parallel safe
as $$
    select case p_state
        when 'outstanding'::howdah.offer_state then case p_event
            when 'accept' then 'accepted'::howdah.offer_state
            when 'decline' then 'declined'::howdah.offer_state
            when 'expire' then 'expired'::howdah.offer_state
            when 'rescind' then 'rescinded'::howdah.offer_state
        end
    end
$$;
comment on function howdah_private.offer_next(howdah.offer_state, text) is
    'The state that an event leads to; null where there is no such edge';
revoke all on function howdah_private.offer_next(howdah.offer_state, text) from public;

create or replace function howdah_private.offer_terminal(p_state howdah.offer_state)
    returns boolean
    language sql immutable parallel safe
as $$
    select case
        when p_state in ('accepted', 'declined', 'expired', 'rescinded')
            then true
        when p_state is not null then false
    end
$$;
comment on function howdah_private.offer_terminal(howdah.offer_state) is
    'Is the state final? Null for null';
revoke all on function howdah_private.offer_terminal(howdah.offer_state) from public;

create or replace function howdah_private.offer_edge(p_from howdah.offer_state, p_to howdah.offer_state)
    returns boolean
    language sql immutable parallel safe
as $$
    select case p_from
        when 'outstanding'::howdah.offer_state then p_to in (
            'accepted', 'declined', 'expired', 'rescinded')
        else false
    end
$$;
comment on function howdah_private.offer_edge(howdah.offer_state, howdah.offer_state) is
    'Does any event lead from the one state to the other?';
revoke all on function howdah_private.offer_edge(howdah.offer_state, howdah.offer_state) from public;
