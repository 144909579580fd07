-- SPDX-License-Identifier: PostgreSQL
-- The history of the cell's epochs.

\ir lib/open.psql

select is(t.rows('select e.epoch, e.cause from howdah_private.cell_epoch e'), '(1,migration)',
          'the history begins with the epoch that the cell was in');
select is(restored_epoch, 1::bigint, 'it was never restored') from howdah_private.cell;
select throws_ok('insert into howdah_private.cell_epoch (epoch, cause) values (1, ''x'')', '23505', null,
                 'no epoch comes twice');
select throws_ok('insert into howdah_private.cell_epoch (epoch, token, cause) values (2, null, ''x'')',
                 '23502', null, 'each has a token');
select ok(relpersistence = 'p', 'the history is logged') from pg_class
where oid = 'howdah_private.cell_epoch'::regclass;

select * from finish();
