-- SPDX-License-Identifier: PostgreSQL
-- Task specs: what a good one looks like, and what is said of a bad one. Every bad spec goes through
-- claim itself, so each is refused as task_invalid with a message that names field and value, in a
-- dry run and for real, and nothing changes. Every spec also goes through the quick tests, which must
-- never take what the precise one refuses.

\ir lib/open.psql

select t.fw('a') as fw \gset
select t.ag('agent-1', '{"cpus": 1000000, "mem": 1000000000, "disk": 1000000000, "gpus": 1000000,
                         "ports": [[0, 65535]], "scalars": {"licences": 1000000},
                         "sets": {"gpu": ["0", "1"]}}') as ag \gset
create temp table base as
select jsonb_build_object('name', 'n', 'agent', :'ag', 'resources', '{"cpus": 1, "mem": 64}'::jsonb,
                          'command', '{"argv": ["sh", "-c", "true"]}'::jsonb) as spec;

-- A change to the good spec: JSON to merge into it; a key with the value "gone" is taken out.
create function t.changed(change jsonb)
returns jsonb
language sql
as $$
    select (select b.spec from base b) - array(select e.key from jsonb_each(change) e
                                               where e.value = '"gone"')
           || coalesce((select jsonb_object_agg(e.key, e.value) from jsonb_each(change) e
                        where e.value <> '"gone"'), '{}');
$$;

-- --- good ones -----------------------------------------------------------------------------------

create temp table good (n integer generated always as identity, what text, change jsonb);
insert into good (what, change) values
    ('the plainest spec', '{}'),
    ('a shell command', '{"command": {"shell": "echo hi | wc -c"}}'),
    ('an empty argument after the first', '{"command": {"argv": ["printf", ""]}}'),
    ('no resources at all', '{"resources": {}}'),
    ('zero of everything', '{"resources": {"cpus": 0, "mem": 0, "disk": 0, "gpus": 0}}'),
    ('a thousandth of a cpu', '{"resources": {"cpus": 0.001}}'),
    ('a number with trailing zeros', '{"resources": {"cpus": 1.5000, "mem": 64.0}}'),
    ('a number in scientific notation', '{"resources": {"mem": 1e3}}'),
    ('gpus and disk', '{"resources": {"gpus": 2, "disk": 100}}'),
    ('named amounts', '{"resources": {"scalars": {"licences": 2.5}}}'),
    ('no named amounts', '{"resources": {"scalars": {}}}'),
    ('port ranges', '{"resources": {"ports": [[31000, 31005], [32000, 32000]]}}'),
    ('overlapping port ranges', '{"resources": {"ports": [[33000, 33010], [33005, 33020]]}}'),
    ('a number of ports', '{"resources": {"ports": 3}}'),
    ('no ports', '{"resources": {"ports": 0}}'),
    ('an empty list of ports', '{"resources": {"ports": []}}'),
    ('items of a set', '{"resources": {"sets": {"gpu": ["1"]}}}'),
    ('a number of items of a set', '{"resources": {"sets": {"gpu": 1}}}'),
    ('an environment', '{"environment": {"A": "1", "EMPTY": "", "with blank": "x y"}}'),
    ('an empty environment', '{"environment": {}}'),
    ('labels', '{"labels": {"team": "ads"}}'),
    ('a working directory', '{"workdir": "a/b.c/..d"}'),
    ('a kill grace of zero', '{"kill_grace_s": 0}'),
    ('a kill grace of a day', '{"kill_grace_s": 86400}'),
    ('to be stopped when cut off for five seconds', '{"stop_unreachable_s": 5}'),
    ('to be stopped when cut off for a day', '{"stop_unreachable_s": 86400}'),
    ('a version', '{"version": 7}'),
    ('a name with a blank inside', '{"name": "two words"}'),
    ('a name in another script', '{"name": "タスク-ü"}'),
    ('a name that looks like SQL', '{"name": "x''; drop table task; --"}'),
    ('a name of one character', '{"name": "-"}'),
    ('a name of 255 characters', jsonb_build_object('name', repeat('é', 255))),
    ('4096 arguments', jsonb_build_object('command', jsonb_build_object('argv',
        (select jsonb_agg('x'::text) from generate_series(1, 4096))))),
    ('a large environment', jsonb_build_object('environment',
                                               jsonb_build_object('BIG', repeat('x', 200000))));

