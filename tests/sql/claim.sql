-- SPDX-License-Identifier: PostgreSQL
-- claim as a whole: the arguments of the call, the fence, exactly once by key, offers, the two
-- conflict rules, revocable resources, dry runs, the caller's transaction; and a differential test:
-- the same random claims as dry runs (always the general way) and for real (whichever way is
-- quickest) must get the same answers.

\ir lib/open.psql

select t.fw('a') as fw \gset
select t.fw('b', 'default', 'fw_b') as other \gset
select t.ag('agent-1') as ag \gset
select t.ag('agent-2', '{"cpus": 2, "mem": 1024, "ports": [[31000, 31009]]}') as ag2 \gset
select t.lead() is not null as led \gset

create function t.call(framework uuid, args text)
returns text
language sql
as $$ select format('select howdah.claim(framework_id => %L, %s)', framework, args); $$;

-- --- the call's arguments ------------------------------------------------------------------------

select jsonb_build_array(t.spec('x', :'ag'))::text as one \gset
select t.raises(t.call(:'fw', v.args), v.code, v.field, v.value, v.what, 'fw_a')
from (values
    (format('epoch => 1, claim_key => null, tasks => %L', :'one'), 'field_missing', 'claim_key',
     null,
     'a claim without a key is refused'),
    (format('epoch => 1, claim_key => gen_random_uuid(), tasks => %L, mode => ''some''', :'one'),
     'value_invalid', 'mode', 'some', 'an unknown mode is refused'),
    (format('epoch => 1, claim_key => gen_random_uuid(), tasks => %L, mode => ''ALL''', :'one'),
     'value_invalid', 'mode', 'ALL', 'a mode in capitals is refused'),
    (format('epoch => 1, claim_key => gen_random_uuid(), tasks => %L, mode => null', :'one'),
     'value_invalid', 'mode', null, 'no mode is refused'),
    (format('epoch => 1, claim_key => gen_random_uuid(), tasks => %L, conflict => ''never''',
            :'one'),
     'value_invalid', 'conflict', 'never', 'an unknown conflict rule is refused'),
    (format('epoch => 1, claim_key => gen_random_uuid(), tasks => %L, conflict => null', :'one'),
     'value_invalid', 'conflict', null, 'no conflict rule is refused'),
    ('epoch => 1, claim_key => gen_random_uuid(), tasks => null', 'value_invalid', 'tasks', null,
     'no tasks are refused'),
    ('epoch => 1, claim_key => gen_random_uuid(), tasks => ''null''', 'value_invalid', 'tasks',
     'null',
     'tasks that are null in JSON are refused'),
    ('epoch => 1, claim_key => gen_random_uuid(), tasks => ''{}''', 'value_invalid', 'tasks', '{}',
     'tasks that are an object are refused'),
    ('epoch => 1, claim_key => gen_random_uuid(), tasks => ''"x"''', 'value_invalid', 'tasks',
     '"x"',
     'tasks that are a string are refused'),
    ('epoch => 1, claim_key => gen_random_uuid(), tasks => ''[]''', 'value_invalid', 'tasks',
     '0 elements',
     'an empty list of tasks is refused'),
    ('epoch => 1, claim_key => gen_random_uuid(), tasks => (select jsonb_agg(1) from generate_series(1, 5001))',
     'value_invalid', 'tasks', '5001 elements', 'more tasks than claim_tasks_max are refused'),
    ('epoch => 1, claim_key => gen_random_uuid(), tasks => (select jsonb_agg(1) from generate_series(1, 10000))',
     'value_invalid', 'tasks', '10000 elements', 'a gang of 10,000 tasks is refused at once'),
    (format('epoch => 0, claim_key => gen_random_uuid(), tasks => %L', :'one'), 'epoch_stale',
     'epoch', '0',
     'an old epoch is refused'),
    (format('epoch => 2, claim_key => gen_random_uuid(), tasks => %L', :'one'), 'epoch_stale',
     'epoch', '2',
     'an epoch that is not there yet is refused'),
    (format('epoch => null, claim_key => gen_random_uuid(), tasks => %L', :'one'), 'epoch_stale',
     'epoch', null,
     'no epoch is refused')) as v (args, code, field, value, what);
