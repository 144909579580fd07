-- SPDX-License-Identifier: PostgreSQL
-- State enums. The labels are those of libframework/fsm/*.def, in that order (a test compares them).
-- Labels are for life: they are only ever appended.

set local role howdah_owner;

create type howdah.task_state as enum (
    'staging', 'starting', 'running', 'killing', 'unreachable', 'finished', 'failed', 'killed',
    'error', 'lost', 'dropped', 'gone', 'gone_by_operator');

create type howdah.agent_state as enum ('active', 'unreachable', 'gone');

create type howdah.framework_state as enum ('active', 'disconnected', 'completed');

create type howdah.offer_state as enum (
    'outstanding', 'accepted', 'declined', 'expired', 'rescinded');

-- Names that people choose: no control characters, no blanks at the ends.
create domain howdah_private.name_text as text
    constraint name_text_form check (
        length(value) between 1 and 255
        and value !~ '[[:cntrl:]]'
        and value = btrim(value));
