-- SPDX-License-Identifier: PostgreSQL
-- Placing and claiming in one: answers, keys, refusals, what is bad.

\ir lib/open.psql

select t.lead() is not null as led \gset
select t.fw('a') as fw, t.fw('b', login => 'fw_b') as other \gset
select t.ag('one', '{"cpus": 4, "mem": 4000, "ports": [[1, 2]]}', attributes => '{"zone": "a"}') as one,
       t.ag('two', '{"cpus": 2, "mem": 8000}', attributes => '{"zone": "b"}') as two \gset
create function t.want(name text, resources jsonb default '{"cpus": 1, "mem": 100}', extra jsonb default '{}')
returns jsonb
language sql
as $$
    select jsonb_build_object('name', name, 'resources', resources, 'command', '{"shell": "true"}'::jsonb) || extra;
$$;
create function t.place(framework uuid, specs jsonb, constraints jsonb default '{}', strategy text default 'pack',
                        mode text default 'all', revocable boolean default false, dry_run boolean default false,
                        key uuid default gen_random_uuid())
returns setof t.answer
language sql
as $$
    select (x::t.answer).*
    from t.as_login(t.principal_of(framework), format(
        'select row (c.*) from howdah.place(%L, %L, %L, %L, %L, %L, %L, %L, %L) c',
        framework, t.epoch_of(framework), key, specs, constraints, strategy, mode, revocable, dry_run)) x;
$$;
create function t.placed(framework uuid, specs jsonb, constraints jsonb default '{}', strategy text default 'pack',
                         mode text default 'all')
returns text
language sql
as $$
    select string_agg(coalesce(c.reason, a.name), ' ' order by c.ordinal)
    from t.place(framework, specs, constraints, strategy, mode) c
    left join howdah_private.agent a using (agent_id);
$$;

-- --- answers -------------------------------------------------------------------------------------

select is(t.rows(format('select c.ordinal, c.name, c.task_id is null, c.agent_id, c.committed, c.reason, c.replayed from t.place(%L, %L, dry_run => true) c',
                        :'fw', jsonb_build_array(t.want('dry', '{"cpus": 3}')))),
          format('(1,dry,t,%s,t,,f)', :'one'), 'a dry run says where a task would go');
select is_empty('select 1 from howdah_private.task union all select 1 from howdah_private.placement',
                'and changes nothing');
select is(t.placed(:'fw', jsonb_build_array(t.want('big', '{"cpus": 3}'), t.want('b', '{"cpus": 2}'))), 'one two',
          'each spec goes where it has room');
select is(t.rows('select k.name, a.name from howdah_private.task k join howdah_private.agent a using (agent_id) order by 1'),
          '(b,two) (big,one)', 'as tasks of the books');
select is(t.placed(:'fw', jsonb_build_array(t.want('x'), t.want('y'))), 'gang_incomplete no_agent', 'mode all: all');
select is((select count(*) from howdah_private.task where terminal_at is null), 2::bigint, 'or nothing');
select is(t.placed(:'fw', jsonb_build_array(t.want('x'), t.want('y')), mode => 'any'), 'one no_agent', 'mode any: what fits');
select is(t.placed(:'fw', jsonb_build_array(t.want('p', '{"ports": 1}'), t.want('q', '{"ports": [[1, 1]]}'), t.want('r', '{"ports": 1}')), mode => 'any'),
          'one no_agent one', 'ports are dealt out as the claim does');
select is(t.placed(:'fw', jsonb_build_array(t.want('there', '{"mem": 1}', jsonb_build_object('agent', :'two')),
                                            t.want('where', '{"mem": 1}'))), 'two one', 'a spec that names its agent keeps it');
select is(t.placed(:'fw', jsonb_build_array(t.want('here', '{"mem": 1}', jsonb_build_object('agent', :'two')),
                                            t.want('x')), mode => 'any'), 'two no_agent', 'whatever the others get');
select is(t.placed(:'fw', jsonb_build_array(t.want('x', '{"mem": 1}')), mode => 'any'), 'name_in_use', 'what the claim refuses is refused so');
select t.audit_clean('the books are right');

-- --- refusals ------------------------------------------------------------------------------------

select is(t.rows(format('select c.reason, c.resource, c.wanted, c.free, c.message from t.place(%L, %L, %L) c', :'fw',
                        jsonb_build_array(t.want('z', '{"cpus": 2, "mem": 5000, "ports": 1}')),
                        '{"attributes": {"zone": "b"}, "apart": {"name": "big"}}')),
          '(no_agent,cpus,2,0,"of 2 agents 0 pass every test; 1 fail attributes.zone; 1 fail apart; 2 fail cpus (wanted 2, most free 0); '
          '1 fail mem (wanted 5000, most free 7998); 2 fail ports (wanted 1, most free 0)")', 'a refusal says how many agents fail which test');