select t.raises(format('select howdah.claim(%L, 1, gen_random_uuid(), %L)', v.id, :'one'), v.code,
                'framework_id',
                v.id, v.what, 'fw_a')
from (values (null, 'field_missing', 'no framework is refused'),
             ('00000000-0000-0000-0000-00000000dead', 'framework_unknown',
              'an unknown framework is refused'),
             (:'other', 'not_permitted', 'another login''s framework is refused')) as v (id, code,
                     what);
select alike(t.problem('select howdah.claim(null, 1, gen_random_uuid(), ''[{'')',
                       'fw_a') ->> 'sqlstate', '22P02',
             'broken JSON does not get as far as the claim');
select alike(t.problem('select howdah.claim(null, 1, gen_random_uuid(), ''[{"name": NaN}]'')',
                       'fw_a') ->> 'sqlstate',
             '22P02', 'a bare NaN is broken JSON');
select t.raises(format('select howdah.claim(%L, 1, gen_random_uuid(), %L, revocable => null)',
                       :'fw', :'one'),
                'value_invalid', 'revocable', null, 'neither revocable nor not is refused', 'fw_a');
select t.raises(format('select howdah.claim(%L, 1, gen_random_uuid(), %L, dry_run => null)', :'fw',
                       :'one'),
                'value_invalid', 'dry_run', null, 'neither dry nor not is refused', 'fw_a');

-- Isolation: only in read committed does a claim see what the one before it committed.
begin isolation level repeatable read;
select t.raises(format('select howdah.claim(%L, 1, gen_random_uuid(), %L)', :'fw', :'one'),
                'isolation_level',
                'transaction_isolation', 'repeatable read',
                'a repeatable read transaction is refused', 'fw_a');
rollback;
begin isolation level serializable;
select t.raises(format('select howdah.claim(%L, 1, gen_random_uuid(), %L)', :'fw', :'one'),
                'isolation_level',
                'transaction_isolation', 'serializable', 'a serializable transaction is refused',
                'fw_a');
rollback;
begin read only;
select is(t.problem(format('select howdah.claim(%L, 1, gen_random_uuid(), %L)', :'fw', :'one'),
                    'fw_a') ->> 'sqlstate',
          '25006', 'a read-only transaction is refused by PostgreSQL');
rollback;
select is((select count(*) from howdah_private.claim), 0::bigint,
          'no call that was refused left a claim behind');

-- An operator may claim for a framework; its own login is not asked for then.
select is(t.as_login('op',
                     format('select committed from howdah.claim(%L, 1, gen_random_uuid(), %L)',
                            :'fw',
                                  jsonb_build_array(t.spec('by operator', :'ag')))), 'true',
          'an operator may claim for a framework');

-- --- what a committed claim leaves behind --------------------------------------------------------

\set key 00000000-0000-0000-0000-00000000000a
select t.books(:'ag') as books, version from howdah_private.agent_pool where agent_id = :'ag' \gset
select is(t.rows(format($$ select ordinal, name, agent_id, committed, reason, resource, wanted,
                        free, message, replayed
                           from t.claim(%L, %L, key => %L) $$, :'fw',
                        jsonb_build_array(t.spec('kept', :'ag',
                                                 '{"cpus": 0.25, "mem": 100, "disk": 7}',
                                                 '{"kill_grace_s": 9}')), :'key')),
          format('(1,kept,%s,t,,,,,,f)', :'ag'),
          'the answer names the task, the agent and no reason');
select is(t.rows($$ select name, state, pool, revocable, cpus_milli, mem, disk, gpus, kill_grace_s,
                 reason,
                           started_at, terminal_at from howdah_private.task where name = 'kept' $$),
          '(kept,staging,*,f,250,100,7,0,9,,,)', 'the task is in staging with what it asked for');
select is((select spec from howdah_private.task where name = 'kept'),
          t.spec('kept', :'ag', '{"cpus": 0.25, "mem": 100, "disk": 7}', '{"kill_grace_s": 9}')
              - '{name,agent}'::text[],
          'the task keeps its spec as it was given, less name and place');
