-- SPDX-License-Identifier: PostgreSQL
-- Claims take the names of their tasks before they lock books, which are held for as short a time as
-- can be: functions whose arguments changed.

drop function if exists howdah_private.pool_credit_plain(uuid, bigint, bigint, bigint, bigint);
drop function if exists howdah_private.claim_deal(howdah_private.claim_row[], text);
drop function if exists howdah_private.claim_write(howdah_private.framework, uuid, boolean,
                                                   howdah_private.claim_row[]);
