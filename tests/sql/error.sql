-- SPDX-License-Identifier: PostgreSQL
-- howdah_private.raise: SQLSTATE, a sentence for people, JSON for programs.

\ir lib/open.psql

create function t.raised(code text, call text, field text, value text, expected text)
returns jsonb
language sql
as $$
    select t.problem(format('select howdah_private.raise(%L, %L, %L, %L, %L)', code, call, field,
                            value,
                            expected));
$$;

select is(t.raised('value_invalid', 'claim', 'mode', 'some', '"all" or "any"') ->> 'sqlstate',
          'HW001',
          'the SQLSTATE is that of the code');
select is(t.raised('value_invalid', 'claim', 'mode', 'some', '"all" or "any"') ->> 'message',
          'claim: field "mode", value "some": expected "all" or "any"',
          'the message names call, field, value and what was expected');
select is((t.raised('value_invalid', 'claim', 'mode', 'some',
                    '"all" or "any"') ->> 'detail')::jsonb,
          '{"code": "value_invalid", "field": "mode", "value": "some", "expected": "\"all\" or \"any\""}',
          'DETAIL is JSON with code, field, value and expected');
select is((t.raised('field_missing', 'claim', 'claim_key', null, 'a uuid') ->> 'message'),
          'claim: field "claim_key", value "null": expected a uuid',
          'a missing value is called null');
select is((t.raised('field_missing', 'claim', 'claim_key', null,
                    'a uuid') ->> 'detail')::jsonb -> 'value',
          'null'::jsonb, 'a missing value is null in DETAIL');
select is((t.raised('value_invalid', 'x', 'name', E'a\nb\tc\x7f',
                    'y') ->> 'detail')::jsonb ->> 'value',
          'a?b?c?', 'control characters do not reach logs');
select is(length((t.raised('value_invalid', 'x', 'name', repeat('v', 5000),
                           'y') ->> 'detail')::jsonb ->> 'value'),
          200, 'a long value is cut to 200 characters');
select is((t.raised('value_invalid', 'x', 'name', 'say "hi" \ 100%',
                    'y') ->> 'detail')::jsonb ->> 'value',
          'say "hi" \ 100%', 'quotes, backslashes and percent signs survive');
select is(t.raised('value_invalid', 'x', 'name', '%s %I', 'y') ->> 'message',
          'x: field "name", value "%s %I": expected y', 'a value is never taken for a format');
select is((t.raised('value_invalid', 'x', 'name', 'naïve 日本', 'y') ->> 'detail')::jsonb ->> 'value',
          'naïve 日本', 'other scripts survive');
select is(t.raised(c.code, 'x', 'f', 'v', 'e') ->> 'sqlstate', c.sqlstate,
          format('%s is raised as %s', c.code, c.sqlstate))
from (values ('field_unknown', 'HW002'), ('framework_unknown', 'HW010'),
      ('claim_key_reused', 'HW017'),
             ('not_permitted', 'HW018'), ('isolation_level', 'HW019'), ('edge_illegal', 'HW021'),
             ('try_again', 'HW040'), ('epoch_stale', 'HW060')) as c (code, sqlstate);

select * from finish();
