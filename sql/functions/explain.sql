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

create or replace function howdah.why_pending(framework_id uuid, max_requests integer default 20)
returns table (request integer, count integer, resources jsonb, constraints jsonb, test text,
               failing bigint, only_this bigint, agents bigint, wanted numeric, best numeric)
language plpgsql stable security definer
set search_path = howdah_private, pg_catalog, pg_temp
set jit = off
as $$
/* Why what a framework says it needs is not there: for each of its requests a row for each test that
   an agent must pass (open: takes claims; agents, attributes.NAME: the constraints; the kinds of
   resources; filters, if any keep an agent from being offered: the framework's own, refusals and named
   ones), with how many agents fail it, how many fail nothing else, and of how many; what one of
   the request wants, and the most that is free on an agent. The last row, fits, says how many agents
   do not pass all (failing), and how often the request would fit now (best).

   select * from howdah.why_pending(:id);

   Own frameworks; operators and observers, any. Errors: framework_unknown, not_permitted,
   value_invalid. */
#variable_conflict use_column
declare
    v_principal name;
begin
    select f.principal into v_principal from framework f
    where f.framework_id = why_pending.framework_id;
    if not found then
        perform raise('framework_unknown', 'why_pending', 'framework_id',
                      why_pending.framework_id::text, 'the id of a registered framework');
    elsif v_principal <> session_user and not sees_all() then
        perform raise('not_permitted', 'why_pending', 'framework_id',
                      why_pending.framework_id::text,
                      'a framework that ' || quote_ident(session_user) || ' registered');
    elsif (why_pending.max_requests >= 1) is not true then
        perform raise('value_invalid', 'why_pending', 'max_requests',
                      why_pending.max_requests::text, 'a number from 1');
    end if;
    return query
    with asked as materialized (
        select r.n, r.count, r.resources, r.constraints
        from request r
        where r.framework_id = why_pending.framework_id
        order by r.n limit why_pending.max_requests
    ), barred as materialized (
        select b.agent_id from filter_barred(why_pending.framework_id) b
        union
        select x.agent_id
        from filter x
        join pool_offerable p on p.agent_id = x.agent_id
        where x.framework_id = why_pending.framework_id and x.until > clock_timestamp()
          and x.cpus_milli >= p.cpus_milli and x.mem >= p.mem and x.disk >= p.disk
          and x.gpus >= p.gpus
    ), tested as materialized (
        select q.n, t.rank, t.test, t.wanted, t.agent_id, t.free, t.passed
        from asked q
        cross join lateral agent_tests(q.constraints, q.resources) t
        union all
        select q.n, 98, 'filters', null, g.agent_id, null,
               not exists (select 1 from barred b where b.agent_id = g.agent_id)
        from asked q
        cross join agent_free g
        where exists (select 1 from barred)
    ), agent_result as materialized (
        select t.n, t.agent_id, count(*) filter (where not t.passed) as fails,
               min(floor(t.free / t.wanted)) as copies
        from tested t
        group by t.n, t.agent_id
    ), line as (
        select t.n, t.rank, t.test, count(*) filter (where not t.passed) as failing,
               count(*) filter (where not t.passed and r.fails = 1) as only_this,
               count(*) as agents, max(t.wanted) as wanted, max(t.free) as best
        from tested t
        join agent_result r on r.n = t.n and r.agent_id = t.agent_id
        group by t.n, t.rank, t.test
        union all
        select q.n, 99, 'fits', count(r.agent_id) filter (where r.fails > 0), null,
               count(r.agent_id), q.count,
               coalesce(sum(r.copies) filter (where r.fails = 0), 0)
        from asked q
        left join agent_result r on r.n = q.n
        group by q.n, q.count
    )
    select q.n, q.count, q.resources, q.constraints, l.test, l.failing, l.only_this, l.agents,
           l.wanted, l.best
    from line l
    join asked q on q.n = l.n
    order by q.n, l.rank, l.test;
end
$$;
comment on function howdah.why_pending(uuid, integer) is
    'why what a framework needs is not there, agent by agent in numbers';
revoke all on function howdah.why_pending(uuid, integer) from public;
grant execute on function howdah.why_pending(uuid, integer)
    to howdah_framework, howdah_operator, howdah_observer, howdah_coordinator;