select is((select c.message from t.place(:'fw', jsonb_build_array(t.want('m1', '{"mem": 3000}'), t.want('m2', '{"mem": 3000}')), '{"distinct": true, "attributes": {"zone": "b"}}') c
           where c.ordinal = 2), 'of 2 agents 1 pass every test; 1 fail attributes.zone; on those other tasks of this call stand in the way',
          'or that other tasks of the call are in the way');
select is(t.rows(format('select c.name, c.reason, c.message from t.place(%L, %L, mode => ''any'') c', :'fw',
                        jsonb_build_array('7'::jsonb, t.want('v', '{"cpus": -1}'), t.want('v', '{}', '{"colour": 1}'), t.want('')))),
          '(,task_invalid,"field ""spec"", value 7: expected an object") '
          '(v,task_invalid,"field ""resources.cpus"", value -1: expected a number from 0 to 10^12 with at most 3 decimal places") '
          || (select string_agg(format('(%s,task_invalid,"%s")', coalesce(nullif(s ->> 'name', ''), '""'), replace(coalesce(
                  howdah_private.task_place_problem(s || '{"agent": "00000000-0000-0000-0000-000000000000"}'),
                  howdah_private.task_spec_problem(s)), '"', '""')), ' ' order by n)
              from (values (1, t.want('v', '{}', '{"colour": 1}')), (2, t.want(''))) as x (n, s)), 'bad specs are refused with the claim''s words');
select is(t.placed(:'fw', jsonb_build_array(t.want('v', '{"cpus": -1}'), t.want('w', '{"mem": 1}'))), 'task_invalid gang_incomplete',
          'and refuse the others of a gang');

-- --- keys ----------------------------------------------------------------------------------------

select gen_random_uuid() as key, gen_random_uuid() as key2, gen_random_uuid() as key3 \gset
create temp table first_answer as
select * from t.place(:'fw', jsonb_build_array(t.want('k1', '{"mem": 10}'), t.want('k2', '{"cpus": 9}')), mode => 'any', key => :'key');
create temp table digest as select t.digest() as d;
select is(t.rows(format('select ordinal, name, task_id, agent_id, committed, reason, resource, wanted, free, message from t.place(%L, %L, mode => ''any'', key => %L)', :'fw',
                        jsonb_build_array(t.want('k1', '{"mem": 10}'), t.want('k2', '{"cpus": 9}')), :'key')),
          t.rows('select ordinal, name, task_id, agent_id, committed, reason, resource, wanted, free, message from first_answer'),
          'the same key gives the same answer, refusals too');
select is(t.rows(format('select replayed from t.place(%L, %L, mode => ''any'', key => %L)', :'fw',
                        jsonb_build_array(t.want('k1', '{"mem": 10}'), t.want('k2', '{"cpus": 9}')), :'key')), '(t) (t)', 'as one that is repeated');
select is(t.digest(), d, 'and changes nothing') from digest;
select is(t.rows(format('select c.reason, c.replayed from t.place(%L, %L, key => %L) c', :'fw', jsonb_build_array(t.want('none', '{"cpus": 9}')), k)),
          format('(no_agent,%s)', r), 'an answer without any claim is kept, too')
from (values (:'key2'::uuid, 'f', 1), (:'key2', 't', 2)) as v (k, r, n) order by v.n;
select t.raises(format('select howdah.place(%L, 1, %L, %L, mode => ''any''%s)', :'fw', :'key', s, a), 'claim_key_reused', 'claim_key', :'key', w, 'fw_a')
from (values (jsonb_build_array(t.want('k1', '{"mem": 10}')), '', 'the same key with other specs is refused'),
             (jsonb_build_array(t.want('k1', '{"mem": 10}'), t.want('k2', '{"cpus": 9}')), ', strategy => ''spread''', 'with another strategy'),
             (jsonb_build_array(t.want('k1', '{"mem": 10}'), t.want('k2', '{"cpus": 9}')), ', constraints => ''{"distinct": true}''', 'with other constraints'),
             (jsonb_build_array(t.want('k1', '{"mem": 10}'), t.want('k2', '{"cpus": 9}')), ', revocable => true', 'as revocable')) as v (s, a, w);
select t.raises(format('select howdah.place(%L, 1, %L, %L)', :'other', :'key', '[{}]'), 'claim_key_reused', 'claim_key', :'key', 'of another framework', 'fw_b');
select t.claim(:'fw', jsonb_build_array(t.spec('plain', :'two', '{"mem": 1}')), key => :'key3') is not null as x \gset
select t.raises(format('select howdah.place(%L, 1, %L, %L)', :'fw', :'key3', jsonb_build_array(t.want('o', '{"mem": 1}'))),
                'claim_key_reused', 'claim_key', :'key3', 'the key of a claim is refused', 'fw_a');
select is((select count(*) from t.claim(:'fw', jsonb_build_array(t.spec('never', :'two', '{"mem": 1}')), key => :'key2')), 1::bigint,
          'a key of which no claim came is free for one');