select is(t.books(:'ag'), :'books'::jsonb || '{"disk_allocated": 7}' || jsonb_build_object(
              'cpus_allocated', (:'books'::jsonb -> 'cpus_allocated')::integer + 250,
              'mem_allocated', (:'books'::jsonb -> 'mem_allocated')::integer + 100),
          'the books hold exactly that much more');
select is((select version from howdah_private.agent_pool where agent_id = :'ag'),
          (:version + 1)::bigint,
          'the agent''s version grows by one');
select is(t.rows(format($$ select mode, conflict, revocable, task_count, committed_count, refusals,
                                  cardinality(task_ids) from howdah_private.claim
                        where claim_key = %L $$, :'key')),
          '(all,fit,f,1,1,,1)', 'the claim is kept under its key');
select is((select task_ids[1] from howdah_private.claim where claim_key = :'key'),
          (select task_id from howdah_private.task where name = 'kept'),
          'and names the task that it made');

-- --- exactly once --------------------------------------------------------------------------------

create function t.keyed(framework uuid, key uuid, tasks jsonb, mode text default 'all',
                        conflict text default 'fit', revocable boolean default false)
returns text
language sql
as $$
    select string_agg(format('%s %s %s %s %s %s %s %s', c.ordinal, c.name, c.task_id, c.agent_id,
                             c.committed, c.reason, trim_scale(c.wanted) || '/'
                             || trim_scale(c.free),
                             c.message), E'\n' order by c.ordinal)
           || case when bool_and(c.replayed) then E'\nreplayed' else E'\nfirst' end
    from t.claim(framework, tasks, mode, conflict, revocable, false, key) c;
$$;
create temp table key_case (n integer, key uuid default gen_random_uuid(), tasks jsonb, mode text,
                            what text,
                            first text, before text);
insert into key_case (n, tasks, mode, what) values
    (1, jsonb_build_array(t.spec('k1', :'ag')), 'all', 'one plain task'),
    (2, jsonb_build_array(t.spec('k2', :'ag'), t.spec('k3', :'ag2'), t.spec('k4', :'ag')), 'all',
     'a gang'),
    (3, jsonb_build_array(t.spec('k5', :'ag2', '{"ports": 2}')), 'all', 'one with ports'),
    (4, jsonb_build_array(t.spec('k6', :'ag'), t.spec('k7', :'ag', '{"cpus": 99}')), 'any',
     'a half committed one'),
    (5, jsonb_build_array(t.spec('k8', :'ag', '{"cpus": 99}')), 'all', 'a refused one'),
    (6, jsonb_build_array(t.spec('k9', :'ag'), '{"name": 5}'::jsonb,
                          t.spec('k10', :'ag', '{"mem": 999999}')), 'all',
     'a refused gang with a malformed spec'),
    (7, jsonb_build_array(t.spec('k11', '00000000-0000-0000-0000-00000000dead')), 'all',
     'one on an unknown agent');
update key_case k set first = t.keyed(:'fw', k.key, k.tasks, k.mode);
update key_case k set before = t.digest();
select alike(k.first, '%first', format('%s: the first answer is no repetition', k.what))
from key_case k order by k.n;
select is(t.keyed(:'fw', k.key, k.tasks, k.mode), replace(k.first, E'\nfirst', E'\nreplayed'),
          format('%s: the same key gives the same answer again', k.what)) from key_case k
order by k.n;
select is(t.digest(), k.before, 'repeating them changed nothing') from key_case k where k.n = 1;
select t.raises(t.call(:'fw', format('epoch => 1, claim_key => %L, tasks => %L, mode => %L', k.key,
                                     jsonb_set(k.tasks, '{0,resources}', '{"cpus": 0.2}', true),
                                     k.mode)),
                'claim_key_reused', 'claim_key', k.key::text,
                format('%s: its key with another body is refused', k.what), 'fw_a')
