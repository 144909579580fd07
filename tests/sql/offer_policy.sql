-- SPDX-License-Identifier: PostgreSQL
-- Who is offered what: the example of the DRF paper, weights, the overlap knob, filters, suppress.

\ir lib/open.psql

select t.as_login('op', 'select howdah.setting_set(''offer_refresh_s'', ''0'')');
select t.as_login('op', 'select howdah.setting_set(''overlap'', ''1'')');
select t.as_login('op', 'select howdah.setting_set(''offer_min_mem'', ''1'')');
select t.as_login('op', 'select howdah.principal_permit(''public'', ''*'')');
select t.lead() is not null as led \gset

-- The frameworks a play is about, each with the task it wants again and again.
create temp table player (framework_id uuid primary key, name text, resources jsonb,
                          made integer not null default 0, done boolean not null default false);
create function t.outstanding()
returns text
language sql
as $$
    select string_agg(f.name || '@' || a.name, ' ' order by f.name, a.name)
    from howdah_private.offer o join howdah_private.framework f using (framework_id)
    join howdah_private.agent a on a.agent_id = o.agent_id
    where o.state = 'outstanding';
$$;
create function t.play(rounds integer)
returns text
language plpgsql
as $$
/* Turn by turn: the leader makes offers, whoever has one takes one task from it or, when its task does
   not fit, declines for long. Returns how many tasks each got. */
declare
    v_offer record;
begin
    for v_round in 1 .. rounds loop
        perform t.chore('offers_expire');
        perform t.offers();
        for v_offer in
            select o.offer_id, o.framework_id, p.name, p.resources, p.made
            from howdah_private.offer o join player p using (framework_id)
            where o.state = 'outstanding' order by o.change_seq
        loop
            if (select bool_and(c.committed) from t.claim(v_offer.framework_id, jsonb_build_array(
                    t.spec_on(v_offer.name || '-' || v_offer.made, v_offer.offer_id,
                              v_offer.resources))) c) then
                update player p set made = p.made + 1 where p.framework_id = v_offer.framework_id;
            else
                perform t.as_login('fw_a',
                                   format('select howdah.offer_decline(%L, 1, array[%L]::uuid[], 36000)',
                                                  v_offer.framework_id, v_offer.offer_id));
            end if;
        end loop;
    end loop;
    return (select string_agg(p.name || ' ' || p.made, ', ' order by p.name) from player p);
end
$$;
create function t.cleared()
returns void
language sql
as $$
    /* The end of a play: frameworks gone, agents gone. */
    select t.as_login('op', format('select howdah.framework_remove(%L)', f.framework_id))
    from howdah_private.framework f where f.state <> 'completed';
    select t.as_login('op', format('select howdah.agent_remove(%L)', a.agent_id))
    from howdah_private.agent a where a.state <> 'gone';
    delete from player;
$$;

-- --- dominant_share ------------------------------------------------------------------------------

create temp view total as select 9000::bigint as cpus_milli, 18::bigint as mem, 100::bigint as disk,
    0::bigint as gpus;
select is(round(howdah_private.dominant_share(v.cpus, v.mem, v.disk, v.gpus,
                                              row (9000, 18, 100,
                                                   0)::howdah_private.cell_total)::numeric, 4),
          v.share, v.what)
from (values (1000::bigint, 4::bigint, 0::bigint, 0::bigint, 0.2222,
              'of 9 cpus and 18 GB, one cpu and 4 GB is 2/9, by memory'),
      (3000, 1, 0, 0, 0.3333, 'three cpus and 1 GB is 1/3, by cpu'),
             (0, 0, 60, 0, 0.6, 'disk counts, too'),
      (0, 0, 0, 5, 0.0, 'what the cell has none of counts nothing'),
      (0, 0, 0, 0, 0.0, 'nothing is no share'),
             (18000, 0, 0, 0, 2.0, 'more than there is is more than one')) as v (cpus, mem, disk,
                     gpus, share, what);
select is(howdah_private.dominant_share(1, 1, 1, 1, row (0, 0, 0, 0)::howdah_private.cell_total),
          0::double precision, 'in an empty cell every share is zero');

