-- SPDX-License-Identifier: PostgreSQL
-- The auditor: silent about a cell in which much has happened, and it names each kind of damage.
-- Damage is planted as superuser past constraints and triggers, looked at, and rolled back.

\ir lib/open.psql

-- --- helpers -----------------------------------------------------------------------------------

create function t.named(line text)
returns text
language plpgsql
as $$
/* The line with names in place of the ids of agents, tasks and claims. */
declare
    v_id text;
    v_name text;
begin
    for v_id, v_name in
        select a.agent_id::text, a.name::text from howdah_private.agent a
        union all
        select k.task_id::text, k.name from howdah_private.task_all k
    loop
        line := replace(line, v_id, v_name);
    end loop;
    return line;
end
$$;

create function t.planted(plant text, finds text, description text)
returns text
language plpgsql
as $$
/* One test: after these statements the audit finds exactly these rows, sorted; they are undone. */
declare
    v_found text;
    v_error text;
begin
    begin
        set local session_replication_role = replica;
        execute plant;
        select string_agg(t.named(format('%s|%s|%s', a.invariant, a.object, a.detail)), E'\n'
                          order by t.named(format('%s|%s|%s', a.invariant, a.object, a.detail)))
        into v_found
        from howdah.audit() a;
        raise 'undo' using errcode = 'ZZ999';
    exception
        when sqlstate 'ZZ999' then null;
        when others then v_error := sqlerrm;
    end;
    return is(coalesce(v_error, v_found), finds, description);
end
$$;

-- Statements on the books of agent one, with the check of amounts out of the way.
create function t.book(change text)
returns text
language sql
as $$
    select format('alter domain howdah_private.amount drop constraint amount_not_negative; '
                  'update howdah_private.agent_pool p set %s from howdah_private.agent a '
                  'where a.agent_id = p.agent_id and a.name = ''one''', change);
$$;

create function t.damage(change text, task text)
returns text
language sql
as $$
    select format('update howdah_private.task set %s where name = %L', change, task);
$$;

-- --- a fresh cell, and a busy one ----------------------------------------------------------------

select t.audit_clean('a fresh cell is in order');
select t.lead() is not null as led \gset
select t.as_login('op', 'select howdah.setting_set(''history_delay_s'', ''0'')');
select t.as_login('op', 'select howdah.principal_permit(''fw_a'', null, ''*'')');
select t.ag('one', '{"cpus": 8, "mem": 8192, "disk": 1000, "gpus": 4, "ports": [[31000, 31009]],
                     "scalars": {"licences": 5, "bus": 2}, "sets": {"gpu": ["0", "1", "2"]}}') as one,
       t.ag('two') as two, t.ag('three') as three, t.ag('four') as four,
       t.fw('a') as fw, t.fw('b', login => 'fw_b') as other, t.fw('short') as short \gset
select t.audit_clean('agents and frameworks without tasks are in order');

select t.task(:'fw', :'one', 'plain', '{"cpus": 1, "mem": 100, "disk": 10, "gpus": 1}') as plain,
       t.task(:'fw', :'one', 'porty', '{"cpus": 0.5, "ports": 2}') as porty,
       t.task(:'other', :'one', 'porty2', '{"mem": 10, "ports": [[31005, 31006]]}') as porty2,
       t.task(:'fw', :'one', 'scaly', '{"scalars": {"licences": 2.5, "bus": 1}}') as scaly,
       t.task(:'fw', :'one', 'setty', '{"sets": {"gpu": ["1"]}}') as setty \gset
select is(t.reasons(:'fw', jsonb_build_array(
              t.spec('lent', :'one', '{"cpus": 0.25, "mem": 20, "disk": 1, "gpus": 1}'),
              t.spec('lent2', :'one', '{"scalars": {"licences": 1}}')), revocable => true),
          'committed committed', 'there are revocable tasks, too');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('half', :'one'),
                                             t.spec('never', :'one', '{"cpus": 99}')), 'any'),
          'committed insufficient_resource', 'there is a claim that was committed in part');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('never', :'one', '{"cpus": 99}'))),
          'insufficient_resource', 'there is a claim that was refused');
