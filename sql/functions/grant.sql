-- SPDX-License-Identifier: PostgreSQL
-- What is open to groups of logins. Functions are granted beside their definitions; tables to nobody.

revoke all on all tables in schema howdah_private from public;
revoke all on all sequences in schema howdah_private from public;

grant select on howdah.cell, howdah.agents, howdah.frameworks, howdah.roles, howdah.tasks,
    howdah.offers, howdah.claims, howdah.filters, howdah.requests, howdah.events, howdah.settings, howdah.leader,
    howdah.inverse_offers, howdah.maintenance
    to howdah_framework, howdah_operator, howdah_observer, howdah_coordinator;

revoke all on function howdah.schema_version() from public;
grant execute on function howdah.schema_version()
    to howdah_coordinator, howdah_agent, howdah_framework, howdah_operator, howdah_observer;
grant execute on function howdah.id_find(text, text)
    to howdah_framework, howdah_operator, howdah_observer, howdah_coordinator;

-- Views run their functions as the one who reads them.
grant usage on schema howdah_private
    to howdah_framework, howdah_operator, howdah_observer, howdah_coordinator;
grant execute on function howdah_private.sees_all(), howdah_private.soft_state_readable()
    to howdah_framework, howdah_operator, howdah_observer, howdah_coordinator;
grant execute on function howdah_private.ranges_to_json(int4multirange),
    howdah_private.scalars_add(jsonb, jsonb, integer),
    howdah_private.sets_change(jsonb, jsonb, integer),
    howdah_private.amounts_to_json(text[], numeric[]),
    howdah_private.dominant_share(bigint, bigint, bigint, bigint, howdah_private.cell_total),
    howdah_private.offer_resources(howdah_private.offer)
    to howdah_framework, howdah_operator, howdah_observer, howdah_coordinator;

-- The doctor looks at the server as the one who asks.
grant execute on function howdah_private.wal_timeline(), howdah_private.doctor_sees_stats(),
    howdah_private.doctor_overrides(text, text), howdah_private.doctor_server(timestamptz),
    howdah_private.doctor_commit(), howdah_private.doctor_standbys(),
    howdah_private.doctor_slots(), howdah_private.doctor_failover(),
    howdah_private.doctor_sessions(), howdah_private.doctor_snapshots(),
    howdah_private.doctor_tables(), howdah_private.doctor_cell(), howdah_private.doctor_grants(),
    howdah_private.patroni_number(jsonb, numeric), howdah_private.patroni_true(jsonb, boolean),
    howdah_private.doctor_patroni(jsonb)
    to howdah_operator, howdah_observer, howdah_coordinator;