-- --- the paper's example (Ghodsi et al. 2011, section 4.1): 9 cpus, 18 GB ------------------------
-- A's tasks need 1 cpu and 4 GB, B's 3 cpus and 1 GB. DRF gives A three tasks and B two.

select t.ag('paper', '{"cpus": 9, "mem": 18}') is not null as made \gset
insert into player select t.fw('A'), 'A', '{"cpus": 1, "mem": 4}';
insert into player select t.fw('B'), 'B', '{"cpus": 3, "mem": 1}';
select is(t.play(12), 'A 3, B 2',
          'with the resources of the DRF paper A gets three tasks and B two');
select is(t.rows('select cpus_used, mem_used from howdah.agents where name = ''paper'''), '(9,14)',
          'which is all nine cpus and 14 GB');
select is((select string_agg(name || ' ' || round(dominant_share::numeric, 3) || ' '
                             || dominant_resource, ', ' order by name) from howdah.frameworks),
          'A 0.667 mem, B 0.667 cpus',
          'their dominant shares are equal: two thirds, of memory and of cpu');
select t.audit_clean('the books are right after the paper''s example');
select t.cleared();

-- --- weights -------------------------------------------------------------------------------------

select t.as_login('op', 'select howdah.role_set(''gold'', 3)');
select t.ag('weighed', '{"cpus": 16, "mem": 1600}') is not null as made \gset
insert into player select t.fw('G', 'gold'), 'G', '{"cpus": 1, "mem": 10}';
insert into player select t.fw('D'), 'D', '{"cpus": 1, "mem": 10}';
select is(t.play(20), 'D 4, G 12', 'a role of three times the weight gets three times as much');
select is((select string_agg(name || ' ' || round(weighted_share::numeric, 3), ', ' order by name)
           from howdah.roles where name in ('gold', 'default')), 'default 0.250, gold 0.250',
          'their weighted shares are equal');
select t.cleared();

-- Roles share first, then the frameworks inside a role: two in one role get together what one gets alone.
select t.as_login('op', 'select howdah.role_set(''gold'', 1)');
select t.ag('shared', '{"cpus": 16, "mem": 1600}') is not null as made \gset
insert into player select t.fw('G1', 'gold'), 'G1', '{"cpus": 1, "mem": 10}';
insert into player select t.fw('G2', 'gold'), 'G2', '{"cpus": 1, "mem": 10}';
insert into player select t.fw('D'), 'D', '{"cpus": 1, "mem": 10}';
select is(t.play(20), 'D 8, G1 4, G2 4', 'two frameworks of one role share what the role gets');
select t.cleared();

-- --- the overlap knob ----------------------------------------------------------------------------

select t.ag('o' || i, '{"cpus": 4, "mem": 400}') is not null as made from generate_series(1, 4) i;
select t.fw(n) is not null as made from unnest('{X,Y,Z}'::text[]) n;
select is(t.offers(), 4, 'overlap 1: each agent is offered once');
select is((select count(distinct o.agent_id) from howdah_private.offer o
           where o.state = 'outstanding'), 4::bigint, 'to one framework each');
select is((select max(n) - min(n) from (select count(o.offer_id) as n
        from howdah_private.framework f left join howdah_private.offer o
           on o.framework_id = f.framework_id and o.state = 'outstanding' where f.state = 'active'
                                        group by f.framework_id) x) <= 1, true, 'dealt out evenly');
select is(t.offers(), 0, 'what is offered is not offered again');
select t.as_login('op', 'select howdah.setting_set(''overlap'', ''2'')');
select is(t.offers(), 4, 'overlap 2: each agent goes to a second one');
select is((select string_agg(distinct n::text, ' ')
        from (select count(*) as n from howdah_private.offer o where o.state = 'outstanding'
              group by o.agent_id) x), '2', 'and to no third');
select is_empty('select agent_id, framework_id from howdah_private.offer where state = ''outstanding'' group by 1, 2 having count(*) > 1',
                'never twice to the same');