select t.audit_clean('a cell with every kind of resource held is in order');

select t.report(:'plain', 'starting') is not null as a,
       t.report(:'porty', 'running') is not null as b,
       t.report(:'setty', 'running') is not null as c \gset
select t.audit_clean('tasks that start and run are in order');
select t.task(:'fw', :'two', 'ends') as ends, t.task(:'fw', :'two', 'fails') as fails,
       t.task(:'short', :'two', 'orphaned') as orphaned, t.task(:'other', :'two', 'stays') as stays,
       t.task(:'fw', :'three', 'lost-touch') as lost, t.task(:'fw', :'four', 'removed') as removed,
       t.task(:'fw', :'two', 'fresh') as fresh
\gset
select t.report(:'ends', 'finished') is not null as a,
       t.report(:'fails', 'failed', '{"exit_code": 3}') is not null as b \gset
select t.audit_clean('tasks that have ended are in order');
select t.as_login('fw_a', format('select howdah.update_acknowledge(%L, 1, array(select update_id '
                                 'from howdah.updates_pending(%L, 1)))', :'fw', :'fw'));
select ok(t.chore('history_roll') > 0, 'some of it moves to history');
select is(t.rows($$select name from howdah_private.task_history order by 1$$), '(ends) (fails)',
          'the two that ended and were acknowledged');
select t.audit_clean('a cell with history is in order');
select t.as_login('fw_a', format('select * from howdah.task_kill(%L, 1, array[%L]::uuid[])',
                                 :'fw', :'plain'));
select t.as_login('fw_a', format('select howdah.framework_teardown(%L, 1)', :'short'));
select t.as_login('op', format('select howdah.agent_remove(%L)', :'four'));
select is(t.fall_silent(:'three'), 1, 'one agent is unreachable');
select is(t.rows('select state, count(*) from howdah_private.task group by state order by state'),
          '(staging,7) (running,2) (killing,2) (unreachable,1) (gone_by_operator,1)',
          'tasks are in many states');
select t.audit_clean('kills, a removed framework, a silent and a removed agent are in order');
select ok(t.offers() > 0, 'offers are out');
select t.audit_clean('offers are no business of the audit');

-- --- who may ask ---------------------------------------------------------------------------------

select is(t.problem('select * from howdah.audit()', l), null, format('login %s may ask', l))
from unnest('{op,obs,co}'::text[]) l;
select t.denied('select * from howdah.audit()', l, format('login %s may not ask', l))
from unnest('{fw_a,ag_a,stranger}'::text[]) l;

-- --- I1: more is held than there is -----------------------------------------------------------------
-- The agent shrinks below what live tasks hold; the books still agree with the tasks.

select is(t.books(:'one') - 'scalars_allocated' - 'scalars_revocable' - 'sets_allocated'
              - 'ports_allocated',
          '{"cpus_allocated": 1600, "mem_allocated": 142, "disk_allocated": 10, "gpus_allocated": 1,
            "cpus_revocable": 250, "mem_revocable": 20, "disk_revocable": 1, "gpus_revocable": 1}',
          'this is what the books of the agent say');
select t.planted(t.book(format('%1$s_free = %1$s_free + %2$s - %1$s_capacity, %1$s_capacity = %2$s',
                               v.what, v.capacity)),
                 'I1 capacity|agent one|more is held than there is: ' || v.what,
                 format('%s below what tasks hold, revocable ones included, is found', v.what))
from (values ('cpus', 1849), ('mem', 161), ('disk', 10), ('gpus', 1)) as v (what, capacity);
select t.planted(t.book(format('%1$s_free = %1$s_free + %2$s - %1$s_capacity, %1$s_capacity = %2$s',
                               v.what, v.capacity)), null,
                 format('exactly as much %s as tasks hold is in order', v.what))
from (values ('cpus', 1850), ('mem', 162), ('disk', 11), ('gpus', 2)) as v (what, capacity);
select t.planted(t.book('ports_capacity = ''{[31000,31006)}'''),
                 'I1 capacity|agent one|more is held than there is: ports',
                 'a held port that the agent does not have is found');
