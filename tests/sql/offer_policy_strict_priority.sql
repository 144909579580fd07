-- SPDX-License-Identifier: PostgreSQL
-- Offer policy strict_priority: what every policy must do.

\ir lib/open.psql
\set policy strict_priority
\ir ../policy/kit.psql

select * from finish();