from key_case k where k.n <> 6 order by k.n;
select t.raises(t.call(:'fw', format('epoch => 1, claim_key => %L, tasks => %L, %s', k.key, k.tasks,
                                     v.args)),
                'claim_key_reused', 'claim_key', k.key::text, v.what, 'fw_a')
from key_case k, (values ('mode => ''any''', 'a key with another mode is refused'),
                         ('conflict => ''version''', 'a key with another conflict rule is refused'),
                         ('revocable => true',
                          'a key with revocable switched is refused')) as v (args, what)
where k.n = 2;
select is(t.keyed(:'fw', k.key, jsonb_build_array(
              '{"command": {"shell": "true"}, "resources": {"mem": 32.0, "cpus": 0.10}}'::jsonb
              || jsonb_build_object('agent', :'ag', 'name', 'k1'))),
          replace(k.first, E'\nfirst', E'\nreplayed'),
          'the same body spelt another way is the same body') from key_case k where k.n = 1;
select t.raises(t.call(:'other', format('epoch => 1, claim_key => %L, tasks => %L', k.key,
                                        k.tasks)), 'claim_key_reused',
                'claim_key', k.key::text,
                'another framework cannot use the key, nor learn its answer', 'fw_b')
from key_case k where k.n = 1;
select t.report(task_id, 'running') is not null as done from howdah_private.task
where name = 'k1' \gset
select t.report(task_id, 'finished') is not null as done from howdah_private.task where name = 'k1'
and framework_id = :'fw' \gset
select is(t.keyed(:'fw', k.key, k.tasks, k.mode), replace(k.first, E'\nfirst', E'\nreplayed'),
          'the first answer is given even after the task has ended') from key_case k where k.n = 1;
select is((select count(*) from t.claim(:'fw', k.tasks, dry_run => true, key => k.key) c
           where c.replayed), 0::bigint,
          'a dry run takes no notice of the key') from key_case k where k.n = 1;
select is((select count(*) from howdah_private.task where name = 'k1' and framework_id = :'fw'),
          1::bigint,
          'however often it was asked, there is one task');

-- --- mode all, mode any --------------------------------------------------------------------------

select t.refused(:'fw', jsonb_build_array(t.spec('m1', :'ag'), t.spec('m2', :'ag', '{"cpus": 99}'),
                                          t.spec('m3', :'ag2')),
                 'gang_incomplete insufficient_resource gang_incomplete',
                 'fits, but another spec of the gang does not',
                 'mode all: one that does not fit stops all');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('m1', :'ag'),
                                             t.spec('m2', :'ag', '{"cpus": 99}'),
                                             t.spec('m3', :'ag2')),
                    'any'), 'committed insufficient_resource committed',
          'mode any: those that fit are committed');
select is((select count(*) from howdah_private.task where name in ('m1', 'm3')), 2::bigint,
          'and no others');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('m4', :'ag2', '{"mem": 800}'),
                                             t.spec('m5', :'ag2', '{"mem": 800}'),
                                             t.spec('m6', :'ag2', '{"mem": 32}')), 'any'),
          'committed insufficient_resource committed',
          'mode any: the earlier spec goes first, the smaller later one still fits');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('m7', :'ag', '{"cpus": 99}')), 'any'),
          'insufficient_resource',
          'mode any: nothing fits, nothing is committed');
select is(t.rows($$ select task_count, committed_count, jsonb_array_length(refusals)
                 from howdah_private.claim
                    order by created_at desc limit 1 $$), '(1,0,1)',
          'a claim that was refused whole is recorded, too');
select t.audit_clean('the books are right after all of it');

-- --- offers --------------------------------------------------------------------------------------

select t.as_login('op', 'select howdah.setting_set(''offer_refresh_s'', ''0'')');
select t.offers() is not null as made \gset
select t.offer(:'fw', :'ag') as offer, t.offer(:'other', :'ag') as foreign \gset
select is(t.reasons(:'fw', jsonb_build_array(t.spec_on('o1', :'offer'), t.spec_on('o2', :'offer'))),
          'committed committed',
          'several tasks of a claim may use one offer');
select is((select state::text from howdah_private.offer where offer_id = :'offer'), 'accepted',
          'the offer is accepted');
