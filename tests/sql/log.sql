-- SPDX-License-Identifier: PostgreSQL
-- Reading a task's output: who may ask and for what, how the request reaches the agent and the answer
-- its reader, and how long both are kept.

\ir lib/open.psql

create function t.ask(task uuid, args text default '''stdout''', login text default 'fw_a')
returns bigint
language sql
as $$ select x::bigint from t.as_login(login,
                                       format('select howdah.log_request(%L, %s)', task,
                                              args)) x; $$;

create function t.fetched(request bigint, login text default 'fw_a')
returns text
language sql
as $$
    select string_agg(x, ' ')
    from t.as_login(login, format($q$select format('%%s|%%s|%%s|%%s|%%s', r.ready,
                                                   convert_from(r.data, 'UTF8'),
                                                   r.size, r.eof, r.error)
                                     from howdah.log_fetch(%L) r$q$, request)) x;
$$;

create function t.answer(agent uuid, request bigint, more jsonb)
returns jsonb
language sql
as $$
    select t.sync(agent, jsonb_build_object('running', t.held(agent), 'logs', jsonb_build_array(
                      jsonb_build_object('request_id', request) || more)));
$$;

create function t.b64(plain text)
returns text
language sql
as $$ select encode(convert_to(plain, 'UTF8'), 'base64'); $$;

create function t.asked(agent uuid)
returns jsonb
language sql
as $$ select t.sync(agent, jsonb_build_object('running', t.held(agent))) -> 'logs'; $$;

select t.lead() is not null as led \gset
select t.ag('one') as ag, t.ag('two', login => 'ag_b') as two, t.fw('a') as fw,
       t.fw('b', login => 'fw_b') as other \gset
select t.task(:'fw', :'ag', 'mine') as task, t.task(:'fw', :'two', 'mine-2') as task2,
       t.task(:'other', :'ag', 'theirs') as theirs \gset
select t.report(:'task', 'running') is not null as x,
       t.report(:'theirs', 'running') is not null as y \gset

-- --- who may ask ---------------------------------------------------------------------------------

select ok(t.ask(:'task') > 0, 'a framework asks for the output of its task');
select ok(t.ask(:'task', login => 'op') > 0, 'an operator asks for that of any');
select t.raises(format('select howdah.log_request(%L, ''stdout'')', :'task'), 'not_permitted',
                'task_id', :'task',
                'a framework may not ask for the output of another one''s task', 'fw_b');
select t.denied(format('select howdah.log_request(%L, ''stdout'')', :'task'), l,
                format('login %s may not ask', l))
from unnest('{ag_a,co,obs,stranger}'::text[]) l;
select t.denied('select * from howdah.log_fetch(1)', l, format('login %s may not fetch', l))
from unnest('{ag_a,co,obs,stranger}'::text[]) l;
select t.raises('select howdah.log_request(''00000000-0000-0000-0000-000000000001'', ''stdout'')',
                'task_unknown',
                'task_id', '00000000-0000-0000-0000-000000000001', 'an unknown task has no output',
                l)
from unnest('{fw_a,op}'::text[]) l;
select t.raises('select howdah.log_request(null, ''stdout'')', 'task_unknown', 'task_id', null,
                'no task has no output', 'fw_a');

-- --- for what ------------------------------------------------------------------------------------

select t.raises(format('select howdah.log_request(%L, %s)', :'task', v.args), 'value_invalid',
                v.field, v.value,
                format('%s is refused', v.what), 'fw_a')
