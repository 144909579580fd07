-- SPDX-License-Identifier: PostgreSQL
-- History: the same columns as the live tables, by day, with no place for what belongs to no day.

\ir lib/open.psql

create function t.columns_of(relation text)
returns text
language sql
as $$
    select string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', '
                      order by a.attnum) from pg_attribute a
    where a.attrelid = ('howdah_private.' || relation)::regclass and a.attnum > 0
    and not a.attisdropped;
$$;
select is(t.columns_of(r || '_history'), t.columns_of(r),
          format('%s_history has the columns of %s, in their order', r, r))
from unnest('{task,event,claim}'::text[]) as r;
select partitions_are('howdah_private', (r || '_history')::name, '{}'::name[],
                      format('a fresh cell has no partition of %s_history', r))
from unnest('{task,event,claim}'::text[]) as r;
select is_partitioned('howdah_private', (r || '_history')::name,
                      format('%s_history is partitioned', r))
from unnest('{task,event,claim}'::text[]) as r;
select t.fw('a') as fw, t.ag('one') as ag \gset
select t.task(:'fw', :'ag', 'x') as task \gset
select throws_ok('insert into howdah_private.task_history select * from howdah_private.task',
                 '23514', null, 'what has not ended has no place in history');
select throws_ok('insert into howdah_private.event_history select * from howdah_private.event',
                 '23514', null, 'nothing moves before the partition of its day is made');
select set_has('select name from howdah_private.news_cursor', $$ values ('claims'), ('updates'),
               ('offers') $$, 'the leader''s cursors are there');
select is_empty('select name from howdah_private.news_cursor where position <> 0',
                'and begin at zero');

select * from finish();
