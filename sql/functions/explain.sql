-- SPDX-License-Identifier: PostgreSQL
-- Why: a role's share in numbers and what bounds it; why a framework's requests wait.

create or replace function howdah.shares()
returns table (role text, held jsonb, wanted jsonb, entitled jsonb, fair jsonb,
               held_share double precision, entitled_share double precision,
               fair_share double precision)
language sql stable security definer
set search_path = howdah_private, pg_catalog, pg_temp
set jit = off
as $$
    /* A row for each role, with all roles below it: what is held and wanted beyond it, the
       entitlement and the fair share, as resources objects of the kinds that the cell has; and the
       largest part of any kind of the cell that is held or fair. entitled_share is the least part of
       any kind: as much of everything is the role's in any case. */
    select n.role, amounts_to_json(array_agg(n.resource), array_agg(round(n.held::numeric, 3))),
           amounts_to_json(array_agg(n.resource), array_agg(round(n.wanted::numeric, 3))),
           amounts_to_json(array_agg(n.resource), array_agg(round(n.entitled::numeric, 3))),
           amounts_to_json(array_agg(n.resource), array_agg(round(n.fair::numeric, 3))),
           max(n.held / n.total), min(n.entitled / n.total), max(n.fair / n.total)
    from share_now() n
    where n.node = n.role
    group by n.role
    order by string_to_array(n.role, '/') collate "C";
$$;
comment on function howdah.shares() is 'entitlement and fair share of each role';
revoke all on function howdah.shares() from public;
grant execute on function howdah.shares()
    to howdah_framework, howdah_operator, howdah_observer, howdah_coordinator;

create or replace function howdah.explain_share(role text)
returns table (resource text, total numeric, held numeric, wanted numeric, guarantee numeric,
               at_most numeric, entitled numeric, fair numeric, bound text)
language plpgsql stable security definer
set search_path = howdah_private, pg_catalog, pg_temp
set jit = off
as $$
/* A role's share, with all roles below it, a row for each kind of which the cell has some: what the
   cell has, what the role holds and wants beyond that, its guarantee, limit and entitlement, its fair
   share, and what keeps that from being more.
   Errors: role_unknown. */
#variable_conflict use_column
begin
    if not exists (select 1 from role r where r.name = explain_share.role) then
        perform raise('role_unknown', 'explain_share', 'role', explain_share.role,
                      'the name of a role');
    end if;
    return query
    with share as materialized (
        select s.* from share_now() s
    ), full_at as materialized (
        -- Limits and the cell itself that hold the role back, the nearest first.
        select s.resource, s.node,
               row_number() over (partition by s.resource order by length(s.node) desc) as rank
        from share s
        join role_ancestor p on p.role = explain_share.role and p.ancestor = s.node
        where s.fair >= coalesce(s.at_most, case when s.node = '' then s.total end) * 0.999999
    )
    select s.resource, round(s.total::numeric, 3), round(s.held::numeric, 3),
           round(s.wanted::numeric, 3), s.guarantee::numeric, s.at_most::numeric,
           round(s.entitled::numeric, 3), round(s.fair::numeric, 3),
           case when s.held + s.wanted = 0 then 'nothing is wanted'
                when s.fair >= (s.held + s.wanted) * 0.999999 then 'all that is wanted'
                when f.node = '' then 'the cell''s is dealt out'
                when f.node is not null then 'limit of ' || f.node
                else 'what goes with it: ' || coalesce(
                    (select string_agg(o.resource, ', ' order by o.resource)
                     from full_at o
                     join share x on x.node = explain_share.role and x.resource = o.resource
                     where o.rank = 1 and x.held + x.wanted > 0), 'roles below it are bound') end
    from share s
    left join full_at f on f.resource = s.resource and f.rank = 1
    where s.node = explain_share.role
    order by array_position('{cpus,mem,disk,gpus}', s.resource), s.resource;
end
$$;
comment on function howdah.explain_share(text) is 'a role''s share and what bounds it';
revoke all on function howdah.explain_share(text) from public;
grant execute on function howdah.explain_share(text)
    to howdah_framework, howdah_operator, howdah_observer, howdah_coordinator;