from (values
    ('''stdin''', 'stream', 'stdin', 'another stream'),
    ('''STDOUT''', 'stream', 'STDOUT', 'a stream in capitals'),
    ('''''', 'stream', '', 'an empty stream'), ('null', 'stream', null, 'no stream'),
    ('''stdout'', -1', 'length', '-1 + 65536', 'an offset before the beginning'),
    ('''stdout'', null', 'length', null, 'no offset'),
    ('''stdout'', 0, 0', 'length', '0 + 0', 'a length of nothing'),
    ('''stdout'', 0, -1', 'length', '0 + -1', 'a negative length'),
    ('''stdout'', 0, 65537', 'length', '0 + 65537', 'more than 64 KiB at once'),
    ('''stdout'', 5, null', 'length', null, 'no length')) as v (args, field, value, what);
truncate howdah_private.log_request;
select t.ask(:'task', v.args) is not null as x
from (values ('''stdout'''), ('''stderr'', 0, 1'),
             ('''stdout'', 9223372036854775807, 65536')) as v (args) \g /dev/null
select is(t.rows('select stream, start_offset, length, requested_by, answered_at from howdah_private.log_request order by 1, 2'),
          '(stderr,0,1,fw_a,) (stdout,0,65536,fw_a,) (stdout,9223372036854775807,65536,fw_a,)',
          'both streams, any offset, 1 byte to 64 KiB, from the beginning unless told otherwise');

-- --- the agent is asked --------------------------------------------------------------------------

truncate howdah_private.log_request;
select is(t.asked(:'ag'), '[]', 'an agent that nobody asks is told nothing');
select t.ask(:'task', '''stderr'', 100, 50') as r1 \gset
select is(t.asked(:'ag'), jsonb_build_array(jsonb_build_object('request_id', :r1, 'task_id',
                                                               :'task', 'stream', 'stderr',
                                                               'offset', 100, 'length', 50)),
          'the task''s agent is told what to read');
select is(t.asked(:'two'), '[]', 'another agent is not');
select is(jsonb_array_length(t.asked(:'ag')), 1, 'it is told again until it has answered');
select is((t.sync(:'ag', jsonb_build_object('running', t.held(:'ag'))) ->> 'next_poll_ms')::integer,
          50,
          'and comes back soon');
select is(t.fetched(:r1), 'f||||', 'until then the answer is not ready');
select t.ask(:'theirs', '''stdout''', 'fw_b') as r2, t.ask(:'task2') as r3 \gset
select is((select array_agg((x ->> 'request_id')::bigint order by x ->> 'request_id')
           from jsonb_array_elements(t.asked(:'ag')) x), array[:r1, :r2]::bigint[],
           'several requests are told together');
select is(t.asked(:'two') #>> '{0,request_id}', :'r3', 'each agent its own');

-- --- the answer ----------------------------------------------------------------------------------

select t.answer(:'ag', :r1, jsonb_build_object('data', t.b64('some text'), 'size', 109, 'eof',
                                               false)) as answer \gset
select is(t.fetched(:r1), 't|some text|109|f|',
          'the answer: data, size of the stream so far, and that it may grow');
select is((select jsonb_agg(x -> 'request_id')
           from jsonb_array_elements(:'answer'::jsonb -> 'logs') x),
          jsonb_build_array(:r2), 'a request that was answered is not told any more');
select is(t.fetched(:r1), 't|some text|109|f|', 'an answer may be fetched again');
select t.answer(:'ag', :r1, jsonb_build_object('data', t.b64('other'), 'size', 200, 'eof',
                                               true)) is not null as x \gset
select is(t.fetched(:r1), 't|some text|109|f|', 'a second answer to one request changes nothing');
select t.answer(:'ag', :r3, jsonb_build_object('data', t.b64('forged'), 'size', 1, 'eof',
                                               true)) is not null as x \gset
select is(t.fetched(:r3), 'f||||', 'an agent cannot answer what another agent was asked');
select t.answer(:'two', :r3, '{"data": "", "size": 0, "eof": true}') is not null as x \gset
select is(t.fetched(:r3), 't||0|t|', 'a stream may be empty and ended');
select t.answer(:'ag', :r2, '{"error": "no such file"}') is not null as x \gset
select is(t.fetched(:r2, 'fw_b'), 't||||no such file', 'an error is an answer');
select t.answer(:'ag', 999999, '{"data": "", "size": 0, "eof": true}') ->> 'epoch' as epoch \gset
select is(:'epoch'::text, '1', 'an answer to what nobody asked is passed over');
select t.ask(:'task') as r4, t.ask(:'task') as r5, t.ask(:'task') as r6 \gset
select t.sync(:'ag', jsonb_build_object('running', t.held(:'ag'), 'logs', jsonb_build_array(
    jsonb_build_object('request_id', :r4, 'data', t.b64('four'), 'size', 4, 'eof', true),
    jsonb_build_object('request_id', :r5, 'data', encode('\x00ff0a', 'base64'), 'size', 3, 'eof',
                       true),
    jsonb_build_object('request_id', :r6, 'error', repeat('e', 600))))) is not null as x \gset
select is(t.fetched(:r4), 't|four|4|t|', 'several answers may come together');
select is((select x from t.as_login('fw_a',
                                    format('select encode(data, ''hex'') from howdah.log_fetch(%s)',
                                           :r5)) x),
          '00ff0a', 'output is bytes, any bytes');
select is((select length(x) from t.as_login('fw_a',
                                            format('select error from howdah.log_fetch(%s)',
                                                   :r6)) x), 500,
          'a long error is cut');
select t.ask(:'task') as r7 \gset
select t.answer(:'ag', :r7, jsonb_build_object('data', encode(repeat('x', 65536)::bytea, 'base64'),
                                               'size', 65536,
                                               'eof', false)) is not null as x \gset
select is((select x from t.as_login('fw_a',
                                    format('select octet_length(data) from howdah.log_fetch(%s)',
                                           :r7)) x), '65536',
          'a whole chunk goes through');

-- --- whose answer --------------------------------------------------------------------------------

select t.raises(format('select * from howdah.log_fetch(%s)', :r1), 'log_unavailable', 'request_id',
                :'r1',
                format('login %s cannot fetch what another one asked for', l), l)
from unnest('{fw_b,op}'::text[]) l;
select t.raises(format('select * from howdah.log_fetch(%L)', v.id), 'log_unavailable', 'request_id',
                v.id, v.what, 'fw_a')
from (values ('999999', 'an unknown request has no answer'), ('-1', 'nor has a negative one'),
             (null, 'nor has none')) as v (id, what);
select t.ask(:'theirs', login => 'op') as r8 \gset
select t.answer(:'ag', :r8, jsonb_build_object('data', t.b64('seen'), 'size', 4, 'eof',
                                               true)) is not null as x \gset
select is(t.fetched(:r8, 'op'), 't|seen|4|t|', 'an operator fetches what it asked for');

-- --- bad answers ---------------------------------------------------------------------------------

select t.ask(:'task') as r9 \gset
select is(t.problem(format('select howdah.agent_sync(%L, 1, %L)', :'ag',
                           jsonb_build_object('running', t.held(:'ag'),
                    'logs', jsonb_build_array(v.doc))), 'ag_a') ->> 'sqlstate',
                    howdah_private.error_sqlstate('value_invalid'),
          format('%s is refused', v.what))
from (values
    (jsonb_build_object('request_id', :r9, 'data', '***'), 'data that is not base64'),
    (jsonb_build_object('request_id', :r9, 'data', 'YQ'), 'base64 that is cut off'),
    (jsonb_build_object('request_id', :r9, 'size', -1), 'a negative size'),
    (jsonb_build_object('request_id', :r9, 'size', 'many'), 'a size in words'),
    (jsonb_build_object('request_id', :r9, 'eof', 'maybe'), 'an uncertain end'),
    ('{"data": ""}'::jsonb, 'an answer to no request'),
    ('{"request_id": "one"}', 'a request by name')) as v (doc, what);
select is(t.fetched(:r9), 'f||||', 'the request waits on');

-- --- ended tasks, expiry -------------------------------------------------------------------------

select t.as_login('op', 'select howdah.setting_set(''history_delay_s'', ''0'')');
select t.report(:'task', 'finished') is not null as x \gset
select t.ask(:'task') as r10 \gset
select is(t.asked(:'ag') @> jsonb_build_array(jsonb_build_object('request_id', :r10)), true,
          'the output of a task that has ended may be asked for');
select t.as_login('fw_a', format('select howdah.update_acknowledge(%L, 1, array(select update_id
                                  from howdah.updates_pending(%L, 1)))', :'fw', :'fw'));
select is(t.chore('history_roll'), 1, 'it moves to history');
select t.ask(:'task') as r11 \gset
select is(t.asked(:'ag') @> jsonb_build_array(jsonb_build_object('request_id', :r11)), true,
          'even then its agent is asked');
select t.answer(:'ag', :r11, '{"error": "the sandbox is gone"}') is not null as x \gset
select is(t.fetched(:r11), 't||||the sandbox is gone', 'and says what it can');
select t.raises(format('select howdah.log_request(%L, ''stdout'')', :'task'), 'not_permitted',
                'task_id', :'task',
                'nor does history open it to others', 'fw_b');
update howdah_private.log_request set created_at = created_at - interval '55 s'
    where request_id in (:r1, :r9);
select t.chore('history_roll') as x \gset
select is(t.fetched(:r1), 't|some text|109|f|', 'an answer is kept for a minute');
update howdah_private.log_request set created_at = created_at - interval '10 s'
    where request_id in (:r1, :r9);
select t.chore('history_roll') as x \gset
select t.raises(format('select * from howdah.log_fetch(%s)', r), 'log_unavailable', 'request_id',
                r::text, w, 'fw_a')
from (values (:r1, 'after that it is forgotten'),
             (:r9, 'and so is a request that nobody answered')) as v (r, w);
select is(t.asked(:'ag') @> jsonb_build_array(jsonb_build_object('request_id', :r9)), false,
          'the agent is not asked any more either');
select is(t.problem(format('select howdah.agent_sync(%L, 1, %L)', :'ag',
                           jsonb_build_object('logs', jsonb_build_array(
              jsonb_build_object('request_id', :r9, 'data', '', 'size', 0, 'eof', true)))), 'ag_a'),
              null,
          'an answer that comes too late is passed over');

select * from finish();
