-- SPDX-License-Identifier: PostgreSQL
-- Entitlements and fair shares: the papers' examples with the papers' numbers, then guarantees, limits
-- and demand, one at a time, where the answer can be had by hand.

\ir lib/open.psql
\ir lib/share.psql

-- --- dominant resource fairness (Ghodsi et al., NSDI 2011) ---------------------------------------

-- Section 4.1: 9 cpus, 18 GB; A's tasks take 1 cpu and 4 GB, B's 3 cpus and 1 GB.
select is(t.fair('{"total": [9, 18], "nodes": {"A": {"d": [100, 400]}, "B": {"d": [300, 100]}}}'),
          'A 3,12 B 6,2', 'A gets 3 cpus and 12 GB (3 tasks), B 6 cpus and 2 GB (2 tasks)');
-- Section 4.3: weights. Dominant shares are in proportion to them.
select is(t.fair('{"total": [9, 18], "nodes": {"A": {"w": 2, "d": [100, 400]}, "B": {"d": [300, 100]}}}'),
          'A 4.154,16.615 B 4.154,1.385', 'with twice the weight A''s dominant share is twice B''s: 12/13 and 6/13');
select is(t.fair('{"total": [9, 18], "nodes": {"A": {"w": 200, "d": [100, 400]}, "B": {"w": 100, "d": [300, 100]}}}'),
          'A 4.154,16.615 B 4.154,1.385', 'only the proportion of weights counts');
-- Section 4.1 says of a single resource: it is max-min fairness. Demands 1, 3 and more of 10.
select is(t.fair('{"total": [10], "nodes": {"A": {"d": [1]}, "B": {"d": [3]}, "C": {"d": [99]}}}'),
          'A 1 B 3 C 6', 'of one resource it is max-min fairness: who wants little gets it');
select is(t.fair('{"total": [10], "nodes": {"A": {"d": [1]}, "B": {"w": 2, "d": [9]}, "C": {"d": [9]}}}'),
          'A 1 B 6 C 3', 'by weights');
select is(t.fair('{"total": [10], "nodes": {"A": {"d": [1]}, "B": {"d": [2]}}}'), 'A 1 B 2', 'what nobody wants stays');
select is(t.fair('{"total": [10, 10], "nodes": {"A": {"d": [9, 0]}, "B": {"d": [0, 4]}, "C": {"d": [9, 9]}}}'),
          'A 5,0 B 0,4 C 5,5', 'who needs a kind that has run out stops; others go on');

-- --- hierarchies (Bhattacharya et al., SoCC 2013) ------------------------------------------------

-- Section 2.3, the hierarchy of the introduction: 10 cpus and 10 gpus, n1,1 takes <1,1>, n2,1 <1,0>, n2,2 <0,1>.
select is(t.fair('{"total": [10, 10], "nodes": {"n1": {}, "n1/1": {"d": [99, 99]}, "n2": {}, "n2/1": {"d": [99, 0]}, "n2/2": {"d": [0, 99]}}}'),
          'n1 5,5 n1/1 5,5 n2 5,5 n2/1 5,0 n2/2 0,5', 'complementary children get half of the cell''s cpus and half of its gpus each');
-- Starvation: n2,1 alone took all cpus; n2,2, which wants gpus, must not pay for that.
select is(t.fair('{"total": [10, 10], "nodes": {"n1": {"d": [0, 99]}, "n2": {}, "n2/1": {"d": [99, 0]}, "n2/2": {"d": [0, 99]}}}'),
          'n1 0,5 n2 10,5 n2/1 10,0 n2/2 0,5', 'a child does not starve because of what its sister holds of another kind');
-- Blocked nodes: cpus run out at a third for n1, n2 and n3,1; then n3,2 and n4 share the gpus half and half.
select is(t.fair('{"total": [12, 12], "nodes": {"n1": {"d": [99, 0]}, "n2": {"d": [99, 0]}, "n3": {}, "n3/1": {"d": [99, 0]},
                                                "n3/2": {"d": [0, 99]}, "n4": {"d": [0, 99]}}}'),
          'n1 4,0 n2 4,0 n3 4,6 n3/1 4,0 n3/2 0,6 n4 0,6', 'nor does a sister that is blocked count in its way');
