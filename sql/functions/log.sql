-- SPDX-License-Identifier: PostgreSQL
-- Reading a task's output: the reader asks, the task's agent answers with its next sync.

create or replace function howdah.log_request(
    task_id uuid, stream text, start_offset bigint default 0, length integer default 65536)
returns bigint
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
set synchronous_commit = off
as $$
/* Ask for up to `length` bytes (1 to 65536) of a task's stdout or stderr from `start_offset` on.
   Returns a request id for log_fetch. Frameworks may read their own tasks, operators all.
   Errors: task_unknown, value_invalid, not_permitted. */
#variable_conflict use_column
declare
    v_task record;
    v_id bigint;
begin
    if log_request.stream is null or log_request.stream not in ('stdout', 'stderr') then
        perform raise('value_invalid', 'log_request', 'stream', log_request.stream,
                      '"stdout" or "stderr"');
    elsif (log_request.length between 1 and 65536) is not true
          or (log_request.start_offset >= 0) is not true then
        perform raise('value_invalid', 'log_request', 'length',
                      log_request.start_offset || ' + ' || log_request.length,
                      'an offset of 0 or more and 1 to 65536 bytes');
    end if;
    select k.agent_id, f.principal into v_task
    from (select t.agent_id, t.framework_id from task t where t.task_id = log_request.task_id
          union all
          select h.agent_id, h.framework_id from task_history h
          where h.task_id = log_request.task_id
          limit 1) k
    join framework f on f.framework_id = k.framework_id;
    if not found then
        perform raise('task_unknown', 'log_request', 'task_id', log_request.task_id::text,
                      'the id of a task');
    elsif v_task.principal <> session_user
          and not pg_has_role(session_user, 'howdah_operator', 'member') then
        perform raise('not_permitted', 'log_request', 'task_id', log_request.task_id::text,
                      'a task of a framework that ' || quote_ident(session_user)
                      || ' registered');
    end if;
    insert into log_request (task_id, agent_id, stream, start_offset, length)
    values (log_request.task_id, v_task.agent_id, log_request.stream, log_request.start_offset,
            log_request.length)
    returning request_id into v_id;
    return v_id;
end
$$;
comment on function howdah.log_request(uuid, text, bigint, integer) is
    'ask for a piece of a task''s output';
revoke all on function howdah.log_request(uuid, text, bigint, integer) from public;
grant execute on function howdah.log_request(uuid, text, bigint, integer)
    to howdah_framework, howdah_operator;

create or replace function howdah.log_fetch(request_id bigint)
returns table (ready boolean, data bytea, size bigint, eof boolean, error text)
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* The answer to a log_request of this login: ready is false while the agent has not answered. size
   is the stream's length so far, eof says that it will not grow, error why it cannot be read. An
   answer is kept for a minute. Errors: log_unavailable (no such request). */
#variable_conflict use_column
begin
    return query
    select r.answered_at is not null, r.data, r.size, r.eof, r.error
    from log_request r
    where r.request_id = log_fetch.request_id and r.requested_by = session_user;
    if not found then
        perform raise('log_unavailable', 'log_fetch', 'request_id', log_fetch.request_id::text,
                      'a request of this login that is less than a minute old');
    end if;
end
$$;
comment on function howdah.log_fetch(bigint) is 'the answer to a log_request';
revoke all on function howdah.log_fetch(bigint) from public;
grant execute on function howdah.log_fetch(bigint) to howdah_framework, howdah_operator;

create or replace function howdah_private.logs_take(agent uuid, logs jsonb)
returns void
language plpgsql
as $$
/* Keep an agent's answers to log requests. */
begin
    update howdah_private.log_request r
    set answered_at = clock_timestamp(), data = decode(coalesce(x.doc ->> 'data', ''), 'base64'),
        size = (x.doc ->> 'size')::numeric::bigint, eof = (x.doc ->> 'eof')::boolean,
        error = left(x.doc ->> 'error', 500)
    from jsonb_array_elements(logs) as x (doc)
    where r.request_id = (x.doc ->> 'request_id')::numeric::bigint and r.agent_id = agent
      and r.answered_at is null;
end
$$;
comment on function howdah_private.logs_take(uuid, jsonb) is
    'keep an agent''s answers to log requests';
revoke all on function howdah_private.logs_take(uuid, jsonb) from public;
