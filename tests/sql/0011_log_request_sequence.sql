-- SPDX-License-Identifier: PostgreSQL
-- A promoted standby has no usable unlogged sequences.

\ir lib/open.psql

select is_empty($$ select c.oid::regclass::text from pg_class c
                   where c.relkind = 'S' and c.relpersistence = 'u'
                     and c.relnamespace in ('howdah'::regnamespace, 'howdah_private'::regnamespace) $$,
                'no sequence is unlogged');

select * from finish();
