-- SPDX-License-Identifier: PostgreSQL
-- Gangs: many plain tasks over many agents in one claim, all or nothing.

\ir lib/open.psql

select t.fw('a') as fw \gset
select t.ag('g-' || lpad(i::text, 2, '0'),
            '{"cpus": 4, "mem": 4000, "disk": 100, "gpus": 1}') is not null as made
from generate_series(1, 10) i;
create temp table g as select agent_id as id, row_number() over (order by name) as n
from howdah_private.agent;

create function t.spread(prefix text, count integer,
                         resources jsonb default '{"cpus": 0.1, "mem": 10}')
returns jsonb
language sql
as $$
    select jsonb_agg(t.spec(prefix || i, (select g.id from g where g.n = 1 + i % 10), resources)
                     order by i)
    from generate_series(1, count) i;
$$;
create function t.held_by_all()
returns text
language sql
as $$
    select format('%s %s %s %s %s', count(distinct p.agent_id) filter (where p.version > 1),
                  sum(p.cpus_capacity - p.cpus_free),
                  sum(p.mem_capacity - p.mem_free), sum(p.disk_capacity - p.disk_free), sum(p.gpus_capacity - p.gpus_free))
    from howdah_private.agent_pool p;
$$;

-- --- a gang that fits ----------------------------------------------------------------------------

select is((select format('%s %s %s %s', count(*), bool_and(c.committed), count(distinct c.task_id),
                         count(distinct c.agent_id))
           from t.claim(:'fw', t.spread('a', 100)) c), '100 t 100 10',
          'a gang of 100 tasks over 10 agents is committed');
select is(t.held_by_all(), '10 10000 1000 0 0', 'the books of all ten hold their parts');
select is((select string_agg(distinct p.version::text, ' ') from howdah_private.agent_pool p), '2',
          'a claim is one version step for each agent, however many tasks it puts there');
select is((select string_agg(distinct (p.cpus_capacity - p.cpus_free)::text, ' ')
           from howdah_private.agent_pool p), '1000',
          'each agent holds its ten tasks');
select is_empty($$ select k.name from howdah_private.task k
                   where k.agent_id <> (select g.id from g
                                        where g.n = 1 + substr(k.name, 2)::integer % 10) $$,
                'each task is where its spec wanted it');
select is_empty($$ select c.ordinal from howdah_private.claim k,
                unnest(k.task_ids) with ordinality as c (id, ordinal)
                   join howdah_private.task x on x.task_id = c.id where x.name <> 'a'
                || c.ordinal $$,
                'the claim lists its tasks in the order of the specs');
select t.audit_clean('the books are right');

-- --- one that does not fit stops all -------------------------------------------------------------

select t.refused(:'fw', t.spread('b', 20)
                 || jsonb_build_array(t.spec('b-last', (select id from g where n = 3),
                                             '{"cpus": 3.5}')),
                 (select string_agg('gang_incomplete', ' ') from generate_series(1, 20))
                 || ' insufficient_resource', 'fits, but%',
                 'the last of 21 does not fit: nothing is committed');
select t.refused(:'fw', jsonb_build_array(t.spec('b-first', (select id from g where n = 3),
                                                 '{"mem": 5000}')) || t.spread('b', 5),
                 'insufficient_resource gang_incomplete gang_incomplete gang_incomplete gang_incomplete gang_incomplete',
                 'agent %: wanted 5000 mem, free 3900',
                 'the first of 6 does not fit: nothing is committed');
select t.refused(:'fw', jsonb_build_array(t.spec('s1', (select id from g where n = 1),
                                                 '{"cpus": 2}'),
                                          t.spec('s2', (select id from g where n = 1),
                                                 '{"cpus": 2}')),
                 'gang_incomplete insufficient_resource', '%',
                 'two that fit alone but not together are refused');
select is(t.rows(format($$ select trim_scale(wanted), trim_scale(free) from t.claim(%L, %L)
                        where ordinal = 2 $$, :'fw',
                        jsonb_build_array(t.spec('s1', (select id from g where n = 1),
                                                 '{"cpus": 2}'),
                                          t.spec('s2', (select id from g where n = 1),
                                                 '{"cpus": 2}')))), '(2,1)',
          'what is free for the second is what the first one left');
