-- SPDX-License-Identifier: PostgreSQL
-- Schemas and group roles. Schema howdah is the public interface (functions and views); schema
-- howdah_private holds the tables, which nobody but the owner may write. Every object belongs to
-- howdah_owner, which cannot log in; functions run as it (security definer).
--
-- Roles belong to the whole server, so a second cell on the same server finds them there already:
-- they are made only where they are missing.

do $$
declare
    v_role text;
begin
    foreach v_role in array array['howdah_owner', 'howdah_coordinator', 'howdah_agent',
                                  'howdah_framework', 'howdah_operator', 'howdah_observer']
    loop
        if not exists (select 1 from pg_roles where rolname = v_role) then
            execute format('create role %I nologin', v_role);
        end if;
    end loop;
    if not pg_has_role(current_user, 'howdah_owner', 'member') then
        execute format('grant howdah_owner to %I', current_user);
    end if;
    execute format('grant create on database %I to howdah_owner', current_database());
end
$$;

set local role howdah_owner;

create schema if not exists howdah;
create schema if not exists howdah_private;

comment on schema howdah is 'Howdah''s public interface: functions and views, stable and documented';
comment on schema howdah_private is 'Howdah''s tables; not an interface';

revoke all on schema howdah, howdah_private from public;
grant usage on schema howdah to howdah_coordinator, howdah_agent, howdah_framework, howdah_operator,
    howdah_observer;