select is(howdah_private.task_place_problem(t.changed(g.change)), null,
          format('%s: name and place are good', g.what))
from good g order by g.n;
select is(howdah_private.task_spec_problem(t.changed(g.change)), null,
          format('%s: the body is good', g.what))
from good g order by g.n;
select is(t.reasons(:'fw', jsonb_build_array(t.changed(g.change) || jsonb_build_object(
              'name', coalesce(g.change ->> 'name', 'good-' || g.n)))), 'committed',
          format('%s: a claim commits it', g.what))
from good g order by g.n;
select is(howdah_private.task_body_plain(t.changed(g.change) - '{name,agent,offer,version}'::text[]),
          not coalesce(g.change -> 'resources' ?| '{ports,sets,scalars}', false),
          format('%s: the quick test %s it', g.what,
                 case when g.change -> 'resources' ?| '{ports,sets,scalars}' then 'leaves'
                 else 'takes' end))
from good g order by g.n;
select t.audit_clean('after all the good ones the books are right');

-- --- bad ones ------------------------------------------------------------------------------------

create temp table bad (n integer generated always as identity, what text, change jsonb,
                       message text);
insert into bad (what, change, message) values
    -- names
    ('no name', '{"name": "gone"}', 'field "name", value null: expected a string%'),
    ('a null name', '{"name": null}', 'field "name", value null: expected a string%'),
    ('a name that is a number', '{"name": 5}', 'field "name", value 5: expected a string%'),
    ('a name that is an object', '{"name": {}}', 'field "name", value {}: expected a string%'),
    ('an empty name', '{"name": ""}', 'field "name", value "": expected %'),
    ('a name of 256 characters', jsonb_build_object('name', repeat('n', 256)),
     'field "name", value "nnn%'),
    ('a name with a newline', '{"name": "a\nb"}', 'field "name", value "a\\nb": expected %'),
    ('a name with an escape', '{"name": "a\u001bb"}',
     'field "name", value "a\\u001bb": expected %'),
    ('a name with a delete', '{"name": "a\u007fb"}', 'field "name", value "a?b": expected %'),
    ('a name with a blank in front', '{"name": " a"}', 'field "name", value " a": expected %'),
    ('a name with a blank behind', '{"name": "a "}', 'field "name", value "a ": expected %'),
    ('a name with a tab behind', '{"name": "a\t"}', 'field "name", value "a\\t": expected %'),
    -- places
    ('neither offer nor agent', '{"agent": "gone"}',
     'field "offer", value null: expected exactly one %'),
    ('both offer and agent', '{"offer": "00000000-0000-0000-0000-000000000001"}',
     'field "offer", value "00000000-%": expected exactly one %'),
    ('an offer that is null beside an agent', '{"offer": null}',
     'field "offer", value null: expected exactly one %'),
    ('an agent that is no uuid', '{"agent": "agent-1"}',
     'field "agent", value "agent-1": expected the uuid %'),
    ('an agent that is a number', '{"agent": 17}', 'field "agent", value 17: expected the uuid %'),
    ('an agent that is null', '{"agent": null}', 'field "agent", value null: expected the uuid %'),
    ('an agent with a brace too many', '{"agent": "{00000000-0000-0000-0000-000000000001}"}',
     'field "agent", value "{0000%": expected the uuid %'),
    ('an offer that is no uuid', '{"agent": "gone", "offer": "x"}',
     'field "offer", value "x": expected the uuid %'),
    ('an offer that is an object', '{"agent": "gone", "offer": {}}',
     'field "offer", value {}: expected the uuid %'),
    ('a version that is a string', '{"version": "7"}', 'field "version", value "7": expected %'),
    ('a version that is a fraction', '{"version": 1.5}', 'field "version", value 1.5: expected %'),
    ('a negative version', '{"version": -1}', 'field "version", value -1: expected %'),
    ('a version that is null', '{"version": null}', 'field "version", value null: expected %'),
    -- unknown fields
    ('an unknown field', '{"colour": "red"}',
     'field "colour", value "red": expected only name, offer, %'),
    ('a field in capitals', '{"Name": "x"}', 'field "Name", value "x": expected only %'),
    ('a field with an endless name', jsonb_build_object(repeat('f', 5000), 1),
     'field "fff%", value 1: expected only %'),
    ('a field without a name', '{"": 1}', 'field "", value 1: expected only %'),
    -- resources
    ('no resources', '{"resources": "gone"}',
     'field "resources", value null: expected an object %'),
    ('resources that are null', '{"resources": null}',
     'field "resources", value null: expected an object %'),
    ('resources that are a list', '{"resources": [1]}',
     'field "resources", value [1]: expected an object %'),
    ('resources that are a string', '{"resources": "much"}',
     'field "resources", value "much": expected an object %'),
    ('an unknown resource', '{"resources": {"cpu": 1}}',
     'field "resources.cpu", value 1: expected only cpus, %'),
    ('negative cpus', '{"resources": {"cpus": -1}}',
     'field "resources.cpus", value -1: expected a number %'),
    ('cpus barely below zero', '{"resources": {"cpus": -0.001}}',
     'field "resources.cpus", value -0.001: %'),
    ('a ten-thousandth of a cpu', '{"resources": {"cpus": 0.0001}}',
     'field "resources.cpus", value 0.0001: %'),
    ('cpus that are a string', '{"resources": {"cpus": "1"}}',
     'field "resources.cpus", value "1": %'),
    ('cpus that are NaN', '{"resources": {"cpus": "NaN"}}',
     'field "resources.cpus", value "NaN": %'),
    ('cpus that are infinite', '{"resources": {"cpus": "Infinity"}}',
     'field "resources.cpus", value "Infinity": %'),
    ('cpus that are null', '{"resources": {"cpus": null}}',
     'field "resources.cpus", value null: %'),
    ('cpus that are true', '{"resources": {"cpus": true}}',
     'field "resources.cpus", value true: %'),
    ('cpus that are a list', '{"resources": {"cpus": [1]}}',
     'field "resources.cpus", value [1]: %'),
    ('more cpus than 10^12', '{"resources": {"cpus": 1000000000001}}',
     'field "resources.cpus", value 1000000000001: %'),
    ('cpus that overflow a bigint', '{"resources": {"cpus": 9223372036854775808}}',
     'field "resources.cpus", value 9223372036854775808: %'),
    ('cpus with an exponent of 400', '{"resources": {"cpus": 1e400}}',
     'field "resources.cpus", value 1000%: %'),
    ('negative mem', '{"resources": {"mem": -1}}',
     'field "resources.mem", value -1: expected a whole number %'),
    ('mem in fractions', '{"resources": {"mem": 0.5}}',
     'field "resources.mem", value 0.5: expected a whole number %'),
    ('mem that is NaN', '{"resources": {"mem": "NaN"}}', 'field "resources.mem", value "NaN": %'),
    ('mem that overflows', '{"resources": {"mem": 99999999999999999999}}',
     'field "resources.mem", value 9999%: %'),
    ('negative disk', '{"resources": {"disk": -100}}', 'field "resources.disk", value -100: %'),
    ('disk that overflows', '{"resources": {"disk": 1e13}}',
     'field "resources.disk", value 10000000000000: %'),
    ('half a gpu', '{"resources": {"gpus": 0.5}}',
     'field "resources.gpus", value 0.5: expected a whole number %'),
    ('gpus that are a list', '{"resources": {"gpus": ["0"]}}',
     'field "resources.gpus", value ["0"]: %'),
    ('scalars that are a list', '{"resources": {"scalars": []}}',
     'field "resources.scalars", value []: %'),
    ('a negative scalar', '{"resources": {"scalars": {"licences": -1}}}',
     'field "resources.scalars.licences", value -1: %'),
    ('a scalar that is a string', '{"resources": {"scalars": {"licences": "2"}}}',
     'field "resources.scalars.licences", value "2": %'),
    ('a scalar with a bad name', '{"resources": {"scalars": {"a\nb": 1}}}',
     'field "resources.scalars.a%", value 1: %'),
    ('a scalar without a name', '{"resources": {"scalars": {"": 1}}}',
     'field "resources.scalars.", value 1: %'),
    ('a scalar with four decimals', '{"resources": {"scalars": {"x": 0.0001}}}',
     'field "resources.scalars.x", value 0.0001: %'),
    ('ports that are a string', '{"resources": {"ports": "31000"}}',
     'field "resources.ports", value "31000": expected a list %'),
    ('ports that are null', '{"resources": {"ports": null}}',
     'field "resources.ports", value null: %'),
    ('a negative number of ports', '{"resources": {"ports": -1}}',
     'field "resources.ports", value -1: expected a number of ports%'),
    ('half a port', '{"resources": {"ports": 0.5}}', 'field "resources.ports", value 0.5: %'),
    ('65537 ports', '{"resources": {"ports": 65537}}', 'field "resources.ports", value 65537: %'),
    ('a number of ports that overflows', '{"resources": {"ports": 99999999999}}',
     'field "resources.ports", value 99999999999: %'),
    ('a list of port numbers', '{"resources": {"ports": [31000]}}',
     'field "resources.ports", value [31000]: expected pairs %'),
    ('a pair of three', '{"resources": {"ports": [[1, 2, 3]]}}',
     'field "resources.ports", value [[1, 2, 3]]: %'),
    ('a pair of strings', '{"resources": {"ports": [["1", "2"]]}}',
     'field "resources.ports", value [["1", "2"]]: %'),
    ('a range that runs backwards', '{"resources": {"ports": [[2, 1]]}}',
     'field "resources.ports", value [[2, 1]]: %'),
    ('a port above 65535', '{"resources": {"ports": [[65535, 65536]]}}',
     'field "resources.ports", value [[65535, 65536]]: %'),
    ('a port below zero', '{"resources": {"ports": [[-1, 1]]}}',
     'field "resources.ports", value [[-1, 1]]: %'),
    ('a range in fractions', '{"resources": {"ports": [[1.5, 2]]}}',
     'field "resources.ports", value [[1.5, 2]]: %'),
    ('a port that overflows', '{"resources": {"ports": [[1, 99999999999]]}}',
     'field "resources.ports", value [[1, 9999%: %'),
    ('sets that are a list', '{"resources": {"sets": ["gpu"]}}',
     'field "resources.sets", value ["gpu"]: expected an object %'),
    ('a set that is a string', '{"resources": {"sets": {"gpu": "0"}}}',
     'field "resources.sets", value {"gpu": "0"}: %'),
    ('a set with a number as item', '{"resources": {"sets": {"gpu": [0]}}}',
     'field "resources.sets", value {"gpu": [0]}: %'),
    ('a set with an item twice', '{"resources": {"sets": {"gpu": ["0", "0"]}}}',
     'field "resources.sets", value {"gpu": ["0", "0"]}: %'),
    ('a set with an empty item', '{"resources": {"sets": {"gpu": [""]}}}',
     'field "resources.sets", value {"gpu": [""]}: %'),
    ('a set without a name', '{"resources": {"sets": {"": ["0"]}}}',
     'field "resources.sets", value {"": ["0"]}: %'),
    ('a negative number of items', '{"resources": {"sets": {"gpu": -1}}}',
     'field "resources.sets", value {"gpu": -1}: %'),
    ('half an item', '{"resources": {"sets": {"gpu": 0.5}}}',
     'field "resources.sets", value {"gpu": 0.5}: %'),
    ('a number of items that overflows', '{"resources": {"sets": {"gpu": 3000000000}}}',
     'field "resources.sets", value {"gpu": 3000000000}: %'),
    -- command
    ('no command', '{"command": "gone"}', 'field "command", value null: expected {"argv"%'),
    ('a command that is a string', '{"command": "date"}',
     'field "command", value "date": expected {"argv"%'),
    ('a command that is null', '{"command": null}',
     'field "command", value null: expected {"argv"%'),
    ('an empty command', '{"command": {}}', 'field "command", value {}: expected {"argv"%'),
    ('a command with argv and shell', '{"command": {"argv": ["a"], "shell": "b"}}',
     'field "command", value {%: expected {"argv"%'),
    ('a command with an unknown field', '{"command": {"shell": "b", "tty": true}}',
     'field "command", value {%: expected {"argv"%'),
    ('a shell line that is empty', '{"command": {"shell": ""}}',
     'field "command.shell", value "": expected a string %'),
    ('a shell line that is a list', '{"command": {"shell": ["a"]}}',
     'field "command.shell", value ["a"]: %'),
    ('a shell line that is null', '{"command": {"shell": null}}',
     'field "command.shell", value null: %'),
    ('an empty argv', '{"command": {"argv": []}}',
     'field "command.argv", value []: expected a list %'),
    ('an argv that is a string', '{"command": {"argv": "ls"}}',
     'field "command.argv", value "ls": %'),
    ('an argv with a number', '{"command": {"argv": ["sleep", 5]}}',
     'field "command.argv", value ["sleep", 5]: %'),
    ('an argv with a null', '{"command": {"argv": ["a", null]}}',
     'field "command.argv", value ["a", null]: %'),
    ('an argv whose first word is empty', '{"command": {"argv": ["", "a"]}}',
     'field "command.argv", value ["", "a"]: %'),
    ('an argv in an argv', '{"command": {"argv": [["ls"]]}}',
     'field "command.argv", value [["ls"]]: %'),
    -- the rest
    ('an environment that is a list', '{"environment": ["A=1"]}',
     'field "environment", value ["A=1"]: expected an object %'),
    ('an environment that is null', '{"environment": null}',
     'field "environment", value null: expected an object %'),
    ('a variable that is a number', '{"environment": {"A": 1}}',
     'field "environment.A", value 1: expected a string%'),
    ('a variable with = in its name', '{"environment": {"A=B": "1"}}',
     'field "environment.A=B", value "1": %'),
    ('a variable without a name', '{"environment": {"": "1"}}',
     'field "environment.", value "1": %'),
    ('a variable with a newline in its name', '{"environment": {"A\nB": "1"}}',
     'field "environment.A%'),
    ('labels that are a string', '{"labels": "x"}',
     'field "labels", value "x": expected an object %'),
    ('a label that is an object', '{"labels": {"a": {}}}',
     'field "labels.a", value {}: expected a string%'),
    ('a user that is a number', '{"user": 0}',
     'field "user", value 0: expected the name of an OS user'),
    ('a user that is null', '{"user": null}',
     'field "user", value null: expected the name of an OS user'),
    ('an empty user', '{"user": ""}', 'field "user", value "": expected the name of an OS user'),
    ('a user that is an option', '{"user": "-root"}', 'field "user", value "-root": %'),
    ('a user with a slash', '{"user": "../root"}', 'field "user", value "../root": %'),
    ('a user with a newline', '{"user": "root\n"}', 'field "user", value "root\\n": %'),
    ('a user of 33 characters', jsonb_build_object('user', repeat('u', 33)),
     'field "user", value "uuu%'),
    ('a working directory from the root', '{"workdir": "/etc"}',
     'field "workdir", value "/etc": expected a path below %'),
    ('a working directory that climbs', '{"workdir": "../x"}', 'field "workdir", value "../x": %'),
    ('a working directory that climbs in the middle', '{"workdir": "a/../../x"}',
     'field "workdir", value "a/../../x": %'),
    ('a working directory that climbs at the end', '{"workdir": "a/.."}',
     'field "workdir", value "a/..": %'),
    ('an empty working directory', '{"workdir": ""}', 'field "workdir", value "": %'),
    ('a working directory that is a list', '{"workdir": ["a"]}', 'field "workdir", value ["a"]: %'),
    ('a working directory with a newline', '{"workdir": "a\nb"}',
     'field "workdir", value "a\\nb": %'),
    ('a negative kill grace', '{"kill_grace_s": -1}',
     'field "kill_grace_s", value -1: expected seconds, 0 to 86400'),
    ('a kill grace above a day', '{"kill_grace_s": 86401}', 'field "kill_grace_s", value 86401: %'),
    ('a kill grace in fractions', '{"kill_grace_s": 0.5}', 'field "kill_grace_s", value 0.5: %'),
    ('a kill grace that is a string', '{"kill_grace_s": "5"}',
     'field "kill_grace_s", value "5": %'),
    ('a kill grace that is null', '{"kill_grace_s": null}', 'field "kill_grace_s", value null: %'),
    ('a stop after four seconds', '{"stop_unreachable_s": 4}',
     'field "stop_unreachable_s", value 4: expected whole seconds, 5 to 86400'),
    ('a stop after more than a day', '{"stop_unreachable_s": 86401}',
     'field "stop_unreachable_s", value 86401: %'),
    ('a stop after fractions', '{"stop_unreachable_s": 5.5}',
     'field "stop_unreachable_s", value 5.5: %'),
    ('a stop with decimals', '{"stop_unreachable_s": 5.0}',
     'field "stop_unreachable_s", value 5.0: %'),
    ('a stop that is a huge number', '{"stop_unreachable_s": 1e300}',
     'field "stop_unreachable_s", value 1%'),
    ('a stop that is a string', '{"stop_unreachable_s": "60"}',
     'field "stop_unreachable_s", value "60": %'),
    ('a stop that is null', '{"stop_unreachable_s": null}',
     'field "stop_unreachable_s", value null: %'),
    ('a spec of more than 256 KiB', jsonb_build_object('environment',
                                                       jsonb_build_object('BIG',
                                                               repeat('x', 262144))),
     'field "spec", value 262%: expected at most 262144 bytes of JSON');

