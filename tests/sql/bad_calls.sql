-- SPDX-License-Identifier: PostgreSQL
-- Every public function, with every argument in turn replaced by what a broken or hostile client might
-- send. The call may be taken; if it is refused, then with one of howdah's own codes, a message and a
-- DETAIL that name the field. PostgreSQL's own errors (a cast, an overflow, a null that nobody thought
-- of) count as failures, for they name neither.

\ir lib/open.psql

\ir lib/calls.psql

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
