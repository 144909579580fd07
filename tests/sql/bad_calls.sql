-- SPDX-License-Identifier: PostgreSQL
-- Every public function, with every argument in turn replaced by what a broken or hostile client might
-- send. The call may be taken; if it is refused, then with one of howdah's own codes, a message and a
-- DETAIL that name the field. PostgreSQL's own errors (a cast, an overflow, a null that nobody thought
-- of) count as failures, for they name neither.

\ir lib/open.psql

-- --- a cell in which every call below is right as it stands --------------------------------------

select t.lead() as epoch \gset
select t.ag('one', '{"cpus": 8, "mem": 8192, "disk": 10000, "ports": [[31000, 31009]]}') as ag \gset
select t.fw('f') as fw \gset
select t.epoch_of(:'fw') as fw_epoch, t.epoch_of(:'ag') as ag_epoch \gset
select t.task(:'fw', :'ag', 'runs') as task \gset
select t.report(:'task', 'running') is not null as x \gset
select t.as_login('op', 'select howdah.role_set(''batch'', 2)') as x \gset

create temp table call (name text, login text, parameter text, type regtype, good text);
insert into call
select c.name, c.login, a.parameter, a.type::regtype,
       coalesce((select quote_literal(f.value)
                 from (values ('$fw', :'fw'), ('$ag', :'ag'), ('$task', :'task'),
                              ('$epoch', :'fw_epoch'), ('$agent_epoch', :'ag_epoch'),
                              ('$lead', :'epoch')) as f (name, value)
                 where f.name = a.good),
                replace(replace(a.good, '$id', quote_literal(:'task')), '$agent', :'ag'))
from (values
    ('agent_register', 'ag_b', 'name text ''two''; host text ''h''; resources jsonb ''{"cpus": 1}''; attributes jsonb ''{}''; boot_id text ''b''; agent_id uuid null; key uuid gen_random_uuid()'),
    ('agent_remove', 'op', 'agent_id uuid gen_random_uuid()'),
    ('agent_sync', 'ag_a', 'agent_id uuid $ag; epoch bigint $agent_epoch; report jsonb ''{}'''),
    ('agents_expire', 'co', 'epoch bigint $lead'),
    ('cell_recover', 'op', 'reason text ''restored'''),
    ('claim', 'fw_a', 'framework_id uuid $fw; epoch bigint $epoch; claim_key uuid gen_random_uuid(); tasks jsonb ''[{"name": "x", "agent": "$agent", "command": {"shell": "true"}}]''; mode text ''all''; conflict text ''fit''; revocable boolean false; dry_run boolean false'),
    ('doctor', 'op', 'client_time timestamptz clock_timestamp(); patroni jsonb null'),
    ('doorbell_set', 'co', 'epoch bigint $lead; asleep boolean true'),
    ('events_recent', 'op', 'max_events integer 10'),
    ('explain_share', 'op', 'role text ''batch'''),
    ('filters_clear', 'fw_a', 'framework_id uuid $fw; epoch bigint $epoch; agent_ids uuid[] ''{}'''),
    ('framework_heartbeat', 'fw_a', 'framework_id uuid $fw; epoch bigint $epoch; cell jsonb null'),
    ('framework_register', 'fw_a', 'name text ''g''; role text ''default''; failover_timeout_s integer 10; framework_id uuid null; key uuid gen_random_uuid(); cell jsonb null'),
    ('framework_remove', 'op', 'framework_id uuid gen_random_uuid()'),
    ('framework_revive', 'fw_a', 'framework_id uuid $fw; epoch bigint $epoch'),
    ('framework_suppress', 'fw_a', 'framework_id uuid $fw; epoch bigint $epoch'),
    ('frameworks_expire', 'co', 'epoch bigint $lead'),
    ('history_roll', 'co', 'epoch bigint $lead'),
    ('id_find', 'op', 'kind text ''agent''; prefix text ''one'''),
    ('leader_acquire', 'co', 'coordinator_id uuid gen_random_uuid(); name text ''other''; ttl_ms integer 60000'),
    ('leader_resign', 'co', 'coordinator_id uuid gen_random_uuid(); epoch bigint $lead'),
    ('log_fetch', 'fw_a', 'request_id bigint 1'),
    ('log_request', 'fw_a', 'task_id uuid $task; stream text ''stdout''; start_offset bigint 0; length integer 100'),
    ('offer_decline', 'fw_a', 'framework_id uuid $fw; epoch bigint $epoch; offer_ids uuid[] ''{}''; refuse_seconds numeric 5'),
    ('offers_expire', 'co', 'epoch bigint $lead'),
    ('offers_make', 'co', 'epoch bigint $lead'),
    ('offers_since', 'fw_a', 'framework_id uuid $fw; epoch bigint $epoch; cursor bigint 0'),
    ('operator_kill', 'op', 'task_ids uuid[] ''{}''; grace_s integer 5'),
    ('principal_forbid', 'op', 'principal name ''fw_a''; role text ''batch''; os_user text null'),
    ('principal_permit', 'op', 'principal name ''fw_a''; role text ''batch''; os_user text null'),
    ('quota_clear', 'op', 'role text ''batch'''),
    ('quota_set', 'op', 'role text ''batch''; guarantee jsonb ''{"cpus": 1}''; limits jsonb ''{"cpus": 4}''; force boolean false'),
    ('request', 'fw_a', 'framework_id uuid $fw; epoch bigint $epoch; requests jsonb ''[]'''),
    ('role_delete', 'op', 'name text ''nobody'''),
    ('role_set', 'op', 'name text ''ads''; weight numeric 2'),
    ('setting_set', 'op', 'name text ''overlap''; value text ''2'''),
    ('stats_roll', 'co', 'epoch bigint $lead'),
    ('task_kill', 'fw_a', 'framework_id uuid $fw; epoch bigint $epoch; task_ids uuid[] ''{}''; grace_s integer 5'),
    ('tasks_reconcile', 'fw_a', 'framework_id uuid $fw; epoch bigint $epoch; task_ids uuid[] array[$id]::uuid[]'),
    ('update_acknowledge', 'fw_a', 'framework_id uuid $fw; epoch bigint $epoch; update_ids bigint[] ''{}'''),
    ('updates_pending', 'fw_a', 'framework_id uuid $fw; epoch bigint $epoch; seen bigint[] ''{}''; max_updates integer 10'),
    ('wakeups_send', 'co', 'epoch bigint $lead')) as c (name, login, parameters)