select t.refused(:'fw', jsonb_build_array(t.changed(b.change)), 'task_invalid', b.message,
                 format('%s is refused', b.what))
from bad b order by b.n;
select ok(not coalesce(howdah_private.task_spec_plain(t.changed(b.change)), false),
          format('%s: the quickest test does not take it', b.what))
from bad b where b.message !~ '^field "(agent|offer)"' order by b.n;
select ok(howdah_private.task_place_problem(t.changed(b.change)) is not null
          or not coalesce(howdah_private.task_body_plain(
                 t.changed(b.change) - '{name,agent,offer,version}'::text[]), false),
          format('%s: the quick test of bodies does not take it', b.what))
from bad b order by b.n;
select is(t.reasons(:'fw', jsonb_build_array(t.changed('{"name": "beside"}'), t.changed(b.change))),
          'gang_incomplete task_invalid', format('%s: it stops a gang', b.what))
from bad b order by b.n;

-- --- specs that are no objects -------------------------------------------------------------------

select t.refused(:'fw', jsonb_build_array(v.spec), 'task_invalid',
                 format('field "tasks", value %s: expected task specs that are objects', v.spec),
                 format('a spec that is %s is refused', v.what))
from (values ('null'::jsonb, 'null'), ('5', 'a number'), ('"x"', 'a string'), ('true', 'true'),
      ('[]', 'an empty list'),
             ('[1]', 'a list')) as v (spec, what);
