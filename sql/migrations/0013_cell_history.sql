-- SPDX-License-Identifier: PostgreSQL
-- Every epoch of the cell with a token that no other history has: two databases that went apart may count
-- to the same number.

set local role howdah_owner;

create table howdah_private.cell_epoch (
    epoch bigint primary key,
    token uuid not null default gen_random_uuid(),
    timeline text,
    cause text not null,
    at timestamptz not null default clock_timestamp()
);
comment on column howdah_private.cell_epoch.token is
    'who has seen this epoch shows it: a database that has another one here has another history';

insert into howdah_private.cell_epoch (epoch, timeline, cause)
select c.epoch, c.timeline, 'migration' from howdah_private.cell c;

alter table howdah_private.cell add column restored_epoch bigint not null default 1;
comment on column howdah_private.cell.restored_epoch is
    'the epoch of the last restore; 1 before the first. Whoever saw an earlier epoch last registers again';