select t.refused(:'fw', t.spread('a', 3), 'name_in_use name_in_use name_in_use', '%',
                 'names that are in use are refused');
select t.refused(:'fw', t.spread('c', 2) || t.spread('a', 1),
                 'gang_incomplete gang_incomplete name_in_use', '%',
                 'one name in use stops all');
select t.refused(:'fw', t.spread('c', 2) || t.spread('c', 1),
                 'gang_incomplete gang_incomplete name_in_use', '%',
                 'the same name twice in one claim is refused for the second');
select is(t.reasons(:'fw', t.spread('c', 2) || t.spread('c', 1), 'any'),
          'committed committed name_in_use',
          'in mode any the first of the two is committed');
select t.refused(:'fw', t.spread('d', 2)
                 || jsonb_build_array(t.spec('d-x', '00000000-0000-0000-0000-00000000dead')),
                 'gang_incomplete gang_incomplete agent_unknown', '%',
                 'one unknown agent stops all');
select t.refused(:'fw', t.spread('d', 2) || '[{"name": "d-x"}]',
                 'gang_incomplete gang_incomplete task_invalid', '%',
                 'one malformed spec stops all');
update howdah_private.agent_pool set open = false where agent_id = (select id from g where n = 2);
select t.refused(:'fw', t.spread('d', 2), 'agent_closed gang_incomplete',
                 'agent % takes no claims now', 'one closed agent stops all');
update howdah_private.agent_pool set open = true where agent_id = (select id from g where n = 2);
select is((select count(*) from howdah_private.task where name ~ '^(b|s|d)'), 0::bigint,
          'none of the refused gangs left a task');
select t.audit_clean('the books are right after all the refusals');

-- --- alike and mixed -----------------------------------------------------------------------------

create function t.quick(tasks jsonb)
returns text
language sql
set search_path = howdah_private, pg_catalog
as $$
    select case when g.ids is null then 'decided' when g.body is null then 'mixed' else 'alike' end
    from howdah_private.gang_read(tasks, (select framework_id from howdah_private.framework
                                          where name = 'a'), 'fw_a') g;
