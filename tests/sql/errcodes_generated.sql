-- SPDX-License-Identifier: PostgreSQL
-- Error codes and refusal reasons in SQL against libframework/base/{errcodes,refusals}.def.

\ir lib/open.psql

create temp table def_line (n integer generated always as identity, line text);
\copy def_line (line) from 'libframework/base/errcodes.def' with (format csv, delimiter E'\x01', quote E'\x02')
\copy def_line (line) from 'libframework/base/refusals.def' with (format csv, delimiter E'\x01', quote E'\x02')

create temp table def_code as
select m[1] as name, m[2] as sqlstate, lower(m[3]) as class
from def_line d, regexp_match(d.line, '^ERRCODE\((\w+),\s*"(\w{5})",\s*(\w+),') m
where m is not null;
create temp table def_refusal as
select m[1] as name, lower(m[2]) as class
from def_line d, regexp_match(d.line, '^REFUSAL\((\w+),\s*(\w+),') m
where m is not null;

select cmp_ok((select count(*) from def_code), '>=', 30::bigint, 'the codes are read');
select is((select count(*) from def_refusal), 16::bigint,
          'the refusal reasons are a closed list of sixteen');

-- --- howdah's own codes: class HW without the C that marks those of the client side --------------

select is(howdah_private.error_sqlstate(c.name), c.sqlstate,
          format('%s is SQLSTATE %s', c.name, c.sqlstate))
from def_code c where c.sqlstate ~ '^HW[0-9]' order by c.sqlstate;
select is(howdah_private.error_class(c.name), c.class, format('%s is of class %s', c.name, c.class))
from def_code c where c.sqlstate ~ '^HW[0-9]' order by c.sqlstate;
select is(howdah_private.error_sqlstate(c.name), null,
          format('%s is not howdah''s to raise', c.name))
from def_code c where c.sqlstate !~ '^HW[0-9]' order by c.name;
select is(howdah_private.error_sqlstate('no_such_error'), null, 'an unknown error has no SQLSTATE');
select is(howdah_private.error_class('no_such_error'), null, 'an unknown error has no class');
select is(howdah_private.error_sqlstate(null), null, 'no error has no SQLSTATE');
select is_empty('select sqlstate from def_code group by 1 having count(*) > 1',
                'no SQLSTATE is used twice');
select is_empty('select name from def_code group by 1 having count(*) > 1',
                'no name is used twice');
select is_empty($$ select name from def_code where class not in ('caller', 'retry', 'fatal') $$,
                'every code is the caller''s, to be repeated, or fatal');

-- --- refusals ------------------------------------------------------------------------------------

select is(howdah_private.refusal_class(r.name), r.class,
          format('refusal %s is %s', r.name,
                 case r.class when 'conflict' then 'a conflict: look again and repeat'
                              else 'the caller''s own fault' end))
from def_refusal r order by r.name;
select is(howdah_private.refusal_class('no_such_reason'), null, 'an unknown reason has no class');
select is_empty($$ select name from def_refusal where class not in ('conflict', 'caller') $$,
                'every refusal is a conflict or the caller''s');

-- --- the functions use what is declared ----------------------------------------------------------

create temp view source as
select p.proname, p.prosrc from pg_proc p
where p.pronamespace in ('howdah'::regnamespace, 'howdah_private'::regnamespace);
select is_empty($$ select distinct m[1] from source s,
                       regexp_matches(s.prosrc, 'raise\(\s*''(\w+)''', 'g') m
                   where howdah_private.error_sqlstate(m[1]) is null $$,
                'every error that a function raises by name is declared');
select isnt_empty($$ select 1 from source s,
                  regexp_matches(s.prosrc, 'raise\(\s*''(\w+)''', 'g') m $$,
                  'such names are found at all');
-- What offer_ranks raises is caught by the turn that called it, what place_try raises by itself;
-- policy_report warns the server's log.
select is_empty($$ select s.proname from source s
                where s.prosrc ~* 'raise\s+(exception|''|notice|warning)'
                  and s.proname not in ('raise', 'offer_ranks', 'place_try', 'policy_report') $$,
                'no function raises an error past howdah_private.raise');
select is_empty($$ select r.name from def_refusal r
                   where not exists (select 1 from source s where s.proname <> 'refusal_class'
                                       and s.prosrc ~ ('''' || r.name || '''')) $$,
                'every refusal reason is given by some function');

select * from finish();