select t.planted(t.book('ports_capacity = null'),
                 'I1 capacity|agent one|more is held than there is: ports',
                 'held ports of an agent that has none at all are found');
select t.planted(t.book('scalars_capacity = ''{"licences": 3.4, "bus": 2}'''),
                 'I1 capacity|agent one|more is held than there is: licences',
                 'a named amount below what is held and lent together is found');
select t.planted(t.book('scalars_capacity = ''{"licences": 3.5, "bus": 1}'''), null,
                 'exactly the named amounts that are held are in order');
select t.planted(t.book('scalars_capacity = null'),
                 'I1 capacity|agent one|more is held than there is: bus
I1 capacity|agent one|more is held than there is: licences',
                 'named amounts that the agent does not have at all are found, each');
select t.planted(t.book('sets_capacity = ''{"gpu": ["0", "2"]}'''),
                 'I1 capacity|agent one|item "1" of set gpu is not its',
                 'a held item that is not in the agent''s set is found');
select t.planted(t.book('sets_capacity = null'),
                 'I1 capacity|agent one|item "1" of set gpu is not its',
                 'a held item of a set that the agent does not have is found');

-- --- I4: books and live tasks disagree ----------------------------------------------------------------

select t.planted(t.book(format('%1$s_free = %1$s_free - %2$s', v.what, v.by)),
                 format('I4 books|agent one|%s: books %s, live tasks %s',
                        replace(v.what, 'cpus', 'cpus_milli'), v.tasks + v.by, v.tasks),
                 format('%s in the books that differ from the tasks by %s are found', v.what, v.by))
from (values ('cpus', 1600, 1), ('cpus', 1600, -1), ('mem', 142, 1), ('mem', 142, -1),
             ('disk', 10, 5), ('gpus', 1, -1)) as v (what, tasks, by);
select t.planted(t.book(format('%1$s_revocable = %1$s_revocable + %2$s, '
                               '%1$s_free = %1$s_free - %2$s', v.what, v.by)),
                 format('I4 books|agent one|revocable %s: books %s, live tasks %s',
                        replace(v.what, 'cpus', 'cpus_milli'), v.tasks + v.by, v.tasks),
                 format('lent %s that differ from the tasks by %s are found', v.what, v.by))
from (values ('cpus', 250, 1), ('cpus', 250, -250), ('mem', 20, -20), ('disk', 1, 1),
             ('gpus', 1, 1)) as v (what, tasks, by);
select t.planted(t.book(format('%1$s_revocable = %1$s_revocable + 1', v.what)),
                 format('I4 books|agent one|%1$s: books %2$s, live tasks %3$s
I4 books|agent one|revocable %1$s: books %4$s, live tasks %5$s',
                        replace(v.what, 'cpus', 'cpus_milli'), v.held - 1, v.held, v.lent + 1,
                        v.lent),
                 format('%s that stand among the lent ones and are not are found twice', v.what))
from (values ('cpus', 1600, 250), ('mem', 142, 20), ('disk', 10, 1), ('gpus', 1, 1))
     as v (what, held, lent);
select t.planted(t.book(format('%1$s_free = %1$s_capacity - %1$s_revocable + 1', v.what)),
                 format('I1 capacity|agent one|more is held than there is: %s
I4 books|agent one|%s: books -1, live tasks %s',
                        v.what, replace(v.what, 'cpus', 'cpus_milli'), v.held),
                 format('more %s free than there are is found', v.what))
from (values ('cpus', 1600), ('mem', 142), ('disk', 10), ('gpus', 1)) as v (what, held);
select t.planted(t.damage('cpus_milli = 2000', 'plain'),
                 'I4 books|agent one|cpus_milli: books 1600, live tasks 2600',
                 'a task that grew without the books is found');
select t.planted(t.damage('revocable = true', 'half'),
                 'I4 books|agent one|cpus_milli: books 1600, live tasks 1500
I4 books|agent one|mem: books 142, live tasks 110
I4 books|agent one|revocable cpus_milli: books 250, live tasks 350
I4 books|agent one|revocable mem: books 20, live tasks 52',
                 'a task that became revocable without the books is found on both sides');