select is(t.fair('{"total": [12], "nodes": {"a": {}, "a/x": {"d": [99]}, "a/y": {"d": [99]}, "b": {"d": [99]}}}'),
          'a 6 a/x 3 a/y 3 b 6', 'weights count among sisters');
select is(t.fair('{"total": [12], "nodes": {"a": {"w": 2}, "a/x": {"d": [1]}, "a/y": {"w": 3, "d": [99]}, "b": {"d": [99]}}}'),
          'a 8 a/x 1 a/y 7 b 4', 'what a sister does not want stays in the family');
select is(t.fair('{"total": [12], "nodes": {"a": {"w": 2}, "a/x": {"d": [1]}, "a/y": {"w": 3, "d": [2]}, "b": {"d": [99]}}}'),
          'a 3 a/x 1 a/y 2 b 9', 'and what the family does not want is everybody''s');
select is(t.fair('{"total": [12], "nodes": {"a": {}, "a/.": {"d": [99]}, "a/x": {"d": [2]}, "a/y": {"d": [1]}, "b": {"d": [99]}}}'),
          'a 6 a/. 3 a/x 2 a/y 1 b 6', 'frameworks of an inner role itself get what its children leave');
select is(t.fair('{"total": [12], "nodes": {"a": {}, "a/.": {"d": [99]}, "a/x": {"d": [99]}, "b": {"d": [2]}}}'),
          'a 10 a/. 4 a/x 6 b 2', 'and catch up with them in what others leave, as a child of weight 1');

-- --- entitlements --------------------------------------------------------------------------------

select is(t.entitled('{"total": [12, 24], "nodes": {"a": {"w": 2}, "a/x": {}, "a/y": {"w": 3}, "b": {}}}'),
          'a 8,16 a/x 2,4 a/y 6,12 b 4,8', 'without guarantees: by weight, level by level');
select is(t.entitled('{"total": [12, 24], "nodes": {"a": {"g": [9, 0]}, "b": {}, "c": {"g": [1]}}}'),
          'a 9,8 b 0.667,8 c 1,8', 'a guarantee, or the part of what guarantees leave, whichever is more');
select is(t.entitled('{"total": [12], "nodes": {"a": {}, "a/x": {"g": [9]}, "a/y": {}, "b": {}}}'),
          'a 9 a/x 9 a/y 0 b 1.5', 'what children are guaranteed counts for their parent');
select is(t.entitled('{"total": [12], "nodes": {"a": {"g": [9], "l": [10]}, "a/x": {"l": [2]}, "a/y": {}, "b": {"l": [1]}}}'),
          'a 9 a/x 2 a/y 4.5 b 1', 'but nothing is more than the limit');
select is(t.entitled('{"total": [12], "nodes": {"a": {"g": [12]}, "b": {"g": [12]}, "c": {}}}'),
          'a 6 b 6 c 0', 'if the cell has become too small, guarantees shrink in proportion');
select is(t.entitled('{"total": [12], "nodes": {"a": {}, "a/.": {}, "a/x": {}}}'), 'a 12 a/. 0 a/x 12',
          'frameworks of an inner role itself have no entitlement of their own');

-- --- guarantees ----------------------------------------------------------------------------------

select is(t.fair('{"total": [12], "nodes": {"a": {"g": [9], "d": [99]}, "b": {"d": [99]}, "c": {"d": [99]}}}'),
          'a 9 b 1.5 c 1.5', 'who wants what is guaranteed gets it; the others share the rest');
select is(t.fair('{"total": [12], "nodes": {"a": {"g": [9], "d": [2]}, "b": {"d": [99]}, "c": {"d": [99]}}}'),
          'a 2 b 5 c 5', 'who does not lends it');
select is(t.fair('{"total": [12], "nodes": {"a": {"g": [3], "d": [99]}, "b": {"d": [99]}}}'),
          'a 6 b 6', 'a guarantee below the fair share adds nothing to it');
