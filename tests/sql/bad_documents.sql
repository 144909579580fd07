-- SPDX-License-Identifier: PostgreSQL
-- Every JSON document that schema howdah takes, with every value in it in turn left out or replaced by
-- what a broken or hostile client might send. The call may be taken (then the books are right, and a
-- refused task has a reason of the closed list); if it is refused, then with one of howdah's own codes
-- and a DETAIL that names the field.

\ir lib/open.psql

select t.lead() as epoch \gset
select t.ag('one', '{"cpus": 8, "mem": 8192, "disk": 10000, "gpus": 4, "ports": [[31000, 31009]],
                     "scalars": {"licences": 10}, "sets": {"gpu": ["0", "1"]}}') as ag \gset
select t.fw('f') as fw \gset
select t.task(:'fw', :'ag', 'runs') as task \gset
select t.report(:'task', 'running') is not null as x \gset
select t.as_login('op', 'select howdah.role_set(''batch'', 2)') as x \gset
select t.as_login('op', 'select howdah.principal_permit(''fw_a'', os_user => ''nobody'')') as x \gset
select t.as_login('fw_a', format('select howdah.log_request(%L, ''stdout'')', :'task')) as log \gset

-- --- the documents, and the calls that take them -------------------------------------------------

create temp table document (name text, login text, call text, good jsonb);
insert into document
select d.name, d.login,
       replace(replace(replace(replace(d.call, '$fw', quote_literal(:'fw')), '$ag', quote_literal(:'ag')),
                       '$epoch', t.epoch_of(:'fw')::text), '$sync', t.epoch_of(:'ag')::text),
       replace(replace(replace(d.good, '$ag', :'ag'), '$task', :'task'), '$log', :'log')::jsonb
from (values
    ('claim', 'fw_a', 'select coalesce(c.reason, ''committed'') from howdah.claim($fw, $epoch, gen_random_uuid(), $doc) c',
     '[{"name": "a", "agent": "$ag", "version": 99, "command": {"argv": ["true", "x"]}, "user": "nobody",
        "workdir": "w", "kill_grace_s": 5, "stop_unreachable_s": 60, "environment": {"A": "1"}, "labels": {"l": "v"},
        "resources": {"cpus": 0.1, "mem": 32, "disk": 1, "gpus": 1, "ports": [[31000, 31001]],
                      "scalars": {"licences": 1}, "sets": {"gpu": ["0"]}}},
       {"name": "b", "agent": "$ag", "command": {"shell": "true"},
        "resources": {"cpus": 0.1, "mem": 32, "ports": 1, "sets": {"gpu": 1}}}]'),
    ('resources', 'ag_b', 'select (howdah.agent_register(''two'', ''h'', $doc)).agent_id',
     '{"cpus": 4, "mem": 4096, "disk": 100, "gpus": 1, "ports": [[1, 2], [4, 5]], "scalars": {"x": 1.5},
       "sets": {"s": ["a", "b"]}}'),
    ('attributes', 'ag_b', 'select (howdah.agent_register(''two'', ''h'', ''{"cpus": 1}'', $doc)).agent_id',
     '{"rack": "r1", "speed": 2.5}'),
    ('report', 'ag_a', 'select howdah.agent_sync($ag, $sync, $doc)',
     '{"seq": 1000, "updates": [{"task_id": "$task", "state": "failed", "reason": "command_exited",
                                 "message": "it exited", "exit_code": 1, "signal": null}],
       "running": ["$task"],
       "usage": [{"task_id": "$task", "cpu_ms": 5, "mem_bytes": 6, "mem_peak_bytes": 7, "pids": 1}],
       "logs": [{"request_id": $log, "data": "aGFsbG8=", "size": 5, "eof": true, "error": null}]}'),
    ('cell', 'fw_a', 'select howdah.framework_heartbeat($fw, $epoch, $doc)',
     howdah_private.cell_mark()::text),
    ('requests', 'fw_a', 'select howdah.request($fw, $epoch, $doc)',
     '[{"count": 20, "resources": {"cpus": 2, "mem": 4096, "ports": 2, "scalars": {"x": 1}, "sets": {"s": 1}},
        "constraints": {"attributes": {"zone": ["a", "b"]}, "agents": ["$ag"]}}]'),
    ('guarantee', 'op', 'select howdah.quota_set(''batch'', guarantee => $doc)',
     '{"cpus": 1, "mem": 64, "disk": 1, "gpus": 1, "scalars": {"licences": 1}, "sets": {"gpu": 1}}'),
    ('limits', 'op', 'select howdah.quota_set(''batch'', limits => $doc)',
     '{"cpus": 1, "mem": 64, "ports": 3, "scalars": {"licences": 1}, "sets": {"gpu": 1}}'))
    as d (name, login, call, good);