select t.planted(t.damage('state = ''finished'', terminal_at = now()', 'half'),
                 'I4 books|agent one|cpus_milli: books 1600, live tasks 1500
I4 books|agent one|mem: books 142, live tasks 110',
                 'a task that ended without giving back is found');
select t.planted(t.damage('terminal_at = null, state = ''running''', 'removed'),
                 'I4 books|agent four|cpus_milli: books 0, live tasks 100
I4 books|agent four|mem: books 0, live tasks 32',
                 'an ended task that lives again without taking is found');
select t.planted(t.damage(format('agent_id = %L', :'two'), 'half'),
                 'I4 books|agent one|cpus_milli: books 1600, live tasks 1500
I4 books|agent one|mem: books 142, live tasks 110
I4 books|agent two|cpus_milli: books 300, live tasks 400
I4 books|agent two|mem: books 96, live tasks 128',
                 'a task that moved to another agent is found at both');
select t.planted(t.damage('pool = ''reserved''', 'half'),
                 'I4 books|agent one|cpus_milli: books , live tasks 100
I4 books|agent one|cpus_milli: books 1600, live tasks 1500
I4 books|agent one|disk: books , live tasks 0
I4 books|agent one|gpus: books , live tasks 0
I4 books|agent one|mem: books , live tasks 32
I4 books|agent one|mem: books 142, live tasks 110
I4 books|agent one|revocable cpus_milli: books , live tasks 0
I4 books|agent one|revocable disk: books , live tasks 0
I4 books|agent one|revocable gpus: books , live tasks 0
I4 books|agent one|revocable mem: books , live tasks 0',
                 'a task in a pool that has no books is found');

-- --- I4: ports, named amounts, set items ----------------------------------------------------------------

select ports as porty_ports, lower(ports) as porty_first
from howdah_private.task where name = 'porty' \gset
select t.planted(t.book(format('ports_allocated = ports_allocated - %L::int4multirange',
                               :'porty_ports')),
                 format('I4 books|agent one|ports: books {[31005,31007)}, live tasks %s',
                        (select range_agg(ports) from howdah_private.task
                         where name in ('porty', 'porty2'))),
                 'a port that a task holds and the books do not is found');
select t.planted(t.book('ports_allocated = null'),
                 format('I4 books|agent one|ports: books , live tasks %s',
                        (select range_agg(ports) from howdah_private.task
                         where name in ('porty', 'porty2'))),
                 'books without any ports are found');
select t.planted(t.book('ports_allocated = ports_allocated + ''{[31009,31010)}'''),
                 format('I4 books|agent one|ports: books %s, live tasks %s',
                        (select range_agg(ports) + '{[31009,31010)}' from howdah_private.task
                         where name in ('porty', 'porty2')),
                        (select range_agg(ports) from howdah_private.task
                         where name in ('porty', 'porty2'))),
                 'a port in the books that no task holds is found');
select t.planted(t.damage(format('ports = ''{[%s,%s)}''', :porty_first, :porty_first + 1), 'half'),
                 'I4 books|agent one|two live tasks hold one port',
                 'a port that two live tasks hold is found');
select t.planted(t.damage('ports = ''{[31005,31006)}''', 'stays'),
                 'I4 books|agent two|ports: books , live tasks {[31005,31006)}',
                 'the same port number of another agent is another port');
select t.planted(t.book('scalars_allocated = ''{"licences": 2.4, "bus": 1}'''),
                 'I4 books|agent one|licences: books 2.4, live tasks 2.5',
                 'a named amount that differs from the tasks is found');
select t.planted(t.book('scalars_allocated = ''{"licences": 2.5}'''),
                 'I4 books|agent one|bus: books , live tasks 1',
                 'a named amount that is missing from the books is found');
select t.planted(t.book('scalars_allocated = scalars_allocated || ''{"seats": 1}'''),
                 'I1 capacity|agent one|more is held than there is: seats
I4 books|agent one|seats: books 1, live tasks ',
                 'a named amount in the books that no task holds is found');
select t.planted(t.book('scalars_revocable = null'),
                 'I4 books|agent one|licences: books , live tasks 1',
                 'a lent named amount that is missing from the books is found');
