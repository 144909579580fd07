-- SPDX-License-Identifier: PostgreSQL
-- Permissions: which login may use which sharing role and which OS user.

\ir lib/open.psql

select t.as_login('op', 'select howdah.role_set(''ads'')');
select t.as_login('op', 'select howdah.role_set(''web'')');
select t.ag('agent-1') as ag \gset

create function t.register(login text, role text)
returns text
language sql
as $$
    select coalesce((t.problem(format('select howdah.framework_register(''x'', %L)', role),
                               login) ->> 'detail')
                    ::jsonb ->> 'code', 'registered');
$$;
create function t.permit(principal text, role text default null, os_user text default null)
returns jsonb
language sql
as $$ select t.problem(format('select howdah.principal_permit(%L, %L, %L)', principal, role,
                              os_user), 'op'); $$;
create function t.forbid(principal text, role text default null, os_user text default null)
returns text
language sql
as $$
    select x from t.as_login('op', format('select howdah.principal_forbid(%L, %L, %L)', principal,
                                          role,
                                          os_user)) x;
$$;

-- --- sharing roles -------------------------------------------------------------------------------

select is(t.register('fw_a', 'default'), 'registered',
          'every login may use role default on a fresh cell');
select is(t.register('fw_a', 'ads'), 'not_permitted', 'another role needs a permission');
select t.raises('select howdah.framework_register(''x'', ''ads'')', 'not_permitted', 'role', 'ads',
                'the refusal names the role', 'fw_a');
select is(t.permit('fw_a', 'ads'), null, 'an operator permits a role');
select is(t.register('fw_a', 'ads'), 'registered', 'with the permission the role can be used');
select is(t.register('fw_b', 'ads'), 'not_permitted', 'a permission is for one login only');
select is(t.register('fw_a', 'web'), 'not_permitted', 'a permission is for one role only');
select is(t.permit('fw_a', 'ads'), null, 'permitting twice is no error');
select is((select count(*) from howdah_private.permission where principal = 'fw_a'), 1::bigint,
          'permitting twice leaves one permission');
select is(t.permit('fw_b', '*'), null, 'all roles can be permitted at once');
select is(t.register('fw_b', 'web'), 'registered', 'the star stands for every role');
select is(t.permit('public', 'web'), null, 'a role can be permitted to everybody');
select is(t.register('fw_a', 'web'), 'registered',
          'what is permitted to public is permitted to each');
select is(t.forbid('public', 'web'), '1', 'taking a permission back says that there was one');
select is(t.register('fw_a', 'web'), 'not_permitted', 'a permission that was taken back is gone');
select is(t.forbid('public', 'web'), '0', 'taking it back twice says that there was none');
select is(t.forbid('public', 'default'), '1', 'even role default can be closed');
select is(t.register('fw_a', 'default'), 'not_permitted', 'a closed role default is closed');
select is(t.permit('public', 'default'), null, 'and opened again');
select is((select granted_by::text from howdah_private.permission where principal = 'fw_a'
           and role = 'ads'),
          'op', 'a permission keeps who gave it');

select t.fw('running', 'ads') as fw \gset
select is(t.forbid('fw_a', 'ads'), '1', 'a permission in use can be taken back');
select is(t.reasons(:'fw', jsonb_build_array(t.spec('still', :'ag'))), 'committed',
          'frameworks that are registered go on');
select is(t.register('fw_a', 'ads'), 'not_permitted', 'but no new one can register');
select t.raises(format('select howdah.framework_register(''running'', ''ads'', 60, %L)', :'fw'),
                'not_permitted', 'role', 'ads', 'nor can an old one fail over', 'fw_a');

-- --- OS users ------------------------------------------------------------------------------------

select t.fw('b', 'default') as fwu \gset
select t.refused(:'fwu', jsonb_build_array(t.spec('u1', :'ag', extra => '{"user": "alice"}')),
                 'not_permitted', 'field "user", value "alice": expected %',
                 'a task as an OS user needs a permission');