select t.as_login('op', 'select howdah.setting_set(''overlap'', ''5'')');
select is(t.offers(), 4, 'overlap 5 with three frameworks: the last ones get theirs, too');
select t.as_login('op', 'select howdah.setting_set(''overlap'', ''unlimited'')');
select is(t.offers(), 0, 'overlap unlimited: nobody is missing');
update howdah_private.offer set state = 'declined' where state = 'outstanding';
select is(t.offers(), 12, 'overlap unlimited: everybody is offered everything');
select is((select sum(offers) from howdah_private.framework_total ft
           join howdah_private.framework f using (framework_id) where f.name in ('X', 'Y', 'Z')),
          24::numeric, 'the totals count every offer that was made');
select is((select bool_and(o.expires_at between clock_timestamp() + interval '20 s'
        and clock_timestamp() + interval '30 s') from howdah_private.offer o
           where o.state = 'outstanding'), true,
          'an offer lives as long as offer_timeout_s says');
update howdah_private.offer set state = 'declined' where state = 'outstanding';
select t.as_login('op', 'select howdah.setting_set(''offer_batch'', ''5'')');
select is(t.offers(), 5, 'offer_batch limits one turn');
select is(t.offers() + t.offers(), 7, 'the next turns make the rest');
select t.as_login('op', 'select howdah.setting_set(''overlap'', ''1'')');
update howdah_private.offer set state = 'declined' where state = 'outstanding';
select t.as_login('op', 'select howdah.setting_set(''offer_batch'', ''3'')');
select is(t.offers() + t.offers(), 4, 'with limited overlap, too');
select t.as_login('op', 'select howdah.setting_set(''offer_batch'', ''5000'')');

-- The lowest share goes first.
update howdah_private.offer set state = 'declined' where state = 'outstanding';
select framework_id as x from howdah_private.framework where name = 'X' and state = 'active' \gset
select framework_id as y from howdah_private.framework where name = 'Y' and state = 'active' \gset
select agent_id as o1 from howdah_private.agent where name = 'o1' \gset
select t.task(:'x', :'o1', 'big', '{"cpus": 3.9}') is not null as a,
    t.task(:'y', :'o1', 'small', '{"cpus": 0.05}') is not null as b \gset
select t.as_login('op', format('select howdah.agent_remove(%L)', agent_id))
from howdah_private.agent where name in ('o2', 'o3', 'o4') order by name;
select is(t.offers(), 1, 'one agent is left');
select is(t.outstanding(), 'Z@o1', 'it is offered to the one that holds nothing');
update howdah_private.offer set state = 'declined' where state = 'outstanding';
select t.as_login('fw_a', format('select howdah.framework_suppress(%L, 1)', framework_id))
from howdah_private.framework where name = 'Z' and state = 'active';
select t.offers() is not null as made \gset
select is(t.outstanding(), 'Y@o1', 'while that one is suppressed, to the next lowest');

select t.as_login('fw_a', format('select howdah.framework_revive(%L, 1)', framework_id))
from howdah_private.framework where name = 'Z' and state = 'active';
update howdah_private.offer set state = 'declined' where state = 'outstanding';
select t.as_login('fw_a', format('select howdah.request(%L, 1, ''[]'')', framework_id))
from howdah_private.framework where name in ('Y', 'Z') and state = 'active';
select t.offers() is not null as made \gset
select is(t.outstanding(), 'X@o1', 'who says that it needs nothing more is offered nothing');
update howdah_private.offer set state = 'declined' where state = 'outstanding';
select t.as_login('fw_a', format('select howdah.request(%L, 1, ''[{"count": 1, "resources": {"mem": 1}}]'')', framework_id))
from howdah_private.framework where name = 'Z' and state = 'active';
select t.offers() is not null as made \gset
select is(t.outstanding(), 'Z@o1', 'who says that it needs something is');

-- --- what is worth offering ----------------------------------------------------------------------

update howdah_private.offer set state = 'declined' where state = 'outstanding';
select t.as_login('op', 'select howdah.setting_set(''offer_min_cpus_milli'', ''51'')');
select is(t.offers(), 0, 'an agent with less free cpu than offer_min_cpus_milli is not offered');
select t.as_login('op', 'select howdah.setting_set(''offer_min_cpus_milli'', ''50'')');
select t.as_login('op', 'select howdah.setting_set(''offer_min_mem'', ''401'')');
select is(t.offers(), 0, 'nor one with less free memory than offer_min_mem');
select t.as_login('op', 'select howdah.setting_set(''offer_min_mem'', ''400'')');
select is(t.offers(), 1, 'at the limit it is');
select is(t.rows('select cpus_milli, mem, agent_version from howdah_private.offer where state = ''outstanding'''),
          '(50,400,3)', 'an offer shows what is free, and the version that was seen');