select is((select count(*) from howdah_private.task where name in ('o1', 'o2')
           and agent_id = :'ag'), 2::bigint,
          'the tasks are on the offer''s agent');
select t.refused(:'fw', jsonb_build_array(t.spec_on('o3', :'offer')), 'offer_used',
                 format('offer %s: offer used', :'offer'),
                 'an offer is used once');
select t.refused(:'fw', jsonb_build_array(t.spec_on('o3', :'foreign')), 'offer_foreign',
                 format('offer %s: offer foreign', :'foreign'),
                 'another framework''s offer is refused');
select t.refused(:'fw', jsonb_build_array(t.spec_on('o3', '00000000-0000-0000-0000-00000000dead')),
                 'offer_unknown',
                 'offer 00000000-%: offer unknown', 'an unknown offer is refused');
select t.offers() is not null as made \gset
select t.offer(:'fw', :'ag') as offer \gset
update howdah_private.offer set expires_at = clock_timestamp() - interval '1 ms'
where offer_id = :'offer';
select t.refused(:'fw', jsonb_build_array(t.spec_on('o3', :'offer')), 'offer_expired',
                 '%offer expired%',
                 'an offer whose time is over is refused even before the leader closes it');
select t.chore('offers_expire') is not null as expired \gset
select t.refused(:'fw', jsonb_build_array(t.spec_on('o3', :'offer')), 'offer_expired',
                 '%offer expired (offer_timeout)',
                 'an expired offer is refused with the reason');
select t.offers() is not null as made \gset
select t.offer(:'fw', :'ag') as offer \gset
select t.as_login('fw_a', format('select howdah.offer_decline(%L, 1, array[%L]::uuid[], 0)', :'fw',
                                 :'offer'));
select t.refused(:'fw', jsonb_build_array(t.spec_on('o3', :'offer')), 'offer_used', '%offer used%',
                 'a declined offer is refused');
select t.offers() is not null as made \gset
select t.offer(:'fw', :'ag') as offer \gset
select is(t.reasons(:'other', jsonb_build_array(t.spec('taken', :'ag', '{"cpus": 2.5}'))),
          'committed', 'somebody else takes most');
select t.chore('offers_expire') is not null as expired \gset
select t.refused(:'fw', jsonb_build_array(t.spec_on('o3', :'offer')), 'offer_rescinded',
                 '%offer rescinded (superseded)',
                 'a rescinded offer is refused with the reason');
select t.report(task_id, 'finished') is not null as done from howdah_private.task
where name = 'taken' \gset
select t.offers() is not null as made \gset
select t.offer(:'fw', :'ag') as offer, t.offer(:'fw', :'ag2') as offer2 \gset
select t.refused(:'fw', jsonb_build_array(t.spec_on('o3', :'offer'),
                                          t.spec_on('o4', :'offer2', '{"cpus": 99}')),
                 'gang_incomplete insufficient_resource', 'fits, but%',
                 'a gang over two offers stands or falls together');
select is((select string_agg(state::text, ' ') from howdah_private.offer
           where offer_id in (:'offer', :'offer2')),
          'outstanding outstanding', 'offers of a refused claim stay outstanding');
select is(t.reasons(:'fw', jsonb_build_array(t.spec_on('o3', :'offer'),
                                             t.spec_on('o4', :'offer2', '{"cpus": 99}')), 'any'),
          'committed insufficient_resource', 'in mode any the offer that fits is used');
select is((select string_agg(state::text, ' ' order by state) from howdah_private.offer
           where offer_id in (:'offer', :'offer2')),
          'outstanding accepted', 'and only that one is accepted');
select is(t.reasons(:'fw', jsonb_build_array(t.spec_on('o5', :'offer2'), t.spec('o6', :'ag'))),
          'committed committed',
          'offers and agents may be mixed in one claim');

-- What is offered is what was free then; what counts is what is free now.
select t.offers() is not null as made \gset
select t.offer(:'fw', :'ag2') as offer2 \gset
select is(t.reasons(:'other', jsonb_build_array(t.spec('first', :'ag2', '{"cpus": 0.1}'))),
          'committed', 'another one is quicker');