select t.refused(:'fw', jsonb_build_array(jsonb_build_array((select spec from base))),
                 'task_invalid',
                 'field "tasks", value [{"name"%', 'a good spec in a list of its own is refused');
select is(t.reasons(:'fw', jsonb_build_array(5, t.changed('{"name": "in company"}'), '[]'::jsonb),
                    'any'),
          'task_invalid committed task_invalid',
          'in mode any the good one among them is committed');

-- --- the small functions -------------------------------------------------------------------------

select is(howdah_private.name_ok(v.name), v.good,
          format('name_ok(%s) is %s', quote_literal(v.name), v.good))
from (values ('a', true), (repeat('x', 255), true), (repeat('x', 256), false), ('', false),
      (' ', false),
             (E'a\x01', false), (E'a\x7f', false), (E'\tx', false)) as v (name, good);
select is(howdah_private.name_ok(null), null, 'whether no name is good is not known');
select is(howdah_private.amount_ok(v.amount, v.places), v.good,
          format('amount_ok(%s, %s) is %s', coalesce(v.amount::text, 'absent'), v.places, v.good))
from (values (null::jsonb, 0, true), ('0', 0, true), ('1000000000000', 0, true),
      ('1000000000000.1', 1, false),
             ('0.001', 3, true), ('0.0010', 3, true), ('0.0001', 3, false), ('1.0', 0, true),
      ('-0', 0, true),
             ('-0.0001', 4, false), ('"1"', 0, false), ('null', 0, false), ('[]', 0, false),
      ('{}', 0, false))
     as v (amount, places, good);
