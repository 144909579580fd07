-- SPDX-License-Identifier: PostgreSQL
-- Which principal (database login) may use which sharing role and which OS user.

create or replace function howdah_private.os_user_permitted(principal name, os_user text)
returns boolean
language sql stable
as $$
    select exists (select 1 from howdah_private.permission p
                   where p.principal in (os_user_permitted.principal, 'public')
                     and p.os_user in (os_user_permitted.os_user, '*'));
$$;
comment on function howdah_private.os_user_permitted(name, text) is
    'may this principal run tasks as this OS user?';
revoke all on function howdah_private.os_user_permitted(name, text) from public;

create or replace function howdah_private.role_permitted(principal name, role text)
returns boolean
language sql stable
as $$
    select exists (select 1 from howdah_private.permission p
                   where p.principal in (role_permitted.principal, 'public')
                     and p.role in (role_permitted.role, '*'));
$$;
comment on function howdah_private.role_permitted(name, text) is
    'may this principal register frameworks in this role?';
revoke all on function howdah_private.role_permitted(name, text) from public;

create or replace function howdah.principal_permit(
    principal name, role text default null, os_user text default null)
returns void
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Let a database login use a sharing role, or run tasks as an OS user ('*' = any; principal
   'public' = every login). Doing it twice is no error.
   select howdah.principal_permit('ads_team', role => 'ads');
   Errors: value_invalid, role_unknown. Operators only. */
begin
    if coalesce(principal_permit.principal, '') = '' then
        perform raise('value_invalid', 'principal_permit', 'principal', principal_permit.principal,
                      'the name of a login, or "public"');
    elsif num_nonnulls(principal_permit.role, principal_permit.os_user) <> 1 then
        perform raise('value_invalid', 'principal_permit', 'role',
                      principal_permit.role, 'exactly one of role and os_user');
    end if;
    if principal_permit.role <> '*'
       and not exists (select 1 from role r where r.name = principal_permit.role) then
        perform raise('role_unknown', 'principal_permit', 'role', principal_permit.role,
                      'the name of a role');
    end if;
    insert into permission (principal, role, os_user)
    values (principal_permit.principal, principal_permit.role, principal_permit.os_user)
    on conflict do nothing;
end
$$;
comment on function howdah.principal_permit(name, text, text) is
    'let a login use a sharing role or an OS user';
revoke all on function howdah.principal_permit(name, text, text) from public;
grant execute on function howdah.principal_permit(name, text, text) to howdah_operator;

create or replace function howdah.principal_forbid(
    principal name, role text default null, os_user text default null)
returns integer
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Take a permission back; returns how many there were (0 or 1). Running tasks are not touched.
   Operators only. */
declare
    v_count integer;
begin
    delete from permission p
    where p.principal = principal_forbid.principal
      and p.role is not distinct from principal_forbid.role
      and p.os_user is not distinct from principal_forbid.os_user;
    get diagnostics v_count = row_count;
    return v_count;
end
$$;
comment on function howdah.principal_forbid(name, text, text) is 'take a permission back';
revoke all on function howdah.principal_forbid(name, text, text) from public;
grant execute on function howdah.principal_forbid(name, text, text) to howdah_operator;