cross join lateral (
    select p[1], p[2], p[3]
    from regexp_split_to_table(c.parameters, '; ') as s (part)
    cross join lateral regexp_match(s.part, '^(\w+) (\S+) (.*)$') as p) as a (parameter, type, good);

-- --- what is sent instead, by type ---------------------------------------------------------------

create temp table bad (type regtype, what text, value text);
insert into bad values
    ('uuid', 'null', 'null'), ('uuid', 'an unknown id', quote_literal(gen_random_uuid())),
    ('uuid', 'the id of all zeros', '''00000000-0000-0000-0000-000000000000'''),
    ('boolean', 'null', 'null'), ('boolean', 'the other value', 'true'),
    ('bigint', 'null', 'null'), ('bigint', 'zero', '0'), ('bigint', 'minus one', '-1'),
    ('bigint', 'the largest', '9223372036854775807'), ('bigint', 'the smallest', '''-9223372036854775808'''),
    ('integer', 'null', 'null'), ('integer', 'zero', '0'), ('integer', 'minus one', '-1'),
    ('integer', 'the largest', '2147483647'), ('integer', 'the smallest', '''-2147483648'''),
    ('numeric', 'null', 'null'), ('numeric', 'NaN', '''NaN'''), ('numeric', 'infinity', '''Infinity'''),
    ('numeric', 'minus infinity', '''-Infinity'''), ('numeric', 'minus one', '-1'),
    ('numeric', 'minus zero', '-0.0'), ('numeric', 'a number of 300 digits', '1e300'),
    ('numeric', 'the smallest fraction', '1e-300'), ('numeric', '130,000 digits', '9e130000'),
    ('text', 'null', 'null'), ('text', 'nothing', ''''''), ('text', 'a blank', ''' '''),
    ('text', 'a control character', 'E''a\x01b'''), ('text', 'a line end', 'E''a\nb'''),
    ('text', 'a delete', 'E''\x7f'''), ('text', '256 characters', 'repeat(''n'', 256)'),
    ('text', '256 characters of three bytes', 'repeat(''漢'', 256)'),
    ('text', 'a megabyte', 'repeat(''n'', 1000000)'), ('text', 'a format', '''%s%n%%'''),
    ('text', 'a quote', ''''''';--'''), ('text', 'a star', '''*'''), ('text', 'a right-to-left mark', 'U&''\202E'''),
    ('text', 'a number', '''1'''), ('text', 'an infinity', '''Infinity'''), ('text', 'a LIKE pattern', '''%'''),
    ('timestamptz', 'null', 'null'), ('timestamptz', 'infinity', '''infinity'''),
    ('timestamptz', 'minus infinity', '''-infinity'''), ('timestamptz', 'before our era', '''4713-01-01 BC'''),
    ('timestamptz', 'the last year', '''294276-12-31'''),
    ('name', 'null', 'null'), ('name', 'nothing', ''''''), ('name', 'nobody''s', '''nobody there'''),
    ('jsonb', 'null', 'null'), ('jsonb', 'a JSON null', '''null'''), ('jsonb', 'a text', '''"x"'''),
    ('jsonb', 'a number', '''1'''), ('jsonb', 'a number of 1000 digits', '''1e1000'''),
    ('jsonb', 'a truth', '''true'''), ('jsonb', 'an empty array', '''[]'''), ('jsonb', 'an empty object', '''{}'''),
    ('jsonb', 'an array of nulls', '''[null]'''), ('jsonb', 'an array of arrays', '''[[]]'''),
    ('jsonb', 'an array of texts', '''["x"]'''), ('jsonb', 'an array of empty objects', '''[{}]'''),
    ('jsonb', 'an unknown field', '''{"colour": "blue"}'''), ('jsonb', 'an empty key', '''{"": ""}'''),
    ('jsonb', '1000 levels', '(repeat(''['', 1000) || repeat('']'', 1000))::jsonb'),
    ('jsonb', '1000 levels of objects', '(repeat(''{"a":'', 1000) || ''1'' || repeat(''}'', 1000))::jsonb'),
    ('jsonb', 'an array of 20,000', '(select jsonb_agg(n) from generate_series(1, 20000) n)'),
    ('jsonb', '20,000 fields', '(select jsonb_object_agg(n, n) from generate_series(1, 20000) n)'),
    ('uuid[]', 'null', 'null'), ('uuid[]', 'an empty array', '''{}'''), ('uuid[]', 'an array of null', '''{null}'''),
    ('uuid[]', 'an unknown id', 'array[gen_random_uuid()]'),
    ('uuid[]', 'the same id twice', 'array_fill(''00000000-0000-0000-0000-000000000001''::uuid, ''{2}'')'),
    ('uuid[]', 'two dimensions', 'array[array[gen_random_uuid()], array[gen_random_uuid()]]'),
    ('uuid[]', 'a lower bound of minus 5', 'array_fill(gen_random_uuid(), ''{2}'', ''{-5}'')'),
    ('uuid[]', '10,001 ids', 'array(select gen_random_uuid() from generate_series(1, 10001))'),
    ('bigint[]', 'null', 'null'), ('bigint[]', 'an empty array', '''{}'''), ('bigint[]', 'an array of null', '''{null}'''),
    ('bigint[]', 'an unknown id', '''{9223372036854775807}'''), ('bigint[]', 'a negative id', '''{-1,-1}'''),
    ('bigint[]', 'two dimensions', '''{{1},{2}}'''),
    ('bigint[]', '10,001 ids', 'array(select n from generate_series(1, 10001) n)');