select is(howdah_private.ranges_from_json(v.doc), v.ranges, format('%s as ranges', v.doc))
from (values ('[]'::jsonb, '{}'::int4multirange), ('[[1, 1]]', '{[1,2)}'),
      ('[[1, 3], [4, 5]]', '{[1,6)}'),
             ('[[5, 6], [1, 2]]', '{[1,3),[5,7)}'), ('[[1, 9], [3, 4]]', '{[1,10)}'),
             ('[[0, 65535]]', '{[0,65536)}')) as v (doc, ranges);
select is(howdah_private.ranges_to_json(v.ranges), v.doc, format('%s as JSON', v.ranges))
from (values ('{}'::int4multirange, null::jsonb), ('{[1,2)}', '[[1, 1]]'),
             ('{[1,3),[5,7)}', '[[1, 2], [5, 6]]')) as v (ranges, doc);
select is(howdah_private.ranges_from_json(howdah_private.ranges_to_json(r.ranges)), r.ranges,
          format('%s survives the way to JSON and back', r.ranges))
from unnest('{"{[0,1)}","{[1,5),[7,8),[100,65536)}"}'::int4multirange[]) as r (ranges);
select is(howdah_private.uuid_or_null(v.value), v.id,
          format('uuid_or_null(%s)', coalesce(v.value, 'null')))
