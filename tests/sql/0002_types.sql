-- SPDX-License-Identifier: PostgreSQL
-- Names that people choose. (The enums are tested with the state machines.)

\ir lib/open.psql

select lives_ok(format('select %L::howdah_private.name_text', v.name),
                format('%s is a name', v.what))
from (values ('a', 'one letter'), (repeat('é', 255), 'of 255 characters'),
      ('two words', 'a blank inside'), ('日本', 'another script'),
      ('a"b''c\d', 'quotes and backslashes'))
     as v (name, what);
select throws_ok(format('select %L::howdah_private.name_text', v.name), '23514', null,
                 format('%s is no name', v.what))
from (values ('', 'nothing'), (repeat('e', 256), 'of 256 characters'), (' a', 'a blank in front'),
      ('a ', 'a blank behind'), (E'a\nb', 'a newline'), (E'a\tb', 'a tab'), (E'\x7f', 'a delete'))
     as v (name, what);
select is_empty($$ select c from generate_series(1, 159) c
                   where howdah_private.name_ok('a' || chr(c)
                                                || 'b') <> (chr(c) !~ '[[:cntrl:]]') $$,
                'name_ok forbids control characters and no others');
select is_empty($$ select v.name from (values ('a'), (''), (' a'), ('a '), (E'a\x01'),
                                       (repeat('x', 255)), (repeat('x', 256)), ('x y')) as v (name)
                   where howdah_private.name_ok(v.name)
                     and not (length(v.name) between 1 and 255 and v.name !~ '[[:cntrl:]]'
                              and v.name = btrim(v.name)) $$,
                'whatever name_ok lets through, the domain takes');

select * from finish();
