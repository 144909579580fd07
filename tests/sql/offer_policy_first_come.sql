-- SPDX-License-Identifier: PostgreSQL
-- Offer policy first_come: what every policy must do.

\ir lib/open.psql
\set policy first_come
\ir ../policy/kit.psql

select * from finish();