update howdah_private.placement set created_at = now() - interval '25 hours' where claim_key = :'key';
select t.chore('history_roll') is not null as x \gset
select is((select count(*) from howdah_private.placement where claim_key = :'key'), 0::bigint, 'answers are forgotten with their keys');
select t.audit_clean('the books are still right');

-- --- bad input -----------------------------------------------------------------------------------

select t.raises(format('select howdah.place(%L, 1, %s, %s)', :'fw', v.key, v.rest), v.code, v.field, null, format('%s is refused', v.what), 'fw_a')
from (values ('null', '''[{}]''', 'field_missing', 'claim_key', 'no key'),
             ('gen_random_uuid()', 'null', 'value_invalid', 'specs', 'no specs'),
             ('gen_random_uuid()', '''{}''', 'value_invalid', 'specs', 'an object for specs'),
             ('gen_random_uuid()', '''[]''', 'value_invalid', 'specs', 'an empty list'),
             ('gen_random_uuid()', '(select jsonb_agg(i) from generate_series(1, 501) i)', 'value_invalid', 'specs', 'a list that is too long'),
             ('gen_random_uuid()', '''[{}]'', strategy => ''best''', 'value_invalid', 'strategy', 'an unknown strategy'),
             ('gen_random_uuid()', '''[{}]'', strategy => null', 'value_invalid', 'strategy', 'no strategy'),
             ('gen_random_uuid()', '''[{}]'', mode => ''some''', 'value_invalid', 'mode', 'an unknown mode'),
             ('gen_random_uuid()', '''[{}]'', revocable => null', 'value_invalid', 'revocable', 'perhaps revocable'),
             ('gen_random_uuid()', '''[{}]'', dry_run => null', 'value_invalid', 'dry_run', 'perhaps dry'),
             ('gen_random_uuid()', '''[{}]'', constraints => null', 'value_invalid', 'constraints', 'null for constraints'))
    as v (key, rest, code, field, what);
select alike(howdah_private.place_problem(v.c::jsonb), format('field "%s", value %%: expected %%', v.field), format('%s is no constraint', v.c))
from (values ('[]', 'constraints'), ('{"x": 1}', 'constraints'), ('{"attributes": 1}', 'constraints.attributes'), ('{"agents": 1}', 'constraints.agents'),
             ('{"distinct": 1}', 'constraints.distinct'), ('{"distinct": null}', 'constraints.distinct'), ('{"prefer": {}}', 'constraints.prefer'),
             ('{"prefer": []}', 'constraints.prefer'), ('{"prefer": [1]}', 'constraints.prefer[0]'), ('{"prefer": [{"weight": 1}]}', 'constraints.prefer[0]'),
             ('{"prefer": [{"agents": []}, {"zone": "a"}]}', 'constraints.prefer[1]'), ('{"prefer": [{"agents": [], "weight": 0}]}', 'constraints.prefer[0].weight'),
             ('{"prefer": [{"agents": [], "weight": "x"}]}', 'constraints.prefer[0].weight'), ('{"patience_s": 3}', 'constraints.patience_s'),
             ('{"prefer": [{"agents": []}], "patience_s": -1}', 'constraints.patience_s'), ('{"waited_s": "x"}', 'constraints.waited_s'),
             ('{"spread": "zone"}', 'constraints.spread.attribute'), ('{"spread": {}}', 'constraints.spread.attribute'),
             ('{"spread": {"attribute": "zone", "x": 1}}', 'constraints.spread'), ('{"near": {}}', 'constraints.near'), ('{"near": null}', 'constraints.near'),
             ('{"near": {"name": 7}}', 'constraints.near.name'), ('{"near": {"labels": {"a": 1}}}', 'constraints.near.labels.a'),
             ('{"apart": {"attribute": "zone"}}', 'constraints.apart'), ('{"apart": {"name": ""}}', 'constraints.apart.name')) as v (c, field);
select is(howdah_private.place_problem('{"agents": [], "attributes": {"a": 1}, "prefer": [{"attributes": {"a": {"min": 1}}, "weight": 0.5}, {"agents": []}], "patience_s": 1.5,
    "waited_s": 0, "spread": {"attribute": "zone", "name": "x", "labels": {"a": "b"}}, "near": {"name": "x"}, "apart": {"labels": {"a": "b"}}, "distinct": true}'),
          null, 'all of them together are');
select t.raises(format('select howdah.place(%L, 7, gen_random_uuid(), ''[{}]'')', :'fw'), 'epoch_stale', 'epoch', '7', 'a fenced instance is refused', 'fw_a');
select t.raises(format('select howdah.place(%L, 1, gen_random_uuid(), ''[{}]'')', :'fw'), 'not_permitted', 'framework_id', :'fw', 'another login is refused', 'fw_b');

select * from finish();
