-- SPDX-License-Identifier: PostgreSQL
-- Sharing roles: made, weighed and deleted by operators.

\ir lib/open.psql

create function t.role_set(name text, weight text default '1')
returns jsonb
language sql
as $$ select t.problem(format('select howdah.role_set(%L, %L)', name, weight), 'op'); $$;

select results_eq('select name, weight from howdah.roles', $$ values ('default', 1::numeric) $$,
                  'a fresh cell has role default of weight one');
select is(t.role_set('ads'), null, 'an operator makes a role');
select is((select weight from howdah.roles where name = 'ads'), 1::numeric,
          'a role weighs one unless told');
select is(t.role_set('ads', '2.5'), null, 'setting a role again changes its weight');
select is((select weight from howdah.roles where name = 'ads'), 2.5, 'the weight is changed');
select is((select count(*) from howdah_private.role where name = 'ads'), 1::bigint,
          'there is still one of it');
select is((select to_state from howdah_private.event where cause = 'role_set' and reason = 'ads'
           order by event_id desc limit 1), '2.5', 'a change of weight is an event');
select is(t.role_set('default', '3'), null, 'role default can be weighed, too');
select is(t.role_set(v.name, v.weight), null, format('%s is good', v.what))
from (values ('tiny', '0.000001', 'a tiny weight'), ('huge', '1000000', 'a weight of a million'),
             ('with blank', '1', 'a name with a blank inside'),
      ('ünï-cödé-日本', '1', 'a name in any script'),
             (repeat('n', 255), '1', 'a name of 255 characters'),
      ('x''; drop table y', '1', 'a quote in a name'))
    as v (name, weight, what);

-- --- bad input -----------------------------------------------------------------------------------

select t.raises(format('select howdah.role_set(%L, 1)', v.name), 'value_invalid', 'name', v.shown,
                format('%s is refused', v.what), 'op')
from (values ('', '', 'an empty name'), (' x', ' x', 'a name with a blank in front'),
             ('x ', 'x ', 'a name with a blank behind'), (E'a\nb', 'a?b', 'a newline in a name'),
             (E'a\x1bb', 'a?b', 'an escape in a name'),
      ('*', '*', 'the star, which means every role,'), ('/x', '/x', 'a slash in front'),
             ('x/', 'x/', 'a slash behind'), ('a//b', 'a//b', 'an empty part'),
             ('a/.', 'a/.', 'a part that is a dot'), ('../a', '../a', 'a part of two dots'),
             ('a/*', 'a/*', 'a part that is a star'), ('a /b', 'a /b', 'a blank at a part''s end'),
             (repeat('n', 256), repeat('n', 200), 'a name of 256 characters')) as v (name, shown,
                     what);
select t.raises('select howdah.role_set(null, 1)', 'value_invalid', 'name', null,
                'no name is refused', 'op');
select t.raises(format('select howdah.role_set(''x'', %L)', v.weight), 'value_invalid', 'weight',
                v.weight,
                format('a weight of %s is refused', v.weight), 'op')
from (values ('0'), ('-1'), ('0.0000009'), ('1000000.5'), ('NaN'), ('Infinity'), ('-Infinity')) as v (weight);
select t.raises('select howdah.role_set(''x'', null)', 'value_invalid', 'weight', null,
                'no weight is refused', 'op');
select t.denied('select howdah.role_set(''x'', 1)', l.login,
                format('login %s makes no roles', l.login))
from unnest('{fw_a,ag_a,co,obs}'::text[]) as l (login);

-- --- the tree ------------------------------------------------------------------------------------

select t.raises('select howdah.role_set(''eng/ads'', 1)', 'role_unknown', 'parent', 'eng',
                'a role whose parent does not exist is refused', 'op');
select is(t.role_set('eng'), null, 'the parent is made first');
select is(t.role_set('eng/ads', '2'), null, 'then the child');
select is(t.role_set('eng/ads/ml', '3'), null, 'and a child of the child');
select results_eq($$ select name, parent, weight from howdah.roles where name like 'eng%' order by 1 $$,
                  $$ values ('eng', null, 1::numeric), ('eng/ads', 'eng', 2), ('eng/ads/ml', 'eng/ads', 3) $$,
                  'the view shows each one''s parent');