from (values ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000001'::uuid),
             ('ABCDEF00-0000-0000-0000-000000000001', 'abcdef00-0000-0000-0000-000000000001'),
      ('x', null),
             ('', null), (null, null), ('00000000000000000000000000000001', null),
             ('00000000-0000-0000-0000-00000000000g', null)) as v (value, id);
select is(howdah_private.problem('f', '"v"', 'w'), 'field "f", value "v": expected w',
          'problem is one sentence');
select is(length(howdah_private.problem('f', to_jsonb(repeat('v', 9999)), '')),
          200 + length('field "f", value : expected '),
          'problem cuts a long value');

-- Agents may not give counts where a task spec may.
select is(howdah_private.resources_problem(v.resources, true), null,
          format('a task may ask for %s', v.what))
from (values ('{"ports": 5}'::jsonb, 'a number of ports'),
      ('{"sets": {"gpu": 1}}', 'a number of items'))
     as v (resources, what);
select isnt(howdah_private.resources_problem(v.resources, false), null,
            format('an agent may not have %s', v.what))
from (values ('{"ports": 5}'::jsonb, 'a number of ports'),
      ('{"sets": {"gpu": 1}}', 'a number of items'))
     as v (resources, what);
select t.audit_clean('after all the bad ones the books are right');

select * from finish();