select is(t.reasons(:'fw', jsonb_build_array(t.spec_on('o7', :'offer2', '{"cpus": 0.1}'))),
          'committed',
          'rule fit: an offer of which a part was taken still takes what fits');

-- --- rule version --------------------------------------------------------------------------------

create function t.version_of(agent uuid)
returns bigint
language sql
as $$ select p.version from howdah_private.agent_pool p where p.agent_id = agent; $$;
create function t.versioned(name text, agent uuid, version bigint,
                            resources jsonb default '{"cpus": 0.01}')
returns jsonb
language sql
as $$ select t.spec(name, agent, resources, jsonb_build_object('version', version)); $$;

select is(t.reasons(:'fw', jsonb_build_array(t.versioned('v1', :'ag', t.version_of(:'ag'))), 'all',
                    'version'), 'committed',
          'rule version: an agent that has not changed takes the task');
select t.refused(:'fw', jsonb_build_array(t.versioned('v2', :'ag', t.version_of(:'ag') - 1)),
                 'agent_changed',
                 format('agent %s is at version %s, not %s', :'ag', t.version_of(:'ag'),
                        t.version_of(:'ag') - 1),
                 'rule version: an agent that has changed refuses', 'all', 'version');
select is(t.rows(format($$ select reason, resource, wanted, free
                        from t.claim(%L, %L, 'all', 'version', false, true) $$, :'fw',
                        jsonb_build_array(t.versioned('v2', :'ag', 3)))),
          format('(agent_changed,version,3,%s)', t.version_of(:'ag')),
          'rule version: the answer has both versions');
select t.refused(:'fw', jsonb_build_array(t.versioned('v2', :'ag', t.version_of(:'ag') + 1)),
                 'agent_changed', '%',
                 'rule version: a version that is not there yet is refused', 'all', 'version');
select is(t.reasons(:'fw', jsonb_build_array(t.versioned('v3', :'ag', 1))), 'committed',
          'rule fit: the version does not matter');
select t.refused(:'fw', jsonb_build_array(t.spec('v4', :'ag', '{"cpus": 0.01}')), 'agent_changed',
                 '%not null',
                 'rule version: a spec that says no version has not seen the agent', 'all',
                 'version');
select is(t.reasons(:'fw', jsonb_build_array(t.versioned('v5', :'ag', t.version_of(:'ag')),
                                             t.versioned('v6', :'ag', t.version_of(:'ag'))), 'all',
                    'version'),
          'committed committed', 'rule version: a gang does not stand in its own way');
select t.refused(:'fw', jsonb_build_array(t.versioned('v7', :'ag', t.version_of(:'ag')),
                                          t.versioned('v8', :'ag', 1)),
                 'gang_incomplete agent_changed', '%',
                 'rule version: one stale spec stops the gang', 'all', 'version');
select t.refused(:'fw', jsonb_build_array(t.versioned('v7', :'ag', t.version_of(:'ag')),
                                          t.spec('v8', :'ag', '{"cpus": 0.01}')),
                 'gang_incomplete agent_changed', '%',
                 'rule version: so does one without a version', 'all', 'version');
select is(t.reasons(:'fw', jsonb_build_array(t.versioned('v9', :'ag', t.version_of(:'ag')),
                                             t.versioned('v10', :'ag', 1)),
                    'any', 'version'), 'committed agent_changed',
          'rule version, mode any: the fresh one goes through');
select t.report(task_id, 'failed') is not null as done from howdah_private.task
where name = 'v9' \gset
select t.version_of(:'ag') as version \gset
select is(t.reasons(:'fw', jsonb_build_array(t.versioned('v9', :'ag', :version)), 'all', 'version'),
          'committed',
          'rule version: the end of a task is no change that could disappoint');
select t.as_login('fw_a', format('select howdah.offer_decline(%L, 1, array[%L]::uuid[], 0)', :'fw',
                                 t.offer(:'fw', :'ag')));
