-- SPDX-License-Identifier: PostgreSQL
-- Sharing roles: who competes with what weight. They form a tree by their names: eng/ads is a child of
-- eng. Weights count among siblings.

create or replace function howdah_private.role_name_ok(name text)
returns boolean
language sql immutable parallel safe
as $$
    select howdah_private.name_ok(role_name_ok.name)
       and role_name_ok.name !~ '(^|/)(\.{0,2}|\*)(/|$)' and role_name_ok.name !~ '\s/|/\s';
$$;
comment on function howdah_private.role_name_ok(text) is
    'the name of a role: parts between slashes, none of them empty, ".", ".." or "*"';
revoke all on function howdah_private.role_name_ok(text) from public;

create or replace function howdah.role_set(name text, weight numeric default 1)
returns void
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Make a role or change its weight (0.000001 to 1000000, default 1; twice the weight, twice the share of
   what its parent has). The role eng/ads is a child of the role eng, which must exist.
   select howdah.role_set('ads', 2);
   Errors: value_invalid, role_unknown (no such parent). Operators only. */
#variable_conflict use_column
declare
    v_parent text := substring(role_set.name from '^(.+)/');
begin
    if not coalesce(role_name_ok(role_set.name), false) then
        perform raise('value_invalid', 'role_set', 'name', role_set.name,
                      '1 to 255 characters without controls; parts between slashes that are not '
                      'empty, ".", ".." or "*" and have no blanks at their ends');
    end if;
    if (role_set.weight >= 0.000001 and role_set.weight <= 1000000) is not true then
        perform raise('value_invalid', 'role_set', 'weight', role_set.weight::text,
                      'a number from 0.000001 to 1000000');
    end if;
    perform 1 from role r where r.name = v_parent for key share;
    if v_parent is not null and not found then
        perform raise('role_unknown', 'role_set', 'parent', v_parent,
                      'the name of a role: make that one first');
    end if;
    insert into role (name, weight) values (role_set.name, role_set.weight)
    on conflict (name) do update set weight = excluded.weight;
    perform event_add('role', c.cell_id, null, role_set.weight::text, 'operator', 'role_set',
                      role_set.name)
    from cell c;
end
$$;
comment on function howdah.role_set(text, numeric) is 'make a sharing role or change its weight';
revoke all on function howdah.role_set(text, numeric) from public;
grant execute on function howdah.role_set(text, numeric) to howdah_operator;

create or replace function howdah.role_delete(name text)
returns void
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Delete a role that no live framework uses and that has no children, with its guarantees and limits;
   what completed frameworks had it becomes 'default'.
   Errors: role_unknown, role_in_use, value_invalid (role default). Operators only. */
begin
    if role_delete.name = 'default' then
        perform raise('value_invalid', 'role_delete', 'name', role_delete.name,
                      'a role other than default');
    end if;
    lock table quota in row exclusive mode; -- before the role, as quota_set does
    perform 1 from role r where r.name = role_delete.name for update;
    if not found then
        perform raise('role_unknown', 'role_delete', 'name', role_delete.name,
                      'the name of a role');
    end if;
    if exists (select 1 from framework f
               where f.role = role_delete.name and f.state <> 'completed') then
        perform raise('role_in_use', 'role_delete', 'name', role_delete.name,
                      'a role without live frameworks');
    elsif exists (select 1 from role r where r.parent = role_delete.name) then
        perform raise('role_in_use', 'role_delete', 'name', role_delete.name,
                      'a role without children');
    end if;
    update framework f set role = 'default' where f.role = role_delete.name;
    delete from permission p where p.role = role_delete.name;
    delete from role r where r.name = role_delete.name;
end
$$;
comment on function howdah.role_delete(text) is 'delete a sharing role that nobody uses';
revoke all on function howdah.role_delete(text) from public;
grant execute on function howdah.role_delete(text) to howdah_operator;