select is(t.role_set('..x'), null, 'dots within a part are no special name');
select t.raises('select howdah.role_delete(''eng/ads'')', 'role_in_use', 'name', 'eng/ads',
                'a role with children cannot be deleted', 'op');
select is(t.problem('select howdah.role_delete(''eng/ads/ml'')', 'op'), null,
          'one without children can');
select is(t.problem('select howdah.role_delete(''eng/ads'')', 'op'), null, 'and then its parent');
select is(t.problem('select howdah.role_delete(''eng'')', 'op'), null, 'up to the top');

-- --- deleting ------------------------------------------------------------------------------------

select is(t.problem('select howdah.role_delete(''tiny'')', 'op'), null,
          'an unused role can be deleted');
select is_empty($$ select 1 from howdah.roles where name = 'tiny' $$, 'a deleted role is gone');
select t.raises('select howdah.role_delete(''tiny'')', 'role_unknown', 'name', 'tiny',
                'deleting it twice is refused', 'op');
select t.raises('select howdah.role_delete(''default'')', 'value_invalid', 'name', 'default',
                'role default cannot be deleted', 'op');
select t.raises('select howdah.role_delete(null)', 'role_unknown', 'name', null,
                'deleting nothing is refused', 'op');
select t.denied('select howdah.role_delete(''ads'')', l.login,
                format('login %s deletes no roles', l.login))
from unnest('{fw_a,ag_a,co,obs}'::text[]) as l (login);

select t.as_login('op', 'select howdah.principal_permit(''fw_a'', ''ads'')');
select t.fw('user of ads', 'ads') as fw \gset
select t.raises('select howdah.role_delete(''ads'')', 'role_in_use', 'name', 'ads',
                'a role with a live framework cannot be deleted', 'op');
select t.age_framework(:'fw', '1 hour');
select t.as_login('op', 'select howdah.setting_set(''framework_heartbeat_s'', ''1'')');
select t.lead() is not null as led \gset
select is(t.chore('frameworks_expire'), 1, 'the framework falls silent');
select t.raises('select howdah.role_delete(''ads'')', 'role_in_use', 'name', 'ads',
                'a role with a disconnected framework cannot be deleted either', 'op');
select t.as_login('op', format('select howdah.framework_remove(%L)', :'fw'));
select is(t.problem('select howdah.role_delete(''ads'')', 'op'), null,
          'a role whose frameworks are all completed can be deleted');
select is((select role from howdah.frameworks where framework_id = :'fw'), 'default',
          'completed frameworks of it count as of role default');
select is_empty($$ select 1 from howdah_private.permission where role = 'ads' $$,
                'its permissions are deleted with it');
select is((t.problem('select howdah.framework_register(''x'', ''ads'')',
                     'fw_a') ->> 'detail')::jsonb ->> 'code',
          'role_unknown', 'nobody can register with it any more');

-- --- the view ------------------------------------------------------------------------------------

select t.fw('one') as fw1 \gset
select t.fw('two', 'default', 'fw_b') as fw2 \gset
select t.ag('agent-1') as ag \gset
select t.task(:'fw1', :'ag', 'x', '{"cpus": 1, "mem": 512}') is not null as done \gset
select t.task(:'fw2', :'ag', 'y',
              '{"cpus": 0.5, "mem": 1024, "disk": 10}') is not null as done \gset
select results_eq($$ select framework_count, task_count, cpus, mem, disk, gpus from howdah.roles
                  where name = 'default' $$,
                  $$ values (2::bigint, 2::bigint, 1.5, 1536::bigint, 10::bigint, 0::bigint) $$,
                  'the view sums up what a role''s live frameworks hold');
select is((select round(weighted_share::numeric, 6) from howdah.roles where name = 'default'),
          round(1.5 / 4 / 3, 6), 'its weighted share is the dominant share divided by the weight');

select * from finish();
