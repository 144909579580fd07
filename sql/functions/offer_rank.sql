-- SPDX-License-Identifier: PostgreSQL
-- Offer policies: functions offer_policy_NAME() that put the frameworks that want offers in order; the
-- setting offer_policy chooses one. docs/sharing.md says how to write another, and tests/policy has the
-- tests that each must pass.

create or replace function howdah_private.offer_policy_drf()
returns setof howdah_private.offer_rank
language sql stable
set jit = off
as $$
    /* Roles by what they hold of their fair share (share.sql), the least first; within a role the
       framework that holds least. */
    with share as materialized (
        select s.node, max(s.held / s.total) as held, max(s.fair / s.total) as fair
        from howdah_private.share_now() s
        group by s.node
    )
    select w.framework_id, w.role,
           case when s.fair > 0 then s.held / s.fair else 'Infinity'::double precision end,
           case when s.fair > 0 then s.fair else 1 end,
           howdah_private.dominant_share(h.cpus_milli, h.mem, h.disk, h.gpus, c)
    from howdah_private.framework_wanting w
    join howdah_private.framework_held h on h.framework_id = w.framework_id
    cross join howdah_private.cell_total c
    left join share o on o.node = w.role || '/.'
    left join share s on s.node = coalesce(o.node, w.role);
$$;
comment on function howdah_private.offer_policy_drf() is
    'offer policy: who has least of his fair share first';
revoke all on function howdah_private.offer_policy_drf() from public;

create or replace function howdah_private.offer_policy_strict_priority()
returns setof howdah_private.offer_rank
language sql stable
set jit = off
as $$
    /* Roles in order of their weights, the heaviest first, on each level of the tree; within a role
       the framework that holds least. */
    select w.framework_id, w.role,
           rank() over (order by (
               select array_agg(-r.weight order by length(r.name))
               from howdah_private.role_ancestor p
               join howdah_private.role r on r.name = p.ancestor
               where p.role = w.role))::double precision, 'Infinity'::double precision,
           howdah_private.dominant_share(h.cpus_milli, h.mem, h.disk, h.gpus, c)
    from howdah_private.framework_wanting w
    join howdah_private.framework_held h on h.framework_id = w.framework_id
    cross join howdah_private.cell_total c;
$$;
comment on function howdah_private.offer_policy_strict_priority() is
    'offer policy: the roles with the largest weight first';
revoke all on function howdah_private.offer_policy_strict_priority() from public;

create or replace function howdah_private.offer_policy_first_come()
returns setof howdah_private.offer_rank
language sql stable
as $$
    /* Frameworks in order of their registration. */
    select w.framework_id, w.framework_id::text,
           rank() over (order by f.registered_at, f.framework_id)::double precision,
           'Infinity'::double precision, 0.0::double precision
    from howdah_private.framework_wanting w
    join howdah_private.framework f on f.framework_id = w.framework_id;
$$;
comment on function howdah_private.offer_policy_first_come() is
    'offer policy: who registered first first';
revoke all on function howdah_private.offer_policy_first_come() from public;

create or replace function howdah_private.offer_ranks(policy text)
returns setof howdah_private.offer_rank
language plpgsql
as $$
/* What a policy says, of frameworks that want offers; raises if it makes no sense. */
declare
    v_ranks howdah_private.offer_rank[];
    v_bad text;
begin
    execute format('select array(select r from howdah_private.%I() r)', 'offer_policy_' || policy)
    into v_ranks;
    select format('framework %s, group "%s", level %s, size %s, own level %s', r.framework_id,
                  r.share_group, r.group_level, r.group_size, r.own_level) into v_bad
    from unnest(v_ranks) r
    where r.framework_id is null or r.share_group is null or r.group_level is null
       or r.group_size is null or r.own_level is null
       or 'NaN' in (r.group_level, r.group_size, r.own_level) or r.group_size <= 0
    limit 1;
    if found then
        raise 'offer policy %: expected numbers that can be ordered and a size above 0, got %',
            policy, v_bad;
    end if;
    select r.framework_id into v_bad from unnest(v_ranks) r
    group by r.framework_id having count(*) > 1 limit 1;
    if found then
        raise 'offer policy %: framework % is ranked twice', policy, v_bad;
    end if;
    select r.framework_id into v_bad from unnest(v_ranks) r
    where not exists (select 1 from howdah_private.framework f
                      where f.framework_id = r.framework_id)
    limit 1;
    if found then
        raise 'offer policy %: there is no framework %', policy, v_bad;
    end if;
    select r.share_group into v_bad from unnest(v_ranks) r
    group by r.share_group
    having min(r.group_level) <> max(r.group_level) or min(r.group_size) <> max(r.group_size)
    limit 1;
    if found then
        raise 'offer policy %: group "%" has two levels or sizes', policy, v_bad;
    end if;
    return query
    select r.* from unnest(v_ranks) r
    where exists (select 1 from howdah_private.framework_wanting w
                  where w.framework_id = r.framework_id);
end
$$;
comment on function howdah_private.offer_ranks(text) is 'what a policy says; raises if it is nonsense';
revoke all on function howdah_private.offer_ranks(text) from public;

create or replace function howdah_private.policy_report(kind text, policy text, problem text)
returns void
language plpgsql
as $$
/* Note whether a policy worked (problem null). Every fault is counted; an event, and a line in the
   server's log, tell when it begins, changes and ends. */
declare
    v_before howdah_private.policy_fault;
begin
    select p.* into v_before from howdah_private.policy_fault p
    where p.kind = policy_report.kind;
    if v_before.message is null and policy_report.problem is null then
        return;
    end if;
    update howdah_private.policy_fault p
    set faults = p.faults + (policy_report.problem is not null)::integer,
        policy = policy_report.policy, message = policy_report.problem, at = clock_timestamp()
    where p.kind = policy_report.kind;
    if v_before.message is not distinct from policy_report.problem then
        return;
    end if;
    perform howdah_private.event_add(
        'policy', c.cell_id, case when v_before.message is null then 'working' else 'failing' end,
        case when policy_report.problem is null then 'working' else 'failing' end, 'coordinator',
        case when policy_report.problem is null then 'policy_works' else 'policy_failed' end,
        policy_report.kind || ' ' || policy_report.policy, policy_report.problem)
    from howdah_private.cell c;
    if policy_report.problem is not null then
        raise warning '% policy % fails, its turns are skipped: %', policy_report.kind,
            policy_report.policy, policy_report.problem;
    end if;
end
$$;
comment on function howdah_private.policy_report(text, text, text) is
    'note whether a policy worked';
revoke all on function howdah_private.policy_report(text, text, text) from public;