update howdah_private.agent_pool set open = false;
update howdah_private.offer set state = 'declined' where state = 'outstanding';
select is(t.offers(), 0, 'a closed agent is not offered');
select t.cleared();

-- --- filters: refused is what was offered, and less ----------------------------------------------

select t.as_login('op', 'select howdah.setting_set(''offer_min_mem'', ''1'')');
select t.ag('f1', '{"cpus": 4, "mem": 400, "disk": 100, "gpus": 2}') as f1, t.fw('F') as fw,
    t.fw('helper', login => 'fw_b') as helper \gset
select t.as_login('fw_b', format('select howdah.framework_suppress(%L, 1)', :'helper'));
create function t.decline(framework uuid, seconds text)
returns text
language sql
as $$
    select x from t.as_login('fw_a',
                             format('select howdah.offer_decline(%L, 1, array(select offer_id from howdah.offers where state = ''outstanding''), %s)',
                                    framework, seconds)) x;
$$;
select t.task(:'helper', :'f1', 'half',
              '{"cpus": 2, "mem": 200, "disk": 50, "gpus": 1}') as half \gset
select is(t.offers(), 1, 'half an agent is offered');
select is(t.decline(:'fw', '0'), '1', 'it is declined for no time');
select is(t.offers(), 1, 'refuse_seconds 0 makes no filter: it is offered again');
select is(t.decline(:'fw', '3600'), '1', 'it is declined for an hour');
select is(t.offers(), 0, 'and not offered again');
select t.task(:'helper', :'f1', 'less', '{"cpus": 0.5}') is not null as x \gset
select is(t.offers(), 0, 'nor less of it');
select t.report(:'half', 'finished') is not null as x \gset
select is(t.offers(), 1, 'with more free than was refused it is offered at once');
select t.decline(:'fw', '3600') is not null as x \gset
select t.task(:'helper', :'f1', v.name, v.resources) is not null as x
from (values ('a', '{"cpus": 1, "mem": 100, "disk": 40, "gpus": 1}'::jsonb)) v (name, resources);
select is(t.offers(), 0, 'less of everything than was refused is filtered');
update howdah_private.filter set gpus = 0;
select is(t.offers(), 1, 'more of a single kind is enough');
select t.decline(:'fw', '3600') is not null as x \gset
update howdah_private.filter set until = clock_timestamp() - interval '1 ms';
select is(t.offers(), 1, 'a filter ends with its time');
select t.decline(:'fw', '3600') is not null as x \gset
select is(t.as_login('fw_a', format('select howdah.filters_clear(%L, 1)', :'fw')), '1',
          'a filter may be cleared');
select is(t.offers(), 1, 'and the agent is offered again');
select t.decline(:'fw', '3600') is not null as x \gset
select t.as_login('fw_b', format('select howdah.framework_revive(%L, 1)', :'helper'));
select is(t.offers(), 1, 'one framework''s filter is not another''s');
select is(t.outstanding(), 'helper@f1', 'which is offered what the first refused');

-- --- when it is worth looking --------------------------------------------------------------------

update howdah_private.offer set state = 'declined' where state = 'outstanding';
delete from howdah_private.filter;
select t.as_login('op', 'select howdah.setting_set(''overlap'', ''unlimited'')');
select is(t.chore('offers_make'), 2, 'after an event offers are looked for at once');
update howdah_private.offer set state = 'declined' where state = 'outstanding';
update howdah_private.news_cursor set position = (extract(epoch
        from clock_timestamp()) * 1000)::bigint where name = 'offers_made_ms';
select is(t.chore('offers_make'), 0, 'without one, not more than once a second');
update howdah_private.news_cursor set position = position - 1001 where name = 'offers_made_ms';
select is(t.chore('offers_make'), 2, 'but that often in any case');
select t.audit_clean('the books are right at the end');

select * from finish();