select is(t.fair('{"total": [12, 12], "nodes": {"a": {"g": [0, 10], "d": [99, 99]}, "b": {"d": [99, 99]}}}'),
          'a 6,6 b 6,6', 'a guarantee of one kind is of no use without the others that it takes');
select is(t.fair('{"total": [12, 12], "nodes": {"a": {"g": [10, 10], "d": [99, 99]}, "b": {"d": [99, 99]}}}'),
          'a 10,10 b 2,2', 'one of all that it takes is');
select is(t.fair('{"total": [12], "nodes": {"a": {"g": [8]}, "a/x": {"d": [0]}, "a/y": {"d": [99]}, "b": {"d": [99]}, "c": {"d": [99]}}}'),
          'a 8 a/x 0 a/y 8 b 2 c 2', 'a family''s guarantee is for the sister who wants it, before all others');
select is(t.fair('{"total": [12], "nodes": {"a": {}, "a/x": {"g": [5], "d": [99]}, "a/y": {"d": [99]}, "b": {"d": [99]}}}'),
          'a 6 a/x 5 a/y 1 b 6', 'a guarantee within a family is not at others'' cost while the family has enough');

-- --- limits --------------------------------------------------------------------------------------

select is(t.fair('{"total": [12], "nodes": {"a": {"l": [2], "d": [99]}, "b": {"d": [99]}}}'), 'a 2 b 10', 'a limit is never passed');
select is(t.fair('{"total": [12], "nodes": {"a": {"l": [4]}, "a/x": {"d": [99]}, "a/y": {"d": [99]}, "b": {"d": [3]}}}'),
          'a 4 a/x 2 a/y 2 b 3', 'a family''s limit is for all of it, even if others leave room');
select is(t.fair('{"total": [12, 12], "nodes": {"a": {"l": [null, 3], "d": [6, 99]}, "b": {"d": [99, 0]}}}'),
          'a 0.182,3 b 11.818,0', 'a limit of one kind holds back what goes with it');
select is(t.fair('{"total": [12], "nodes": {"a": {"l": [0], "d": [99]}, "b": {"d": [99]}}}'), 'a 0 b 12', 'a limit of nothing is nothing');
select is(t.fair('{"total": [12], "nodes": {"a": {"d": [0]}}}'), 'a 0', 'who wants nothing gets nothing');
select is(t.fair('{"total": [12], "nodes": {}}'), null, 'a cell without roles has nothing to share');

-- --- the cell's own shares -----------------------------------------------------------------------

create function t.now(resource text)
returns text
language sql
as $$
    select string_agg(format('%s %s+%s %s %s', coalesce(nullif(s.node, ''), 'cell'), s.held, s.wanted,
                             round(s.entitled::numeric, 2), round(s.fair::numeric, 2)), ', ' order by s.node)
    from howdah_private.share_now() s where s.resource = now.resource;
$$;
select is_empty('select * from howdah_private.share_now()', 'an empty cell has no shares');
select t.as_login('op', format('select howdah.role_set(%L, %s)', n, w)) is null as made
from (values ('eng', 2), ('eng/ads', 1), ('eng/ml', 3)) as r (n, w);
select t.as_login('op', 'select howdah.principal_permit(''public'', ''*'')');
select t.ag('big', '{"cpus": 12, "mem": 1200, "ports": [[1, 12]], "scalars": {"l": 6}, "sets": {"s": ["a", "b", "c", "d", "e", "f"]}}') as big \gset
select is(t.now('cpus'), 'cell 0+0 12.00 0.00, default 0+0 4.00 0.00, eng 0+0 8.00 0.00, eng/ads 0+0 2.00 0.00, eng/ml 0+0 6.00 0.00',
          'without frameworks there are entitlements and no fair shares');