create function t.call_text(function text, parameter text, value text)
returns text
language sql
as $$
    /* The call with that argument replaced; parameter null: the good call. */
    select format('select howdah.%I(%s)', function,
                  string_agg(format('%I => %s::%s', c.parameter,
                                    case when c.parameter = call_text.parameter then value
                                         else c.good end, c.type), ', '))
    from call c where c.name = function;
$$;

create function t.survives(query text, login text, description text, good boolean default false)
returns text
language plpgsql
as $$
/* One test: the query is taken or, unless it is good, refused as this file's head says. All of it is
   rolled back. */
declare
    v_got jsonb;
    v_wrong text;
begin
    begin
        v_got := t.problem(query, login);
        v_wrong := case
            when v_got is null then null
            when good then 'refused'
            when v_got ->> 'sqlstate' not like 'HW%' then 'PostgreSQL''s own error'
            when coalesce(v_got #>> '{detail}', '') = '' then 'no DETAIL'
            when coalesce((v_got ->> 'detail')::jsonb ->> 'field', '') = '' then 'no field in DETAIL'
            when length(v_got ->> 'message') > 2000 then 'a message of endless length'
            when v_got ->> 'message' ~ '[[:cntrl:]]' then 'control characters in the message'
        end;
        raise exception using errcode = 'TT000';
    exception when sqlstate 'TT000' then
    end;
    return ok(v_wrong is null, description)
        || case when v_wrong is not null
                then E'\n' || diag(v_wrong || ': ' || left(v_got::text, 400)) else '' end;
end
$$;

-- --- the calls -----------------------------------------------------------------------------------

select set_eq('select name from call group by name',
              $$ select p.proname::text from pg_proc p
                 where p.pronamespace = 'howdah'::regnamespace and p.pronargs > 0
                   and p.proname <> 'framework_teardown' $$,
              'every public function with arguments is called here');
select t.survives(t.call_text(c.name, null, null), c.login, format('%s is taken as it stands', c.name),
                  good => true)
from call c
where c.name not in ('agent_remove', 'framework_remove', 'log_fetch', 'role_delete')
group by c.name, c.login order by c.name;

select t.survives(t.call_text(c.name, c.parameter, b.value), c.login,
                  format('%s: %s is %s', c.name, c.parameter, b.what))
from call c
join bad b on b.type = c.type
order by c.name, c.parameter, b.what;

select t.audit_clean('and the books are right');
select * from finish();
