-- SPDX-License-Identifier: PostgreSQL
-- Constraints on agents: what they say, and what bad ones are told.

\ir lib/open.psql

-- --- met -----------------------------------------------------------------------------------------

select is(howdah_private.constraints_met(v.constraints::jsonb, '11111111-1111-4111-8111-111111111111',
                                         '{"zone": "a", "disks": 2, "ssd": true, "cores": "8", "tags": ["x", "y"]}'),
          v.met, v.what)
from (values (null, true, 'no constraints are met'), ('{}', true, 'nor are empty ones an obstacle'),
             ('{"attributes": {"zone": "a"}}', true, 'a value that matches'),
             ('{"attributes": {"zone": "b"}}', false, 'a value that does not'),
             ('{"attributes": {"zone": ["b", "a"]}}', true, 'one of several'),
             ('{"attributes": {"zone": ["b", "c"]}}', false, 'none of several'),
             ('{"attributes": {"rack": "a"}}', false, 'an attribute that the agent lacks'),
             ('{"attributes": {"rack": ["a"]}}', false, 'or one of several'),
             ('{"attributes": {"disks": 2, "ssd": true}}', true, 'numbers and booleans, all of them'),
             ('{"attributes": {"disks": 2, "ssd": false}}', false, 'all of them'),
             ('{"attributes": {"disks": "2"}}', false, 'a number is no text'),
             ('{"attributes": {"disks": {"min": 2, "max": 2}}}', true, 'a range holds its ends'),
             ('{"attributes": {"disks": {"min": 2.5}}}', false, 'a number below a range'),
             ('{"attributes": {"disks": {"max": 1}}}', false, 'a number above a range'),
             ('{"attributes": {"cores": {"min": 7, "max": 9}}}', true, 'text that is a number is in a range'),
             ('{"attributes": {"zone": {"min": 0}}}', false, 'text that is none is in no range'),
             ('{"attributes": {"rack": {"min": 0}}}', false, 'nor is what the agent lacks'),
             ('{"attributes": {"zone": {"exists": true}}}', true, 'an attribute that is there'),
             ('{"attributes": {"rack": {"exists": true}}}', false, 'one that is not'),
             ('{"attributes": {"rack": {"exists": false}}}', true, 'is absent'),
             ('{"attributes": {"zone": {"exists": false}}}', false, 'one that is there is not'),
             ('{"attributes": {"zone": {"not": "b"}}}', true, 'another value than that'),
             ('{"attributes": {"zone": {"not": "a"}}}', false, 'that very value'),
             ('{"attributes": {"zone": {"not": ["b", "a"]}}}', false, 'one of those that it must not have'),
             ('{"attributes": {"rack": {"not": ["b", "a"]}}}', true, 'what is absent has no value'),
             ('{"attributes": {"rack": {"not": "a", "exists": true}}}', false, 'unless it has to exist'),
             ('{"attributes": {"disks": {"min": 1, "not": 2}}}', false, 'all tests of an attribute count'),
             ('{"agents": ["11111111-1111-4111-8111-111111111111"]}', true, 'the agent itself'),
             ('{"agents": ["21111111-1111-4111-8111-111111111111"]}', false, 'another agent'),
             ('{"agents": []}', false, 'no agent at all')) as v (constraints, met, what);

-- --- problems ------------------------------------------------------------------------------------

select is(howdah_private.constraints_problem('f', v.constraints::jsonb), null, format('%s is good', v.constraints))
from (values (null), ('{}'), ('{"agents": []}'), ('{"attributes": {}}'),
             ('{"attributes": {"a": 1, "b": ["x", 2, false], "c": {"not": [1]}, "d": {"min": -1, "max": 1e3}}}'))
    as v (constraints);
select alike(howdah_private.constraints_problem('f', v.constraints::jsonb), format('field "%s", value %%: expected %%', v.field),
            format('%s is not', v.constraints))
from (values ('[]', 'f'), ('7', 'f'), ('{"x": 1}', 'f'), ('{"agents": {}}', 'f.agents'), ('{"agents": ["x"]}', 'f.agents'),
             ('{"agents": [7]}', 'f.agents'), ('{"attributes": [1]}', 'f.attributes'), ('{"attributes": {"a": null}}', 'f.attributes.a'),
             ('{"attributes": {"a": {}}}', 'f.attributes.a'), ('{"attributes": {"a": []}}', 'f.attributes.a'),
             ('{"attributes": {"a": [null]}}', 'f.attributes.a'), ('{"attributes": {"a": [[]]}}', 'f.attributes.a'),
             ('{"attributes": {"a": {"over": 1}}}', 'f.attributes.a'), ('{"attributes": {"a": {"exists": 1}}}', 'f.attributes.a'),
             ('{"attributes": {"a": {"exists": null}}}', 'f.attributes.a'), ('{"attributes": {"a": {"not": {}}}}', 'f.attributes.a'),
             ('{"attributes": {"a": {"not": []}}}', 'f.attributes.a'), ('{"attributes": {"a": {"not": null}}}', 'f.attributes.a'),
             ('{"attributes": {"a": {"min": "1"}}}', 'f.attributes.a'), ('{"attributes": {"a": {"max": true}}}', 'f.attributes.a'),
             ('{"attributes": {"a": {"min": 2, "max": 1}}}', 'f.attributes.a')) as v (constraints, field);

select * from finish();
