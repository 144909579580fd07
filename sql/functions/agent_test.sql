-- SPDX-License-Identifier: PostgreSQL
-- Each test that an agent must pass, for each agent: why_pending counts them, placing goes by them.

create or replace function howdah_private.agent_tests(constraints jsonb, resources jsonb)
returns table (rank integer, test text, wanted numeric, agent_id uuid, free numeric, passed boolean)
language sql stable
as $$
    /* open: takes claims; agents, attributes.NAME: the constraints; each kind of resources, with how much
       is wanted and free. */
    with there as materialized (
        select g as agent, g.agent_id, g.attributes, g.open from howdah_private.agent_free g
    )
    select 10, 'open', null::numeric, g.agent_id, null::numeric, g.open
    from there g
    union all
    select 20, 'agents', null, g.agent_id, null,
           howdah_private.constraints_met(
               jsonb_build_object('agents', agent_tests.constraints -> 'agents'), g.agent_id, g.attributes)
    from there g
    where agent_tests.constraints ? 'agents'
    union all
    select 30, 'attributes.' || e.key, null, g.agent_id, null,
           howdah_private.constraints_met(
               jsonb_build_object('attributes', jsonb_build_object(e.key, e.value)), g.agent_id,
               g.attributes)
    from jsonb_each(agent_tests.constraints -> 'attributes') e
    cross join there g
    union all
    select 40 + coalesce(array_position('{cpus,mem,disk,gpus}', a.resource), 9), a.resource, a.amount,
           g.agent_id, h.free, h.enough
    from howdah_private.resource_amounts(agent_tests.resources) a
    cross join there g
    cross join lateral howdah_private.agent_has(
        g.agent, a.resource, howdah_private.resource_asked(agent_tests.resources, a.resource), a.amount) h
    where a.amount > 0;
$$;
comment on function howdah_private.agent_tests(jsonb, jsonb) is 'each test, for each agent';
revoke all on function howdah_private.agent_tests(jsonb, jsonb) from public;