select t.fw('m', 'eng/ml') as ml, t.fw('d') as d, t.fw('a', 'eng/ads', 'fw_b') as ads \gset
select is(t.now('cpus'), 'cell 0+36 12.00 12.00, default 0+12 4.00 4.00, eng 0+24 8.00 8.00, eng/ads 0+12 2.00 2.00, eng/ml 0+12 6.00 6.00',
          'frameworks that do not say what they need count as wanting the whole cell');
select t.task(:'d', :'big', 'x', '{"cpus": 1, "mem": 100, "ports": 2, "scalars": {"l": 0.5}, "sets": {"s": 1}}') is not null as made \gset
select t.as_login('fw_a', format('select howdah.request(%L, 1, %L)', :'d',
                                 '[{"count": 2, "resources": {"cpus": 0.5, "mem": 50, "scalars": {"l": 0.25}}}]')) is null as said \gset
select is(t.now('cpus'), 'cell 1+25 12.00 12.00, default 1+1 4.00 2.00, eng 0+24 8.00 10.00, eng/ads 0+12 2.00 2.50, eng/ml 0+12 6.00 7.50',
          'what one does not want the others may have');
select is(t.rows($$ select resource, held, wanted, round(fair::numeric, 3) from howdah_private.share_now() where node = 'default' order by 1 $$),
          '(cpus,1,1,2.000) (mem,100,100,200.000) (ports,2,0,2.000) (scalars.l,0.5,0.5,1.000) (sets.s,1,0,1.000)',
          'ports, custom scalars and items of sets count like the others');
select t.as_login('fw_a', format('select howdah.request(%L, 1, %L)', :'d', '[{"count": 2, "resources": {"cpus": 1, "gpus": 1}}]')) is null as said \gset
select is(t.rows($$ select held, wanted from howdah_private.share_now() where node = 'default' and resource = 'cpus' $$), '(1,0)',
          'a request for what the cell has none of is no demand for what goes with it');
select t.as_login('fw_a', format('select howdah.request(%L, 1, %L)', :'d', '[{"count": 2, "resources": {"cpus": 1, "scalars": {"nil": 1}}}]')) is null as said \gset
select is(t.rows($$ select held, wanted from howdah_private.share_now() where node = 'default' and resource = 'cpus' $$), '(1,0)',
          'of any kind');
select t.as_login('fw_a', format('select howdah.framework_suppress(%L, 1)', :'ml')) is null as quiet \gset
select is(t.rows($$ select wanted from howdah_private.share_now() where node = 'eng/ml' and resource = 'cpus' $$), '(0)',
          'who is suppressed and says nothing wants nothing');
select t.as_login('fw_a', format('select howdah.request(%L, 1, %L)', :'ml', '[{"count": 3, "resources": {"cpus": 1}}]')) is null as said \gset
select is(t.rows($$ select wanted from howdah_private.share_now() where node = 'eng/ml' and resource = 'cpus' $$), '(3)',
          'who is suppressed and says so does');
select t.fw('own', 'eng') as own \gset
select is(t.now('cpus'), 'cell 1+27 12.00 12.00, default 1+0 4.00 1.00, eng 0+27 8.00 11.00, eng/. 0+12 0.00 4.00, eng/ads 0+12 2.00 4.00, eng/ml 0+3 6.00 3.00',
          'frameworks of a role with children share beside them');
select t.as_login('op', 'select howdah.quota_set(''eng/ads'', guarantee => ''{"cpus": 7}'', limits => ''{"mem": 60}'')') is null as set \gset
select is(t.rows($$ select resource, guarantee, at_most, entitled, round(fair::numeric, 3) from howdah_private.share_now() where node = 'eng/ads' and resource in ('cpus', 'mem') $$),
          '(cpus,7,,7,0.600) (mem,,60,60,60.000)', 'guarantees and limits count');
select t.as_login('op', 'select howdah.quota_clear(''eng/ads'')') is not null as cleared \gset
select t.as_login('fw_b', format('select howdah.framework_teardown(%L, 1)', :'ads')) is not null as gone \gset
select is(t.rows($$ select held, wanted from howdah_private.share_now() where node = 'eng/ads' and resource = 'cpus' $$), '(0,0)',
          'who has ended wants nothing');

select * from finish();
