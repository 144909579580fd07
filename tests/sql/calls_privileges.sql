-- SPDX-License-Identifier: PostgreSQL
-- Every public function called by every login. Who is not of a group that may call it is refused by
-- PostgreSQL; who may, and is not whose framework, agent or task it is, by the function; and a refusal
-- of either kind changes nothing. contract.sql reads the grants; this tries them.

\ir lib/open.psql
\ir lib/calls.psql

-- Who may call what, by the grants that contract.sql lists.
create temp table login (name text, grp name);
insert into login values
    ('fw_a', 'howdah_framework'), ('fw_b', 'howdah_framework'), ('ag_a', 'howdah_agent'),
    ('ag_b', 'howdah_agent'), ('co', 'howdah_coordinator'), ('op', 'howdah_operator'),
    ('obs', 'howdah_observer'), ('stranger', null);

create temp view granted as
select c.name, l.name as login,
       exists (select 1 from pg_proc p
               where p.pronamespace = 'howdah'::regnamespace and p.proname = c.name
                 and has_function_privilege(l.name, p.oid, 'execute')
                 and has_schema_privilege(l.name, 'howdah', 'usage')) as may
from (select name from call group by name) c cross join login l;

create function t.tried(query text, login text)
returns text
language plpgsql
as $$
/* The SQLSTATE of a call, "taken" if there is none; all of it is rolled back. */
declare
    v_got jsonb;
begin
    begin
        v_got := t.problem(query, login);
        raise exception using errcode = 'TT000';
    exception when sqlstate 'TT000' then
    end;
    return coalesce(v_got ->> 'sqlstate', 'taken');
end
$$;

select is(t.tried(t.call_text(g.name, null, null), g.login), '42501',
          format('%s may not call %s', g.login, g.name))
from granted g where not g.may
order by g.name, g.login;

select isnt(t.tried(t.call_text(g.name, null, null), g.login), '42501',
            format('%s may call %s', g.login, g.name))
from granted g where g.may
order by g.name, g.login;

-- Calls about framework :fw, agent :ag and task :task, which belong to fw_a and ag_a.
select is(t.tried(t.call_text(g.name, null, null), g.login),
          case when g.login in ('fw_a', 'ag_a', 'op') then 'taken'
               when g.name = 'why_pending' and g.login in ('co', 'obs') then 'taken' -- they see all
               else howdah_private.error_sqlstate('not_permitted') end,
          format('%s, who may call %s, %s', g.login, g.name,
                 case when g.login in ('fw_a', 'ag_a', 'op', 'co', 'obs') then 'may do so for this object'
                      else 'may not do so for what is another''s' end))
from granted g
where g.may
  and (exists (select 1 from call c where c.name = g.name and c.parameter = 'framework_id'
               and c.good <> 'null' and c.good not like 'gen\_random%')
       or g.name in ('agent_sync', 'log_request'))
order by g.name, g.login;

create function t.caught(query text)
returns text
language plpgsql
as $$
/* The SQLSTATE of a query, run as whoever runs this. */
begin
    execute caught.query;
    return 'taken';
exception when others then
    return sqlstate;
end
$$;

-- No argument lets a login act as another: the session's user counts, not the current role.
select is(t.tried(t.call_text(c.name, null, null), c.login), 'taken', format('%s by its owner', c.name))
from (values ('framework_heartbeat', 'fw_a'), ('agent_sync', 'ag_a')) as c (name, login);
grant fw_a to fw_b;
set session authorization fw_b;
set role fw_a;
select t.caught(format('select howdah.framework_heartbeat(%L, %s)', :'fw', :fw_epoch)) as state \gset
reset session authorization;
revoke fw_a from fw_b;
select is(:'state', howdah_private.error_sqlstate('not_permitted'),
          'a login that has set its role to the owner''s is still itself');

-- Views show each framework its own rows only.
select t.fw('other', 'default', 'fw_b') as other \gset
select t.task(:'other', :'ag', 'secret') as secret \gset
select t.offers() as made \gset
select is(t.as_login('fw_a', format('select count(*) from howdah.%I x where to_jsonb(x)::text like %L',
                                    v.name, '%' || :'other' || '%')), '0',
          format('a framework sees nothing of another in view %s', v.name))
from unnest('{tasks,claims,events,filters,offers,requests}'::text[]) as v (name) order by v.name;
select isnt(t.as_login(l.login, 'select count(*) from howdah.tasks'), '1',
            format('%s sees the tasks of all', l.login))
from unnest('{op,obs,co}'::text[]) as l (login);
select t.denied(format('select x from howdah.%I x', v.name), 'ag_a',
                format('an agent reads no view: %s', v.name))
from unnest('{agents,cell,claims,events,filters,frameworks,leader,offers,requests,roles,settings,tasks}'::text[])
     as v (name) order by v.name;

select t.audit_clean('and the books are right');
select * from finish();