$$;
create temp table way (n integer, way text, tasks jsonb, what text);
insert into way values
    (1, 'alike', t.spread('w', 3), 'specs that differ in name and agent'),
    (2, 'mixed', jsonb_set(t.spread('w', 3), '{1,resources,cpus}', '0.2'), 'one with other resources'),
    (3, 'mixed', jsonb_set(t.spread('w', 3), '{2,environment}', '{"RANK": "2"}'), 'one with an environment'),
    (4, 'mixed', jsonb_set(t.spread('w', 2), '{0,version}', '1'), 'one with a version'),
    (5, 'mixed', jsonb_set(t.spread('w', 2), '{1,agent}', to_jsonb(upper(t.spread('w', 2) -> 1 ->> 'agent'))),
     'an agent in capitals'),
    (6, 'decided', jsonb_set(t.spread('w', 2), '{0,resources}', '{"ports": 1}'), 'one with ports'),
    (7, 'decided', jsonb_set(t.spread('w', 2), '{0,user}', '"root"'), 'an OS user that is not permitted'),
    (8, 'decided', jsonb_set(jsonb_set(t.spread('w', 2), '{0,user}', '"root"'), '{1,user}', '"root"'),
     'the same for all'),
    (9, 'decided', jsonb_set(t.spread('w', 2), '{1,name}', '5'), 'a name that is a number'),
    (10, 'decided', jsonb_set(t.spread('w', 2), '{1,name}', '" w"'), 'a name with a blank before it'),
    (11, 'decided', t.spread('w', 2) #- '{1,name}', 'no name'),
    (12, 'mixed', t.spread('w', 2) #- '{0,resources,mem}', 'one that wants no memory'),
    (13, 'decided', t.spread('w', 2) #- '{1,agent}', 'no place'),
    (14, 'decided', t.spread('w', 2) || '[null]', 'a null'),
    (15, 'decided', '[null, null]', 'nulls only'),
    (16, 'decided', '[[], []]', 'arrays'),
    (17, 'decided', jsonb_set(t.spread('w', 2), '{1,resources,cpus}', '-1'), 'a negative amount'),
    (18, 'decided', jsonb_set(t.spread('w', 2), '{1,resources,cpus}', '0.0001'), 'too many decimals'),
    (19, 'alike', jsonb_set(t.spread('w', 2), '{1,name}', '"w|2"'), 'a name with a bar'),
    (20, 'mixed', jsonb_set(t.spread('w', 2), '{1,name}', '"w | 2"'), 'a name with a bar between blanks'),
    (21, 'alike', jsonb_set(t.spread('w', 2), '{1,name}', to_jsonb(repeat('ü', 255))), 'a name of 255 characters'),
    (22, 'decided', jsonb_set(t.spread('w', 2), '{1,name}', to_jsonb(repeat('ü', 256))), 'one of 256'),
    (23, 'decided', jsonb_set(t.spread('w', 2), '{1,name}', '"w\t2"'), 'a name with a control character'),
    (24, 'decided', jsonb_set(t.spread('w', 2), '{1,name}', '""'), 'an empty name'),
    (25, 'decided', jsonb_set(t.spread('w', 2), '{0,name}', 'true'), 'a name that is no string');
select is(t.quick(tasks), way, format('a gang with %s: %s', what, way)) from way order by n;
update way set tasks = jsonb_set(tasks, '{1,agent}', '"not-a-uuid"') where n = 1;
select is(t.quick(tasks), 'decided', 'a gang with an agent that is no uuid is decided spec by spec') from way where n = 1;
select is(t.reasons(:'fw', tasks), 'gang_incomplete task_invalid gang_incomplete',
          'and the answer says which spec it is') from way where n = 1;
create temp table before_w as
select g.n, p.version from howdah_private.agent_pool p join g on g.id = p.agent_id where g.n in (2, 3, 4);
select is(t.reasons(:'fw', (select tasks from way where n = 3)), 'committed committed committed',
          'a mixed gang is committed');
select is(t.rows($$ select name, spec ? 'name' or spec ? 'agent', spec #>> '{environment,RANK}'
                 from howdah_private.task where name ~ '^w' order by name $$),
          '(w1,f,) (w2,f,) (w3,f,2)', 'each task with its own body, less name and place');
select is((select array_agg(version order by n) from howdah_private.agent_pool p join g on g.id = p.agent_id
           where g.n in (2, 3, 4)),
          (select array_agg(version + 1 order by n) from before_w), 'as one step for each agent');
select t.audit_clean('the books are right after a mixed gang');

-- --- conflict rule "version" ---------------------------------------------------------------------

create function t.versioned(prefix text, behind integer)
returns jsonb
language sql
as $$
    select jsonb_agg(t.spec(prefix || g.n, g.id, '{"cpus": 0.1}',
                            jsonb_build_object('version', p.version
                                               - case when g.n = 3 then behind else 0 end))
                     order by g.n)
    from g join howdah_private.agent_pool p on p.agent_id = g.id where g.n <= 4;
$$;
select is(t.reasons(:'fw', t.versioned('v', 0), 'all', 'version'),
          'committed committed committed committed', 'a gang on agents as they were seen is committed');
select t.refused(:'fw', t.versioned('u', 1), 'gang_incomplete gang_incomplete agent_changed gang_incomplete',
                 '%', 'one agent that has changed stops all', 'all', 'version');
select t.refused(:'fw', t.spread('u', 2), 'agent_changed agent_changed', '%',
                 'without a version seen there is none to compare', 'all', 'version');
select is((select count(*) from howdah_private.agent_pool where gang_short), 0::bigint,
          'no row remembers that a gang did not fit');
select t.audit_clean('the books are right');

-- --- gangs to the edge ---------------------------------------------------------------------------

select is(t.reasons(:'fw', (select jsonb_agg(t.spec('fill-' || g.n, g.id, jsonb_build_object(
              'cpus', p.cpus_free / 1000.0, 'mem',
                      p.mem_free,
              'disk', 100, 'gpus', 1)) order by g.n)
              from g join howdah_private.agent_pool p on p.agent_id = g.id)),
          (select string_agg('committed', ' ') from g), 'a gang may take the last of every agent');
select is(t.held_by_all(), '10 40000 40000 1000 10', 'then everything is held');
select is(t.reasons(:'fw', (select jsonb_agg(t.spec('tiny-' || g.n, g.id, '{"cpus": 0.001}'))
                            from g)),
          (select string_agg('insufficient_resource', ' ') from g),
          'and nothing more fits anywhere');
select is(t.reasons(:'fw', (select jsonb_agg(t.spec('none-' || g.n, g.id, '{}')) from g)),
          (select string_agg('committed', ' ') from g), 'but for tasks that need nothing');
select t.as_login('op',
        'select howdah.operator_kill(array(select task_id from howdah.tasks where live))') is not null as killed;
select count(t.report(k.task_id, 'killed')) from howdah_private.task k;
select is(t.held_by_all(), '10 0 0 0 0', 'when all have ended nothing is held');
select t.audit_clean('the books are right');

-- --- large gangs ---------------------------------------------------------------------------------

select t.ag('big', '{"cpus": 6000, "mem": 6000000}') as big \gset
create function t.gang(prefix text, agent uuid, count integer,
                       resources jsonb default '{"cpus": 1, "mem": 100}')
returns jsonb
language sql
as $$ select jsonb_agg(t.spec(prefix || i, agent, resources)) from generate_series(1, count) i; $$;
select is((select count(*) from t.claim(:'fw', t.gang('x', :'big', 5000)) c where c.committed),
          5000::bigint,
          'a gang of 5,000 tasks, the most that one claim may have, is committed');
select is(t.books(:'big'), '{"mem_allocated": 500000, "cpus_allocated": 5000000}',
          'and stands in the books');
select t.raises(format('select howdah.claim(%L, 1, gen_random_uuid(), t.gang(''y'', %L, 10000))',
                       :'fw', :'big'),
                'value_invalid', 'tasks', '10000 elements',
                'a gang of 10,000 is refused as a whole', 'fw_a');
select is((select count(*) from t.claim(:'fw', t.gang('z', :'big', 1001)) c
           where c.reason = 'insufficient_resource'),
          1::bigint, 'of 1,001 where 1,000 fit one is refused');
select is((select count(*) from howdah_private.task where name like 'z%'), 0::bigint,
          'and none is committed');
select is((select count(*) from t.claim(:'fw', t.gang('z', :'big', 1001), 'any') c
           where c.committed), 1000::bigint,
          'in mode any the thousand are');
select t.audit_clean('the books are right after thousands');

-- --- absurd amounts ------------------------------------------------------------------------------

select t.refused(:'fw', t.gang('huge', :'big', 3, '{"cpus": 1000000000000, "mem": 1000000000000}'),
                 'insufficient_resource insufficient_resource insufficient_resource',
                 'agent %: wanted 1000000000000 cpus, free 0',
                 'absurd amounts are refused one by one');
select is(t.reasons(:'fw', jsonb_build_array(
              t.spec('fits', :'big', '{}'),
              t.spec('absurd', :'big', '{}', '{"version": 1e30}')), 'any'),
          'committed task_invalid', 'an absurd version is refused where it stands, and the rest committed');

-- --- what only looks like names and ids ----------------------------------------------------------

select is(t.reasons(:'fw', jsonb_build_array(
              t.spec('two-in-one', :'big', '{}') || jsonb_build_object('agent', :'big' || '|' || :'big'),
              t.spec('good', :'big', '{}')), 'any'),
          'task_invalid committed', 'two ids in one are no agent''s id');
select is(t.reasons(:'fw', jsonb_build_array(
              t.spec('x', :'big', '{}') || jsonb_build_object('agent', :'big' || '|'),
              t.spec('better', :'big', '{}')), 'any'),
          'task_invalid committed', 'nor is one with a bar at its end');
select is(t.reasons(:'fw', jsonb_build_array(
              t.spec('x', :'big', '{}') || '{"name": ["listed"]}',
              t.spec('best', :'big', '{}')), 'any'),
          'task_invalid committed', 'a name in a list is no name');
select t.raises(format('select howdah.claim(%L, 1, null, %L)', :'fw', t.spread('k', 2)),
                'field_missing', 'claim_key', null, 'a gang needs a key', 'fw_a');
select * from finish();
