-- SPDX-License-Identifier: PostgreSQL
-- Roles as a tree, told by their names: the parent of eng/ads is eng. The parent is computed from the
-- name, so it is always shorter (no cycles), and it must exist (no orphans). Guarantees and limits.

set local role howdah_owner;

-- A cell may have roles with slashes in their names from when those meant nothing.
do $$
declare
    v_parent text;
begin
    loop
        insert into howdah_private.role (name)
        select distinct substring(r.name from '^(.+)/') from howdah_private.role r
        where substring(r.name from '^(.+)/') is not null
        on conflict do nothing;
        exit when not found;
    end loop;
exception when check_violation then
    select substring(r.name from '^(.+)/') into v_parent from howdah_private.role r
    where substring(r.name from '^(.+)/') <> btrim(substring(r.name from '^(.+)/')) limit 1;
    raise 'a role has the parent "%", which is no good name; delete that role and make it anew',
        v_parent;
end
$$;

alter table howdah_private.role
    add column parent text generated always as (substring(name from '^(.+)/')) stored
        references howdah_private.role (name);

-- One row for each role and resource kind: cpus, mem, disk, gpus, ports, scalars.NAME, sets.NAME.
-- Amounts are in the interface's units (cpus, MiB); ports and sets count.
create table howdah_private.quota (
    role text not null references howdah_private.role (name) on delete cascade,
    resource text not null,
    guarantee numeric check (guarantee >= 0),
    at_most numeric check (at_most >= 0),
    primary key (role, resource),
    check (num_nonnulls(guarantee, at_most) > 0),
    constraint quota_guarantee_within_limit check (guarantee <= at_most)
);
comment on column howdah_private.quota.guarantee is 'what the role and all below it can count on';
comment on column howdah_private.quota.at_most is 'what they may hold together';