select t.offers() is not null as made \gset
select t.offer(:'fw', :'ag') as offer \gset
select is(t.reasons(:'fw', jsonb_build_array(t.spec_on('v11', :'offer', '{"cpus": 0.01}')), 'all',
                    'version'), 'committed',
          'rule version: an offer carries the version that was seen');
select t.as_login('fw_a', format('select howdah.offer_decline(%L, 1, array[%L]::uuid[], 0)', :'fw',
                                 t.offer(:'fw', :'ag')));
select t.offers() is not null as made \gset
select t.offer(:'fw', :'ag') as offer \gset
select is(t.reasons(:'other', jsonb_build_array(t.spec('w1', :'ag', '{"cpus": 0.01}'))),
          'committed', 'somebody else is quicker');
select t.refused(:'fw', jsonb_build_array(t.spec_on('v12', :'offer', '{"cpus": 0.01}')),
                 'agent_changed', '%',
                 'rule version: a stale offer is refused', 'all', 'version');

-- --- agents --------------------------------------------------------------------------------------

select t.refused(:'fw', jsonb_build_array(t.spec('a1', '00000000-0000-0000-0000-00000000dead')),
                 'agent_unknown',
                 'field "agent", value "00000000-%": expected the id of an agent',
                 'an unknown agent is refused');
select t.ag('agent-3') as ag3 \gset
select t.age_agent(:'ag3', '1 hour');
select t.as_login('op', 'select howdah.setting_set(''agent_timeout_s'', ''1'')');
select t.age_agent(:'ag3', '1 hour'), t.age_agent(:'ag', '-1 hour'), t.age_agent(:'ag2', '-1 hour');
select t.chore('agents_expire') is not null as done \gset
select t.refused(:'fw', jsonb_build_array(t.spec('a1', :'ag3')), 'agent_closed',
                 format('agent %s takes no claims now', :'ag3'),
                 'an unreachable agent is refused');
select t.refused(:'fw', jsonb_build_array(t.spec('a1', :'ag3'), t.spec('a2', :'ag')),
                 'agent_closed gang_incomplete', '%',
                 'an unreachable agent stops a gang');
select t.as_login('op', format('select howdah.agent_remove(%L)', :'ag3'));
select t.refused(:'fw', jsonb_build_array(t.spec('a1', :'ag3')), 'agent_closed', '%',
                 'an agent that is gone is refused');

-- --- revocable -----------------------------------------------------------------------------------

select t.ag('lender', '{"cpus": 2, "mem": 1000, "scalars": {"licences": 3}}') as lender \gset
select is(t.reasons(:'fw', jsonb_build_array(t.spec('r1', :'lender', '{"cpus": 1.5, "mem": 100}')),
                    revocable => true), 'committed',
          'a revocable claim is committed');
select is(t.books(:'lender'), '{"cpus_revocable": 1500, "mem_revocable": 100}',
          'its resources stand in the revocable books');
select is((select revocable from howdah_private.task where name = 'r1'), true,
          'the task says that it is revocable');
select t.refused(:'fw', jsonb_build_array(t.spec('r2', :'lender', '{"cpus": 1}')),
                 'insufficient_resource',
                 'agent %: wanted 1 cpus, free 0.5', 'what is lent is not free');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('r3', :'lender', '{"cpus": 0.2}'),
                                             t.spec('r4', :'lender', '{"cpus": 0.2}')),
                    revocable => true), 'committed committed', 'a revocable gang is committed');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('r5', :'lender',
                                                    '{"scalars": {"licences": 2}}')),
                    revocable => true), 'committed',
          'named amounts can be revocable');
select is(t.books(:'lender'),
          '{"cpus_revocable": 1900, "mem_revocable": 100, "scalars_revocable": {"licences": 2}}',
          'they stand in the revocable books, too');
select t.refused(:'fw', jsonb_build_array(t.spec('r6', :'lender', '{"scalars": {"licences": 2}}')),
                 'insufficient_resource',
                 'agent %: wanted 2 licences, free 1', 'lent named amounts are not free');
select t.report(task_id, 'finished') is not null as done from howdah_private.task
where name in ('r1', 'r3', 'r4', 'r5');
select is(t.books(:'lender'), '{}', 'the end of revocable tasks empties the revocable books');

