-- SPDX-License-Identifier: PostgreSQL
-- Up to the last: names of every length and script that is allowed, and an agent that is used up to the
-- last thousandth of a cpu, the last port and the last item, and no further.

\ir lib/open.psql

select t.lead() is not null as led \gset
select t.fw('f') as fw \gset
select t.ag('a2') as big \gset

-- --- names ---------------------------------------------------------------------------------------

select is(t.reasons(:'fw', jsonb_build_array(t.spec(n.name, a.agent_id, '{}'))), n.reason, n.what)
from (values
    (repeat('n', 255), 'committed', 'a name of 255 characters is taken'),
    (repeat('n', 256), 'task_invalid', 'one more is refused'),
    (repeat('漢', 255), 'committed', '255 characters of three bytes are 255 characters'),
    (repeat('漢', 256), 'task_invalid', 'and 256 of them are 256'),
    ('ünï-cödé 🐘', 'committed', 'a name may be of any script'),
    ('a b', 'committed', 'it may have blanks inside'),
    (' a', 'task_invalid', 'but not at its begin'), ('a ', 'task_invalid', 'nor at its end'),
    (E'a\tb', 'task_invalid', 'nor a tab'), (E'a\nb', 'task_invalid', 'nor a line end'),
    (E'a\u0085b', 'task_invalid', 'nor a control character beyond ASCII'),
    ('', 'task_invalid', 'nor may it be empty'),
    ('''; drop table task; --', 'committed', 'quotes are only characters'),
    ('%s%n', 'committed', 'so are percent signs'), ('null', 'committed', 'and the word null'))
    as n (name, reason, what)
cross join (select agent_id from howdah_private.agent where name = 'a2') a;

-- --- the last of each kind -----------------------------------------------------------------------

select t.ag('small', '{"cpus": 0.003, "mem": 1, "disk": 1, "gpus": 1, "ports": [[0, 0], [65535, 65535]],
                       "scalars": {"licences": 0.003}, "sets": {"gpu": ["only"]}}') as small \gset
select is(t.reasons(:'fw', jsonb_build_array(t.spec(w.name, :'small', w.resources::jsonb))), w.reason, w.what)
from (values
    (1, 'c1', '{"cpus": 0.001}', 'committed', 'a thousandth of a cpu'),
    (2, 'c2', '{"cpus": 0.003}', 'insufficient_resource', 'more than what is left'),
    (3, 'c3', '{"cpus": 0.002}', 'committed', 'exactly what is left'),
    (4, 'c4', '{"cpus": 0.0001}', 'task_invalid', 'less than a thousandth is no amount'),
    (5, 'c5', '{"cpus": -0.0}', 'committed', 'minus zero is zero'),
    (6, 'm1', '{"mem": 1}', 'committed', 'the last MiB'),
    (7, 'm2', '{"mem": 1}', 'insufficient_resource', 'and no more'),
    (8, 'm3', '{"mem": 0.5}', 'task_invalid', 'half a MiB is no amount'),
    (9, 'm4', '{"mem": 1.0}', 'insufficient_resource', 'one with a point is one'),
    (10, 'p1', '{"ports": [[65535, 65535]]}', 'committed', 'the last port'),
    (11, 'p2', '{"ports": [[65535, 65535]]}', 'port_taken', 'once'),
    (12, 'p3', '{"ports": 1}', 'committed', 'any port, which is port 0'),
    (13, 'p4', '{"ports": 1}', 'port_taken', 'and then none is left'),
    (14, 'p5', '{"ports": [[65536, 65536]]}', 'task_invalid', 'there is no port 65536'),
    (15, 'p6', '{"ports": [[-1, 0]]}', 'task_invalid', 'nor one below 0'),
    (16, 's1', '{"scalars": {"licences": 0.003}}', 'committed', 'the last of a scalar'),
    (17, 's2', '{"scalars": {"licences": 0.001}}', 'insufficient_resource', 'and no more'),
    (18, 's3', '{"scalars": {"unheard": 0.001}}', 'insufficient_resource', 'of what is not there, nothing'),
    (19, 's4', '{"scalars": {"unheard": 0}}', 'committed', 'but nothing of it'),
    (20, 'i1', '{"sets": {"gpu": ["only"]}}', 'committed', 'the last item'),
    (21, 'i2', '{"sets": {"gpu": ["only"]}}', 'set_item_taken', 'once'),
    (22, 'i3', '{"sets": {"gpu": 1}}', 'set_item_taken', 'nor any other'),
    (23, 'g1', '{"gpus": 1}', 'committed', 'the last gpu'),
    (24, 'g2', '{"gpus": 0.5}', 'task_invalid', 'half a gpu is no amount'),
    (25, 'd1', '{"disk": 1000000000000}', 'insufficient_resource', '10^12 is an amount, if a large one'),
    (26, 'd2', '{"disk": 1000000000001}', 'task_invalid', 'one more is none'))
    as w (n, name, resources, reason, what)
order by w.n;
select t.audit_clean('and the books are right');
select * from finish();
