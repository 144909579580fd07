-- SPDX-License-Identifier: PostgreSQL
-- Each group at its own work, through grants alone: the whole way of a task, every call by the login
-- whose business it is.

\ir lib/open.psql

select is(t.as_login(l.login, 'select howdah.schema_version()'), howdah.schema_version()::text,
          format('login %s asks for the schema version', l.login))
from unnest('{fw_a,ag_a,co,op,obs}'::text[]) as l (login);
select t.denied('select howdah.schema_version()', 'stranger', 'a stranger does not');

select x as epoch
from t.as_login('co',
                'select epoch from howdah.leader_acquire(gen_random_uuid(), ''c'', 60000)') x \gset
select is(:epoch, 1, 'the coordinator leads');
select x as ag
from t.as_login('ag_a',
                'select agent_id from howdah.agent_register(''one'', ''h'', ''{"cpus": 4, "mem": 4096}'')') x \gset
select is(t.as_login('obs', 'select name from howdah.agents'), 'one', 'an observer sees the agent');
select x as fw
from t.as_login('fw_a', 'select framework_id from howdah.framework_register(''f'')') x \gset
select is(t.as_login('fw_a', 'select name || cpus_free from howdah.cell'), 'one4',
          'a framework reads what is free');
select is(t.as_login('co', format('select howdah.%I(%s)', c.chore, :epoch)), c.result,
          format('the coordinator runs %s', c.chore))
from (values ('agents_expire', '0'), ('tasks_expire', '0'), ('frameworks_expire', '0'), ('offers_expire', '0'),
      ('offers_make', '1'), ('wakeups_send', '1'), ('stats_roll', '0'),
      ('history_roll', '0')) as c (chore, result);
select x as offer from t.as_login('fw_a',
                                  format('select offer_id from howdah.offers_since(%L, 1)',
                                         :'fw')) x \gset
select x as task from t.as_login('fw_a',
                                 format('select task_id from howdah.claim(%L, 1, gen_random_uuid(), %L)',
                                        :'fw', jsonb_build_array(t.spec_on('work',
                                                :'offer')))) x \gset
select isnt(:'task'::text, '', 'the framework claims on its offer');
select is(t.as_login('ag_a',
                     format('select howdah.agent_sync(%L, 1, ''{}'') #>> ''{launch,0,task_id}''',
                            :'ag')), :'task', 'the agent is told to launch the task');
select is(t.as_login('ag_a', format('select howdah.agent_sync(%L, 1, %L) -> ''launch''', :'ag',
                                    jsonb_build_object('running', jsonb_build_array(:'task'),
                                                       'updates',
          jsonb_build_array(jsonb_build_object('task_id', :'task', 'state', 'running'))))), '[]',
          'and reports that it runs');
select is(t.as_login('fw_a', format('select state from howdah.updates_pending(%L, 1)', :'fw')),
          'running', 'the framework learns it');
select is(t.as_login('fw_a',
                     format('select howdah.update_acknowledge(%L, 1, array(select update_id from howdah.updates_pending(%L, 1)))',
                            :'fw', :'fw')), '1', 'and acknowledges');
select is(t.as_login('op', format('select state from howdah.operator_kill(array[%L]::uuid[])',
                                  :'task')), 'killing', 'the operator kills the task');
select is(t.as_login('ag_a', format('select howdah.agent_sync(%L, 1, %L) #>> ''{kill,0,task_id}''',
                                    :'ag', jsonb_build_object('running',
                                            jsonb_build_array(:'task')))), :'task',
          'the agent is told so');
select t.as_login('ag_a', format('select howdah.agent_sync(%L, 1, %L)', :'ag',
                                 jsonb_build_object('updates',
                                                    jsonb_build_array(jsonb_build_object('task_id',
                                                            :'task', 'state',
                                                                    'killed'))))) is not null as x \gset
select is(t.as_login('fw_a', format('select state from howdah.tasks_reconcile(%L, 1)', :'fw')),
          'killed', 'the framework learns how it ended');
select is(t.as_login('obs', 'select state from howdah.tasks'), 'killed',
          'and so does the observer');
select is(t.problem('select howdah.audit()', l.login), null,
          format('login %s runs the auditor', l.login))
from unnest('{op,obs,co}'::text[]) as l (login);
select t.denied('select howdah.audit()', l.login, format('login %s does not', l.login))
from unnest('{fw_a,ag_a}'::text[]) as l (login);
select is(t.problem('select to_jsonb(x) from howdah.' || v || ' x', l.login), null,
          format('login %s reads every column of view %s', l.login, v))
from unnest('{agents,cell,claims,events,filters,frameworks,leader,offers,roles,settings,tasks}'::text[]) as v
cross join unnest('{fw_a,co,op,obs}'::text[]) as l (login) order by v, l.login;
select is(t.problem('select howdah.cell_snapshot()', 'co'), null,
          'the coordinator reads all that the first page shows');
select is(t.problem('select value from howdah.metrics()', 'co'), null, 'and the metrics');
select is(t.as_login('fw_a', format('select howdah.framework_teardown(%L, 1)', :'fw')), '0',
          'the framework ends');
select is(t.as_login('op', format('select howdah.agent_remove(%L)', :'ag')), '0',
          'the operator lets the agent go');
select t.audit_clean('and the books are right');

select * from finish();