-- --- dry runs ------------------------------------------------------------------------------------

select t.digest() as before \gset
select is(t.rows(format($$ select committed, task_id, agent_id, replayed
                        from t.claim(%L, %L, dry_run => true) $$, :'fw',
                        jsonb_build_array(t.spec('d1', :'ag', '{"cpus": 0.01}')))),
          format('(t,,%s,f)', :'ag'),
          'a dry run says yes and has no task');
select is(t.digest(), :'before', 'a dry run changes nothing');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('d1', :'lender', '{"cpus": 1.5}'),
                                             t.spec('d2', :'lender', '{"cpus": 1.5}')), 'any',
                    dry_run => true), 'committed insufficient_resource',
          'a dry run deals resources out as a claim would');
select is(t.digest(), :'before', 'a dry run of mode any changes nothing either');
select is((select count(*) from t.claim(:'fw',
                                        jsonb_build_array(t.spec('d1', :'ag2', '{"ports": 1}')),
                                        dry_run => true)
           where committed), 1::bigint, 'a dry run with ports says yes');
select is(t.digest(), :'before', 'no port was taken');

-- --- the caller's transaction --------------------------------------------------------------------

create table public.work (id integer, task_id uuid);
grant all on public.work to fw_a;
begin;
select t.digest() as before \gset
insert into public.work select 1, task_id
from t.claim(:'fw', jsonb_build_array(t.spec('tx1', :'ag', '{"cpus": 0.01}')));
insert into public.work select 2, task_id
from t.claim(:'fw', jsonb_build_array(t.spec('tx2', :'ag', '{"cpus": 0.01}'),
                                                                               t.spec('tx3', :'ag2',
                                                                                      '{"cpus": 0.01}')));
select is((select count(*) from public.work w join howdah_private.task k using (task_id)),
          3::bigint,
          'claims join the caller''s own tables in one transaction');
select t.audit_clean('inside the transaction the books are right');
rollback;
select is(t.digest(), :'before', 'rolled back, nothing is left of them');
select is((select count(*) from public.work), 0::bigint, 'nor of the caller''s own rows');
begin;
insert into public.work select 1, task_id
from t.claim(:'fw', jsonb_build_array(t.spec('tx1', :'ag', '{"cpus": 0.01}')));
savepoint s;
insert into public.work select 2, task_id
from t.claim(:'fw', jsonb_build_array(t.spec('tx2', :'ag', '{"cpus": 0.01}')));
rollback to s;
insert into public.work select 3, task_id
from t.claim(:'fw', jsonb_build_array(t.spec('tx2', :'ag', '{"cpus": 0.01}')));
commit;
select is((select string_agg(w.id::text, ' ' order by w.id) from public.work w
           join howdah_private.task k using (task_id)), '1 3',
          'a claim that was rolled back to a savepoint frees its name and its resources');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('tx1', :'ag'))), 'name_in_use',
          'a committed one holds its name');
begin;
select is(t.reasons(:'fw', jsonb_build_array(t.spec('tx9', :'lender', '{"cpus": 2}'))), 'committed',
          'a transaction takes all cpus');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('tx10', :'lender', '{"cpus": 0.001}'))),
          'insufficient_resource',
          'the same transaction finds none left');
rollback;
select t.audit_clean('the books are right after transactions that ended both ways');

-- --- the differential test -----------------------------------------------------------------------

select t.ag('rich-1',
            '{"cpus": 40, "mem": 20000, "disk": 90000, "gpus": 4, "ports": [[31000, 31009]],
                        "scalars": {"licences": 9}, "sets": {"gpu": ["0", "1", "2"]}}') is not null as made \gset
select t.ag('rich-2',
            '{"cpus": 30, "mem": 9000, "disk": 500, "gpus": 1, "ports": [[31000, 31005], [40000, 40001]],
                        "scalars": {"licences": 4}, "sets": {"gpu": ["1", "7"], "nil": []}}') is not null as made \gset
\ir lib/claim_random.psql

select * from finish();
