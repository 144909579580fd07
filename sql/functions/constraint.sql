-- SPDX-License-Identifier: PostgreSQL
-- Constraints on agents: which agents, and what their attributes must be. Requests, filters and placing
-- ask the one function constraints_met, so that they cannot disagree.
--
--   {"agents": ["<uuid>", …],                    one of these
--    "attributes": {"zone": "a",                 has this value
--                   "rack": ["r1", "r2"],        has one of these
--                   "disks": {"min": 2, "max": 8},
--                   "os": {"not": ["old"]},      has none of these, or lacks the attribute
--                   "ssd": {"exists": true}}}    has the attribute; false: lacks it

create or replace function howdah_private.attribute_value_ok(value jsonb)
returns boolean
language sql immutable parallel safe
as $$
    select case jsonb_typeof(value)
               when 'array' then value <> '[]'
                   and not jsonb_path_exists(
                       value, '$[*].type() ? (@ == "object" || @ == "array" || @ == "null")')
               else jsonb_typeof(value) not in ('object', 'null') end;
$$;
comment on function howdah_private.attribute_value_ok(jsonb) is
    'a value, or a list of values, that an attribute may be compared with';
revoke all on function howdah_private.attribute_value_ok(jsonb) from public;

create or replace function howdah_private.attribute_test_ok(test jsonb)
returns boolean
language sql immutable parallel safe
as $$
    /* Can an attribute be put to this test? */
    select case when jsonb_typeof(test) <> 'object' then howdah_private.attribute_value_ok(test)
                else test <> '{}' and test - '{exists,not,min,max}'::text[] = '{}'
                    and coalesce(jsonb_typeof(test -> 'exists') = 'boolean', true)
                    and coalesce(howdah_private.attribute_value_ok(test -> 'not'), true)
                    and coalesce(jsonb_typeof(test -> 'min') = 'number', true)
                    and coalesce(jsonb_typeof(test -> 'max') = 'number', true)
                    and coalesce(test -> 'min' <= test -> 'max', true) end;
$$;
comment on function howdah_private.attribute_test_ok(jsonb) is 'is this a good test of an attribute?';
revoke all on function howdah_private.attribute_test_ok(jsonb) from public;

create or replace function howdah_private.constraints_problem(field text, constraints jsonb)
returns text
language sql immutable parallel safe
as $$
    /* What is wrong with constraints on agents; null = nothing. */
    select case
        when constraints is null then null
        when jsonb_typeof(constraints) <> 'object'
             or constraints - '{agents,attributes}'::text[] <> '{}' then
            howdah_private.problem(field, constraints, 'an object with agents, attributes or both')
        when jsonb_typeof(constraints -> 'agents') <> 'array'
             or exists (select 1 from jsonb_array_elements(
                            case jsonb_typeof(constraints -> 'agents')
                                when 'array' then constraints -> 'agents' end) a
                        where jsonb_typeof(a.value) <> 'string'
                           or howdah_private.uuid_or_null(a.value #>> '{}') is null) then
            howdah_private.problem(field || '.agents', constraints -> 'agents', 'a list of ids of agents')
        when jsonb_typeof(constraints -> 'attributes') <> 'object' then
            howdah_private.problem(field || '.attributes', constraints -> 'attributes',
                                   'an object of attributes')
        else (select howdah_private.problem(
                         field || '.attributes.' || left(e.key, 40), e.value,
                         'a value, a list of values one of which matches, or an object of exists '
                         '(true or false), not (a value or a list), min and max (numbers)')
              from jsonb_each(constraints -> 'attributes') e
              where not howdah_private.attribute_test_ok(e.value)
              limit 1)
        end;
$$;
comment on function howdah_private.constraints_problem(text, jsonb) is
    'what is wrong with constraints on agents; null = nothing';
revoke all on function howdah_private.constraints_problem(text, jsonb) from public;

create or replace function howdah_private.attribute_number(value jsonb)
returns numeric
language sql immutable parallel safe
as $$
    /* Agents' attributes are mostly text: "8" is a number, too. */
    select case when jsonb_typeof(value) = 'number'
                  or value #>> '{}' ~ '^[+-]?[0-9]{1,30}(\.[0-9]{1,30})?$'
                then (value #>> '{}')::numeric end;
$$;
comment on function howdah_private.attribute_number(jsonb) is 'an attribute as a number; null: is none';
revoke all on function howdah_private.attribute_number(jsonb) from public;

create or replace function howdah_private.attribute_is(wanted jsonb, value jsonb)
returns boolean
language sql immutable parallel safe
as $$
    /* Is an attribute (null: the agent lacks it) this value, or one of these? */
    select coalesce(case jsonb_typeof(wanted) when 'array' then wanted @> value
                                              else wanted = value end, false);
$$;
comment on function howdah_private.attribute_is(jsonb, jsonb) is
    'is an attribute this value, or one of these?';
revoke all on function howdah_private.attribute_is(jsonb, jsonb) from public;

create or replace function howdah_private.attribute_met(test jsonb, value jsonb)
returns boolean
language sql immutable parallel safe
as $$
    /* Does an attribute (null: the agent lacks it) pass a test? */
    select case when jsonb_typeof(test) <> 'object' then howdah_private.attribute_is(test, value)
                else coalesce((test -> 'exists')::boolean = (value is not null), true)
                    and not howdah_private.attribute_is(test -> 'not', value)
                    and (not test ?| '{min,max}'
                         or coalesce(howdah_private.attribute_number(value)
                                     between coalesce((test -> 'min')::numeric, '-Infinity')
                                         and coalesce((test -> 'max')::numeric, 'Infinity'),
                                     false)) end;
$$;
comment on function howdah_private.attribute_met(jsonb, jsonb) is 'does an attribute pass a test?';
revoke all on function howdah_private.attribute_met(jsonb, jsonb) from public;

create or replace function howdah_private.constraints_met(
    constraints jsonb, agent_id uuid, attributes jsonb)
returns boolean
language sql immutable parallel safe
as $$
    /* Is this one of the agents, and does each attribute pass its test? */
    select constraints is null
        or coalesce(constraints -> 'agents' ? constraints_met.agent_id::text, true)
           and not exists (
               select 1 from jsonb_each(constraints -> 'attributes') c
               where not howdah_private.attribute_met(c.value,
                                                      constraints_met.attributes -> c.key));
$$;
comment on function howdah_private.constraints_met(jsonb, uuid, jsonb) is
    'does an agent meet constraints?';
revoke all on function howdah_private.constraints_met(jsonb, uuid, jsonb) from public;