create temp table bad (what text, value jsonb);
insert into bad
select b.what, b.value::jsonb
from (values
    ('null', 'null'), ('true', 'true'), ('zero', '0'), ('minus one', '-1'), ('minus zero', '-0.0'), ('five with a point', '5.0'),
    ('a half', '0.5'), ('a billionth', '1e-9'), ('10^12', '1000000000000'), ('10^13', '1e13'),
    ('2^31', '2147483648'), ('2^63', '9223372036854775808'), ('10^1000', '1e1000'),
    ('nothing', '""'), ('a blank', '" "'), ('a number as text', '"1"'), ('NaN as text', '"NaN"'),
    ('Infinity as text', '"-Infinity"'), ('a control character', '"a\u0001b"'), ('a line end', '"a\n"'),
    ('a path out', '"../../etc"'), ('an emoji', '"\ud83d\ude00"'),
    ('300 characters', to_jsonb(repeat('n', 300))::text), ('70,000 characters', to_jsonb(repeat('n', 70000))::text),
    ('an empty array', '[]'), ('an array of null', '[null]'), ('an array in an array', '[[]]'),
    ('pairs that overlap', '[[1, 5], [3, 9]]'), ('a pair the wrong way round', '[[9, 1]]'),
    ('the same twice', '["x", "x"]'), ('10,000 texts', (select jsonb_agg('t' || n) from generate_series(1, 10000) n)::text),
    ('an empty object', '{}'), ('an empty key', '{"": 1}'), ('a control character as key', '{"\u0001": 1}'),
    ('nested objects', '{"a": {"b": {"c": 1}}}'), ('500 levels', repeat('[', 500) || repeat(']', 500)))
    as b (what, value);

create function t.paths(document jsonb, prefix text[] default '{}')
returns setof text[]
language sql
as $$
    /* Every place in a document, the whole (an empty path) included. */
    select prefix
    union all
    select t.paths(e.value, prefix || e.key)
    from jsonb_each(case jsonb_typeof(document) when 'object' then document else '{}' end) e
    union all
    select t.paths(e.value, prefix || (e.ordinality - 1)::text)
    from jsonb_array_elements(case jsonb_typeof(document) when 'array' then document else '[]' end)
         with ordinality e;
$$;

create function t.mended(document jsonb, path text[], value jsonb)
returns jsonb
language sql
as $$ select case when path = '{}' then value else jsonb_set(document, path, value) end; $$;

create function t.rows_check(call text, login text)
returns text
language plpgsql
as $$
/* Make the call. An error TT001 says what is wrong although it was taken: a reason that is on no list,
   books that are not right. */
declare
    v_row text;
    v_wrong text;
begin
    for v_row in select t.as_login(login, call) loop
        if call like '%howdah.claim(%' and v_row <> 'committed'
           and howdah_private.refusal_class(v_row) is null then
            raise exception using errcode = 'TT001', message = 'reason ' || v_row;
        end if;
    end loop;
    if call ~ 'claim|agent_' then
        v_wrong := (select string_agg(a.invariant || ' ' || a.object || ' ' || a.detail, '; ')
                    from howdah.audit() a);
    end if;
    if v_wrong is not null then
        raise exception using errcode = 'TT001', message = v_wrong;
    end if;
    return null;
end
$$;

create function t.survives(document text, value jsonb, description text)
returns text
language plpgsql
as $$
/* One test: the call with that document is taken or refused as this file's head says. All of it is
   rolled back. */
declare
    v_call text := (select replace(d.call, '$doc', quote_literal(value)) from document d
                    where d.name = survives.document);
    v_login text := (select d.login from document d where d.name = survives.document);
    v_got jsonb;
    v_wrong text;
begin
    begin
        v_got := t.problem(format('select t.rows_check(%L, %L)', v_call, v_login));
        v_wrong := case
            when v_got is null then null
            when v_got ->> 'sqlstate' = 'TT001' then 'taken, but'
            when v_got ->> 'sqlstate' not like 'HW%' then 'PostgreSQL''s own error'
            when coalesce((v_got ->> 'detail')::jsonb ->> 'field', '') = '' then 'no field in DETAIL'
            when length(v_got ->> 'message') > 2000 then 'a message of endless length'
            when v_got ->> 'message' ~ '[[:cntrl:]]' then 'control characters in the message' end;
        raise exception using errcode = 'TT000';
    exception when sqlstate 'TT000' then
    end;
    return ok(v_wrong is null, description)
        || case when v_wrong is not null
                then E'\n' || diag(v_wrong || ': ' || left(coalesce(v_got::text, ''), 400)) else '' end;
end
$$;

-- --- the calls -----------------------------------------------------------------------------------

select is(t.problem(replace(d.call, '$doc', quote_literal(d.good)), d.login), null,
          format('%s is taken as it stands', d.name))
from document d where d.name not in ('report', 'resources', 'attributes', 'claim');
select t.survives(d.name, d.good #- p.path, format('%s without %s', d.name, array_to_string(p.path, '.')))
from document d, t.paths(d.good) p (path)
where p.path <> '{}'
order by d.name, p.path;
select t.survives(d.name, t.mended(d.good, p.path || 'colour'::text, '"blue"'),
                  format('%s with an unknown field in %s', d.name, array_to_string(p.path, '.')))
from document d, t.paths(d.good) p (path)
where jsonb_typeof(d.good #> p.path) = 'object'
order by d.name, p.path;
select t.survives(d.name, t.mended(d.good, p.path, b.value),
                  format('%s: %s is %s', d.name, coalesce(nullif(array_to_string(p.path, '.'), ''), 'the whole'),
                         b.what))
from document d, t.paths(d.good) p (path), bad b
order by d.name, p.path, b.what;

select t.audit_clean('and the books are right');
select * from finish();
