-- SPDX-License-Identifier: PostgreSQL
-- The state machines in SQL against libframework/fsm/*.def, the one place that declares them: read
-- here as text, so that a generated file that was not generated again is found out.

\ir lib/open.psql

create temp table def_line (n integer generated always as identity, line text);
\copy def_line (line) from 'libframework/fsm/agent.def' with (format csv, delimiter E'\x01', quote E'\x02')
\copy def_line (line) from 'libframework/fsm/framework.def' with (format csv, delimiter E'\x01', quote E'\x02')
\copy def_line (line) from 'libframework/fsm/offer.def' with (format csv, delimiter E'\x01', quote E'\x02')
\copy def_line (line) from 'libframework/fsm/task.def' with (format csv, delimiter E'\x01', quote E'\x02')

create temp table def_state as
select d.n, m[1] as machine, m[2] as state, m[3] = '1' as terminal
from def_line d, regexp_match(d.line, '^STATE\((\w+),\s*(\w+),\s*([01]),') m
where m is not null;
create temp table def_edge as
select d.n, m[1] as machine, m[2] as from_state, m[3] as event, m[4] as to_state, m[5] as actor
from def_line d, regexp_match(d.line, '^EDGE\((\w+),\s*(\w+),\s*(\w+),\s*(\w+),\s*(\w+),') m
where m is not null;

select is((select count(distinct machine) from def_state), 4::bigint, 'four machines are declared');
select cmp_ok((select count(*) from def_edge), '>=', 50::bigint, 'their edges are read');

-- --- enums ---------------------------------------------------------------------------------------

select enum_has_labels('howdah', (m.machine || '_state')::name,
                       (select array_agg(s.state::name order by s.n) from def_state s
                        where s.machine = m.machine),
                       format('enum %s_state has the declared states in their order', m.machine))
from (select distinct machine from def_state) m order by m.machine;

-- --- next: every state times every event ---------------------------------------------------------

create temp table asked (machine text, state text, event text, answer text);
do $$
declare
    v_pair record;
    v_answer text;
begin
    for v_pair in
        select s.machine, s.state, e.event
        from def_state s
        join (select distinct machine, event from def_edge
              union select distinct machine, 'no_such_event' from def_edge
              union select distinct machine, '' from def_edge) e on e.machine = s.machine
    loop
        execute format('select howdah_private.%I(%L::howdah.%I, %L)::text', v_pair.machine
                       || '_next',
                       v_pair.state, v_pair.machine || '_state', v_pair.event) into v_answer;
        insert into asked values (v_pair.machine, v_pair.state, v_pair.event, v_answer);
    end loop;
end
$$;

select is(a.answer, e.to_state,
          case when e.to_state is null
               then format('%s: %s does nothing in state %s', a.machine,
                           coalesce(nullif(a.event, ''), 'an empty event'), a.state)
               else format('%s: %s leads from %s to %s', a.machine, a.event, a.state,
                           e.to_state) end)
from asked a
left join def_edge e on e.machine = a.machine and e.from_state = a.state and e.event = a.event
order by a.machine, a.state, a.event;

-- --- terminal ------------------------------------------------------------------------------------

select is((xpath('/row/x/text()', query_to_xml(format(
              'select howdah_private.%I(%L::howdah.%I) as x', s.machine || '_terminal', s.state,
              s.machine || '_state'), false, true, '')))[1]::text::boolean, s.terminal,
          format('%s state %s is %s', s.machine, s.state,
                 case when s.terminal then 'final' else 'not final' end))
from def_state s order by s.n;
select is_empty($$ select * from def_edge e join def_state s on s.machine = e.machine
                and s.state = e.from_state
                   where s.terminal $$, 'no edge leaves a final state');
select is_empty($$ select s.machine, s.state from def_state s
                   where not s.terminal and not exists (
                       select 1 from def_edge e where e.machine = s.machine
                                                        and e.from_state = s.state) $$,
                'every state that is not final can be left');
select is(howdah_private.task_terminal(null), null::boolean,
          'whether nothing is final is not known');
select is(howdah_private.task_next(null, 'kill')::text, null,
          'no event leads anywhere from no state');
select is(howdah_private.task_next('running', null)::text, null, 'no event leads nowhere');

-- --- edge: every pair of states ------------------------------------------------------------------

create temp table pair_asked (machine text, from_state text, to_state text, answer boolean);
do $$
declare
    v_pair record;
    v_answer boolean;
begin
    for v_pair in
        select a.machine, a.state as from_state, b.state as to_state
        from def_state a join def_state b on b.machine = a.machine
    loop
        execute format('select howdah_private.%I(%L::howdah.%I, %L::howdah.%I)', v_pair.machine
                       || '_edge',
                       v_pair.from_state, v_pair.machine || '_state', v_pair.to_state,
                       v_pair.machine || '_state') into v_answer;
        insert into pair_asked values (v_pair.machine, v_pair.from_state, v_pair.to_state,
                                       v_answer);
    end loop;
end
$$;
select set_eq(format($$ select from_state, to_state from pair_asked where machine = %L
                     and answer $$, m.machine),
              format($$ select distinct from_state, to_state from def_edge where machine = %L $$,
                     m.machine),
              format('%s_edge is true for the declared edges and no others', m.machine))
from (select distinct machine from def_state) m order by m.machine;
select is_empty('select * from pair_asked where answer is null',
                'every pair of states has an answer');

-- --- what the machines promise -------------------------------------------------------------------

select is_empty($$ select s.state from def_state s
                   where s.machine = 'task' and not s.terminal
                     and not exists (select 1 from def_edge e
                                     where e.machine = 'task' and e.from_state = s.state
                                       and e.event = 'agent_removed'
                                     and e.to_state = 'gone_by_operator') $$,
                'an operator can end every live task by declaring its agent gone');
select is_empty($$ select s.state from def_state s
                   where s.machine = 'task'
                and s.state in ('staging', 'starting', 'running', 'killing')
                     and not exists (select 1 from def_edge e
                                     where e.machine = 'task' and e.from_state = s.state
                                       and e.event = 'agent_lost'
                                     and e.to_state = 'unreachable') $$,
                'every task of a silent agent becomes unreachable');
select is_empty($$ select e.from_state, e.event from def_edge e
                   where e.machine = 'task' and e.event like 'report\_%'
                     and e.to_state not in (substr(e.event, 8)) $$,
                'a report leads to the state that it names');
select is_empty($$ select e.* from def_edge e
                   where e.machine = 'task' and (e.event like 'report\_%' or e.event = 'missing')
                     and e.actor <> 'agent' $$, 'only agents report');
select is_empty($$ select machine, from_state, event from def_edge group by 1, 2,
                3 having count(*) > 1 $$,
                'no event leads to two states');
select is_empty($$ with recursive reached (state) as (
                       select 'staging' union
                       select e.to_state from reached r join def_edge e
                       on e.machine = 'task' and e.from_state = r.state)
                   select s.state from def_state s
                   where s.machine = 'task' and s.state <> 'lost'
                     and s.state not in (select r.state from reached r) $$,
                'a claimed task can reach every task state but lost, which nothing makes yet');

select * from finish();
