-- SPDX-License-Identifier: PostgreSQL
-- Tasks and claims: the rules that hold below every function.

\ir lib/open.psql

select t.fw('a') as fw, t.fw('b') as other, t.ag('one') as ag \gset
select t.task(:'fw', :'ag', 'x') as task \gset
select throws_ok(format('insert into howdah_private.task select (k).* from (select jsonb_populate_record(k, %L) as k from howdah_private.task k) y',
                        '{"task_id": "00000000-0000-0000-0000-000000000001"}'),
                 '23505', null, 'two live tasks of a framework cannot have one name');
select lives_ok(format('insert into howdah_private.task select (k).* from (select jsonb_populate_record(k, %L) as k from howdah_private.task k) y',
                       jsonb_build_object('task_id', '00000000-0000-0000-0000-000000000001',
                                          'framework_id', :'other')), 'two of two frameworks can');
delete from howdah_private.task where framework_id = :'other';
select throws_ok(format('insert into howdah_private.task select * from howdah_private.task where task_id = %L',
                        :'task'), '23505', null, 'a task is one row');
select throws_ok('insert into howdah_private.claim select * from howdah_private.claim', '23505',
                 null, 'a claim key is used once');
select throws_ok(format('insert into howdah_private.log_request (task_id, agent_id, stream, start_offset, length) values (%L, %L, ''stdlog'', 0, 1)',
                        :'task', :'ag'), '23514', null,
                 'a log has two streams');
select throws_ok(format('insert into howdah_private.log_request (task_id, agent_id, stream, start_offset, length) values (%L, %L, ''stdout'', -1, 1)',
                        :'task', :'ag'), '23514', null,
                 'an offset is not negative');
begin;
select t.task(:'fw', :'ag', 'y') is not null as x \gset
select is((select max(xid) from howdah_private.claim), pg_current_xact_id()::text::bigint,
          'a claim knows the transaction that made it');
rollback;
select has_trigger('howdah_private', 'task', 'task_guard', 'the guard stands before the states');
select ok(tgenabled = 'O', 'and is on duty') from pg_trigger where tgname = 'task_guard';
select ok(relpersistence = 'p', format('%s survives a crash', relname)) from pg_class
where oid in ('howdah_private.task'::regclass, 'howdah_private.claim'::regclass,
              'howdah_private.task_update'::regclass, 'howdah_private.event'::regclass)
order by relname;
select ok(relpersistence = 'u', format('%s need not', relname)) from pg_class
where oid in ('howdah_private.task_usage'::regclass, 'howdah_private.log_request'::regclass)
order by relname;
select set_eq($$ select attname::text from pg_attribute
              where attrelid = 'howdah_private.claim_row'::regclass and attnum > 0 $$,
              '{n,spec,name,agent_id,seen,offer_id,reason,resource,wanted,free,message,task_id,ports,sets}'::text[],
              'a spec on its way through a claim has these fields');

select * from finish();
