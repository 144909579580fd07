-- SPDX-License-Identifier: PostgreSQL
-- Offer policy drf: what every policy must do.

\ir lib/open.psql
\set policy drf
\ir ../policy/kit.psql

select * from finish();