select is(t.permit('fw_a', null, 'alice'), null, 'an operator permits an OS user');
select is(t.reasons(:'fwu', jsonb_build_array(t.spec('u1', :'ag', extra => '{"user": "alice"}'))),
          'committed', 'with the permission the task is committed');
select t.refused(:'fwu', jsonb_build_array(t.spec('u2', :'ag', extra => '{"user": "root"}')),
                 'not_permitted', '%"root"%', 'a permission is for one OS user only');
select t.refused(:'fwu', jsonb_build_array(t.spec('u3', :'ag', extra => '{"user": "alice"}'),
                                           t.spec('u4', :'ag', extra => '{"user": "bob"}')),
                 'gang_incomplete not_permitted', 'fits, but another%',
                 'in a gang one forbidden OS user stops all');
select is(t.reasons(:'fwu', jsonb_build_array(t.spec('u3', :'ag', extra => '{"user": "alice"}'),
                                              t.spec('u4', :'ag', extra => '{"user": "bob"}')),
                    'any'),
          'committed not_permitted', 'in mode any the others go through');
select is(t.permit('fw_a', null, '*'), null, 'all OS users can be permitted at once');
select is(t.reasons(:'fwu', jsonb_build_array(t.spec('u5', :'ag', extra => '{"user": "bob"}'))),
          'committed', 'the star stands for every OS user');
select is(t.forbid('fw_a', null, '*'), '1', 'the star can be taken back');
select is(t.forbid('fw_a', null, 'alice'), '1', 'and each user');
select t.refused(:'fwu', jsonb_build_array(t.spec('u6', :'ag', extra => '{"user": "alice"}')),
                 'not_permitted', '%"alice"%', 'an OS user that was taken back cannot be used');
select is(t.state((select task_id from howdah_private.task where name = 'u1')), 'staging',
          'tasks that were committed before stay');
select is(t.permit('public', null, 'nobody'), null, 'an OS user can be permitted to everybody');
select is(t.reasons(t.fw('c', 'default', 'fw_b'),
                    jsonb_build_array(t.spec('n', :'ag', extra => '{"user": "nobody"}'))),
          'committed', 'what is permitted to public is permitted to each');

-- A role's permission is none for an OS user of the same name, and the other way round.
select is(t.permit('fw_b', null, 'ads'), null, 'an OS user may be called like a role');
select t.forbid('fw_b', '*');
select is(t.register('fw_b', 'ads'), 'not_permitted',
          'an OS user''s permission is none for a role');
select is(howdah_private.role_permitted('fw_b', null), false, 'no role is not a permitted role');
select is(howdah_private.os_user_permitted('fw_b', null), false,
          'no OS user is not a permitted OS user');

-- --- bad input -----------------------------------------------------------------------------------

select t.raises('select howdah.principal_permit(''fw_a'')', 'value_invalid', 'role', null,
                'neither role nor OS user is refused', 'op');
select t.raises('select howdah.principal_permit(''fw_a'', ''ads'', ''alice'')', 'value_invalid',
                'role', 'ads',
                'both role and OS user is refused', 'op');
select t.raises('select howdah.principal_permit(''fw_a'', ''nope'')', 'role_unknown', 'role',
                'nope',
                'an unknown role is refused', 'op');
select t.raises('select howdah.principal_permit(null, ''ads'')', 'value_invalid', 'principal', null,
                'no principal is refused', 'op');
select is(t.forbid('fw_a'), '0', 'forbidding nothing takes nothing back');
select is(t.forbid('no_such_login', 'ads'), '0', 'forbidding what was never permitted is no error');
select t.denied('select howdah.principal_permit(''fw_a'', ''ads'')', l.login,
                format('login %s gives no permissions', l.login))
from unnest('{fw_a,ag_a,co,obs}'::text[]) as l (login);
select t.denied('select howdah.principal_forbid(''fw_b'', ''ads'')', l.login,
                format('login %s takes no permissions', l.login))
from unnest('{fw_a,ag_a,co,obs}'::text[]) as l (login);
select t.audit_clean('the books are right');

select * from finish();