select t.planted(t.book('scalars_allocated = ''{"licences": 3.5, "bus": 1}'',
                         scalars_revocable = null'),
                 'I4 books|agent one|licences: books , live tasks 1
I4 books|agent one|licences: books 3.5, live tasks 2.5',
                 'a lent amount that stands among the guaranteed ones is found');
select t.planted(t.book('sets_allocated = ''{"gpu": ["1", "2"]}'''),
                 'I4 books|agent one|item "2" of set gpu: in the books t, held by 0 live tasks',
                 'an item in the books that no task holds is found');
select t.planted(t.book('sets_allocated = null'),
                 'I4 books|agent one|item "1" of set gpu: in the books f, held by 1 live tasks',
                 'an item that a task holds and the books do not is found');
select t.planted(t.damage('sets = ''{"gpu": ["1"]}''', 'half'),
                 'I4 books|agent one|item "1" of set gpu: in the books t, held by 2 live tasks',
                 'an item that two live tasks hold is found');

-- --- I3: states and places -----------------------------------------------------------------------------

select t.planted(t.damage('terminal_at = null', 'removed'),
                 'I3 terminal|task removed|state gone_by_operator, terminal_at ' || '
I4 books|agent four|cpus_milli: books 0, live tasks 100
I4 books|agent four|mem: books 0, live tasks 32',
                 'an ended task without a time of its end is found');
select t.planted(t.damage('state = ''running''', 'removed'),
                 format('I3 terminal|task removed|state running, terminal_at %s', terminal_at),
                 'a live task with a time of its end is found')
from howdah_private.task where name = 'removed';
select t.planted(t.damage(format('state = %L', s.state), 'removed'), null,
                 format('%s with a time of its end is in order', s.state))
from unnest(enum_range(null::howdah.task_state)) as s (state)
where howdah_private.task_terminal(s.state);
select t.planted(t.damage(format('state = %L', s.state), 'half'), null,
                 format('%s without a time of its end is in order', s.state))
from unnest(enum_range(null::howdah.task_state)) as s (state)
where not howdah_private.task_terminal(s.state);
select t.planted($$insert into howdah_private.task select * from howdah_private.task_history
                   where name = 'ends'$$,
                 'I3 placement|task ends|is live and in history',
                 'a task that stands in both places is found');

-- --- I2: claims and their tasks --------------------------------------------------------------------------

select claim_key as half_key from howdah_private.task where name = 'half' \gset
select claim_key as ends_key from howdah_private.task_history where name = 'ends' \gset
select t.planted(t.damage('claim_key = ''00000000-0000-0000-0000-000000000001''', 'half'),
                 'I2 claim|task half|no claim of its framework committed it',
                 'a task of an unknown claim is found');
select t.planted(format('delete from howdah_private.claim where claim_key = %L', :'half_key'),
                 'I2 claim|task half|no claim of its framework committed it',
                 'a task whose claim has vanished is found');
select t.planted(format('update howdah_private.claim set framework_id = %L where claim_key = %L',
                        :'other', :'half_key'),
                 'I2 claim|task half|no claim of its framework committed it',
                 'a task whose claim another framework made is found');
select t.planted(format('update howdah_private.claim set task_ids = ''{null,null}'' '
                        'where claim_key = %L', :'half_key'),
                 format('I2 claim|claim %s|committed_count 1, tasks found 0
I2 claim|task half|no claim of its framework committed it', :'half_key'),
                 'a claim that does not name its task is found, and so is the task');
select t.planted(format('update howdah_private.claim set committed_count = 2 where claim_key = %L',
                        :'half_key'),
                 format('I2 claim|claim %s|committed_count 2, tasks found 1', :'half_key'),
                 'a claim that says it committed more than there is is found');
select t.planted(format('update howdah_private.claim set committed_count = 0 where claim_key = %L',
                        :'ends_key'),
                 format('I2 claim|claim %s|committed_count 0, tasks found 1', :'ends_key'),
                 'a claim whose task is in history is counted with it');
select t.planted('delete from howdah_private.task_history where name = ''ends''',
                 format('I2 claim|claim %s|committed_count 1, tasks found 0', :'ends_key'),
                 'a claim whose task vanished from history is found');
select t.planted(format('delete from howdah_private.task_history where name = ''ends''; '
                        'update howdah_private.claim set created_at = now() - interval ''91 days'' '
                        'where claim_key = %L', :'ends_key'), null,
                 'a claim is not asked for tasks that are older than history reaches');
select t.planted(format('delete from howdah_private.claim where claim_key = %L; '
                        'update howdah_private.task set created_at = now() - interval ''91 days'' '
                        'where name = ''half''', :'half_key'), null,
                 'a task that has run for longer than history reaches is not asked for its claim');
select t.planted(format($$update howdah_private.claim set created_at = now() - interval '2 days'
                          where claim_key = %L;
                          select howdah_private.claims_move(10)$$, :'half_key'), null,
                 'a claim that moved to history still vouches for its task');

-- --- orphans -------------------------------------------------------------------------------------------------

select t.planted($$delete from howdah_private.framework where name = 'b'$$,
                 'orphan|task porty2|its agent or framework does not exist
orphan|task stays|its agent or framework does not exist',
                 'tasks whose framework does not exist are found');
select t.planted($$delete from howdah_private.agent where name = 'three'$$,
                 format('orphan|task lost-touch|its agent or framework does not exist'),
                 'a task whose agent does not exist is found');
select update_id from howdah_private.task_update u
join howdah_private.task k using (task_id) where k.name = 'removed' \gset
select t.planted($$update howdah_private.task_update
                   set task_id = '00000000-0000-0000-0000-000000000001'
                   where update_id = $$ || :update_id,
                 format('orphan|update %s|its task does not exist', :update_id),
                 'an update of no task is found');
select t.planted(format($$update howdah_private.task_update u set task_id = h.task_id
                          from howdah_private.task_history h
                          where u.update_id = %s and h.name = 'ends'$$, :update_id), null,
                 'an update of a task in history is in order');

-- --- agents ----------------------------------------------------------------------------------------------------

select t.planted(t.book('open = false'), 'agent|agent one|state active, takes claims: f',
                 'an active agent that takes no claims is found');
select t.planted($$update howdah_private.agent set state = 'unreachable' where name = 'one'$$,
                 'agent|agent one|state unreachable, takes claims: t',
                 'an unreachable agent that takes claims is found');
select t.planted($$update howdah_private.agent set state = 'gone' where name = 'one'$$,
                 'agent|agent one|state gone, takes claims: t',
                 'an agent that is gone and takes claims is found');
select t.planted($$update howdah_private.agent_pool p set open = true from howdah_private.agent a
                   where a.agent_id = p.agent_id and a.name in ('three', 'four')$$,
                 'agent|agent four|state gone, takes claims: t
agent|agent three|state unreachable, takes claims: t',
                 'each agent that takes claims and should not is found');
select t.planted($$insert into howdah_private.agent (name, host, principal)
                   values ('bare', 'h', 'ag_a')$$,
                 'agent|agent bare|has no pool', 'an agent without books is found');
select t.planted($$delete from howdah_private.agent_pool p using howdah_private.agent a
                   where a.agent_id = p.agent_id and a.name = 'three'$$,
                 'I4 books|agent three|cpus_milli: books , live tasks 100
I4 books|agent three|disk: books , live tasks 0
I4 books|agent three|gpus: books , live tasks 0
I4 books|agent three|mem: books , live tasks 32
I4 books|agent three|revocable cpus_milli: books , live tasks 0
I4 books|agent three|revocable disk: books , live tasks 0
I4 books|agent three|revocable gpus: books , live tasks 0
I4 books|agent three|revocable mem: books , live tasks 0
agent|agent three|has no pool',
                 'an agent with a task and without books is found in both ways');

-- --- several at once, and nothing left ------------------------------------------------------------------------------

select t.planted(t.book('mem_free = mem_capacity - mem_revocable, open = false'),
                 'I4 books|agent one|mem: books 0, live tasks 142
agent|agent one|state active, takes claims: f',
                 'two kinds of damage in one row are two findings');
select t.audit_clean('what was planted has been undone');

select * from finish();
