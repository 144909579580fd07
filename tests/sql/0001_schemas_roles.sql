-- SPDX-License-Identifier: PostgreSQL
-- Group roles and schemas: what they may do, and what they may not.

\ir lib/open.psql

-- A second cell on the same server finds the roles there: the migration must not mind.
create temp table first_migration (n integer generated always as identity, line text);
\copy first_migration (line) from 'sql/migrations/0001_schemas_roles.sql' with (format csv, delimiter E'\x01', quote E'\x02')
begin;
select lives_ok((select string_agg(line, E'\n' order by n) from first_migration),
                'the first migration runs again without an error');
rollback;

select has_role(r.role, format('%s is there', r.role))
from unnest('{howdah_owner,howdah_coordinator,howdah_agent,howdah_framework,howdah_operator,howdah_observer}'::name[]) as r (role);
select is_empty($$ select rolname from pg_roles where rolname like 'howdah\_%'
                   and (rolcanlogin or rolsuper or rolcreaterole or rolcreatedb or rolreplication
                        or rolbypassrls) $$,
                'no group role can log in or is anything special');
select is_empty($$ select m.member::regrole, m.roleid::regrole from pg_auth_members m
                   join pg_roles r on r.oid = m.member join pg_roles g on g.oid = m.roleid
                   where r.rolname like 'howdah\_%' and g.rolname like 'howdah\_%' $$,
                'no group role is a member of another');
select is_empty($$ select r.rolname from pg_roles r
                where r.rolname in ('fw_a', 'ag_a', 'co', 'op', 'obs', 'stranger')
                   and pg_has_role(r.rolname, 'howdah_owner', 'member') $$,
                'no login of a group is a member of the owner');
select schema_owner_is('howdah', 'howdah_owner', 'schema howdah belongs to the owner');
select schema_owner_is('howdah_private', 'howdah_owner',
                       'schema howdah_private belongs to the owner');
select is_empty($$ select 1 from pg_namespace n, aclexplode(n.nspacl) a
                where n.nspname like 'howdah%' and a.grantee = 0 $$,
                'PUBLIC has nothing in either schema');

select * from finish();
