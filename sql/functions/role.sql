-- SPDX-License-Identifier: PostgreSQL
-- Sharing roles: who competes with what weight.

create or replace function howdah.role_set(name text, weight numeric default 1)
returns void
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Make a role or change its weight (a number above 0, default 1; twice the weight, twice the share).
   select howdah.role_set('ads', 2);
   Errors: value_invalid. Operators only. */
#variable_conflict use_column
begin
    if not coalesce(name_ok(role_set.name), false) or role_set.name = '*' then
        perform raise('value_invalid', 'role_set', 'name', role_set.name,
                      '1 to 255 characters without controls or blanks at the ends, not "*"');
    end if;
    if (role_set.weight > 0 and role_set.weight <= 1000000) is not true then
        perform raise('value_invalid', 'role_set', 'weight', role_set.weight::text,
                      'a number above 0 and at most 1000000');
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
/* Delete a role that no live framework uses; what completed frameworks had it becomes 'default'.
   Errors: role_unknown, role_in_use, value_invalid (role default). Operators only. */
begin
    if role_delete.name = 'default' then
        perform raise('value_invalid', 'role_delete', 'name', role_delete.name,
                      'a role other than default');
    end if;
    perform 1 from role r where r.name = role_delete.name for update;
    if not found then
        perform raise('role_unknown', 'role_delete', 'name', role_delete.name,
                      'the name of a role');
    end if;
    if exists (select 1 from framework f
               where f.role = role_delete.name and f.state <> 'completed') then
        perform raise('role_in_use', 'role_delete', 'name', role_delete.name,
                      'a role without live frameworks');
    end if;
    update framework f set role = 'default' where f.role = role_delete.name;
    delete from permission p where p.role = role_delete.name;
    delete from role r where r.name = role_delete.name;
end
$$;
comment on function howdah.role_delete(text) is 'delete a sharing role that nobody uses';
revoke all on function howdah.role_delete(text) from public;
grant execute on function howdah.role_delete(text) to howdah_operator;
